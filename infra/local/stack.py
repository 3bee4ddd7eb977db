"""Brings this checkout's local stack up, tells its state, takes it down."""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from infra.local.deploy import deploy, is_current
from infra.local.install import install_cdk_cli, install_emulator
from infra.local.layout import Layout
from infra.local.processes import Busy, exclusive, has_ended, holder, is_held, isolated_environment
from infra.local.supervisor import CONFIRMATION, START_SECONDS, RunningStack, answers, remove_leftovers

# Longer than an installation on a slow line: whoever comes second finds the stack ready, or says why not.
COMMAND_WAIT_SECONDS = 900.0
STOP_SECONDS = 20.0
# What the supervisor is made of. When one of these has changed, what runs is out of date as a whole.
SUPERVISED = ("aws", "batch_jobs", "batch_runner", "emulator", "layout", "leash", "processes", "supervisor")


class StackFailed(Exception):
    """The stack can't be started or stopped; the message says why."""


class Steps:
    """Tells what is going on and how long it took."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._last = self._started

    def done(self, what: str) -> None:
        now = time.monotonic()
        print(f"  {now - self._last:6.1f} s  {what}", flush=True)
        self._last = now

    @property
    def total_seconds(self) -> float:
        return time.monotonic() - self._started


def up(layout: Layout) -> None:
    with _one_command_at_a_time(layout):
        steps = Steps()
        layout.logs.mkdir(parents=True, exist_ok=True)
        stack = _running(layout)
        if stack is not None and _is_outdated(layout):
            print("The local stack's own code has changed: starting it anew.")
            _stop(layout)
            stack = None
        if stack is not None and is_current(layout):
            print(f"The local stack is up to date (checked in {steps.total_seconds:.1f} s).")
            _tell(layout)
            return
        print("Updating the local stack." if stack else "Starting the local stack; the first time installs its tools.")
        if install_emulator(layout):
            steps.done("installed the emulator")
        if install_cdk_cli(layout):
            steps.done("installed the CDK command line")
        if stack is not None:
            deploy(layout, stack, steps.done)
        else:
            # Each synthesis leaves its assets behind; a fresh stack has use for none of them.
            shutil.rmtree(layout.cloud_assembly, ignore_errors=True)
            with _probation(layout) as stack:
                steps.done("started the emulator")
                deploy(layout, stack, steps.done)
        steps.done("wrote .local/outputs.json")
        print(f"The local stack is ready after {steps.total_seconds:.1f} s.")
        _tell(layout)


def down(layout: Layout) -> None:
    with _one_command_at_a_time(layout):
        print("The local stack has stopped." if _stop(layout) else "The local stack isn't running.")


def status(layout: Layout) -> bool:
    """Whether the stack runs."""
    if _running(layout) is None:
        print("The local stack isn't running.")
        return False
    current = is_current(layout) and not _is_outdated(layout)
    print("The local stack runs." if current else "The local stack runs, but not with the code as it is now.")
    _tell(layout)
    return True


def _tell(layout: Layout) -> None:
    if layout.outputs.exists():
        print(f"  addresses and names: {layout.outputs}\n  logs:                {layout.logs}")
    stack = RunningStack.read(layout)
    if stack is not None:
        print(f"  emulator:            {stack.emulator_url}")


@contextmanager
def _one_command_at_a_time(layout: Layout) -> Generator[None]:
    try:
        with exclusive(layout.command_lock):
            yield
            return
    except Busy:
        print("Another command works on this checkout's local stack; waiting for it.", flush=True)
    try:
        with exclusive(layout.command_lock, wait_seconds=COMMAND_WAIT_SECONDS):
            yield
    except Busy as error:
        raise StackFailed("the other command takes too long") from error


def _running(layout: Layout) -> RunningStack | None:
    return RunningStack.read(layout) if is_held(layout.stack_lock) else None


@contextmanager
def _probation(layout: Layout) -> Generator[RunningStack]:
    """A new stack, which outlives this process only when the block ends well."""
    with (layout.logs / "stack.log").open("wb") as log:
        supervisor = subprocess.Popen(
            [sys.executable, "-m", "infra.local.supervisor"],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            cwd=layout.checkout,
            env=isolated_environment(os.environ),
            start_new_session=True,
        )
    lifeline = supervisor.stdin
    assert lifeline is not None
    try:
        yield _await_start(layout, supervisor)
        (layout.run / "supervised").write_text(_supervised_digest(layout))
        lifeline.write(CONFIRMATION)
        lifeline.flush()
    except BrokenPipeError as error:
        raise StackFailed(f"the stack ended by itself; see {layout.logs / 'stack.log'}") from error
    except BaseException:
        lifeline.close()
        supervisor.wait(STOP_SECONDS)
        raise
    lifeline.close()
    supervisor.returncode = 0  # it stays, and is not this process's to wait for


def _await_start(layout: Layout, supervisor: "subprocess.Popen[bytes]") -> RunningStack:
    def settled() -> bool:
        return supervisor.poll() is not None or RunningStack.read(layout) is not None

    if _within(START_SECONDS, settled):
        stack = RunningStack.read(layout)
        if stack is not None and stack.pid == supervisor.pid:
            return stack
    raise StackFailed(f"the emulator doesn't start; see {layout.logs / 'stack.log'} and emulator.log beside it")


def _stop(layout: Layout) -> bool:
    """Whether there was a stack to stop. Returns when all of it is gone."""
    if not is_held(layout.stack_lock):
        remove_leftovers(layout)
        return False
    # The holder of the lock writes its process id into it first thing; an id without the lock would prove nothing.
    if not _within(STOP_SECONDS, lambda: holder(layout.stack_lock) is not None or not is_held(layout.stack_lock)):
        raise StackFailed(f"{layout.stack_lock} is held by an unknown process")
    stack = RunningStack.read(layout)
    pid = holder(layout.stack_lock)
    if pid is not None and not _end(pid):
        raise StackFailed(f"process {pid} can't be ended")
    if stack is not None:
        # Only after a supervisor had to be killed does the emulator end later than it.
        _within(STOP_SECONDS, lambda: not answers(stack.emulator_url))
    remove_leftovers(layout)
    return True


def _end(pid: int) -> bool:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.kill(pid, number)
        if _within(STOP_SECONDS, lambda: has_ended(pid)):
            return True
    return False


def _within(seconds: float, condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _is_outdated(layout: Layout) -> bool:
    supervised = layout.run / "supervised"
    return not supervised.exists() or supervised.read_text() != _supervised_digest(layout)


def _supervised_digest(layout: Layout) -> str:
    digest = hashlib.sha256((layout.checkout / "infra" / "locks" / "emulator.txt").read_bytes())
    for name in SUPERVISED:
        digest.update(Path(__file__).with_name(f"{name}.py").read_bytes())
    return digest.hexdigest()

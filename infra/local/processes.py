"""Processes that end with their parent, locks that end with their holder."""

import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

LEASH = Path(__file__).with_name("leash.py")


class Busy(Exception):
    """Another process holds the lock."""


class LeashedProcess:
    """A command with all that it starts, ended as one and never left behind (see leash.py)."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        directory: Path,
        output: IO[bytes] | int,
        grace_seconds: float = 5.0,
    ) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(LEASH), str(grace_seconds), *command],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(environment),
            cwd=directory,
            process_group=0,
        )
        self._grace_seconds = grace_seconds
        self._exit_code: int | None = None
        self._lock = threading.Lock()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def output(self) -> IO[bytes] | None:
        return self._process.stdout

    @property
    def running(self) -> bool:
        return self.poll() is None

    def poll(self) -> int | None:
        """The command's exit code, or None while it runs."""
        with self._lock:
            if self._exit_code is None and (code := self._process.poll()) is not None:
                self._exit_code = code
                # At once and only now: later the number can have become another group's.
                kill_group(self.pid)
                if self._process.stdin is not None:
                    self._process.stdin.close()
            return self._exit_code

    def wait(self, timeout_seconds: float | None = None) -> int:
        """Raises TimeoutError when the command runs longer."""
        deadline = None if timeout_seconds is None else time.monotonic() + timeout_seconds
        pause = 0.005
        while (code := self.poll()) is None:
            if deadline is not None and time.monotonic() > deadline:
                raise TimeoutError(f"process {self.pid} still runs after {timeout_seconds} s")
            time.sleep(pause)
            pause = min(pause * 2, 0.1)
        return code

    def stop(self) -> int:
        """Asks the command to end, then makes it."""
        if self.running:
            self._process.terminate()
            try:
                return self.wait(self._grace_seconds + 1)
            except TimeoutError:
                kill_group(self.pid)
        return self.wait()


def kill_group(leader: int) -> None:
    try:
        os.killpg(leader, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):  # macOS answers EPERM for a group of nothing but zombies
        return


@contextmanager
def exclusive(lock: Path, *, wait_seconds: float = 0.0) -> Generator[None]:
    """Holds a lock file. Raises Busy when another process still holds it after `wait_seconds`."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + wait_seconds
    with lock.open("a+") as handle:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() >= deadline:
                    raise Busy(f"{lock} is held by another process") from error
                time.sleep(0.05)
        handle.truncate(0)
        handle.write(_identity(os.getpid()))
        handle.flush()
        yield
        handle.truncate(0)


def is_held(lock: Path) -> bool:
    if not lock.exists():
        return False
    with lock.open("r") as handle:
        try:
            # Shared, so that two who look don't take each other for the holder.
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def holder(lock: Path) -> int | None:
    """The process that holds the lock, or None as long as it has not written itself down."""
    written = lock.read_text()
    pid = written.partition(" ")[0]
    return int(pid) if pid.isdigit() and is_held(lock) and _identity(int(pid)) == written else None


def has_ended(pid: int) -> bool:
    """Also true of a process that nobody has reaped yet: it runs nothing and holds nothing any more."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        return False


def _identity(pid: int) -> str:
    """A process id alone can have been given to another process since; with its time of start it can't."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return f"{pid} {fields[19]}"
    except FileNotFoundError:  # gone, or no Linux
        started = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
        return f"{pid} {started.stdout.strip()}"


def isolated_environment(environment: Mapping[str, str], **changes: str) -> dict[str, str]:
    """The environment for a child: nothing in it points at an account or a Python of the user's, and a proxy, which
    installations may need, isn't asked for what runs on this machine."""
    foreign = ("AWS_", "CDK_", "PYTHON", "JSII_", "VIRTUAL_ENV")
    kept = {name: value for name, value in environment.items() if not name.upper().startswith(foreign)}
    direct = ",".join(filter(None, (environment.get("NO_PROXY") or environment.get("no_proxy"), "127.0.0.1")))
    return kept | {"NO_PROXY": direct, "no_proxy": direct} | changes

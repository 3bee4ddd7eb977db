"""The process that is the running stack: it owns the emulator and the Batch runner, and they end with it.

Started by `up`, on probation: until `up` has said that the stack is ready, the end of `up` is the end of the stack.
"""

import json
import logging
import os
import shutil
import signal
import socket
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType

from infra.local import aws
from infra.local.batch_runner import BatchRunner
from infra.local.layout import Layout
from infra.local.processes import Busy, LeashedProcess, exclusive, isolated_environment

CONFIRMATION = b"ready"
START_SECONDS = 30.0
# An idle function's worker holds some 50 MB, a cold start costs about a second.
WORKER_SECONDS = 900

logger = logging.getLogger("stack")


class EmulatorFailed(Exception):
    """The emulator didn't start; its log says why."""


@dataclass(frozen=True)
class RunningStack:
    """What the supervisor writes down about itself once its parts answer."""

    pid: int
    emulator_url: str
    batch_url: str

    @classmethod
    def read(cls, layout: Layout) -> "RunningStack | None":
        try:
            return cls(**json.loads(layout.stack.read_text()))
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def write(self, layout: Layout) -> None:
        unfinished = layout.stack.with_suffix(".part")
        unfinished.write_text(json.dumps(asdict(self)))
        unfinished.replace(layout.stack)


class Supervisor:
    def __init__(self, layout: Layout, environment: Mapping[str, str]) -> None:
        self._layout = layout
        self._environment = environment
        self._ending = threading.Event()

    def run(self) -> int:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._end)
        threading.Thread(target=self._await_confirmation, daemon=True).start()
        remove_leftovers(self._layout)
        temporary = self._layout.run / "tmp"
        temporary.mkdir(parents=True)
        emulator: LeashedProcess | None = None
        runner: BatchRunner | None = None
        try:
            runner = BatchRunner(self._layout, {**self._environment, "TMPDIR": str(temporary)})
            emulator, emulator_url = self._start_emulator(runner.url)
            runner.start(emulator_url)
            RunningStack(os.getpid(), emulator_url, runner.url).write(self._layout)
            logger.info("emulator at %s, Batch at %s", emulator_url, runner.url)
            while emulator.running and not self._ending.wait(0.2):
                pass
            return 0 if self._ending.is_set() else 1
        finally:
            if runner is not None:
                runner.close()
            if emulator is not None:
                logger.info("emulator ended with %d", emulator.stop())
            remove_leftovers(self._layout)

    def _start_emulator(self, batch_url: str) -> tuple[LeashedProcess, str]:
        for last_try in (False, False, True):
            port = free_port()
            url = f"http://127.0.0.1:{port}"
            emulator = self._launch_emulator(port, batch_url)
            try:
                self._await_health(emulator, url)
                return emulator, url
            except EmulatorFailed:
                emulator.stop()
                # Another program can have taken the port in between, and only then is another try worth it.
                if last_try or self._ending.is_set() or "already in use" not in self._emulator_log.read_text():
                    raise
        raise AssertionError

    @property
    def _emulator_log(self) -> Path:
        return self._layout.logs / "emulator.log"

    def _launch_emulator(self, port: int, batch_url: str) -> LeashedProcess:
        """Everything below one folder, on one loopback port; its Lambdas inherit this environment."""
        python = self._layout.emulator_environment / "bin" / "python"
        settings = {
            "AUTH": "true",
            "AWS_ACCESS_KEY_ID": aws.ROOT_ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": aws.ROOT_SECRET_KEY,
            "AWS_ENDPOINT_URL_BATCH": batch_url,
            "BIND_HOST": "127.0.0.1",
            "MINISTACK_HOST": "127.0.0.1",  # queue URLs name it
            "MINISTACK_REGION": aws.REGION,
            "GATEWAY_PORT": str(port),
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "LAMBDA_WARM_TTL_SECONDS": str(WORKER_SECONDS),
            "TMPDIR": str(self._layout.run / "tmp"),
            "STATE_DIR": str(self._layout.run / "state"),
            "S3_DATA_DIR": str(self._layout.run / "s3"),
            "DOCKER_HOST": "unix:///nonexistent",  # it would look for containers to clean up
        }
        with self._emulator_log.open("wb") as log:
            return LeashedProcess(
                [str(python), "-P", str(self._layout.checkout / "infra" / "local" / "emulator.py")],
                environment=isolated_environment(self._environment, **settings),
                directory=self._layout.run,
                output=log.fileno(),
                grace_seconds=3.0,
            )

    def _await_health(self, emulator: LeashedProcess, url: str) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and emulator.running and not self._ending.is_set():
            if answers(f"{url}/_ministack/ready"):
                return
            time.sleep(0.05)
        raise EmulatorFailed(f"the emulator did not answer at {url}; see {self._emulator_log}")

    def _await_confirmation(self) -> None:
        received = b""
        while chunk := os.read(0, 64):
            received += chunk
        if received != CONFIRMATION:
            self._ending.set()

    def _end(self, signal_number: int, frame: FrameType | None) -> None:
        self._ending.set()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def answers(url: str) -> bool:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(url, timeout=2):
            return True
    except urllib.error.HTTPError as refusal:
        refusal.close()
        return refusal.code < 500
    except OSError:
        return False


def remove_leftovers(layout: Layout) -> None:
    """What a stack that is gone has left, however it ended."""
    layout.outputs.unlink(missing_ok=True)
    shutil.rmtree(layout.run, ignore_errors=True)


def main() -> int:
    layout = Layout.of_this_checkout()
    layout.logs.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s", stream=sys.stderr)
    try:
        # Long enough to outlast a glance of `status` at the lock.
        with exclusive(layout.stack_lock, wait_seconds=2.0):
            return Supervisor(layout, os.environ).run()
    except (Busy, EmulatorFailed) as error:
        logger.error("%s", error)
        return 1


if __name__ == "__main__":
    sys.exit(main())

"""A local stack as the end-to-end tests see it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.local import aws
from infra.local.deploy import is_current
from infra.local.layout import Layout
from infra.local.processes import is_held

COMMAND_SECONDS = 300.0


class CommandFailed(Exception):
    """`python -m infra.local …` ended with an error; the message is what it printed."""


@dataclass(frozen=True)
class LocalStack:
    """The local stack of a checkout, and the commands that work on it."""

    checkout: Path

    @property
    def layout(self) -> Layout:
        return Layout(self.checkout)

    @property
    def outputs(self) -> Mapping[str, str]:
        outputs: Mapping[str, str] = json.loads(self.layout.outputs.read_text())
        return outputs

    @property
    def running(self) -> bool:
        return is_held(self.layout.stack_lock)

    @property
    def current(self) -> bool:
        return self.running and is_current(self.layout)

    def client(self, service: str) -> Any:
        return aws.client(service, self.outputs["batch_endpoint_url" if service == "batch" else "endpoint_url"])

    def begin(self, command: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-m", "infra.local", command],
            cwd=self.checkout,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            # A shell that starts the tests in the background has them ignore Ctrl-C, and whom they start.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )

    def command(self, command: str) -> str:
        with self.begin(command) as process:
            try:
                printed, _ = process.communicate(timeout=COMMAND_SECONDS)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGINT)
                raise
        if process.returncode != 0:
            raise CommandFailed(printed)
        return printed


def eventually(condition: Callable[[], bool], *, seconds: float = 20.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True

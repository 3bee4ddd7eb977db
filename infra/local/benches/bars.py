"""What is promised of a figure, and whether it holds."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from infra.local.layout import Layout
from infra.local.screen import Screen


class BenchFailed(Exception):
    """A measurement couldn't be taken; the message says why."""


@dataclass(frozen=True, slots=True)
class Bar:
    what: str
    measured: str
    wanted: str
    held: bool


def at_most(what: str, measured: float, bar: float, *, digits: int = 2, unit: str = "×") -> Bar:
    return Bar(what, f"{measured:.{digits}f}{unit}", f"at most {bar:g}{unit}", measured <= bar)


def at_least(what: str, measured: float, bar: float, *, digits: int = 2, unit: str = "×") -> Bar:
    return Bar(what, f"{measured:.{digits}f}{unit}", f"at least {bar:g}{unit}", measured >= bar)


def verdict(screen: Screen, bars: Sequence[Bar]) -> int:
    """Shows the bars; the exit code."""
    screen.heading("Bars")
    for bar in bars:
        screen.check(bar.held, f"{bar.what:<58} {bar.measured:>12}   {bar.wanted}")
    return 0 if all(bar.held for bar in bars) else 1


def output(command: Sequence[str], limit_seconds: float, environment: Mapping[str, str] | None = None) -> str:
    """What a command prints. Ended with us, politely, so that it can clean up behind itself. Raises `BenchFailed`."""
    with subprocess.Popen(
        command,
        cwd=Layout.of_this_checkout().checkout,
        env={**os.environ, **(environment or {})},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        try:
            printed, complaints = process.communicate(timeout=limit_seconds)
        except BaseException as error:
            with suppress(ProcessLookupError):
                process.terminate()
            if isinstance(error, subprocess.TimeoutExpired):
                raise BenchFailed(f"{_name(command)} takes more than {limit_seconds:.0f} s") from error
            raise
    if process.returncode != 0:
        raise BenchFailed(f"{_name(command)} ended with {process.returncode}\n{complaints.strip()[-2000:]}")
    return printed


def _name(command: Sequence[str]) -> str:
    return " ".join(command[1:4]) if command[0] == sys.executable else command[0]

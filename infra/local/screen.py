"""What a command shows while it works: one line a step, a moving one on a terminal, plain ones in a log."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

_WIDTH = 64
# In a log, a line for every so much of progress is enough.
_LOGGED_SHARE = 0.25


class Step:
    """One step at work. `outcome` is what its line says when it is done."""

    def __init__(self, screen: "Screen", doing: str) -> None:
        self._screen = screen
        self.doing = doing
        self.outcome = doing
        self._logged = 0.0

    def progress(self, share: float, note: str = "") -> None:
        if self._screen.is_terminal:
            filled = int(share * 24)
            bar = "█" * filled + "░" * (24 - filled)
            self._screen.overwrite(f"    {self.doing}  {bar} {share:4.0%}  {note}")
        elif share - self._logged >= _LOGGED_SHARE:
            self._logged = share
            self._screen.line(f"    {self.doing}: {share:.0%}")


class Screen:
    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out or sys.stdout
        self.is_terminal = self._out.isatty()

    def line(self, text: str = "") -> None:
        print(text, file=self._out, flush=True)

    def overwrite(self, text: str) -> None:
        self._out.write(f"\r\x1b[2K{text}")
        self._out.flush()

    def heading(self, text: str, note: str = "") -> None:
        self.line()
        self.line(self.bold(text) + (self.dim(f"  {note}") if note else ""))

    def table(self, rows: Sequence[Sequence[str]], *, right: Sequence[int] = (), header: bool = False) -> None:
        """Aligned columns; those of the positions in `right` are flush right."""
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        for number, row in enumerate(rows):
            cells = [
                cell.rjust(width) if column in right else cell.ljust(width)
                for column, (cell, width) in enumerate(zip(row, widths, strict=True))
            ]
            text = "  " + "  ".join(cells).rstrip()
            self.line(self.dim(text) if header and number == 0 else text)

    @contextmanager
    def step(self, doing: str) -> Iterator[Step]:
        step = Step(self, doing)
        started = time.monotonic()
        if self.is_terminal:
            self.overwrite(f"    {doing} …")
        try:
            yield step
        except BaseException:
            self._finish(self.red("✗"), doing)
            raise
        self._finish(self.green("✓"), f"{step.outcome:<{_WIDTH}} {time.monotonic() - started:6.1f} s")

    def _finish(self, mark: str, text: str) -> None:
        if self.is_terminal:
            self.overwrite("")
        self.line(f"  {mark} {text}")

    def check(self, held: bool, what: str) -> None:
        self.line(f"  {self.green('✓') if held else self.red('✗')} {what}")

    def bold(self, text: str) -> str:
        return self._styled("1", text)

    def dim(self, text: str) -> str:
        return self._styled("2", text)

    def green(self, text: str) -> str:
        return self._styled("32", text)

    def red(self, text: str) -> str:
        return self._styled("31", text)

    def _styled(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.is_terminal else text

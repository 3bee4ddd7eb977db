"""What the demo shows, on a terminal and in a log."""

import io

import pytest

from infra.local.screen import Screen


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_log_gets_plain_lines_and_progress_only_now_and_then() -> None:
    log = io.StringIO()
    with Screen(log).step("analysing") as step:
        for percent in range(101):
            step.progress(percent / 100)
        step.outcome = "analysed"
    *progress, done = log.getvalue().splitlines()
    assert [line.strip() for line in progress] == [f"analysing: {percent}%" for percent in (25, 50, 75, 100)]
    assert done.startswith("  ✓ analysed ")
    assert "\x1b" not in log.getvalue()


def test_a_terminal_sees_one_line_that_moves() -> None:
    terminal = Terminal()
    with Screen(terminal).step("analysing") as step:
        step.progress(0.5)
        step.progress(0.6)
    assert terminal.getvalue().count("\n") == 1
    assert "60%" in terminal.getvalue()


def test_a_step_that_fails_is_marked_and_its_error_goes_on() -> None:
    log = io.StringIO()
    with pytest.raises(ValueError, match="no"), Screen(log).step("uploading"):
        raise ValueError("no")
    assert log.getvalue() == "  ✗ uploading\n"


def test_columns_are_aligned() -> None:
    log = io.StringIO()
    Screen(log).table([("feature", "balance"), ("speech", "5"), ("text", "59")], right=(1,))
    assert log.getvalue().splitlines() == ["  feature  balance", "  speech         5", "  text          59"]

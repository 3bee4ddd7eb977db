"""What the operator types and reads."""

import argparse
from datetime import UTC, datetime, timedelta

import pytest

from functions.operations.queries.get_operation import OperationView
from infra.ops.__main__ import exit_status, moment, parser, shown
from shared.cqrs.messages import View


class Letter(View):
    dead_letter_id: str
    reason: str | None
    deliveries: int


class Letters(View):
    items: list[Letter]
    is_complete: bool = True


def test_a_moment_is_a_time_or_how_long_ago_it_was() -> None:
    assert moment("2026-03-01T12:00:00Z") == datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert moment("2026-03-01") == datetime(2026, 3, 1, tzinfo=UTC)
    earliest = datetime.now(UTC) - timedelta(hours=6)
    assert earliest <= moment("6h") < earliest + timedelta(minutes=1)
    with pytest.raises(argparse.ArgumentTypeError, match="neither a time nor a duration"):
        moment("yesterday")


def test_an_answer_is_shown_as_aligned_lines_without_what_is_empty() -> None:
    letters = [
        Letter(dead_letter_id="a", reason="wet", deliveries=2),
        Letter(dead_letter_id="b", reason=None, deliveries=1),
    ]
    assert shown(Letters(items=letters, is_complete=False), as_json=False) == (
        "dead_letter_id  a\nreason          wet\ndeliveries      2\n\n"
        "dead_letter_id  b\ndeliveries      1\n\n"
        "There are more than these."
    )
    assert shown(Letters(items=[]), as_json=False) == "None."
    assert shown(None, as_json=False) == "Done."


@pytest.mark.parametrize(
    "line",
    [
        "outbox",
        "--local",
        "--local --stage dev outbox",
        "--local dead-letters redrive",
        "--local dead-letters redrive id --queue q",
        "--local dead-letters discard id",
        "--local replay admire",
    ],
)
def test_an_incomplete_or_contradictory_line_is_refused(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        parser().parse_args(line.split())
    assert refused.value.code == 2
    assert "usage" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("status", "exits"), [("running", 0), ("completed", 0), ("compensating", 0), ("compensated", 1), ("failed", 1)]
)
def test_an_operation_that_failed_is_told_to_the_shell(status: str, exits: int) -> None:
    operation = OperationView(
        operation_id="o-1",
        kind="replay",
        target="admire",
        parameters={},
        status=status,
        reason=None,
        steps=1,
        progress={},
        position=None,
        started_by="operator",
        started_at="2026-03-01T12:00:00.000Z",
        updated_at="2026-03-01T12:00:00.000Z",
        ended_at=None,
    )
    assert exit_status(operation) == exits
    assert exit_status(Letters(items=[])) == 0

from collections.abc import Callable
from datetime import timedelta

import pytest

from functions.billing.public import CreditAccounts
from functions.billing.queries import get_workspace_usage
from shared.cqrs.pipeline import Context
from shared.kernel.result import Success
from shared.persistence.scope import WriteScope
from tests.support.aws import Aws
from tests.support.http import Answer, Caller
from tests.support.projecting import project
from tests.support.workspaces import OwnedWorkspace, open_workspace


def spend(aws: Aws, workspace: OwnedWorkspace, feature_code: str, amount: int) -> None:
    runtime, now = aws.runtime, aws.clock.now()
    context = Context(
        message_id=aws.ids.new(), correlation_id="c", received_at=now, deadline=now + timedelta(seconds=20)
    )
    uow = runtime.begin(context)
    spent = CreditAccounts(WriteScope(runtime, context, uow=uow)).deduct(
        workspace.workspace_id, feature_code, amount, aws.ids.new(), "r"
    )
    assert isinstance(spent, Success)
    uow.commit()


@pytest.fixture
def workspace(aws: Aws) -> OwnedWorkspace:
    """Two credits on the first of March, eleven on the second, four on the fifth."""
    workspace = open_workspace(aws)
    spend(aws, workspace, "conversation", 2)
    aws.clock.advance(days=1)
    spend(aws, workspace, "conversation", 3)
    spend(aws, workspace, "conversation", 4)
    spend(aws, workspace, "transcription", 4)
    aws.clock.advance(days=3)
    spend(aws, workspace, "transcription", 4)
    spend(aws, open_workspace(aws), "conversation", 1)
    project(aws)
    return workspace


@pytest.fixture
def report(aws: Aws, workspace: OwnedWorkspace) -> Callable[[str], Answer]:
    caller = Caller(aws.runtime, workspace.owner)
    return lambda query: caller.send(get_workspace_usage.ENDPOINT, f"{workspace.path}/usage{query}")


def rows(answer: Answer) -> list[tuple[object, object, object]]:
    assert answer.status == 200, answer
    return [(one["day"], one["feature_code"], one["credits_consumed"]) for one in answer.json["items"]]


def test_usage_is_summed_by_day_and_feature(report: Callable[[str], Answer]) -> None:
    whole = report("")
    assert rows(whole) == [
        ("2026-03-01", "conversation", 2),
        ("2026-03-02", "conversation", 7),
        ("2026-03-02", "transcription", 4),
        ("2026-03-05", "transcription", 4),
    ]
    assert (whole.json["start"], whole.json["end"], whole.json["credits_consumed"]) == ("2026-03-01", "2026-03-06", 17)


def test_usage_is_grouped_as_asked(report: Callable[[str], Answer]) -> None:
    assert rows(report("?group_by=feature")) == [(None, "conversation", 9), (None, "transcription", 8)]
    assert rows(report("?group_by=day")) == [
        ("2026-03-01", None, 2),
        ("2026-03-02", None, 11),
        ("2026-03-05", None, 4),
    ]
    for refused in ("user", "feature,feature", "", "feature,"):
        assert report(f"?group_by={refused}").problem == "validation-failed"


@pytest.mark.parametrize(
    ("start", "end", "total"),
    [
        ("2026-03-01", "2026-03-02", 2),
        ("2026-03-02", "2026-03-05", 11),
        ("2026-03-02T00:00:00Z", "2026-03-06T00:00:00Z", 15),
        ("2025-12-01", "2026-03-01", 0),
        ("2026-03-06", "2026-04-01", 0),
    ],
)
def test_a_report_is_from_its_start_on_and_before_its_end(
    report: Callable[[str], Answer], start: str, end: str, total: int
) -> None:
    answer = report(f"?start={start}&end={end}")
    assert sum(int(str(row[2])) for row in rows(answer)) == answer.json["credits_consumed"] == total


@pytest.mark.parametrize(
    "query",
    [
        "?start=2026-03-02&end=2026-03-02",
        "?start=2026-03-02&end=2026-03-01",
        "?start=2024-01-01&end=2026-01-01",
        "?start=2026-03-02T10:30:00Z",
        "?start=yesterday",
        "?end=0001-01-01",
        "?start=9999-12-31",
    ],
)
def test_a_period_that_cannot_be_is_refused(report: Callable[[str], Answer], query: str) -> None:
    assert report(query).problem == "validation-failed"


def test_a_report_is_made_once_until_credits_are_consumed(
    aws: Aws, workspace: OwnedWorkspace, report: Callable[[str], Answer]
) -> None:
    first = report("")
    aws.clock.advance(seconds=10)
    assert report("").json == first.json
    spend(aws, workspace, "conversation", 5)
    project(aws)
    assert report("").json["credits_consumed"] == first.json["credits_consumed"] + 5


def test_another_workspaces_consumption_leaves_a_report_as_it_is(aws: Aws, report: Callable[[str], Answer]) -> None:
    first = report("")
    aws.clock.advance(seconds=10)
    spend(aws, open_workspace(aws), "conversation", 5)
    project(aws)
    assert report("").json["as_of"] == first.json["as_of"]

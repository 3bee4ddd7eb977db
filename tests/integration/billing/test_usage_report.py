import json
from collections.abc import Callable, Mapping
from datetime import timedelta

import pytest

from functions.billing.public import CreditAccounts
from functions.billing.queries import get_workspace_usage
from functions.billing.queries.get_workspace_usage import MAX_ITEMS
from shared.cqrs.pipeline import Context
from shared.kernel.principals import ApiKey, Principal, System, User
from shared.kernel.result import Success
from shared.persistence.rows import key_of
from shared.persistence.scope import WriteScope
from tests.support.aws import Aws
from tests.support.http import Answer, Caller
from tests.support.projecting import project
from tests.support.workspaces import OwnedWorkspace, open_workspace


def spend(
    aws: Aws, workspace: OwnedWorkspace, feature_code: str, amount: int, principal: Principal | None = None
) -> None:
    runtime, now = aws.runtime, aws.clock.now()
    context = Context(
        message_id=aws.ids.new(),
        correlation_id="c",
        received_at=now,
        deadline=now + timedelta(seconds=20),
        principal=principal or System("tests"),
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
    for refused in ("week", "feature,feature", "", "feature,"):
        assert report(f"?group_by={refused}").problem == "validation-failed"


def test_usage_counts_for_whoever_asked_for_it(
    aws: Aws, workspace: OwnedWorkspace, report: Callable[[str], Answer]
) -> None:
    ann, bob = (User(user_id=f"0190a5a2-7c1b-7e44-8d5c-1f2e3d4c5b6{digit}", session_id="s") for digit in "ab")
    spend(aws, workspace, "conversation", 2, ann)
    key = ApiKey("k", workspace.workspace_id, issued_by=bob.user_id, scopes=frozenset())
    spend(aws, workspace, "transcription", 1, key)
    spend(aws, workspace, "conversation", 3, bob)
    project(aws)

    by_user = report("?start=2026-03-05&group_by=user").json["items"]
    assert [(one["user_id"], one["credits_consumed"]) for one in by_user] == [
        (None, 4),
        (ann.user_id, 2),
        (bob.user_id, 4),
    ]
    by_all = report("?start=2026-03-05&group_by=project,user,day,feature").json["items"]
    assert [(one["feature_code"], one["user_id"], one["credits_consumed"]) for one in by_all] == [
        ("conversation", ann.user_id, 2),
        ("conversation", bob.user_id, 3),
        ("transcription", None, 4),
        ("transcription", bob.user_id, 1),
    ]
    assert {(one["day"], one["project_id"]) for one in by_all} == {("2026-03-05", None)}
    assert [one["user_id"] for one in report("?group_by=project").json["items"]] == [None]


def test_sums_from_before_users_were_told_of_still_count(
    aws: Aws, workspace: OwnedWorkspace, report: Callable[[str], Answer]
) -> None:
    put_sums(aws, workspace, {"2026-03-05#transcription": 5})

    assert rows(report("?start=2026-03-05")) == [("2026-03-05", "transcription", 9)]
    (all_of_it,) = report("?start=2026-03-05&group_by=user").json["items"]
    assert (all_of_it["user_id"], all_of_it["credits_consumed"]) == (None, 9)


def put_sums(aws: Aws, workspace: OwnedWorkspace, sums: Mapping[str, int]) -> None:
    pk, table = f"usage#first#ROWS#{workspace.workspace_id}", aws.settings.table("read-models")
    puts = [{"PutRequest": {"Item": {**key_of(pk, key), "amount": {"N": str(one)}}}} for key, one in sums.items()]
    for start in range(0, len(puts), 25):
        aws.client("dynamodb").batch_write_item(RequestItems={table: puts[start : start + 25]})


def test_no_report_is_longer_than_an_answer_may_be(
    aws: Aws, workspace: OwnedWorkspace, report: Callable[[str], Answer]
) -> None:
    users = [f"0190a5a2-7c1b-7e44-8d5c-{number:012}" for number in range(MAX_ITEMS + 1)]
    put_sums(aws, workspace, {f"2026-02-01#people_detection#{user}#{user}": 10**6 for user in users[:-1]})
    everything = "?start=2026-02-01&end=2026-02-02&group_by=feature,user,project,day"
    longest = report(everything)
    assert len(longest.json["items"]) == MAX_ITEMS
    assert len(json.dumps(longest.json)) < 1024 * 1024
    put_sums(aws, workspace, {f"2026-02-01#people_detection#{users[-1]}#": 1})

    refused = report(everything)

    assert (refused.problem, refused.json["errors"][0]["code"]) == ("validation-failed", "too-many-groups")
    assert report("?start=2026-02-01&end=2026-02-02&group_by=feature").json["credits_consumed"] == MAX_ITEMS * 10**6 + 1


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

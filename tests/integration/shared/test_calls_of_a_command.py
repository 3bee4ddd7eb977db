"""A command makes the calls that its policy implies, and no other."""

from collections.abc import Callable
from typing import Any

import pytest

from infra.local.benches import workload
from shared.http.endpoint import Endpoint
from shared.http.entry import HttpFunction
from tests.support.aws import Aws


def calls_of(client: Any, act: Callable[[], None]) -> tuple[str, ...]:
    made: list[str] = []

    def note(model: Any, **_: Any) -> None:
        made.append(model.name)

    client.meta.events.register("before-call.dynamodb", note)
    try:
        act()
    finally:
        client.meta.events.unregister("before-call.dynamodb", note)
    return tuple(made)


@pytest.fixture
def analysed(aws: Aws) -> Aws:
    """The measured command's stage: a workspace of its caller, with an analysed video."""
    for reply in workload.replies():
        aws.client("dynamodb").put_item(TableName=aws.settings.table("data"), Item=reply.body["Item"])
    return aws


@pytest.mark.parametrize(("name", "declared"), [("plain", workload.PLAIN), ("full", workload.FULL)])
def test_a_warm_command_makes_no_more_calls_than_its_policy_asks_for(
    analysed: Aws, name: str, declared: Endpoint
) -> None:
    runtime, events = analysed.runtime, workload.requests()
    handler: HttpFunction = workload.function(declared, lambda: runtime)

    def send() -> None:
        assert handler(next(events))["statusCode"] == 201

    send()
    assert calls_of(analysed.client("dynamodb"), send) == workload.CALLS[name]

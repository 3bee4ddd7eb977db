"""A read model is built anew as an operation."""

from typing import Any

from pynamodb.attributes import UnicodeAttribute

from functions.operations.adapters.read_models import read_models
from functions.operations.commands import rebuild_read_model
from functions.operations.queries import get_operation
from shared.messaging.projections import generation_prefix, read_generations
from shared.messaging.routing import QUEUES, QueueClass
from shared.persistence.rows import ReadModelRow
from tests.integration.operations.conftest import Operated
from tests.support.http import Answer

PATH = "/v1/admin/read-models/videos/rebuild"


def shown(operated: Operated, started: Answer) -> Any:
    return operated.admin.send(get_operation.ENDPOINT, started.headers["location"]).json


def test_a_rebuild_runs_in_turns_until_the_model_is_switched(operated: Operated) -> None:
    started = operated.admin.send(rebuild_read_model.ENDPOINT, PATH, {})
    assert started.status == 202
    before = read_generations(operated.runtime.store, "videos")
    operated.carry_on(at_most=1)
    other = operated.admin.send(rebuild_read_model.ENDPOINT, PATH, {})
    assert (other.status, other.problem) == (409, "conflict")
    # The one that has begun waits for messages in flight before it verifies.
    assert shown(operated, started)["position"] == "verifying"
    begun = operated.aws.commands()[-1].destination
    assert begun is not None
    assert 0 < begun.delay_seconds <= 120
    operated.carry_on()
    ended = shown(operated, started)
    assert (ended["status"], ended["progress"]) == ("completed", {"missing": 0, "taken": 0, "unreadable": 0})
    after = read_generations(operated.runtime.store, "videos")
    assert after.building is None
    assert after.current != before.current


def test_a_rebuild_that_can_not_go_on_is_withdrawn_and_leaves_the_model_as_it_was(operated: Operated) -> None:
    class AnyRow(ReadModelRow):
        state = UnicodeAttribute()

    started = operated.admin.send(rebuild_read_model.ENDPOINT, PATH, {})
    before = read_generations(operated.runtime.store, "videos")
    operated.carry_on(at_most=1)
    operation_id = started.json["operation_id"]
    assert read_generations(operated.runtime.store, "videos").building == operation_id
    prefix = generation_prefix("videos", operation_id)
    left = AnyRow(pk=f"{prefix}ROWS#w", sk="v", state="half").serialize()
    operated.aws.client("dynamodb").put_item(TableName=operated.runtime.settings.table("read-models"), Item=left)
    last = QUEUES[QueueClass.DEFAULT].max_receive_count
    operated.deliver(operated.aws.commands()[-1], delivery=last)
    assert shown(operated, started)["status"] == "compensating"
    delivered = len(operated.aws.commands()) - 1
    for _ in range(10):
        for command in operated.aws.commands()[delivered:]:
            assert not operated.deliver(command)
            delivered += 1
    ended = shown(operated, started)
    assert (ended["status"], ended["reason"]["code"]) == ("compensated", "internal-error")
    assert read_generations(operated.runtime.store, "videos") == before
    assert not [item for item in operated.aws.items("read-models") if item["pk"]["S"].startswith(prefix)]
    assert operated.admin.send(rebuild_read_model.ENDPOINT, PATH, {}).status == 202


def test_only_read_models_that_exist_are_rebuilt(operated: Operated) -> None:
    assert {"videos", "usage", "moments"} <= read_models(operated.runtime).keys()
    path = "/v1/admin/read-models/dreams/rebuild"
    assert operated.admin.send(rebuild_read_model.ENDPOINT, path, {}).status == 404

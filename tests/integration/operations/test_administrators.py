"""What only those who run the platform may see."""

from datetime import timedelta
from typing import Any

import pytest

from functions.identity.public import Administrators
from functions.operations.commands import (
    discard_dead_letter,
    rebuild_read_model,
    redrive_dead_letter,
    redrive_queue,
    start_replay,
)
from functions.operations.queries import get_dead_letter, get_operation, get_outbox, list_dead_letters
from infra.declarations import discover
from shared.cqrs.pipeline import Context
from shared.http.endpoint import Endpoint
from tests.integration.operations.conftest import Operated
from tests.support.http import Caller

LETTER = "default-admire-dlq.0190a5a2-7c1b-7e44-8d5c-1f2e3d4c5b6a"
OPERATION = "0190a5a2-7c1b-7e44-8d5c-1f2e3d4c5b6a"
REQUESTS: list[tuple[Endpoint, str, Any]] = [
    (get_outbox.ENDPOINT, "/v1/admin/outbox", None),
    (list_dead_letters.ENDPOINT, "/v1/admin/dead-letters", None),
    (get_dead_letter.ENDPOINT, f"/v1/admin/dead-letters/{LETTER}", None),
    (redrive_dead_letter.ENDPOINT, f"/v1/admin/dead-letters/{LETTER}/redrive", {}),
    (discard_dead_letter.ENDPOINT, f"/v1/admin/dead-letters/{LETTER}/discard", {"reason": "old"}),
    (redrive_queue.ENDPOINT, "/v1/admin/dead-letters/redrive", {"queue": "default-admire"}),
    (start_replay.ENDPOINT, "/v1/admin/replays", {"subscriber": "admire"}),
    (rebuild_read_model.ENDPOINT, "/v1/admin/read-models/videos/rebuild", {}),
    (get_operation.ENDPOINT, f"/v1/admin/operations/{OPERATION}", None),
]


@pytest.mark.parametrize(("endpoint", "path", "body"), REQUESTS, ids=lambda one: getattr(one, "summary", None))
def test_who_is_no_administrator_finds_nothing_there(
    operated: Operated, endpoint: Endpoint, path: str, body: object
) -> None:
    assert operated.caller().send(endpoint, path, body).status == 404
    assert Caller(operated.runtime).send(endpoint, path, body).status == 401


def test_all_of_admin_is_for_administrators_and_nothing_else_is() -> None:
    endpoints = [one.declaration for one in discover() if isinstance(one.declaration, Endpoint)]
    for endpoint in endpoints:
        assert endpoint.policy.administrators == endpoint.path.startswith("/v1/admin/"), endpoint.path
    changing = [one for one in endpoints if one.policy.administrators and one.changes_state]
    assert changing
    assert all(one.policy.audit is not None for one in changing)


def test_an_administrator_who_was_removed_is_none_at_once(operated: Operated) -> None:
    assert operated.admin.send(get_outbox.ENDPOINT, "/v1/admin/outbox").status == 200
    now = operated.aws.clock.now()
    context = Context(message_id="r", correlation_id="c", received_at=now, deadline=now + timedelta(seconds=9))
    uow = operated.runtime.begin(context)
    Administrators(uow).remove(operated.admin_id)
    uow.commit()
    assert operated.admin.send(get_outbox.ENDPOINT, "/v1/admin/outbox").status == 404


def test_a_refused_attempt_is_kept_in_the_trail(operated: Operated) -> None:
    operated.caller().send(redrive_queue.ENDPOINT, "/v1/admin/dead-letters/redrive", {"queue": "default-admire"})
    (entry,) = operated.aws.items("audit")
    assert (entry["action"]["S"], entry["state"]["S"]) == ("RedriveQueue", "denied")

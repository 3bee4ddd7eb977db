from functions.operations.queries import get_outbox
from functions.operations.subscribers.sweep_outbox import SweepOutbox
from tests.integration.operations.conftest import Operated
from tests.integration.operations.test_events import Bus
from tests.support.workspaces import open_workspace


def test_the_outbox_tells_what_is_unpublished_and_for_how_long(operated: Operated) -> None:
    def status() -> dict[str, object]:
        answer = operated.admin.send(get_outbox.ENDPOINT, "/v1/admin/outbox")
        assert answer.status == 200
        return {name: answer.json[name] for name in ("unpublished", "is_complete", "lag_ms")}

    assert status() == {"unpublished": 0, "is_complete": True, "lag_ms": 0}
    for _ in range(3):
        open_workspace(operated.aws)
        operated.aws.clock.advance(seconds=90)
    assert status() == {"unpublished": 3, "is_complete": True, "lag_ms": 270_000}
    operated.aws.fakes["events"] = Bus()
    assert SweepOutbox(operated.aws.runtime)({})["swept"] == 3
    assert status() == {"unpublished": 0, "is_complete": True, "lag_ms": 0}

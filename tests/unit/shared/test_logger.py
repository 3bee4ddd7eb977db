import io
import json
import logging

import pytest

from shared.http.entry import read_context
from shared.observability.logger import REDACTED, log, redact
from shared.persistence.scope import Runtime


@pytest.mark.parametrize(
    "name", ["password", "new_password", "refresh_token", "accessToken", "Authorization", "X-Api-Key", "set-cookie"]
)
def test_what_is_named_like_a_secret_is_replaced_at_any_depth(name: str) -> None:
    assert redact({name: "x"}) == {name: REDACTED}
    assert redact({"outer": [{"inner": {name: ["x"]}}]}) == {"outer": [{"inner": {name: REDACTED}}]}


def test_what_is_named_otherwise_is_left_as_it_is() -> None:
    fields = {"operation": "GetUser", "duration_ms": 1.5, "slow": False, "ids": ["a", "b"], "error": None}
    assert redact(fields) == fields


def test_a_logged_line_is_json_without_the_secret() -> None:
    handler = log().registered_handler
    assert isinstance(handler, logging.StreamHandler)
    written = io.StringIO()
    stream = handler.setStream(written)
    try:
        log().warning("odd", extra={"workspace_id": "w-1", "headers": {"authorization": "Bearer abc"}})
    finally:
        handler.setStream(stream)
    line = json.loads(written.getvalue())
    assert (line["message"], line["level"], line["workspace_id"]) == ("odd", "WARNING", "w-1")
    assert line["headers"] == {"authorization": REDACTED}


def source(address: str) -> str | None:
    return read_context({"requestContext": {"http": {"sourceIp": address}}}, None, Runtime()).source


def test_a_source_is_a_digest_of_the_network() -> None:
    assert source("192.0.2.1") != source("192.0.2.2")
    assert source("2001:db8::1") == source("2001:db8:0:0:ffff::2") != source("2001:db8:0:1::1")
    assert source("::ffff:192.0.2.1") == source("192.0.2.1")
    assert source("") is source("nonsense") is None
    assert "192.0.2.1" not in str(source("192.0.2.1"))

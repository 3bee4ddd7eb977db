import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.behaviors.error_boundary import InternalError
from shared.behaviors.logging import Logging
from shared.cqrs.messages import Command
from shared.cqrs.pipeline import Context
from shared.http.entry import read_context
from shared.kernel.errors import Conflict, DependencyUnavailable, DomainError
from shared.kernel.result import Failure, Result, Success
from shared.observability.logger import REDACTED, JsonLines, log, logged_with, redact
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


@contextmanager
def lines() -> Iterator[list[dict[str, Any]]]:
    """What is logged meanwhile."""
    (handler,) = (one for one in log().handlers if isinstance(one.formatter, JsonLines))  # pytest adds its own
    assert isinstance(handler, logging.StreamHandler)
    written, read = io.StringIO(), list[dict[str, Any]]()
    stream = handler.setStream(written)
    try:
        yield read
    finally:
        handler.setStream(stream)
        read += map(json.loads, written.getvalue().splitlines())


def test_a_logged_line_is_json_without_the_secret() -> None:
    with lines() as logged:
        log().warning("odd", extra={"workspace_id": "w-1", "headers": {"authorization": "Bearer abc"}})
    (line,) = logged
    assert (line["message"], line["level"], line["workspace_id"]) == ("odd", "WARNING", "w-1")
    assert line["headers"] == {"authorization": REDACTED}
    assert line["location"].startswith("test_logger.test_a_logged_line_is_json_without_the_secret:")


def test_an_exception_is_logged_with_its_stack_in_one_line() -> None:
    with lines() as logged:
        try:
            raise LookupError("nothing\nthere")
        except LookupError:
            log().exception("odd")
    (line,) = logged
    assert line["exception_name"] == "LookupError"
    assert "test_an_exception_is_logged" in line["exception"]


def test_members_of_a_whole_job_are_in_each_line_until_it_ends() -> None:
    with lines() as logged:
        with logged_with(job="j-1"):
            log().info("begun")
        log().info("over")
    assert [line.get("job") for line in logged] == ["j-1", None]


class Paint(Command[None]): ...


def handled(result: Result[None], *, slow_after_ms: int = 1_000) -> dict[str, Any]:
    """The line of a message that ends so."""
    now = datetime(2026, 3, 1, tzinfo=UTC)
    context = Context(message_id="m-1", correlation_id="c-1", received_at=now, deadline=now, workspace_id="w-1")
    with lines() as logged:
        Logging(slow_after_ms, "VisionScope/test")(lambda _message, _context: result)(Paint(), context)
    (line,) = logged
    return line


def test_a_message_leaves_one_line_that_is_its_metrics_too() -> None:
    line = handled(Success(None))
    assert (line["operation"], line["outcome"], line["message_id"]) == ("Paint", "success", "m-1")
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "VisionScope/test"
    for dimension in directive["Dimensions"][0]:
        assert isinstance(line[dimension], str)
    assert {metric["Name"]: metric["Unit"] for metric in directive["Metrics"]} == {
        "Duration": "Milliseconds",
        "Successes": "Count",
    }
    assert (line["Duration"], line["Successes"]) == (line["duration_ms"], 1)
    assert line["_aws"]["Timestamp"] > 1_700_000_000_000


@pytest.mark.parametrize(
    ("error", "metric"),
    [
        (Conflict("no"), "Failures"),
        (InternalError(), "Faults"),
        (DependencyUnavailable("away", retry_after_seconds=1), "Faults"),
    ],
)
def test_what_was_refused_and_what_broke_are_counted_apart(error: DomainError, metric: str) -> None:
    line = handled(Failure(error))
    assert line["outcome"] == error.code
    assert {"Successes", "Failures", "Faults"} & line.keys() == {metric}


def test_a_slow_message_is_counted_and_warned_of() -> None:
    line = handled(Success(None), slow_after_ms=-1)
    assert (line["level"], line["slow"], line["SlowRuns"]) == ("WARNING", True, 1)
    assert "SlowRuns" not in handled(Success(None))


def source(address: str) -> str | None:
    return read_context({"requestContext": {"http": {"sourceIp": address}}}, None, Runtime()).source


def test_a_source_is_a_digest_of_the_network() -> None:
    assert source("192.0.2.1") != source("192.0.2.2")
    assert source("2001:db8::1") == source("2001:db8:0:0:ffff::2") != source("2001:db8:0:1::1")
    assert source("::ffff:192.0.2.1") == source("192.0.2.1")
    assert source("") is source("nonsense") is None
    assert "192.0.2.1" not in str(source("192.0.2.1"))

"""The edge of an endpoint that echoes its command, without AWS."""

import base64
import dataclasses
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from shared.behaviors.order import request_chain
from shared.cqrs.messages import Query, View
from shared.cqrs.pipeline import Proceed
from shared.cqrs.policy import Policy
from shared.http.endpoint import Endpoint, query
from shared.http.entry import HttpFunction
from shared.kernel.principals import Principal
from shared.kernel.result import Result, Success
from shared.persistence.scope import ReadScope, Runtime
from tests.support.clock import FakeClock


class Echo(View):
    text: str
    correlation_id: str


class EchoText(Query[Echo]):
    text: str = "nothing"


class EchoHandler:
    def __init__(self, scope: ReadScope) -> None:
        self._scope = scope

    def __call__(self, query: EchoText) -> Result[Echo]:
        if query.text == "crash":
            raise RuntimeError("a secret detail")
        return Success(Echo(text=query.text, correlation_id=self._scope.context.correlation_id))


class Nobody:
    def permissions(self, principal: Principal, workspace_id: str) -> frozenset[str] | None:
        return None


def compose(endpoint: Endpoint, runtime: Runtime) -> Proceed:
    return request_chain(endpoint.message, endpoint.policy, endpoint.build, runtime, Nobody())


def function(method: str = "POST", policy: Policy = Policy(public=True)) -> HttpFunction:  # noqa: B008
    endpoint = query("/v1/echo", EchoText, EchoHandler, method=method, policy=policy, summary="Echo")
    return HttpFunction(endpoint, compose, lambda: Runtime(clock=FakeClock()))


def call(body: str | None = None, **event: Any) -> tuple[int, Mapping[str, str], Any]:
    answer = function()({"rawPath": "/v1/echo", "headers": {}, "body": body, **event})
    return answer["statusCode"], answer["headers"], json.loads(answer["body"])


def test_a_json_body_is_read_plain_and_base64() -> None:
    body = json.dumps({"text": "Grüße"})
    encoded = base64.b64encode(body.encode()).decode()
    assert call(body)[2]["text"] == call(encoded, isBase64Encoded=True)[2]["text"] == "Grüße"
    assert call(None)[2]["text"] == "nothing"


@pytest.mark.parametrize(
    ("body", "headers", "status", "slug"),
    [
        ("{", {}, 400, "malformed-request"),
        ("[1]", {}, 400, "malformed-request"),
        ('{"text": NaN}', {}, 400, "malformed-request"),
        ('{"text": "a", "text": "b"}', {}, 400, "malformed-request"),
        ("[" * 100_000, {}, 400, "malformed-request"),
        ('{"text": "\\ud800"}', {}, 400, "malformed-request"),
        ("text=a", {"content-type": "application/x-www-form-urlencoded"}, 415, "unsupported-media-type"),
        (json.dumps({"text": "x" * 300_000}), {}, 413, "payload-too-large"),
        ('{"txt": "a"}', {}, 422, "validation-failed"),
        ('{"text": 1}', {}, 422, "validation-failed"),
    ],
)
def test_a_bad_body_is_a_typed_problem(body: str, headers: Mapping[str, str], status: int, slug: str) -> None:
    answered, sent, problem = call(body, headers=headers)
    assert (answered, problem["type"], problem["status"]) == (status, f"/problems/{slug}", status)
    assert sent["content-type"] == "application/problem+json"
    assert problem["instance"] == "/v1/echo"


def test_an_unexpected_exception_is_logged_with_its_stack_and_told_to_nobody(
    capsys: pytest.CaptureFixture[str],
) -> None:
    status, _, problem = call('{"text": "crash"}')
    assert (status, problem["type"]) == (500, "/problems/internal-error")
    assert "secret" not in json.dumps(problem)
    assert problem["trace_id"]


def test_the_correlation_id_is_taken_over_and_echoed_or_made() -> None:
    _, headers, body = call(headers={"x-correlation-id": "story-7"})
    assert headers["x-correlation-id"] == body["correlation_id"] == "story-7"
    for refused in ("", "two words", "x" * 129, "line\nbreak"):
        _, headers, body = call(headers={"x-correlation-id": refused})
        assert headers["x-correlation-id"] == body["correlation_id"] != refused


def test_an_anonymous_caller_is_refused_before_the_body_is_read() -> None:
    answer = function(policy=Policy())({"rawPath": "/v1/echo", "headers": {}, "body": "{"})
    assert answer["statusCode"] == 401
    assert answer["headers"]["www-authenticate"].startswith("Bearer")


def test_a_get_answer_carries_an_etag_and_is_not_sent_again() -> None:
    get = function("GET")
    event = {"rawPath": "/v1/echo", "headers": {"x-correlation-id": "c"}, "queryStringParameters": {"text": "a"}}
    first = get(event)
    again = get({**event, "headers": {"x-correlation-id": "c", "if-none-match": f'"x", W/{first["headers"]["etag"]}'}})
    assert (first["statusCode"], again["statusCode"]) == (200, 304)
    assert "body" not in again


def test_the_deadline_ends_before_lambda_ends_the_process() -> None:
    from shared.http.entry import read_context

    class LambdaContext:
        def get_remaining_time_in_millis(self) -> int:
            return 10_000

    clock = FakeClock()
    context = read_context({}, LambdaContext(), Runtime(clock=clock))
    assert clock.now() < context.deadline < clock.now() + timedelta(seconds=10)


def test_what_goes_on_after_the_answer_is_accepted() -> None:
    echo = dataclasses.replace(function().endpoint, status=201, is_unfinished=lambda shown: shown.text == "later")
    answering = HttpFunction(echo, compose, lambda: Runtime(clock=FakeClock()))
    statuses = [
        answering({"rawPath": "/v1/echo", "headers": {}, "body": json.dumps({"text": text})})["statusCode"]
        for text in ("now", "later")
    ]
    assert statuses == [201, 202]

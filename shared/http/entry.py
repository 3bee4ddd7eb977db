"""The Lambda function behind one route of the HTTP API (payload format 2.0)."""

import base64
import binascii
import hashlib
import ipaddress
import json
import os
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import cache, cached_property
from typing import Any, NoReturn, TypeAlias

from pydantic import BaseModel, TypeAdapter

from shared.cqrs.mediator import Mediator
from shared.cqrs.messages import View
from shared.cqrs.pipeline import Context, Proceed, Unread
from shared.http.endpoint import Endpoint, Redirect
from shared.http.etag import etag, was_seen
from shared.http.problem import problem
from shared.kernel.errors import (
    DomainError,
    FieldError,
    MalformedRequest,
    PayloadTooLarge,
    UnsupportedMediaType,
    ValidationFailed,
)
from shared.kernel.principals import Anonymous, Principal
from shared.kernel.result import Failure, Result
from shared.persistence.scope import Runtime

MAX_BODY_BYTES = 256_000
_SAFETY = timedelta(seconds=2)
_CORRELATION = re.compile(r"[\x21-\x7e]{1,128}")

Event: TypeAlias = Mapping[str, Any]
Response: TypeAlias = dict[str, Any]


class HttpFunction:
    """Callable as a Lambda handler. Nothing is built before the first call; `compose` makes the chain of behaviors."""

    def __init__(
        self,
        endpoint: Endpoint,
        compose: Callable[[Endpoint, Runtime], Proceed],
        runtime: Callable[[], Runtime] = Runtime,
    ) -> None:
        self.endpoint = endpoint
        self._compose = compose
        self._make_runtime = runtime

    @cached_property
    def _runtime(self) -> Runtime:
        return self._make_runtime()

    @cached_property
    def _mediator(self) -> Mediator:
        mediator = Mediator()
        mediator.register(self.endpoint.message, self._compose(self.endpoint, self._runtime))
        return mediator

    def __call__(self, event: Event, lambda_context: Any = None) -> Response:
        context = read_context(event, lambda_context, self._runtime)
        endpoint = self.endpoint
        path_fields: dict[str, str] = dict(event.get("pathParameters") or {})
        context.path_fields = frozenset(path_fields)
        result = self._mediator.dispatch(Unread(endpoint.message, lambda: _fields(event, endpoint)), context)
        return self._respond(result, event, context, path_fields)

    def _respond(self, result: Result[Any], event: Event, context: Context, path_fields: dict[str, str]) -> Response:
        if isinstance(result, Failure):
            return problem_response(result.error, event, context)
        shown = result.value
        headers = {"x-correlation-id": context.correlation_id, "cache-control": "no-store"}
        if self.endpoint.location is not None:
            headers["location"] = self.endpoint.location(path_fields, shown)
        if context.answered_before:
            headers["idempotent-replayed"] = "true"
        if self.endpoint.status == 204:
            return {"statusCode": 204, "headers": headers}
        if isinstance(shown, Redirect):
            return {"statusCode": 303, "headers": headers | {"location": shown.address}}
        body = shown.model_dump_json() if isinstance(shown, BaseModel) else json.dumps(shown)
        if self.endpoint.method in ("GET", "PATCH", "PUT"):
            headers["etag"] = etag(shown.significant() if isinstance(shown, View) else body)
        if self.endpoint.method == "GET":
            headers["cache-control"] = "private, no-cache"
            if was_seen(headers["etag"], header(event, "if-none-match")):
                return {"statusCode": 304, "headers": headers}
        unfinished = self.endpoint.is_unfinished is not None and self.endpoint.is_unfinished(shown)
        return {
            "statusCode": 202 if unfinished else self.endpoint.status,
            "headers": headers | {"content-type": "application/json"},
            "body": body,
        }


def read_context(event: Event, lambda_context: Any, runtime: Runtime) -> Context:
    """The context of a request: who the authorizer says is calling, and the ids that follow it through events."""
    now = runtime.clock.now()
    remaining_ms = lambda_context.get_remaining_time_in_millis() if lambda_context is not None else 28_000
    correlation_id = header(event, "x-correlation-id")
    if correlation_id is None or not _CORRELATION.fullmatch(correlation_id):
        correlation_id = runtime.ids.new()
    return Context(
        message_id=runtime.ids.new(),
        correlation_id=correlation_id,
        received_at=now,
        deadline=now + timedelta(milliseconds=remaining_ms) - _SAFETY,
        principal=_read_principal(event),
        traceparent=header(event, "traceparent") or _traceparent(os.environ.get("_X_AMZN_TRACE_ID", "")),
        workspace_id=(event.get("pathParameters") or {}).get("workspace_id"),
        source=_source(event),
        idempotency_key=header(event, "idempotency-key"),
        if_match=header(event, "if-match"),
    )


def problem_response(error: DomainError, event: Event, context: Context) -> Response:
    status, headers, body = problem(
        error, instance=str(event.get("rawPath", "")), trace_id=_trace_id(context.traceparent) or context.correlation_id
    )
    return {
        "statusCode": status,
        "headers": headers | {"x-correlation-id": context.correlation_id, "cache-control": "no-store"},
        "body": json.dumps(body),
    }


def header(event: Event, name: str) -> str | None:
    """A request header; the gateway lower-cases the names."""
    value = (event.get("headers") or {}).get(name)
    return value if isinstance(value, str) else None


def principal_context(principal: Principal) -> dict[str, str]:
    """How the authorizer hands a principal to the functions behind it."""
    return {
        "kind": type(principal).__name__,
        "principal": _adapter(type(principal).__name__).dump_json(principal).decode(),
    }


def _read_principal(event: Event) -> Principal:
    authorizer = (event.get("requestContext") or {}).get("authorizer") or {}
    resolved = authorizer.get("lambda") or {}
    kind = resolved.get("kind")
    return _adapter(kind).validate_json(resolved["principal"]) if kind in _KINDS else Anonymous()


_KINDS: Mapping[str, type[Principal]] = {kind.__name__: kind for kind in Principal.__args__}


@cache
def _adapter(kind: str) -> TypeAdapter[Principal]:
    """Built once for each kind of principal: that takes longer than all else that is read of a request."""
    return TypeAdapter(_KINDS[kind])


def _source(event: Event) -> str | None:
    """A digest of the caller's network: of an IPv4 address, or of the /64 that one IPv6 customer has at least."""
    given = ((event.get("requestContext") or {}).get("http") or {}).get("sourceIp")
    try:
        address = ipaddress.ip_address(given or "")
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        network: object = address.ipv4_mapped or ipaddress.ip_network((address, 64), strict=False)
    else:
        network = address
    return hashlib.sha256(str(network).encode()).hexdigest()[:32]


def _fields(event: Event, endpoint: Endpoint) -> dict[str, object]:
    path = dict(event.get("pathParameters") or {})
    given: dict[str, object] = {}
    if endpoint.method in ("POST", "PUT", "PATCH"):
        given = _body(event)
    else:
        given = dict(event.get("queryStringParameters") or {})
    for name in given.keys() & path.keys():
        raise ValidationFailed([FieldError(f"/{name}", "extra-forbidden", "The path says this already")])
    return {**given, **path}


def _body(event: Event) -> dict[str, object]:
    body = event.get("body") or ""
    try:
        raw = base64.b64decode(body) if event.get("isBase64Encoded") else body.encode()
    except (binascii.Error, UnicodeEncodeError) as error:
        raise MalformedRequest("The body can't be decoded.") from error
    if len(raw) > MAX_BODY_BYTES:
        raise PayloadTooLarge(f"A body may have {MAX_BODY_BYTES} bytes.")
    if not raw:
        return {}
    content_type = (header(event, "content-type") or "application/json").split(";")[0].strip().lower()
    if content_type != "application/json" and not content_type.endswith("+json"):
        raise UnsupportedMediaType("The body must be application/json.")
    try:
        fields = json.loads(raw, parse_constant=_refuse_constant, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise MalformedRequest("The body isn't valid JSON.") from error
    if not isinstance(fields, dict):
        raise MalformedRequest("The body must be a JSON object.")
    return fields


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a name is given twice")
    return fields


def _trace_id(traceparent: str | None) -> str | None:
    match = re.fullmatch(r"00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}", traceparent or "")
    return match[1] if match else None


def _traceparent(trace_header: str) -> str | None:
    """The W3C form of Lambda's trace header (`Root=1-<time>-<id>;Parent=<id>;Sampled=1`)."""
    parts = dict(part.split("=", 1) for part in trace_header.split(";") if "=" in part)
    root = re.fullmatch(r"1-([0-9a-f]{8})-([0-9a-f]{24})", parts.get("Root", ""))
    parent = re.fullmatch(r"[0-9a-f]{16}", parts.get("Parent", ""))
    if not root or not parent:
        return None
    return f"00-{root[1]}{root[2]}-{parent[0]}-0{parts.get('Sampled', '0')[:1]}"

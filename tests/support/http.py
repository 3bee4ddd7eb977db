"""Calls the function behind an endpoint as the HTTP API would, without a network."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from functions.entry import compose_request
from shared.cqrs.pipeline import Proceed
from shared.http.endpoint import Endpoint
from shared.http.entry import HttpFunction, principal_context
from shared.kernel.principals import Anonymous, Principal
from shared.persistence.scope import Runtime


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    json: Any
    """The body, `None` where there is none."""

    @property
    def problem(self) -> str:
        """The slug of a problem document."""
        assert self.headers["content-type"] == "application/problem+json", self
        slug: str = self.json["type"]
        return slug.removeprefix("/problems/")


class Caller:
    """Somebody who sends requests."""

    def __init__(
        self,
        runtime: Runtime,
        principal: Principal | None = None,
        compose: Callable[[Endpoint, Runtime], Proceed] = compose_request,
    ) -> None:
        self._runtime = runtime
        self._principal = principal or Anonymous()
        self._compose = compose

    def send(
        self,
        endpoint: Endpoint,
        path: str,
        body: object = None,
        *,
        headers: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
    ) -> Answer:
        """Send a request. `path` is what a client would write: the path's fields filled in, and the query behind it."""
        function = HttpFunction(endpoint, self._compose, lambda: self._runtime)
        sent = {name.lower(): value for name, value in (headers or {}).items()}
        if idempotency_key is not None:
            sent["idempotency-key"] = idempotency_key
        url = urlsplit(path)
        event: dict[str, Any] = {
            "version": "2.0",
            "routeKey": f"{endpoint.method} {endpoint.path}",
            "rawPath": url.path,
            "headers": sent,
            "pathParameters": path_fields(endpoint.path, url.path),
            "requestContext": {
                "http": {"method": endpoint.method, "path": url.path, "sourceIp": "192.0.2.1"},
                "authorizer": {"lambda": principal_context(self._principal)},
            },
            "isBase64Encoded": False,
        }
        if url.query:
            event["queryStringParameters"] = dict(parse_qsl(url.query, keep_blank_values=True))
        if body is not None:
            event["body"] = body if isinstance(body, str) else json.dumps(body)
        answer = function(event)
        text = answer.get("body")
        return Answer(answer["statusCode"], answer["headers"], json.loads(text) if text else None)


def path_fields(template: str, path: str) -> dict[str, str]:
    """The fields of a route's template in a path. Raises `ValueError` for a path of another route."""
    wanted, given = template.split("/"), path.split("/")
    matches = len(wanted) == len(given) and all(
        one.startswith("{") or one == other for one, other in zip(wanted, given, strict=True)
    )
    if not matches:
        raise ValueError(f"{path} isn't of the route {template}")
    return {one[1:-1]: other for one, other in zip(wanted, given, strict=True) if one.startswith("{")}

"""A small client of VisionScope's HTTP API, for the demo, the benchmark and the end-to-end tests.

It knows what any client must: JSON, problem documents, keys, the correlation id. What the paths mean is its user's.
"""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx

# An endpoint of the API answers within 30 s or the gateway gives up on it.
TIMEOUT_SECONDS = 35.0
REFRESHED_BEFORE_SECONDS = 120.0


class ApiRefused(Exception):
    """An answer other than what was expected; the message says what the API said about it."""

    def __init__(self, request: str, response: httpx.Response) -> None:
        self.status = response.status_code
        self.problem = _problem_of(response)
        super().__init__(f"{request} answered {self.status}{_told(self.problem)}")


class ApiUnreachable(Exception):
    """No answer at all."""


class ApiClient:
    """Calls the API as one user, under one correlation id when it is given one."""

    def __init__(
        self,
        base_url: str,
        correlation_id: str | None = None,
        *,
        transport: httpx.BaseTransport | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        headers = {"x-correlation-id": correlation_id} if correlation_id else {}
        # The stack is on this machine: proxies of the environment have no part in it.
        self._http = httpx.Client(
            base_url=base_url, headers=headers, timeout=TIMEOUT_SECONDS, trust_env=False, transport=transport
        )
        self._now = now
        self._refresh_token: str | None = None
        self._refresh_at = 0.0

    def __enter__(self) -> "ApiClient":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._http.close()

    def log_in(self, email: str, password: str) -> Mapping[str, Any]:
        """Send what follows as this user; the session is refreshed before its token expires. Returns the session."""
        session: Mapping[str, Any] = self.post("/v1/sessions", {"email": email, "password": password})
        self._keep(session)
        return session

    def _keep(self, session: Mapping[str, Any]) -> None:
        self._http.headers["authorization"] = f"Bearer {session['access_token']}"
        self._refresh_token = session["refresh_token"]
        self._refresh_at = self._now() + session["expires_in"] - REFRESHED_BEFORE_SECONDS

    def _refresh_when_due(self) -> None:
        if self._refresh_token is not None and self._now() >= self._refresh_at:
            # A refresh token is good for one use: it must not be sent by the request for its successor.
            token, self._refresh_token = self._refresh_token, None
            self._keep(self.post("/v1/sessions/refresh", {"refresh_token": token}, expect=200))

    def send(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        key: str | None = None,
        query: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """Any answer is an answer. Raises `ApiUnreachable` where there is none."""
        self._refresh_when_due()
        sent = dict(headers or {})
        if key is not None:
            sent["idempotency-key"] = key
        arguments: dict[str, Any] = {} if body is None else {"json": body}
        try:
            # Parameters, even none, would replace a query that the path has already.
            return self._http.request(method, path, params=dict(query) if query else None, headers=sent, **arguments)
        except httpx.TransportError as error:
            raise ApiUnreachable(f"{method} {path} got no answer: {error or type(error).__name__}") from error

    def get(self, path: str, **query: str | int) -> Any:
        """The body of a 200. Raises `ApiRefused` for anything else."""
        return self._expect(200, self.send("GET", path, query=query), f"GET {path}")

    def post(self, path: str, body: object, *, key: str | None = None, expect: int = 201) -> Any:
        """The body of the status expected. Raises `ApiRefused` for any other."""
        return self._expect(expect, self.send("POST", path, body, key=key), f"POST {path}")

    @staticmethod
    def _expect(status: int, response: httpx.Response, request: str) -> Any:
        if response.status_code != status:
            raise ApiRefused(request, response)
        return response.json()


def upload(post: Mapping[str, Any], file: Path) -> httpx.Response:
    """Send a file by a presigned POST, as a browser's form would."""
    with file.open("rb") as content:
        try:
            return httpx.post(
                post["url"],
                data=post["fields"],
                files={"file": (file.name, content)},
                timeout=600,
                trust_env=False,
            )
        except httpx.TransportError as error:
            raise ApiUnreachable(f"the upload got no answer: {error or type(error).__name__}") from error


def _problem_of(response: httpx.Response) -> Mapping[str, Any]:
    if "json" not in response.headers.get("content-type", ""):
        return {"detail": response.text[:300]} if response.text else {}
    try:
        problem = response.json()
    except ValueError:
        return {"detail": response.text[:300]}
    return problem if isinstance(problem, dict) else {}


def _told(problem: Mapping[str, Any]) -> str:
    told = [f" {problem['title']}"] if "title" in problem else []
    if "detail" in problem:
        told.append(f": {problem['detail']}")
    told += [f"\n  {error.get('pointer') or '/'}: {error.get('message')}" for error in problem.get("errors", [])]
    if "trace_id" in problem:
        told.append(f"\n  trace id {problem['trace_id']}")
    return "".join(told)

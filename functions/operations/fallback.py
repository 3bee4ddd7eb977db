"""What answers routes and methods that no endpoint declares: a 404 or 405 problem."""

import json
import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from shared.http.entry import problem_response, read_context
from shared.kernel.errors import DomainError, MethodNotAllowed, NotFound
from shared.messaging.routing import FunctionNeeds
from shared.persistence.scope import Runtime

NEEDS = FunctionNeeds()


_ROUTES = Path(__file__).with_name("routes.json")


class Fallback:
    """`routes` is a file that lists every declared `[method, path]`; it is generated when the code is packed."""

    def __init__(self, runtime: Runtime | None = None, routes: Path = _ROUTES) -> None:
        self._given_runtime = runtime
        self._file = routes

    @cached_property
    def _runtime(self) -> Runtime:
        return self._given_runtime or Runtime()

    @cached_property
    def _routes(self) -> list[tuple[str, re.Pattern[str]]]:
        routes: list[list[str]] = json.loads(self._file.read_text())
        return [(method, _pattern(path)) for method, path in routes]

    def __call__(self, event: Mapping[str, Any], lambda_context: Any = None) -> dict[str, Any]:
        path = str(event.get("rawPath", ""))
        allowed = sorted({method for method, pattern in self._routes if pattern.fullmatch(path)})
        error: DomainError = MethodNotAllowed(allowed) if allowed else NotFound("There is no such route.")
        return problem_response(error, event, read_context(event, lambda_context, self._runtime))


def _pattern(path: str) -> re.Pattern[str]:
    steps = (r"[^/]+" if step.startswith("{") else re.escape(step) for step in path.split("/"))
    return re.compile("/".join(steps))


lambda_handler = Fallback()

"""Each function is declared once, and each endpoint refuses whoever it doesn't know."""

import importlib
import json
import pkgutil
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest

import functions
from functions.billing.public import RatedFeature
from functions.entry import compose_request
from infra.declarations import AUTHORIZER, FALLBACK, Declared, UndeclaredFunction, discover, function_needs
from shared.aws.settings import Settings
from shared.http.endpoint import Endpoint
from shared.http.entry import HttpFunction, principal_context
from shared.http.problem import PROBLEMS
from shared.kernel.errors import DomainError
from shared.kernel.principals import Anonymous, ApiKey, Principal
from shared.messaging.consumer import QueueFunction
from shared.messaging.routing import EventTap, Subscriber
from shared.persistence.scope import Runtime

CHECKOUT = Path(__file__).resolve().parents[2]
DECLARED = discover()
ENDPOINTS = [one for one in DECLARED if isinstance(one.declaration, Endpoint)]
ANY_ID = "0190a5a2-7c1b-7e44-8d5c-1f2e3d4c5b6a"


def endpoint_of(declared: Declared) -> Endpoint:
    assert isinstance(declared.declaration, Endpoint)
    return declared.declaration


def handler_of(declared: Declared) -> Any:
    return importlib.import_module(declared.module).lambda_handler


def named(declared: Declared) -> str:
    return declared.module.removeprefix("functions.")


def test_each_module_declares_one_function_that_is_its_handler() -> None:
    for one in DECLARED:
        handler = handler_of(one)
        match one.declaration:
            case Endpoint() as endpoint:
                assert isinstance(handler, HttpFunction), one.module
                assert handler.endpoint is endpoint, one.module
            case Subscriber() as subscriber:
                assert isinstance(handler, QueueFunction), one.module
                assert handler.subscriber is subscriber, one.module


def test_there_are_an_authorizer_and_a_fallback() -> None:
    assert function_needs(AUTHORIZER) is not None
    assert function_needs(FALLBACK) is not None


def test_the_worker_has_a_queue_to_report_to() -> None:
    from infra.app import COMPLETIONS

    assert COMPLETIONS in {one.declaration.queue_name for one in DECLARED if isinstance(one.declaration, Subscriber)}


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("lambda_handler = print", "0 declarations"),
        ("from tests.infra.declarations import PAINT as ENDPOINT", "no lambda_handler"),
        (
            "from tests.infra.declarations import PAINT as ENDPOINT\nSCHEDULE = ENDPOINT\nlambda_handler = print",
            "2 declarations",
        ),
    ],
)
def test_a_module_that_declares_nothing_whole_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, reason: str
) -> None:
    root = f"declared_{abs(hash(source))}"
    folder = tmp_path / root / "fences" / "commands"
    folder.mkdir(parents=True)
    for package in (folder, folder.parent, folder.parent.parent):
        (package / "__init__.py").touch()
    (folder / "paint.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UndeclaredFunction, match=reason):
        discover(root)


def test_each_route_is_declared_once() -> None:
    # Two templates that differ in their fields' names alone are one route to the gateway.
    shapes = Counter(
        (endpoint.method, re.sub(r"{\w+}", "{}", endpoint.path)) for endpoint in map(endpoint_of, ENDPOINTS)
    )
    assert shapes
    assert [shape for shape, count in shapes.items() if count > 1] == []


def test_each_queue_and_message_reader_is_declared_once() -> None:
    names = Counter(one.declaration.name for one in DECLARED if not isinstance(one.declaration, Endpoint))
    assert [name for name, count in names.items() if count > 1] == []
    queues = [one.declaration.queue_name for one in DECLARED if isinstance(one.declaration, Subscriber | EventTap)]
    assert queues


@pytest.mark.parametrize("declared", ENDPOINTS, ids=named)
def test_what_the_path_names_is_in_the_message(declared: Declared) -> None:
    endpoint = endpoint_of(declared)
    assert endpoint.path.startswith("/v1/")
    assert endpoint.path_fields <= endpoint.message.model_fields.keys()


@pytest.mark.parametrize("declared", ENDPOINTS, ids=named)
def test_a_route_of_a_workspace_asks_for_a_permission_in_it(declared: Declared) -> None:
    endpoint = endpoint_of(declared)
    assert ("workspace_id" in endpoint.path_fields) == (endpoint.policy.permission is not None)


@pytest.mark.parametrize("declared", ENDPOINTS, ids=named)
def test_a_command_in_a_workspace_is_limited_as_its_tier_says(declared: Declared) -> None:
    endpoint = endpoint_of(declared)
    if "workspace_id" in endpoint.path_fields and (endpoint.changes_state or endpoint.policy.rate_limit is not None):
        assert endpoint.policy.rate_limit is not None
        assert endpoint.policy.rate_limit.feature in list(RatedFeature)


def send_to_what_touches_nothing(endpoint: Endpoint, principal: Principal, body: str) -> dict[str, Any]:
    def no_client(service: str) -> NoReturn:
        raise AssertionError(f"a client of {service} for somebody who isn't let in")

    handler = HttpFunction(endpoint, compose_request, lambda: Runtime(settings=Settings({}), client=no_client))
    path_fields = dict.fromkeys(endpoint.path_fields, ANY_ID)
    return handler(
        {
            "rawPath": endpoint.path.format(**path_fields),
            "headers": {"content-type": "application/json", "idempotency-key": "key"},
            "pathParameters": path_fields,
            "requestContext": {
                "http": {"method": endpoint.method},
                "authorizer": {"lambda": principal_context(principal)},
            },
            "body": body,
        }
    )


@pytest.mark.parametrize("declared", [one for one in ENDPOINTS if not endpoint_of(one).policy.public], ids=named)
@pytest.mark.parametrize("body", ["", "{}", "no json"])
def test_a_stranger_is_refused_before_anything_is_touched(declared: Declared, body: str) -> None:
    answer = send_to_what_touches_nothing(endpoint_of(declared), Anonymous(), body)
    assert answer["statusCode"] == 401
    assert answer["headers"]["content-type"] == "application/problem+json"
    assert "www-authenticate" in answer["headers"]
    assert json.loads(answer["body"])["type"] == "/problems/unauthenticated"


@pytest.mark.parametrize(
    "declared",
    [one for one in ENDPOINTS if not endpoint_of(one).policy.public and not endpoint_of(one).policy.audit],
    ids=named,
)
def test_an_api_key_is_good_for_nothing_outside_of_its_workspace(declared: Declared) -> None:
    # Where refusals are audited they are written, so those endpoints do touch something.
    endpoint = endpoint_of(declared)
    key = ApiKey("key", "0190a5a2-7c1b-7e44-8d5c-000000000000", "user", frozenset({endpoint.policy.permission or ""}))
    answer = send_to_what_touches_nothing(endpoint, key, "{}")
    asks_a_user = endpoint.policy.permission is None and not endpoint.policy.administrators
    assert answer["statusCode"] == (403 if asks_a_user else 404)


def _modules() -> Iterator[str]:
    for found in pkgutil.walk_packages(functions.__path__, "functions."):
        if not found.name.endswith("__main__"):
            yield found.name


def _family(error: type[DomainError]) -> Iterator[type[DomainError]]:
    for child in error.__subclasses__():
        yield child
        yield from _family(child)


def test_each_expected_failure_has_a_problem_type() -> None:
    for module in _modules():
        importlib.import_module(module)
    family = [error for error in _family(DomainError) if error.__module__.split(".")[0] in ("functions", "shared")]
    # A parent of others may leave the code to them.
    coded = [error for error in family if not error.__subclasses__() or hasattr(error, "code")]
    assert len(coded) > 10
    assert [error.__name__ for error in coded if getattr(error, "code", None) not in PROBLEMS] == []


_OBSERVED_IMPORT = """
import importlib, json, os, sys
from collections.abc import MutableMapping

class Observed(MutableMapping):
    def __init__(self, environment): self._environment, self.read = environment, []
    def __getitem__(self, name):
        frame = sys._getframe(1)
        while frame.f_globals["__name__"] in ("os", "collections.abc", "_collections_abc", __name__):
            frame = frame.f_back
        if frame.f_globals["__name__"].split(".")[0] in ("functions", "shared"):
            self.read.append((frame.f_globals["__name__"], name))
        return self._environment[name]
    def __setitem__(self, name, value): self._environment[name] = value
    def __delitem__(self, name): del self._environment[name]
    def __iter__(self): return iter(self._environment)
    def __len__(self): return len(self._environment)
    def copy(self): return dict(self)

os.environ = Observed(os.environ)
import botocore.session
clients = []
botocore.session.Session.create_client = lambda _self, service, *_, **__: clients.append(service)
for module in sys.argv[1:]:
    importlib.import_module(module)
heavy = sorted({"av", "faster_whisper", "numpy", "onnxruntime", "rapidocr", "tokenizers"} & sys.modules.keys())
print(json.dumps({"read": os.environ.read, "clients": clients, "heavy": heavy}))
"""


def observe(*modules: str, folder: Path = CHECKOUT) -> dict[str, list[Any]]:
    """What importing modules in a new process does besides."""
    answer = subprocess.run(
        [sys.executable, "-c", _OBSERVED_IMPORT, *modules], cwd=folder, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stderr
    found: dict[str, list[Any]] = json.loads(answer.stdout)
    return found


def test_importing_a_function_works_nothing() -> None:
    assert observe(*(one.module for one in DECLARED), AUTHORIZER, FALLBACK) == {"read": [], "clients": [], "heavy": []}


def test_work_at_import_would_be_noticed(tmp_path: Path) -> None:
    (tmp_path / "functions.py").write_text(
        "import os, numpy\nimport botocore.session\n"
        "os.environ.get('STAGE'); os.getenv('HOME')\n"
        "botocore.session.get_session().create_client('s3')"
    )
    assert observe("functions", folder=tmp_path) == {
        "read": [["functions", "STAGE"], ["functions", "HOME"]],
        "clients": ["s3"],
        "heavy": ["numpy"],
    }

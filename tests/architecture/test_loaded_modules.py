"""What a function has loaded once it has made a call: none of the heavy libraries it does without, no client twice."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from infra.declarations import discover
from shared.http.endpoint import Endpoint
from shared.http.entry import principal_context
from shared.kernel.principals import User

CHECKOUT = Path(__file__).resolve().parents[2]
DONE_WITHOUT = {"aws_lambda_powertools", "aws_xray_sdk", "awscrt", "boto3"}
FUNCTIONS = [one.module for one in discover() if isinstance(one.declaration, Endpoint)]

# All in one process, which is the strictest: what isn't loaded after all of them, none of them loads. Each gets a
# request of somebody who is logged in. The network is cut off at the client, so what it reads isn't there, and it goes
# as far as it can.
_CALL = """
import importlib, json, os, sys
from collections import Counter

principal, done_without, modules = json.loads(sys.argv[1]), set(json.loads(sys.argv[2])), sys.argv[3:]
os.environ |= {
    "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": "/dev/null", "STAGE": "test", "LOG_LEVEL": "CRITICAL",
}
os.environ |= {f"{name}_TABLE": name.lower() for name in ("DATA", "OUTBOX", "EPHEMERAL", "AUDIT", "READ_MODELS")}
os.environ |= {f"{name}_BUCKET": name.lower() for name in ("UPLOADS", "RESULTS", "EVENTS")}

import botocore.session
from botocore.awsrequest import AWSResponse

made, calls = Counter(), []
create = botocore.session.Session.create_client

class Nothing:
    def stream(self, **_):
        yield b"{}"

def create_client(self, service, *arguments, **settings):
    made[service] += 1
    client = create(self, service, *arguments, **settings)
    def answer(request, **_):
        calls.append(service)
        return AWSResponse(request.url, 200, {}, Nothing())
    client.meta.events.register(f"before-send.{service}", answer)
    return client

botocore.session.Session.create_client = create_client

anything = "0190a5a2-7c1b-7e44-8d5c-1f2e3d4c5b6a"

def call(module):
    function = importlib.import_module(module)
    endpoint = function.ENDPOINT
    path = dict.fromkeys(endpoint.path_fields, anything)
    answer = function.lambda_handler({
        "rawPath": endpoint.path.format(**path),
        "headers": {"content-type": "application/json", "idempotency-key": "key"},
        "pathParameters": path,
        "requestContext": {
            "http": {"method": endpoint.method, "sourceIp": "192.0.2.1"},
            "authorizer": {"lambda": principal},
        },
        "body": "{}",
    })
    return answer["statusCode"]

loaded = {}
statuses = {}
for module in modules:
    statuses[module] = call(module)
    for name in done_without & {name.partition(".")[0] for name in sys.modules}:
        loaded.setdefault(name, module)
print(json.dumps({"statuses": statuses, "calls": calls, "made": made, "loaded": loaded}))
"""


def observe(*modules: str, folder: Path = CHECKOUT) -> dict[str, Any]:
    """What calling functions leaves in a new process: the first that loaded something unwanted is named with it."""
    principal = principal_context(User(user_id="u-1", session_id="s-1"))
    answer = subprocess.run(
        [sys.executable, "-c", _CALL, json.dumps(principal), json.dumps(sorted(DONE_WITHOUT)), *modules],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    found: dict[str, Any] = json.loads(answer.stdout.splitlines()[-1])
    return found


def test_functions_load_nothing_heavy_and_make_one_client_per_service() -> None:
    found = observe(*FUNCTIONS)
    assert found["loaded"] == {}
    assert set(found["made"].values()) == {1}, found["made"]


def test_the_functions_are_called_for_real() -> None:
    found = observe("functions.videos.commands.create_video")
    assert found["calls"] == ["dynamodb"], "it reads the caller's role"
    assert found["statuses"] == {"functions.videos.commands.create_video": 404}


def test_what_is_done_without_would_be_noticed(tmp_path: Path) -> None:
    (tmp_path / "heavy.py").write_text(
        f"import sys; sys.path.append({str(CHECKOUT)!r})\n"
        "import boto3\n"
        "from functions.videos.commands.create_video import ENDPOINT\n"
        "from functions.entry import http_function\n"
        "from shared.aws import clients\n"
        "real = http_function(ENDPOINT)\n"
        "def lambda_handler(event):\n"
        "    clients.client('dynamodb')\n"
        "    clients.client.cache_clear()\n"
        "    return real(event)\n"
    )
    found = observe("heavy", folder=tmp_path)
    assert found["loaded"] == {"boto3": "heavy"}
    assert found["made"]["dynamodb"] == 2

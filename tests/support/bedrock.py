"""Bedrock as its client sees it: answers that a test prepared, at the level of HTTP."""

import json
from collections.abc import Callable
from typing import Any

import botocore.session
from botocore.awsrequest import AWSRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from moto.core.models import botocore_stubber

Behaves = Callable[[dict[str, Any]], tuple[int, object]]
"""From the body of a request to a status and a body; or raises what the network would."""


class Bedrock:
    """A client whose requests end here. `asked` are the bodies of the requests so far."""

    def __init__(self, behaves: Behaves) -> None:
        self.behaves = behaves
        self.asked: list[dict[str, Any]] = []
        self.client = _bedrock_client()
        # Moto would answer for every service, and knows none of this one's calls.
        self.client.meta.events.unregister("before-send", botocore_stubber)
        self.client.meta.events.register("before-send.bedrock-runtime", self._send)

    def _send(self, request: AWSRequest, **_about: object) -> AWSResponse:
        body = json.loads(request.body)
        self.asked.append(body)
        status, answer = self.behaves(body)
        headers = HTTPHeaders()
        headers["content-type"] = "application/json"
        if status != 200:
            headers["x-amzn-errortype"] = str(answer)
            answer = {"message": "made up"}
        return AWSResponse(str(request.url), status, headers, _Raw(json.dumps(answer).encode()))


def _bedrock_client() -> Any:
    config = Config(retries={"mode": "standard", "total_max_attempts": 1})
    return botocore.session.get_session().create_client("bedrock-runtime", region_name="us-east-1", config=config)


class _Raw:
    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, **_about: object) -> list[bytes]:
        return [self._body]


def shown_to_model(asked: dict[str, Any]) -> dict[str, Any]:
    """What the model was told: the moments, the history and the question."""
    told: dict[str, Any] = json.loads(asked["messages"][0]["content"][0]["text"])
    return told


def tool_answer(answer: object) -> tuple[int, object]:
    """An answer that the model gives through the tool."""
    content = [{"toolUse": {"toolUseId": "t", "name": "give_answer", "input": answer}}]
    return 200, {
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": "tool_use",
        "usage": {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2},
        "metrics": {"latencyMs": 1},
    }

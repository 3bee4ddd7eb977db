"""Bedrock's Converse API on a local port, as botocore's client speaks to it; what it answers, a test says."""

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

import botocore.session
from botocore.config import Config
from moto.core.models import botocore_stubber

MODEL = "a.model-v1:0"
IMPATIENT_SECONDS = 1.0
"""How long the client waits that has somebody waiting for it; the patient one waits a minute."""

Behaves = Callable[[dict[str, Any]], tuple[int, object]]
"""From the body of a request to a status and a body, which is sent as it is if it is bytes. Or raises `HangsUp`."""


class HangsUp(Exception):
    """The connection ends without an answer."""


class Bedrock:
    """`asked` are the bodies of the requests so far. What is `silent` says nothing until `speaks` is set."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.behaves: Behaves = lambda _body: (500, "InternalServerException")
        self.speaks = Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()
        url = f"http://127.0.0.1:{self._server.server_port}"
        self.client = _client(url, read_seconds=IMPATIENT_SECONDS)
        self.patient_client = _client(url, read_seconds=60.0)

    def silent(self, then: Behaves) -> Behaves:
        def waits(body: dict[str, Any]) -> tuple[int, object]:
            self.speaks.wait(60)
            return then(body)

        return waits

    def stop(self) -> None:
        """From now on nobody takes a connection."""
        self.speaks.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def close(self) -> None:
        if self._thread.is_alive():
            self.stop()
        self.client.close()
        self.patient_client.close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        bedrock = self

        class Converse(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                is_signed = self.headers["authorization"].startswith("AWS4-HMAC-SHA256")
                if self.path != f"/model/{MODEL.replace(':', '%3A')}/converse" or not is_signed:
                    self.send_error(404)
                    return
                bedrock.asked.append(body)
                try:
                    status, answer = bedrock.behaves(body)
                except HangsUp:
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                with suppress(ConnectionError):  # whoever asked may have stopped waiting
                    self._answer(status, answer)

            def _answer(self, status: int, answer: object) -> None:
                self.send_response(status)
                self.send_header("content-type", "application/json")
                if status != 200:
                    self.send_header("x-amzn-errortype", str(answer))
                    answer = {"message": "made up"}
                body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None: ...

        return Converse


@contextmanager
def bedrock_on_a_port() -> Iterator[Bedrock]:
    bedrock = Bedrock()
    try:
        yield bedrock
    finally:
        bedrock.close()


def _client(url: str, *, read_seconds: float) -> Any:
    config = Config(
        connect_timeout=2,
        read_timeout=read_seconds,
        retries={"mode": "standard", "total_max_attempts": 1},
        parameter_validation=False,
        proxies={},
    )
    client: Any = botocore.session.get_session().create_client(
        "bedrock-runtime", region_name="us-east-1", endpoint_url=url, config=config
    )
    # Moto would answer for every service, and knows none of this one's calls.
    client.meta.events.unregister("before-send", botocore_stubber)
    return client


def shown_to_model(asked: dict[str, Any]) -> dict[str, Any]:
    """What the model was told: the moments, the history and the question."""
    told: dict[str, Any] = json.loads(asked["messages"][0]["content"][0]["text"])
    return told


def tool_answer(answer: object) -> tuple[int, object]:
    """An answer that the model gives through the tool."""
    content = [{"toolUse": {"toolUseId": "t", "name": "give_answer", "input": answer}}]
    return 200, _response(content, "tool_use")


def spoken_answer(text: str, stop_reason: str = "end_turn") -> tuple[int, object]:
    """An answer beside the tool, a refusal for one."""
    return 200, _response([{"text": text}] if text else [], stop_reason)


def _response(content: list[Any], stop_reason: str) -> dict[str, Any]:
    return {
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": stop_reason,
        "usage": {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2},
        "metrics": {"latencyMs": 1},
    }

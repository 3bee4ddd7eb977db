"""An AWS endpoint that answers at once with what it was told, in a process of its own, so that its work isn't counted.

It speaks the JSON protocols of DynamoDB and EventBridge over kept-alive HTTP, and nothing else.
"""

import json
import socket
import subprocess
import sys
import threading
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

REGION = "us-east-1"


@dataclass(frozen=True, slots=True)
class Reply:
    """What is answered to an operation (`GetItem`) whose request has `holding` in it."""

    operation: str
    holding: str
    body: dict[str, Any]


@contextmanager
def endpoint(replies: Sequence[Reply]) -> Iterator[str]:
    """The URL of an endpoint that answers with the first reply that fits, and otherwise with `{}`."""
    told = json.dumps([asdict(reply) for reply in replies])
    process = subprocess.Popen(
        [sys.executable, "-m", __name__, told], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.terminate()
        process.communicate()


def environment(url: str) -> dict[str, str]:
    """What makes botocore talk to an endpoint."""
    return {
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_ENDPOINT_URL": url,
        "NO_PROXY": "127.0.0.1",
    }


def _serve(replies: Sequence[Reply]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        print(server.getsockname()[1], flush=True)
        while True:
            connection, _ = server.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=_answer, args=(connection, replies), daemon=True).start()


def _answer(connection: socket.socket, replies: Sequence[Reply]) -> None:
    with connection, connection.makefile("rb") as requests:
        while requests.readline():
            headers: dict[str, str] = {}
            while (line := requests.readline().strip()) != b"":
                name, _, value = line.decode().partition(":")
                headers[name.lower()] = value.strip()
            request = requests.read(int(headers.get("content-length", "0"))).decode()
            body = _body(headers["x-amz-target"].rpartition(".")[2], request, replies)
            head = (
                "HTTP/1.1 200 OK\r\nServer: Server\r\nContent-Type: application/x-amz-json-1.0\r\n"
                f"Content-Length: {len(body)}\r\nConnection: keep-alive\r\n"
                "x-amzn-RequestId: 7F3C7QJ7L0V0R2J0M6Q1K8S9BVVV4KQNSO5AEMVJF66Q9ASUAAJG\r\n"
                f"x-amz-crc32: {zlib.crc32(body)}\r\n\r\n"
            )
            connection.sendall(head.encode() + body)


def _body(operation: str, request: str, replies: Sequence[Reply]) -> bytes:
    if operation == "PutEvents":
        entries = [{"EventId": f"e-{number}"} for number in range(request.count('"DetailType"'))]
        return json.dumps({"FailedEntryCount": 0, "Entries": entries}).encode()
    for reply in replies:
        if reply.operation == operation and reply.holding in request:
            return json.dumps(reply.body).encode()
    return b"{}"


if __name__ == "__main__":
    _serve([Reply(**reply) for reply in json.loads(sys.argv[1])])

"""Faults between a botocore client and its service, below botocore's own retries.

A `Network` is put into a client's `before-send` event, so a fault meets the bytes that would have left the process:
everything above it, botocore's retries included, is the code that runs in production. A plan decides for every call
which fault it meets. All chance comes from one seed, per story (`with network.story("command-17"):`) and not per
thread, so a story meets the same faults again however its threads are scheduled. Print the seed where it is chosen.
"""

import copy
import io
import json
import socket
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from random import Random
from typing import Any, TypeAlias, TypeVar

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError
from botocore.httpsession import URLLib3Session

T = TypeVar("T")


class Crash(BaseException):
    """The process ends at this call. No `Exception`, so no code under test can handle it."""


class Fault(Enum):
    REQUEST_LOST = "the request never arrives and the connection breaks"
    REPLY_LOST = "the request is carried out and its reply never arrives"
    REQUEST_LATE = "the client gives up, and the request arrives behind one of the next calls"
    ARRIVES_TWICE = "the request is carried out twice; the second reply counts"
    DELAYED = "the request arrives after a while"
    THROTTLED = "the service refuses for want of capacity"
    CONFLICT = "a transaction is cancelled by another one on the same item; other operations pass"
    PARTLY_REFUSED = "some entries of a batch are refused; other operations pass"
    CRASH_BEFORE = "the process ends before the request is sent"
    CRASH_AFTER = "the process ends when the request has been carried out"


@dataclass(frozen=True, slots=True)
class Call:
    """One request of a client, repetitions included. `number` counts from 1 within its story."""

    number: int
    operation: str


Plan: TypeAlias = Callable[[Call, Random], Fault | None]
Send: TypeAlias = Callable[[AWSPreparedRequest], AWSResponse]


def no_faults(_call: Call, _random: Random) -> Fault | None:
    return None


def at(number: int, fault: Fault) -> Plan:
    """The fault at the n-th call of a story, and no other."""
    return lambda call, _random: fault if call.number == number else None


def at_random(rates: Mapping[Fault, float], operations: Collection[str] | None = None) -> Plan:
    """Each fault at its share of all calls, or of those to some operations."""

    def choose(call: Call, random: Random) -> Fault | None:
        drawn = random.random()
        if operations is not None and call.operation not in operations:
            return None
        for fault, rate in rates.items():
            if drawn < rate:
                return fault
            drawn -= rate
        return None

    return choose


def redelivered(messages: Sequence[T], random: Random, *, copies: int = 3) -> list[T]:
    """Every message once to `copies` times, in any order: what a standard queue may do."""
    deliveries = [message for message in messages for _ in range(random.randint(1, copies))]
    random.shuffle(deliveries)
    return deliveries


class _Story:
    def __init__(self, random: Random) -> None:
        self.random = random
        self.calls = 0
        self.lock = threading.Lock()


class Network:
    """What lies between the clients of a process and their services. After a crash it carries nothing any more.

    `send` carries a request out; over HTTP where nothing else is given. `calls` holds every call with the fault it met.
    """

    def __init__(self, plan: Plan, seed: int | str, send: Send | None = None, *, delay_seconds: float = 0.05) -> None:
        self.plan = plan
        self.calls: list[tuple[Call, Fault | None]] = []
        self._seed = seed
        self._send = send or over_http()
        self._delay_seconds = delay_seconds
        self._main = _Story(Random(f"{seed}"))
        self._own = threading.local()
        self._late: list[AWSPreparedRequest] = []
        self._ended: Crash | None = None
        self._lock = threading.Lock()

    def attach(self, client: Any) -> Any:
        """Put the network between a botocore client and its service; returns the client."""
        client.meta.events.register_first("before-send", self._carry)
        return client

    @contextmanager
    def story(self, name: str) -> Iterator[None]:
        """The calls of this thread are numbered and decided by themselves."""
        before = getattr(self._own, "story", None)
        self._own.story = _Story(Random(f"{self._seed}/{name}"))
        try:
            yield
        finally:
            self._own.story = before

    def faults(self, fault: Fault) -> int:
        return sum(met is fault for _, met in self.calls)

    def settle(self) -> None:
        """Let all arrive that is still under way."""
        while (request := self._next_late()) is not None:
            self._send(request)

    def _carry(self, request: AWSPreparedRequest, event_name: str, **_: object) -> AWSResponse:
        if self._ended is not None:
            # A `finally` runs on, which no ended process does: it must not reach anything any more.
            raise self._ended
        story: _Story = getattr(self._own, "story", None) or self._main
        with story.lock:
            story.calls += 1
            call = Call(story.calls, event_name.rpartition(".")[2])
            fault = self.plan(call, story.random)
            if fault is Fault.CONFLICT and call.operation != "TransactWriteItems":
                fault = None
            if fault is Fault.PARTLY_REFUSED and call.operation not in _BATCHES:
                fault = None
            chance = Random(story.random.random())
        self.calls.append((call, fault))
        reply = self._meet(fault, request, call, chance)
        if (late := self._next_late()) is not None:
            self._send(late)
        return reply

    def _meet(self, fault: Fault | None, request: AWSPreparedRequest, call: Call, chance: Random) -> AWSResponse:
        match fault:
            case None:
                return self._send(request)
            case Fault.DELAYED:
                time.sleep(chance.uniform(0, self._delay_seconds))
                return self._send(request)
            case Fault.ARRIVES_TWICE:
                self._send(request)
                return self._send(request)
            case Fault.REQUEST_LOST:
                raise ConnectionClosedError(endpoint_url=request.url)
            case Fault.REPLY_LOST:
                self._send(request)
                raise ReadTimeoutError(endpoint_url=request.url)
            case Fault.REQUEST_LATE:
                with self._lock:
                    self._late.insert(0, request)
                raise ReadTimeoutError(endpoint_url=request.url)
            case Fault.THROTTLED:
                return _refusal(request, "ThrottlingException", {})
            case Fault.CONFLICT:
                count = len(body_of(request)["TransactItems"])
                unlucky = chance.randrange(count)
                reasons = [{"Code": "TransactionConflict" if at == unlucky else "None"} for at in range(count)]
                return _refusal(request, "TransactionCanceledException", {"CancellationReasons": reasons})
            case Fault.PARTLY_REFUSED:
                return _BATCHES[call.operation](request, self._send, chance)
            case Fault.CRASH_BEFORE:
                self._ended = Crash(f"before call {call.number}, {call.operation}")
                raise self._ended
            case Fault.CRASH_AFTER:
                self._send(request)
                self._ended = Crash(f"after call {call.number}, {call.operation}")
                raise self._ended

    def _next_late(self) -> AWSPreparedRequest | None:
        with self._lock:
            return self._late.pop() if self._late else None


def over_http() -> Send:
    """Carries requests to where their address says."""
    # As botocore's own clients: else the two writes of a request wait 40 ms for an acknowledgement.
    undelayed: Any = [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)]
    return URLLib3Session(timeout=10, max_pool_connections=64, proxies={}, socket_options=undelayed).send


class _Raw(io.BytesIO):
    """A body as urllib3 gives it."""

    def stream(self, *_: object, **__: object) -> Iterator[bytes]:
        if chunk := self.read():
            yield chunk


def reply(request: AWSPreparedRequest, status: int, body: object) -> AWSResponse:
    """A service's answer in the JSON protocols."""
    headers = HTTPHeaders.from_dict({"content-type": "application/x-amz-json-1.0"})
    return AWSResponse(request.url, status, headers, _Raw(json.dumps(body).encode()))


def _refusal(request: AWSPreparedRequest, code: str, members: Mapping[str, object]) -> AWSResponse:
    return reply(request, 400, {"__type": f"com.amazonaws.faults#{code}", "message": "injected", **members})


def body_of(request: AWSPreparedRequest) -> Any:
    """What is asked of a service in the JSON protocols."""
    assert isinstance(request.body, bytes | bytearray | str)
    return json.loads(request.body)


def _with_body(request: AWSPreparedRequest, body: object) -> AWSPreparedRequest:
    """The same request with another body. Its signature is the first body's: for services that don't check it."""
    raw = json.dumps(body).encode()
    headers = copy.deepcopy(request.headers)
    headers["Content-Length"] = str(len(raw))
    return AWSPreparedRequest(request.method, request.url, headers, raw, request.stream_output)


def _chosen(count: int, chance: Random) -> set[int]:
    """At least one of the positions, and each of the others with even chances."""
    return {at for at in range(count) if chance.random() < 0.5} or {chance.randrange(count)}


def _refuse_events(request: AWSPreparedRequest, send: Send, chance: Random) -> AWSResponse:
    asked = body_of(request)
    refused = _chosen(len(asked["Entries"]), chance)
    passed = [entry for at, entry in enumerate(asked["Entries"]) if at not in refused]
    answers: Iterator[Any] = iter(())
    if passed:
        answers = iter(json.loads(send(_with_body(request, {**asked, "Entries": passed})).content)["Entries"])
    refusal = {"ErrorCode": "ThrottlingException", "ErrorMessage": "injected"}
    entries = [refusal if at in refused else next(answers) for at in range(len(asked["Entries"]))]
    failed = sum("ErrorCode" in entry for entry in entries)
    return reply(request, 200, {"FailedEntryCount": failed, "Entries": entries})


def _refuse_messages(request: AWSPreparedRequest, send: Send, chance: Random) -> AWSResponse:
    asked = body_of(request)
    refused = _chosen(len(asked["Entries"]), chance)
    passed = [entry for at, entry in enumerate(asked["Entries"]) if at not in refused]
    answer: dict[str, Any] = {"Successful": []}
    if passed:
        answer = json.loads(send(_with_body(request, {**asked, "Entries": passed})).content)
    failed = [
        {"Id": asked["Entries"][at]["Id"], "SenderFault": False, "Code": "InternalError", "Message": "injected"}
        for at in sorted(refused)
    ]
    return reply(request, 200, {**answer, "Failed": [*answer.get("Failed", []), *failed]})


def _leave_unprocessed(request: AWSPreparedRequest, send: Send, chance: Random) -> AWSResponse:
    asked = body_of(request)
    writes = [(table, write) for table, writes in asked["RequestItems"].items() for write in writes]
    refused = _chosen(len(writes), chance)

    def by_table(wanted: Callable[[int], bool]) -> dict[str, list[Any]]:
        tables: dict[str, list[Any]] = {}
        for at, (table, write) in enumerate(writes):
            if wanted(at):
                tables.setdefault(table, []).append(write)
        return tables

    answer: dict[str, Any] = {}
    if len(refused) < len(writes):
        passed = by_table(lambda at: at not in refused)
        answer = json.loads(send(_with_body(request, {**asked, "RequestItems": passed})).content)
    return reply(request, 200, {**answer, "UnprocessedItems": by_table(lambda at: at in refused)})


_BATCHES: Mapping[str, Callable[[AWSPreparedRequest, Send, Random], AWSResponse]] = {
    "PutEvents": _refuse_events,
    "SendMessageBatch": _refuse_messages,
    "DeleteMessageBatch": _refuse_messages,
    "ChangeMessageVisibilityBatch": _refuse_messages,
    "BatchWriteItem": _leave_unprocessed,
}

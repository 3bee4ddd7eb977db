"""Sends logged events to one subscriber again. A turn that is repeated sends some twice, which the inbox ignores."""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from functions.entry import queue_function
from functions.operations.adapters.operations import REPLAY, has_time, tell_progress
from functions.operations.domain.operation import STEP_MESSAGES, Operation
from functions.operations.domain.replays import subscriptions_from_json
from functions.resources import SUBSCRIPTIONS_READ
from shared.aws.grants import EVENTS_READ, QUEUES_SEND
from shared.kernel.errors import NotFound
from shared.kernel.result import Failure, Result, Success
from shared.messaging.consumer import INBOX_KEPT_SECONDS
from shared.messaging.event_log import EventLog, hour_of
from shared.messaging.process import Advance, ProcessState, Step, process_subscriber
from shared.messaging.queues import Queues
from shared.messaging.routing import FunctionNeeds
from shared.persistence.scope import WriteScope

_LONGEST_WAIT = timedelta(days=4 + 14)
REPLAYABLE = timedelta(seconds=INBOX_KEPT_SECONDS) - _LONGEST_WAIT
"""An older event isn't sent: it may wait in the queue and its DLQ until the inbox has forgotten it, and would then have
its effect twice."""

_PAGE = 100
_READERS = 8


def send(scope: WriteScope, state: ProcessState[Operation]) -> Result[Advance]:
    subscription = subscriptions_from_json(scope.runtime.settings["SUBSCRIPTIONS"]).get(state.subject.target)
    if subscription is None:
        return Failure(NotFound(f"{state.subject.target} subscribes to our events no more."))
    log = EventLog(scope.runtime.client("s3"), scope.runtime.settings)
    queues = Queues(lambda: scope.runtime.client("sqs"), scope.runtime.settings)
    begin, end = (datetime.fromisoformat(state.subject.parameters[name]) for name in ("from", "to"))
    oldest = scope.runtime.clock.now() - REPLAYABLE
    position, goes_on, sent, too_old = state.position or hour_of(begin), True, 0, 0
    while goes_on and sent + too_old < STEP_MESSAGES and has_time(scope):
        most = min(_PAGE, STEP_MESSAGES - sent - too_old)
        page = log.page(subscription.source, subscription.detail_type, position, hour_of(end), most)
        events = [(at, body) for at, body in _read(log, page.keys) if begin <= at < end]
        fresh = [body for at, body in events if at >= oldest]
        queues.send(subscription.queue, fresh)
        sent += len(fresh)
        too_old += len(events) - len(fresh)
        position, goes_on = page.position, page.goes_on
    counts = {"sent": sent, "too_old": too_old}
    return Success(Advance(is_finished=not goes_on, position=position, done=sent + too_old, counts=counts))


def _read(log: EventLog, keys: Sequence[str]) -> list[tuple[datetime, str]]:
    """When the events of the log occurred, and they themselves."""
    with ThreadPoolExecutor(_READERS) as readers:
        bodies = list(readers.map(log.read, keys))
    return [(datetime.fromisoformat(json.loads(body)["detail"]["metadata"]["occurred_at"]), body) for body in bodies]


SUBSCRIBER = process_subscriber(
    REPLAY,
    [Step("send", send)],
    changed=tell_progress,
    needs=FunctionNeeds(grants=(SUBSCRIPTIONS_READ, QUEUES_SEND, EVENTS_READ)),
)
lambda_handler = queue_function(SUBSCRIBER)

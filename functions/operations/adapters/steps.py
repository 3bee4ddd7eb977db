"""What one step of each kind of operation does. A step that is repeated sends messages again, which inboxes ignore."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice

from functions.operations.adapters.dead_letters import DeadLetters
from functions.operations.adapters.event_log import EventLog, LoggedEvent
from functions.operations.adapters.read_models import rebuild_step
from functions.operations.domain.dead_letters import DeadLetterQueue
from functions.operations.domain.operation import STEP_MESSAGES, Advance, Operation, OperationKind
from functions.operations.domain.replays import Subscription, subscriptions_from_json
from shared.cqrs.pipeline import Context
from shared.messaging.consumer import INBOX_KEPT_SECONDS
from shared.messaging.queues import MAX_ENTRIES, Queues
from shared.persistence.scope import Runtime

_LONGEST_WAIT = timedelta(days=4 + 14)
REPLAYABLE = timedelta(seconds=INBOX_KEPT_SECONDS) - _LONGEST_WAIT
"""An older event isn't sent: it may wait in the queue and its DLQ until the inbox has forgotten it, and would then have
its effect twice."""

_ENOUGH_TIME = timedelta(seconds=12)
"""What is left to a step when it takes no more: its last call and the transaction, with their repetitions, fit in."""


class Steps:
    def __init__(self, runtime: Runtime, context: Context) -> None:
        self._runtime = runtime
        self._context = context

    def take(self, operation: Operation) -> Advance:
        match operation.kind:
            case OperationKind.REDRIVE:
                return self._redrive(operation)
            case OperationKind.REPLAY:
                return self._replay(operation)
            case OperationKind.REBUILD:
                return rebuild_step(self._runtime, operation, self._context.deadline - _ENOUGH_TIME)

    def _has_time(self) -> bool:
        return self._context.deadline - self._runtime.clock.now() > _ENOUGH_TIME

    def _redrive(self, operation: Operation) -> Advance:
        """Letters that were sent after the operation began stay: they are those that fail again."""
        letters = DeadLetters(self._runtime)
        began = datetime.fromisoformat(operation.started_at)
        sent = failing_again = 0
        for queue in letters.all_queues.named(operation.target):
            if queue.origin is None:
                continue
            redriven, left = self._redrive_from(letters, queue, began, STEP_MESSAGES - sent)
            sent += redriven
            failing_again += left
        is_finished = sent < STEP_MESSAGES and self._has_time()
        counts = {"sent": sent, "failed_again": failing_again if is_finished else 0}
        return Advance(position=None, counts=counts, is_finished=is_finished)

    def _redrive_from(
        self, letters: DeadLetters, queue: DeadLetterQueue, began: datetime, most: int
    ) -> tuple[int, int]:
        sent = left = 0
        with letters.reading(queue) as found:
            while sent < most and self._has_time():
                batch = list(islice(found, MAX_ENTRIES))
                if not batch:
                    break
                old = [letter for letter in batch if letter.sent_at < began]
                letters.redrive(old)
                sent += len(old)
                left += len(batch) - len(old)
        return sent, left

    def _replay(self, operation: Operation) -> Advance:
        subscription = self._subscription(operation)
        events = EventLog(self._runtime).walk(
            subscription.source,
            subscription.detail_type,
            datetime.fromisoformat(operation.parameters["from"]),
            datetime.fromisoformat(operation.parameters["to"]),
            after=operation.position,
        )
        queues = Queues(lambda: self._runtime.client("sqs"), self._runtime.settings)
        oldest = self._runtime.clock.now() - REPLAYABLE
        position, sent, too_old = operation.position, 0, 0
        for batch in _batches(islice(events, STEP_MESSAGES)):
            queues.send(subscription.queue, (event.body for event in batch if event.occurred_at >= oldest))
            fresh = sum(event.occurred_at >= oldest for event in batch)
            sent += fresh
            too_old += len(batch) - fresh
            position = batch[-1].key
            if not self._has_time():
                break
        is_finished = sent + too_old < STEP_MESSAGES and self._has_time()
        return Advance(position, {"sent": sent, "too_old": too_old}, is_finished)

    def _subscription(self, operation: Operation) -> Subscription:
        return subscriptions_from_json(self._runtime.settings["SUBSCRIPTIONS"])[operation.target]


def _batches(events: Iterator[LoggedEvent]) -> Iterator[list[LoggedEvent]]:
    while batch := list(islice(events, MAX_ENTRIES)):
        yield batch

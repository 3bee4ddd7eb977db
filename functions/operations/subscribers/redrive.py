"""Sends every letter of a queue that was dead when the redrive began to that queue again."""

from datetime import datetime
from itertools import islice

from functions.entry import queue_function
from functions.operations.adapters.dead_letters import DeadLetters
from functions.operations.adapters.operations import REDRIVE, has_time, tell_progress
from functions.operations.domain.dead_letters import DeadLetterQueue
from functions.operations.domain.operation import STEP_MESSAGES, Operation
from functions.resources import DEAD_LETTERS_REDRIVE
from shared.kernel.result import Result, Success
from shared.messaging.process import Advance, ProcessState, Step, process_subscriber
from shared.messaging.queues import MAX_ENTRIES
from shared.messaging.routing import FunctionNeeds
from shared.persistence.scope import WriteScope


def send(scope: WriteScope, state: ProcessState[Operation]) -> Result[Advance]:
    """Letters that were sent after the redrive began stay: they are those that fail again."""
    letters = DeadLetters(scope.runtime)
    began = datetime.fromisoformat(state.started_at)
    sent = failing_again = 0
    for queue in letters.all_queues.named(state.subject.target):
        if queue.origin is None:
            continue
        redriven, left = _redrive_from(scope, letters, queue, began, STEP_MESSAGES - sent)
        sent += redriven
        failing_again += left
    is_finished = sent < STEP_MESSAGES and has_time(scope)
    counts = {"sent": sent, "failed_again": failing_again if is_finished else 0}
    return Success(Advance(is_finished=is_finished, done=sent, counts=counts))


def _redrive_from(
    scope: WriteScope, letters: DeadLetters, queue: DeadLetterQueue, began: datetime, most: int
) -> tuple[int, int]:
    sent = left = 0
    with letters.reading(queue) as found:
        while sent < most and has_time(scope):
            batch = list(islice(found, MAX_ENTRIES))
            if not batch:
                break
            old = [letter for letter in batch if letter.sent_at < began]
            letters.redrive(old)
            sent += len(old)
            left += len(batch) - len(old)
    return sent, left


SUBSCRIBER = process_subscriber(
    REDRIVE, [Step("send", send)], changed=tell_progress, needs=FunctionNeeds(grants=(DEAD_LETTERS_REDRIVE,))
)
lambda_handler = queue_function(SUBSCRIBER)

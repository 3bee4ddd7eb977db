from typing import Annotated

from pydantic import Field

from functions.entry import http_function
from functions.operations.adapters.dead_letters import DeadLetters
from functions.operations.queries.get_dead_letter import WAITING, DeadLetterSummary
from functions.resources import DEAD_LETTERS_READ
from shared.aws.grants import EPHEMERAL_READ
from shared.cqrs.messages import Query, View
from shared.cqrs.policy import Policy
from shared.http.endpoint import query
from shared.kernel.clock import rfc3339
from shared.kernel.errors import FieldError, ValidationFailed
from shared.kernel.result import Failure, Result, Success
from shared.messaging.routing import FunctionNeeds
from shared.persistence.scope import ReadScope


class DeadLetterPage(View):
    """A queue can't be walked by pages, so there is no cursor: `is_complete` is false where more letters wait than
    are shown.
    """

    items: list[DeadLetterSummary]
    next_cursor: str | None = None
    is_complete: bool
    as_of: str


class ListDeadLetters(Query[DeadLetterPage]):
    """`queue` is a subscriber's queue or a dead-letter queue; without one the letters of all queues are listed."""

    queue: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 20


class ListDeadLettersHandler:
    def __init__(self, scope: ReadScope) -> None:
        self._scope = scope

    def __call__(self, query: ListDeadLetters) -> Result[DeadLetterPage]:
        letters = DeadLetters(self._scope.runtime)
        queues = list(letters.all_queues) if query.queue is None else letters.all_queues.named(query.queue)
        if query.queue is not None and not queues:
            return Failure(ValidationFailed([FieldError("/queue", "unknown-queue", "There is no such queue")]))
        found = letters.read(queues, query.limit + 1)
        items = [
            DeadLetterSummary.model_validate({**letters.describe(letter), "status": WAITING})
            for letter in found[: query.limit]
        ]
        return Success(
            DeadLetterPage(
                items=items,
                is_complete=len(found) <= query.limit,
                as_of=rfc3339(self._scope.runtime.clock.now()),
            )
        )


def build(scope: ReadScope) -> ListDeadLettersHandler:
    return ListDeadLettersHandler(scope)


ENDPOINT = query(
    "/v1/admin/dead-letters",
    ListDeadLetters,
    build,
    policy=Policy(administrators=True, slow_after_ms=10_000),
    summary="The dead letters of a queue, or of all",
    needs=FunctionNeeds(grants=(DEAD_LETTERS_READ, EPHEMERAL_READ)),
)
lambda_handler = http_function(ENDPOINT)

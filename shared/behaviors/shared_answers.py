"""Answers that all processes of a stage share, in the ephemeral table."""

import math
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pynamodb.attributes import JSONAttribute, NumberAttribute, UnicodeAttribute

from shared.aws.clients import error_code
from shared.behaviors.answers import AnswerKey, CachedAnswer
from shared.cqrs.messages import Message, answer_type
from shared.kernel.clock import unix_ms
from shared.kernel.result import Success
from shared.persistence.rows import EphemeralRow, key_of
from shared.persistence.scope import Runtime

MAX_SHARED_BYTES = 300_000
"""A larger answer stays in the memory of the process that made it: an item holds 400 KB."""

_LEASE_MS = 5_000
_SORT_KEY = "ANSWER"


class AnswerRow(EphemeralRow):
    """An answer, or that somebody is making one. Times are in Unix milliseconds."""

    answer = UnicodeAttribute(null=True)
    answer_id = UnicodeAttribute(null=True)
    versions = JSONAttribute(null=True)
    until = NumberAttribute(null=True)
    maker = UnicodeAttribute(null=True)
    making_until = NumberAttribute(null=True)


class SharedAnswers:
    """Answers to messages of one type."""

    def __init__(self, message_type: type[Message], runtime: Runtime) -> None:
        self._answers: TypeAdapter[Any] = TypeAdapter(answer_type(message_type))
        self._runtime = runtime

    def find(self, key: AnswerKey) -> tuple[CachedAnswer | None, str | None]:
        """The last answer, which may be out of date, and its id."""
        row = self._runtime.store.get(AnswerRow, key.pk, _SORT_KEY)
        if row is None or row.answer is None:
            return None, None
        try:
            result = Success(self._answers.validate_json(row.answer))
        except ValidationError:
            # Another release made it, whose answers have another shape.
            return None, row.answer_id
        return CachedAnswer(result, row.versions, int(row.until)), row.answer_id

    def keep(self, key: AnswerKey, answer: CachedAnswer) -> bool:
        """Keep an answer, unless it is too large."""
        text = self._answers.dump_json(answer.result.value).decode()
        if len(text.encode()) > MAX_SHARED_BYTES:
            return False
        row = AnswerRow(
            pk=key.pk,
            sk=_SORT_KEY,
            answer=text,
            answer_id=self._runtime.ids.new(),
            versions=answer.versions,
            until=answer.until,
            expires_at=math.ceil(answer.until / 1000) + 60,
        )
        self._dynamodb.put_item(TableName=self._table, Item=row.serialize())
        return True

    def lease(self, key: AnswerKey, replaced: str | None) -> str | None:
        """Be the one who makes the answer, under the id that is returned; keeping an answer ends the lease.

        `None` while somebody else makes it, and where another answer than `replaced` is there by now.
        """
        now = unix_ms(self._runtime.clock.now())
        maker = self._runtime.ids.new()
        values: dict[str, dict[str, str]] = {
            ":maker": {"S": maker},
            ":until": {"N": str(now + _LEASE_MS)},
            ":now": {"N": str(now)},
            ":expires": {"N": str(math.ceil((now + _LEASE_MS) / 1000) + 60)},
        }
        unchanged = "attribute_not_exists(answer_id)"
        if replaced is not None:
            unchanged, values[":replaced"] = "answer_id = :replaced", {"S": replaced}
        changes = "SET maker = :maker, making_until = :until, expires_at = :expires"
        free = "(attribute_not_exists(making_until) OR making_until < :now)"
        return maker if self._update(key, changes, f"{free} AND {unchanged}", values) else None

    def give_back(self, key: AnswerKey, maker: str) -> None:
        self._update(key, "REMOVE maker, making_until", "maker = :maker", {":maker": {"S": maker}})

    def _update(self, key: AnswerKey, changes: str, condition: str, values: dict[str, dict[str, str]]) -> bool:
        from botocore.exceptions import ClientError

        try:
            self._dynamodb.update_item(
                TableName=self._table,
                Key=key_of(key.pk, _SORT_KEY),
                UpdateExpression=changes,
                ConditionExpression=condition,
                ExpressionAttributeValues=values,
            )
        except ClientError as error:
            if error_code(error) != "ConditionalCheckFailedException":
                raise
            return False
        return True

    @property
    def _dynamodb(self) -> Any:
        return self._runtime.client("dynamodb")

    @property
    def _table(self) -> str:
        return self._runtime.settings.table("ephemeral")

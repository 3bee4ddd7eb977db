"""The unit of work against DynamoDB's semantics: all or nothing, one write per key, and what it does with refusals."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from botocore.exceptions import ClientError
from pynamodb.attributes import NumberAttribute

from shared.cqrs.messages import IntegrationEvent
from shared.cqrs.pipeline import Context
from shared.kernel.errors import Conflict
from shared.messaging.outbox import EventsTooLarge
from shared.persistence.rows import DataRow
from shared.persistence.unit_of_work import (
    DuplicateWrite,
    Refused,
    StaleRead,
    TransactionTooLarge,
    TransactionUnavailable,
    UnitOfWork,
)
from tests.support.aws import Aws


class CounterRow(DataRow):
    value = NumberAttribute()


class Counted(IntegrationEvent):
    service_name: ClassVar[str] = "tests"
    aggregate_type: ClassVar[str] = "counter"

    padding: str = ""


class Impostor:
    """A DynamoDB client whose transactions are answered by a test before they reach the real one."""

    def __init__(self, real: Any, answer: Callable[[int], ClientError | None]) -> None:
        self._real, self._answer = real, answer
        self.tokens: list[str] = []

    def transact_write_items(self, **request: Any) -> Any:
        self.tokens.append(request["ClientRequestToken"])
        error = self._answer(len(self.tokens))
        if error is not None:
            raise error
        return self._real.transact_write_items(**request)


def cancelled(*reasons: str) -> ClientError:
    return ClientError(
        {
            "Error": {"Code": "TransactionCanceledException", "Message": ""},
            "CancellationReasons": [{"Code": reason} for reason in reasons],
        },
        "TransactWriteItems",
    )


def begin(aws: Aws, message_id: str = "m-1") -> UnitOfWork:
    now = aws.clock.now()
    context = Context(
        message_id=message_id, correlation_id="c-1", received_at=now, deadline=now + timedelta(seconds=10)
    )
    return UnitOfWork(
        aws.runtime.store, context, aws.clock, aws.ids, sleep=lambda seconds: aws.clock.advance(seconds=seconds)
    )


def counter(value: int = 0, name: str = "a") -> CounterRow:
    return CounterRow(pk=f"COUNTER#{name}", sk="COUNTER", value=value)


def test_rows_and_events_become_visible_together(aws: Aws) -> None:
    uow = begin(aws)
    uow.insert(counter(1))
    uow.insert(counter(2, "b"))
    uow.record(Counted(), "a", version=1)
    uow.record(Counted(), "b", version=1)
    assert aws.items("data") == aws.items("outbox") == []
    uow.commit()
    assert len(aws.items("data")) == 2
    (item,) = aws.items("outbox")
    assert item["pk"]["S"] == "counter#a"
    assert "shard" in item
    first, second = aws.events()
    assert (first.metadata.correlation_id, first.metadata.causation_id) == ("c-1", "m-1")
    assert first.metadata.message_id < second.metadata.message_id


def test_one_failed_condition_writes_nothing_and_names_its_error(aws: Aws) -> None:
    begin(aws).commit()
    first = begin(aws)
    first.insert(counter())
    first.commit()
    second = begin(aws, "m-2")
    second.insert(counter(name="b"))
    second.insert(counter(), otherwise=Conflict("taken"))
    second.record(Counted(), "b", version=1)
    with pytest.raises(Refused) as refused:
        second.commit()
    assert refused.value.error == Conflict("taken")
    assert len(aws.items("data")) == 1
    assert aws.items("outbox") == []


def test_a_failed_condition_without_an_error_is_a_stale_read(aws: Aws) -> None:
    uow = begin(aws)
    uow.update(CounterRow, "COUNTER#a", "COUNTER", [CounterRow.value.add(1)])
    with pytest.raises(StaleRead):
        uow.commit()


def test_a_row_is_written_once_per_unit_of_work(aws: Aws) -> None:
    uow = begin(aws)
    uow.insert(counter())
    with pytest.raises(DuplicateWrite):
        uow.delete(CounterRow, "COUNTER#a", "COUNTER")


def test_what_no_transaction_holds_is_refused_before_it_is_sent(aws: Aws) -> None:
    impostor = aws.fakes["dynamodb"] = Impostor(aws.client("dynamodb"), lambda _: None)
    many = begin(aws)
    for number in range(101):
        many.insert(counter(name=str(number)))
    with pytest.raises(TransactionTooLarge):
        many.commit()
    large = begin(aws)
    for number in range(15):
        large.insert(CounterRow(pk="x" * 300_000, sk=str(number), value=1))
    with pytest.raises(TransactionTooLarge):
        large.commit()
    wordy = begin(aws)
    wordy.record(Counted(padding="x" * 400_000), "a", version=1)
    with pytest.raises(EventsTooLarge):
        wordy.commit()
    assert impostor.tokens == []


def test_conflicts_and_throttles_are_repeated_under_the_same_token(aws: Aws) -> None:
    errors = [
        cancelled("None", "TransactionConflict"),
        ClientError({"Error": {"Code": "TransactionInProgressException", "Message": ""}}, "TransactWriteItems"),
        cancelled("ThrottlingError", "None"),
    ]
    impostor = Impostor(aws.client("dynamodb"), lambda call: errors[call - 1] if call <= 3 else None)
    aws.fakes["dynamodb"] = impostor
    uow = begin(aws)
    uow.insert(counter())
    uow.insert(counter(name="b"))
    uow.commit()
    aws.fakes.clear()
    assert len(impostor.tokens) == 4
    assert len(set(impostor.tokens)) == 1
    assert len(aws.items("data")) == 2


def test_conflicts_that_outlast_the_deadline_end(aws: Aws) -> None:
    aws.fakes["dynamodb"] = Impostor(None, lambda _: cancelled("TransactionConflict"))
    uow = begin(aws)
    uow.insert(counter())
    with pytest.raises(TransactionUnavailable):
        uow.commit()


def test_a_failed_condition_beside_a_conflict_is_not_repeated(aws: Aws) -> None:
    impostor = Impostor(None, lambda _: cancelled("TransactionConflict", "ConditionalCheckFailed"))
    aws.fakes["dynamodb"] = impostor
    uow = begin(aws)
    uow.insert(counter())
    uow.insert(counter(name="b"), otherwise=Conflict("taken"))
    with pytest.raises(Refused):
        uow.commit()
    assert len(impostor.tokens) == 1


def test_the_token_follows_from_the_message_and_its_changes(aws: Aws) -> None:
    tokens: list[str] = []
    for message_id, value in (("m-1", 1), ("m-1", 1), ("m-1", 2), ("m-2", 1)):
        impostor = Impostor(aws.client("dynamodb"), lambda _: cancelled("ConditionalCheckFailed"))
        aws.fakes["dynamodb"] = impostor
        uow = begin(aws, message_id)
        uow.insert(counter(value))
        with pytest.raises(StaleRead):
            uow.commit()
        tokens += impostor.tokens
        aws.fakes.clear()
    assert tokens[0] == tokens[1]
    assert len(set(tokens)) == 3

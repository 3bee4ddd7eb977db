"""The DynamoDB in memory does what the emulator does, for all that the property tests make of it."""

import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from shared.cqrs.pipeline import Context
from shared.kernel.clock import SystemClock
from shared.kernel.ids import Uuid7
from shared.persistence.rows import DataRow, Row, absent
from shared.persistence.store import Store
from shared.persistence.unit_of_work import UnitOfWork
from tests.faults.memory import MemoryDynamoDb
from tests.faults.stage import Stage

pytestmark = pytest.mark.xdist_group("faults")


class SampleRow(DataRow):
    number = NumberAttribute(null=True)
    text = UnicodeAttribute(null=True)


KEYS = st.sampled_from(["a", "ab", "b"])
NUMBERS = st.integers(-3, 3)
TEXTS = st.sampled_from(["x", "xy"])


def simple_conditions() -> st.SearchStrategy[Condition]:
    return st.one_of(
        st.just(absent()),
        st.just(Row.pk.exists()),
        st.just(SampleRow.text.exists()),
        NUMBERS.map(lambda number: SampleRow.number >= number),
        NUMBERS.map(lambda number: SampleRow.number < number),
        TEXTS.map(lambda text: SampleRow.text == text),
        TEXTS.map(lambda text: SampleRow.text != text),
        TEXTS.map(lambda text: SampleRow.text.startswith(text)),
    )


CONDITIONS = st.one_of(
    st.none(),
    simple_conditions(),
    st.tuples(simple_conditions(), simple_conditions()).map(lambda both: both[0] & both[1]),
    st.tuples(simple_conditions(), simple_conditions(), simple_conditions()).map(lambda all: all[0] | all[1] & all[2]),
)
ACTIONS: st.SearchStrategy[list[Action]] = st.tuples(
    NUMBERS.map(SampleRow.number.add),
    st.one_of(TEXTS.map(SampleRow.text.set), TEXTS.map(lambda text: SampleRow.text.set(SampleRow.text | text))),
).flatmap(lambda both: st.sampled_from([[both[0]], [both[1]], list(both), [SampleRow.text.remove()]]))
WRITES = st.one_of(
    st.tuples(st.just("put"), NUMBERS, CONDITIONS),
    st.tuples(st.just("update"), ACTIONS, CONDITIONS),
    st.tuples(st.just("delete"), st.none(), CONDITIONS),
    st.tuples(st.just("check"), st.none(), CONDITIONS),
)
TRANSACTIONS = st.dictionaries(KEYS, WRITES, min_size=1)


def commit(client: Any, stage: Stage, transaction: dict[str, Any], pk: str, message_id: str) -> object:
    clock = SystemClock()
    now = clock.now()
    context = Context(message_id=message_id, correlation_id="c", received_at=now, deadline=now)
    uow = UnitOfWork(Store(client, stage.settings), context, clock, Uuid7(clock))
    for sk, (kind, change, condition) in transaction.items():
        match kind:
            case "put":
                uow.put(SampleRow(pk=pk, sk=sk, number=change), condition=condition)
            case "update":
                uow.update(SampleRow, pk, sk, change, condition=condition)
            case "delete":
                uow.delete(SampleRow, pk, sk, condition=condition)
            case _:
                uow.check(SampleRow, pk, sk, condition if condition is not None else absent())
    try:
        uow.commit()
    except Exception as error:  # noqa: BLE001 - whatever it is, both must raise it
        cause = error if isinstance(error, ClientError) else error.__cause__
        assert isinstance(cause, ClientError)
        answer: Any = cause.response
        return answer["Error"]["Code"], [reason.get("Code", "None") for reason in answer["CancellationReasons"]]
    return None


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(TRANSACTIONS, st.integers(1, 2)), min_size=1, max_size=8))
def test_transactions_end_alike(stage: Stage, transactions: list[tuple[dict[str, Any], int]]) -> None:
    memory, pk = MemoryDynamoDb(), uuid.uuid4().hex
    for number, (transaction, times) in enumerate(transactions):
        for _ in range(times):
            ended = [
                commit(client, stage, transaction, pk, f"{pk}-{number}") for client in (memory, stage.emulator.dynamodb)
            ]
            assert ended[0] == ended[1], transaction
        stores = [Store(client, stage.settings) for client in (memory, stage.emulator.dynamodb)]
        for prefix in ("", "a"):
            mine, theirs = (
                [row.serialize() for row in store.page(SampleRow, pk, prefix, newest_first=prefix == "a").rows]
                for store in stores
            )
            assert mine == theirs
        assert [row and row.serialize() for row in (stores[0].get(SampleRow, pk, "a"),)] == [
            row and row.serialize() for row in (stores[1].get(SampleRow, pk, "a"),)
        ]

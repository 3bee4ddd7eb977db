"""A small command with a visible effect: each deposit is a row of its own, and adds to its account."""

from collections.abc import Callable
from typing import Any, ClassVar

from pynamodb.attributes import NumberAttribute

from shared.cqrs.messages import Command, IntegrationEvent, View
from shared.cqrs.policy import Idempotency, Policy
from shared.http.endpoint import command
from shared.kernel.result import Result, Success
from shared.persistence.rows import DataRow
from shared.persistence.scope import WriteScope
from tests.faults.stage import Stage


class AccountRow(DataRow):
    total = NumberAttribute()


class DepositRow(DataRow):
    amount = NumberAttribute()


class Deposited(IntegrationEvent):
    service_name: ClassVar[str] = "tests"
    aggregate_type: ClassVar[str] = "account"

    deposit_id: str


class Receipt(View):
    deposit_id: str


class Deposit(Command[Receipt]):
    account: str
    amount: int


def build(scope: WriteScope) -> Callable[[Deposit], Result[Receipt]]:
    def deposit(command: Deposit) -> Result[Receipt]:
        deposit_id = scope.runtime.ids.new()
        pk = f"ACCOUNT#{command.account}"
        scope.uow.insert(DepositRow(pk=pk, sk=f"DEPOSIT#{deposit_id}", amount=command.amount))
        scope.uow.update(AccountRow, pk, "ACCOUNT", [AccountRow.total.add(command.amount)])
        scope.uow.record(Deposited(deposit_id=deposit_id), command.account, version=1)
        return Success(Receipt(deposit_id=deposit_id))

    return deposit


ENDPOINT = command(
    "POST",
    "/v1/deposits",
    Deposit,
    build,
    status=201,
    policy=Policy(idempotency=Idempotency.REQUIRED),
    summary="Deposit",
)


def open_account(stage: Stage, name: str) -> None:
    row: dict[str, Any] = AccountRow(pk=f"ACCOUNT#{name}", sk="ACCOUNT", total=0).serialize()
    stage.emulator.dynamodb.put_item(TableName=stage.settings.table("data"), Item=row)


def total(stage: Stage, name: str) -> int:
    row = stage.runtime().store.get(AccountRow, f"ACCOUNT#{name}", "ACCOUNT")
    assert row is not None
    return int(row.total)


def deposits(stage: Stage) -> list[str]:
    """The ids of all deposits."""
    rows = [item["sk"]["S"] for item in stage.items("data")]
    return [sk.removeprefix("DEPOSIT#") for sk in rows if sk.startswith("DEPOSIT#")]

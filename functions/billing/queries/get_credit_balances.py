from functions.billing.adapters.accounts import read_pools
from functions.entry import http_function
from shared.cqrs.messages import Query, View
from shared.cqrs.policy import Policy
from shared.http.endpoint import query
from shared.kernel.ids import Uuid
from shared.kernel.result import Result, Success
from shared.persistence.scope import ReadScope
from shared.persistence.store import Store


class CreditPoolView(View):
    feature_code: str
    balance: int
    held: int
    monthly_allowance: int
    resets_at: str


class CreditBalances(View):
    items: list[CreditPoolView]


class GetCreditBalances(Query[CreditBalances]):
    workspace_id: Uuid


class GetCreditBalancesHandler:
    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self, query: GetCreditBalances) -> Result[CreditBalances]:
        pools = read_pools(self._store, query.workspace_id)
        return Success(
            CreditBalances(
                items=[
                    CreditPoolView(
                        feature_code=pool.feature_code,
                        balance=pool.balance,
                        held=pool.held,
                        monthly_allowance=pool.monthly_allowance,
                        resets_at=pool.resets_at,
                    )
                    for pool in pools.values()
                ]
            )
        )


def build(scope: ReadScope) -> GetCreditBalancesHandler:
    return GetCreditBalancesHandler(scope.store)


ENDPOINT = query(
    "/v1/workspaces/{workspace_id}/credits",
    GetCreditBalances,
    build,
    policy=Policy(permission="credits:read"),
    summary="Credits per feature",
)
lambda_handler = http_function(ENDPOINT)

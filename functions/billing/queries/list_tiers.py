from functions.billing.domain.tiers import TIERS, Tier
from functions.entry import http_function
from shared.cqrs.messages import Query, View
from shared.cqrs.policy import Caching, Policy
from shared.http.endpoint import query
from shared.kernel.result import Result, Success
from shared.persistence.scope import ReadScope


class RatesView(View):
    """Requests per minute, `features` within those of the workspace."""

    member: int
    workspace: int
    features: dict[str, int]


class TierView(View):
    """`monthly_allowances` are credits by feature code."""

    name: str
    monthly_allowances: dict[str, int]
    max_upload_bytes: int
    max_video_minutes: int
    requests_per_minute: RatesView

    @staticmethod
    def of(tier: Tier) -> "TierView":
        rates = tier.rates
        return TierView(
            name=tier.name,
            monthly_allowances={str(code): amount for code, amount in tier.allowances.items()},
            max_upload_bytes=tier.max_upload_bytes,
            max_video_minutes=tier.max_video_minutes,
            requests_per_minute=RatesView(
                member=rates.member,
                workspace=rates.workspace,
                features={str(feature): rate for feature, rate in rates.features.items()},
            ),
        )


class TierList(View):
    items: list[TierView]


class ListTiers(Query[TierList]):
    """What a workspace gets in each tier, the smallest first."""


class ListTiersHandler:
    def __call__(self, query: ListTiers) -> Result[TierList]:
        return Success(TierList(items=[TierView.of(tier) for tier in TIERS.values()]))


def build(_scope: ReadScope) -> ListTiersHandler:
    return ListTiersHandler()


ENDPOINT = query(
    "/v1/tiers",
    ListTiers,
    build,
    # It changes with the code alone.
    policy=Policy(public=True, caching=Caching(ttl_seconds=3600)),
    summary="What a workspace gets in each tier",
)
lambda_handler = http_function(ENDPOINT)

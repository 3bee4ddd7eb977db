from functions.billing.domain.features import FEATURES
from functions.entry import http_function
from shared.cqrs.messages import Query, View
from shared.cqrs.policy import Caching, Policy
from shared.http.endpoint import query
from shared.kernel.result import Result, Success
from shared.persistence.scope import ReadScope


class FeatureView(View):
    feature_code: str
    group: str
    name: str
    credit_buys: str


class FeatureList(View):
    items: list[FeatureView]


class ListFeatures(Query[FeatureList]):
    """What credits are spent on, group by group."""


class ListFeaturesHandler:
    def __call__(self, query: ListFeatures) -> Result[FeatureList]:
        return Success(
            FeatureList(
                items=[
                    FeatureView(feature_code=code, group=one.group, name=one.name, credit_buys=one.credit_buys)
                    for code, one in FEATURES.items()
                ]
            )
        )


def build(_scope: ReadScope) -> ListFeaturesHandler:
    return ListFeaturesHandler()


ENDPOINT = query(
    "/v1/features",
    ListFeatures,
    build,
    # It changes with the code alone.
    policy=Policy(public=True, caching=Caching(ttl_seconds=3600)),
    summary="What credits are spent on",
)
lambda_handler = http_function(ENDPOINT)

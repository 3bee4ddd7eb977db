from functions.billing.public import FREE, FeatureCode
from functions.billing.queries import get_credit_balances, list_features, list_tiers
from tests.support.aws import Aws
from tests.support.http import Caller
from tests.support.workspaces import open_workspace


def test_anybody_may_see_what_a_tier_contains(aws: Aws) -> None:
    answer = Caller(aws.runtime).send(list_tiers.ENDPOINT, "/v1/tiers")

    assert answer.status == 200
    tiers = {tier["name"]: tier for tier in answer.json["items"]}
    assert list(tiers) == ["free", "pro", "enterprise"]
    assert tiers["free"]["max_upload_bytes"] == FREE.max_upload_bytes
    assert tiers["free"]["requests_per_minute"]["features"]["questions"] < FREE.rates.workspace
    assert all(tier["monthly_allowances"].keys() == set(FeatureCode) for tier in tiers.values())


def test_a_new_workspace_has_what_the_free_tier_shows(aws: Aws) -> None:
    shown = Caller(aws.runtime).send(list_tiers.ENDPOINT, "/v1/tiers").json["items"][0]
    workspace = open_workspace(aws)
    answer = Caller(aws.runtime, workspace.owner).send(get_credit_balances.ENDPOINT, f"{workspace.path}/credits")

    assert {pool["feature_code"]: pool["balance"] for pool in answer.json["items"]} == shown["monthly_allowances"]


def test_anybody_may_see_what_credits_are_spent_on(aws: Aws) -> None:
    answer = Caller(aws.runtime).send(list_features.ENDPOINT, "/v1/features")

    assert answer.status == 200
    features = answer.json["items"]
    assert {one["feature_code"] for one in features} == set(FeatureCode)
    groups = [one["group"] for one in features]
    assert groups == sorted(groups), "what belongs together stands together"

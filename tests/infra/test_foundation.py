import pytest

from infra.stages import STAGES, UnknownStage, stage_named
from tests.infra.conftest import Synthesise
from tests.infra.templates import Resource, Templates

pytestmark = pytest.mark.xdist_group("infra")


def table(templates: Templates, stage: str, name: str) -> Resource:
    return templates.one("AWS::DynamoDB::GlobalTable", TableName=f"visionscope-{stage}-{name}")


@pytest.mark.parametrize("stage", list(STAGES))
def test_what_may_vanish_expires_and_nothing_else(made_up: Synthesise, stage: str) -> None:
    expiring = {
        str(one.properties["TableName"]): one.properties["TimeToLiveSpecification"]
        for one in made_up(stage).all("AWS::DynamoDB::GlobalTable")
        if "TimeToLiveSpecification" in one.properties
    }
    assert expiring == {
        f"visionscope-{stage}-{name}": {"AttributeName": "expires_at", "Enabled": True}
        for name in ("outbox", "ephemeral")
    }


@pytest.mark.parametrize("stage", list(STAGES))
def test_the_outbox_streams_new_items_and_finds_unpublished_ones(made_up: Synthesise, stage: str) -> None:
    templates = made_up(stage)
    outbox = table(templates, stage, "outbox").properties
    assert outbox["StreamSpecification"] == {"StreamViewType": "NEW_IMAGE"}
    (index,) = outbox["GlobalSecondaryIndexes"]
    assert index["IndexName"] == "unpublished"
    assert [key["AttributeName"] for key in index["KeySchema"]] == ["shard", "recorded_at"]
    assert index["Projection"] == {"ProjectionType": "ALL"}
    others = [one for one in templates.all("AWS::DynamoDB::GlobalTable") if one.properties != outbox]
    assert len(others) == 4
    assert not any("GlobalSecondaryIndexes" in one.properties for one in others)


@pytest.mark.parametrize("stage", list(STAGES))
def test_tokens_are_signed_by_a_key_that_never_leaves_kms(made_up: Synthesise, stage: str) -> None:
    key = made_up(stage).one("AWS::KMS::Key").properties
    assert (key["KeySpec"], key["KeyUsage"]) == ("ECC_NIST_P256", "SIGN_VERIFY")


@pytest.mark.parametrize(("stage", "policy"), [("local", "Delete"), ("dev", "Delete"), ("prod", "Retain")])
def test_the_data_of_prod_outlives_its_stack(made_up: Synthesise, stage: str, policy: str) -> None:
    kinds = ("AWS::DynamoDB::GlobalTable", "AWS::S3::Bucket", "AWS::KMS::Key", "AWS::SecretsManager::Secret")
    assert {one.body["DeletionPolicy"] for one in made_up(stage).all(*kinds)} == {policy}
    protected = table(made_up(stage), stage, "data").properties["Replicas"][0].get("DeletionProtectionEnabled", False)
    assert protected == (stage == "prod")


@pytest.mark.parametrize("stage", list(STAGES))
def test_browsers_upload_from_the_stages_own_origins_alone(made_up: Synthesise, stage: str) -> None:
    rules = {
        rule["AllowedMethods"][0]: rule
        for bucket in made_up(stage).all("AWS::S3::Bucket")
        for rule in bucket.properties.get("CorsConfiguration", {}).get("CorsRules", [])
    }
    assert rules.keys() == {"POST", "GET"}
    assert all(tuple(rule["AllowedOrigins"]) == STAGES[stage].cors_origins for rule in rules.values())


@pytest.mark.parametrize(("stage", "archived"), [("local", 0), ("dev", 1), ("prod", 1)])
def test_events_can_be_replayed_from_the_archive_in_the_cloud(made_up: Synthesise, stage: str, archived: int) -> None:
    archives = made_up(stage).all("AWS::Events::Archive")
    assert len(archives) == archived
    assert all(one.properties["RetentionDays"] == STAGES[stage].archive_days for one in archives)


def test_there_is_no_other_stage() -> None:
    with pytest.raises(UnknownStage, match="'production', only local, dev, prod"):
        stage_named("production")

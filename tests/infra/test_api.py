import json
from collections.abc import Mapping

import pytest

from infra.assets import BuiltFolder
from infra.declarations import ROUTES_FILE
from infra.stages import STAGES
from shared.messaging.routing import FunctionNeeds
from tests.infra.conftest import Synthesise

pytestmark = pytest.mark.xdist_group("infra")


@pytest.mark.parametrize("stage", list(STAGES))
def test_who_is_calling_is_resolved_anew_and_also_without_credentials(made_up: Synthesise, stage: str) -> None:
    (authorizer,) = made_up(stage).all("AWS::ApiGatewayV2::Authorizer")
    assert not authorizer.properties.get("IdentitySource")
    assert authorizer.properties.get("AuthorizerResultTtlInSeconds", 0) == 0
    assert authorizer.properties["EnableSimpleResponses"] is True
    assert authorizer.properties["AuthorizerPayloadFormatVersion"] == "2.0"


def test_only_public_routes_and_the_fallback_go_past_the_authorizer(made_up: Synthesise) -> None:
    routes = made_up("dev").all("AWS::ApiGatewayV2::Route")
    past = {one.properties["RouteKey"] for one in routes if not one.properties.get("AuthorizerId")}
    assert past == {"GET /v1/colours", "$default"}
    assert {one.properties["RouteKey"] for one in routes} - past == {
        "GET /v1/workspaces/{workspace_id}/fences",
        "POST /v1/workspaces/{workspace_id}/fences",
    }


def test_the_fallback_is_packed_with_every_route(folder: BuiltFolder) -> None:
    from aws_cdk import App

    from infra.app import Functions, build
    from tests.infra.declarations import DECLARED

    packed: dict[str, str] = {}

    def code(_context: str, generated: Mapping[str, str]) -> BuiltFolder:
        packed.update(generated)
        return folder

    layers = {"common": folder, "embedding": folder}
    build(
        App(),
        STAGES["local"],
        Functions(declared=DECLARED, authorizer=None, fallback=FunctionNeeds(), code=code, layers=layers),
    )
    assert json.loads(packed.pop(ROUTES_FILE)) == [
        ["GET", "/v1/colours"],
        ["GET", "/v1/workspaces/{workspace_id}/fences"],
        ["POST", "/v1/workspaces/{workspace_id}/fences"],
    ]
    assert packed == {}


@pytest.mark.parametrize("stage", list(STAGES))
def test_browsers_are_let_in_from_the_stages_own_origins_alone(made_up: Synthesise, stage: str) -> None:
    (api,) = made_up(stage).all("AWS::ApiGatewayV2::Api")
    cors = api.properties["CorsConfiguration"]
    assert tuple(cors["AllowOrigins"]) == STAGES[stage].cors_origins
    assert "*" not in cors["AllowOrigins"]
    assert {"authorization", "content-type", "idempotency-key", "if-match", "x-api-key"} <= set(cors["AllowHeaders"])
    assert {"etag", "location", "idempotent-replayed", "retry-after"} <= set(cors["ExposeHeaders"])


@pytest.mark.parametrize("stage", list(STAGES))
def test_requests_are_throttled_as_the_stage_says(made_up: Synthesise, stage: str) -> None:
    settings = made_up(stage).one("AWS::ApiGatewayV2::Stage").properties["DefaultRouteSettings"]
    assert settings["ThrottlingRateLimit"] == STAGES[stage].requests_per_second
    assert settings["ThrottlingBurstLimit"] == STAGES[stage].burst


def test_the_access_log_tells_neither_who_nor_what_exactly(made_up: Synthesise) -> None:
    written = made_up("prod").one("AWS::ApiGatewayV2::Stage").properties["AccessLogSettings"]["Format"]
    assert {"$context.routeKey", "$context.status"} <= set(json.loads(written).values())
    for personal in ("sourceIp", "userAgent", "context.path", "authorizer.principal", "identity"):
        assert personal not in written

"""The HTTP API without its routes, which each context adds for itself; the authorizer, and what answers all else."""

# pyright: reportArgumentType=false
# The CDK's classes name some parameters otherwise than their interfaces do; mypy checks the arguments nonetheless.

import json
from collections.abc import Sequence

from aws_cdk import ArnFormat, Duration
from aws_cdk.aws_apigatewayv2 import (
    AuthorizerPayloadVersion,
    CfnStage,
    CorsHttpMethod,
    CorsPreflightOptions,
    HttpApi,
    HttpAuthorizer,
    HttpAuthorizerType,
    HttpRoute,
    HttpRouteKey,
    IHttpRouteAuthorizer,
)
from aws_cdk.aws_apigatewayv2_integrations import HttpLambdaIntegration
from aws_cdk.aws_iam import ServicePrincipal
from aws_cdk.aws_logs import CfnLogGroup
from constructs import Construct

from infra.constructs.functions import MadeFunction
from infra.constructs.visionscope_stack import VisionScopeStack
from infra.stages import Stage
from shared.http.endpoint import Endpoint

# Who asked, and for what resource, stays out: neither addresses nor paths.
_ACCESS_LOG = {
    "request_id": "$context.requestId",
    "time": "$context.requestTime",
    "route": "$context.routeKey",
    "status": "$context.status",
    "latency_ms": "$context.responseLatency",
    "integration_latency_ms": "$context.integrationLatency",
    "integration_error": "$context.integrationErrorMessage",
    "authorizer_error": "$context.authorizer.error",
}
_REQUEST_HEADERS = (
    "authorization",
    "content-type",
    "idempotency-key",
    "if-match",
    "if-none-match",
    "traceparent",
    "x-api-key",
    "x-correlation-id",
)
_RESPONSE_HEADERS = ("etag", "idempotent-replayed", "location", "retry-after", "www-authenticate", "x-correlation-id")


class ApiStack(VisionScopeStack):
    def __init__(self, scope: Construct, stage: Stage) -> None:
        super().__init__(scope, "api", stage)
        self.api = HttpApi(
            self,
            "Api",
            api_name=self.physical_name("api"),
            create_default_stage=False,
            cors_preflight=CorsPreflightOptions(
                allow_origins=list(stage.cors_origins),
                allow_methods=[
                    CorsHttpMethod.DELETE,
                    CorsHttpMethod.GET,
                    CorsHttpMethod.HEAD,
                    CorsHttpMethod.PATCH,
                    CorsHttpMethod.POST,
                    CorsHttpMethod.PUT,
                ],
                allow_headers=list(_REQUEST_HEADERS),
                expose_headers=list(_RESPONSE_HEADERS),
                max_age=Duration.hours(1),
            ),
        )
        self._add_stage()
        self.authorizer: IHttpRouteAuthorizer | None = None
        self.output("ApiId", self.api.api_id)

    def authorize_with(self, made: MadeFunction) -> None:
        """Have requests resolved by a function, also those without credentials, and anew each time.

        With an identity source the gateway would answer a bare 401 itself; with a cache a revoked session lived on.
        """
        invocation = self.format_arn(
            service="apigateway",
            account="lambda",
            resource="path",
            resource_name=f"2015-03-31/functions/{made.invoked.function_arn}/invocations",
        )
        authorizer = HttpAuthorizer(
            self,
            "Authorizer",
            http_api=self.api,
            type=HttpAuthorizerType.LAMBDA,
            authorizer_name="principal",
            authorizer_uri=invocation,
            identity_source=[],
            enable_simple_responses=True,
            payload_format_version=AuthorizerPayloadVersion.VERSION_2_0,
            results_cache_ttl=Duration.seconds(0),
        )
        source = self.format_arn(
            service="execute-api",
            resource=self.api.api_id,
            resource_name=f"authorizers/{authorizer.authorizer_id}",
            arn_format=ArnFormat.SLASH_RESOURCE_NAME,
        )
        made.invoked.add_permission(
            "authorizer", principal=ServicePrincipal("apigateway.amazonaws.com"), source_arn=source
        )
        self.authorizer = HttpAuthorizer.from_http_authorizer_attributes(
            self, "AuthorizerOfRoutes", authorizer_id=authorizer.authorizer_id, authorizer_type="CUSTOM"
        )

    def fall_back_to(self, made: MadeFunction) -> None:
        """Have unknown routes and methods answered by a function."""
        HttpRoute(
            self,
            "Fallback",
            http_api=self.api,
            route_key=HttpRouteKey.DEFAULT,
            integration=HttpLambdaIntegration("FallbackIntegration", made.invoked),
        )

    def _add_stage(self) -> None:
        stage = self.stage_settings
        logging = None
        if stage.is_cloud:
            # Below this prefix the gateway may write without a policy of the log group's own.
            logs = CfnLogGroup(
                self,
                "AccessLogs",
                log_group_name=f"/aws/vendedlogs/{self.physical_name('api')}",
                retention_in_days=stage.log_retention_days,
            )
            logs.apply_removal_policy(self.removal_policy)
            logging = CfnStage.AccessLogSettingsProperty(destination_arn=logs.attr_arn, format=json.dumps(_ACCESS_LOG))
        CfnStage(
            self,
            "Stage",
            api_id=self.api.api_id,
            stage_name="$default",
            auto_deploy=True,
            access_log_settings=logging,
            default_route_settings=CfnStage.RouteSettingsProperty(
                throttling_rate_limit=stage.requests_per_second,
                throttling_burst_limit=stage.burst,
                detailed_metrics_enabled=stage.is_cloud,
            ),
        )


def route_list(endpoints: Sequence[Endpoint]) -> str:
    """All routes as JSON, for telling an unknown path from a method that a path doesn't have."""
    return json.dumps(sorted([endpoint.method, endpoint.path] for endpoint in endpoints), separators=(",", ":"))

"""The CDK app: `cdk deploy --all --context stage=dev`.

Everything but what holds state is made from the declarations beside the handlers.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from aws_cdk import App
from constructs import Construct

from infra.assets import BuiltFolder, context_code
from infra.constructs.alarms import Alarms
from infra.constructs.functions import ContextFunctions
from infra.declarations import (
    AUTHORIZER,
    FALLBACK,
    ROUTES_FILE,
    Declared,
    dead_letter_sources,
    discover,
    function_needs,
    subscriptions,
)
from infra.grants import Resources
from infra.layers.build import stage_layers
from infra.stacks.analysis import AnalysisStack
from infra.stacks.api import ApiStack, route_list
from infra.stacks.context import ContextStack
from infra.stacks.foundation import FoundationStack
from infra.stacks.messaging import MessagingStack
from infra.stages import Stage, stage_named
from shared.http.endpoint import Endpoint
from shared.messaging.routing import FunctionNeeds, QueueClass

COMPLETIONS = f"{QueueClass.VIDEO_PROCESSING}-complete-analysis"
"""The queue on which the analysis worker says how an analysis ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Functions:
    """What there is to deploy: the declarations, the two functions without one, and what they are built from.

    `code` gives a context's, with some generated files by their path.
    """

    declared: list[Declared]
    authorizer: FunctionNeeds | None
    fallback: FunctionNeeds | None
    code: Callable[[str, Mapping[str, str]], BuiltFolder]
    layers: Mapping[str, BuiltFolder]

    @property
    def endpoints(self) -> list[Endpoint]:
        return [one.declaration for one in self.declared if isinstance(one.declaration, Endpoint)]


def build(scope: Construct, stage: Stage, functions: Functions) -> None:
    """Add the stacks of a stage."""
    # Rules of AWS' own, which take as long to load as all the rest of a synthesis.
    scope.node.set_context("@aws-cdk/core:validateAgainstDefaultRules", stage.is_cloud)
    foundation = FoundationStack(scope, stage)
    messaging = MessagingStack(scope, stage)
    alarms = Alarms(messaging.alarm_topics)
    resources = replace(
        foundation.resources(messaging.bus),
        dead_letter_sources=dead_letter_sources(functions.declared),
        subscriptions=subscriptions(functions.declared),
    )
    api = _api(scope, stage, functions, resources, alarms)
    for context in sorted({one.context for one in functions.declared}):
        stack = ContextStack(
            scope,
            context,
            stage,
            declared=[one for one in functions.declared if one.context == context],
            code=functions.code(context, {}),
            layers=functions.layers,
            resources=resources,
            api=api,
            alarms=alarms,
        )
        if COMPLETIONS in stack.queues:
            AnalysisStack(scope, stage, resources=resources, completions=stack.queues[COMPLETIONS])


def _api(scope: Construct, stage: Stage, functions: Functions, resources: Resources, alarms: Alarms) -> ApiStack:
    """The API with its authorizer and fallback, which stand in its stack because every context's routes need them."""
    api = ApiStack(scope, stage)
    alarms.watch_api(api, api.api.api_id)
    if functions.authorizer is not None:
        needs = functions.authorizer
        identity = ContextFunctions(api, "identity", functions.code("identity", {}), functions.layers, resources)
        authorizer = identity.make("authorizer", AUTHORIZER, needs, needs.grants)
        alarms.watch_function(api, "authorizer", authorizer.function)
        api.authorize_with(authorizer)
    if functions.fallback is not None:
        needs = functions.fallback
        # A folder of its own, so that a new route deploys no other function; the environment would be too small.
        code = functions.code("operations", {ROUTES_FILE: route_list(functions.endpoints)})
        operations = ContextFunctions(api, "operations", code, functions.layers, resources)
        fallback = operations.make("fallback", FALLBACK, needs, needs.grants)
        alarms.watch_function(api, "fallback", fallback.function)
        api.fall_back_to(fallback)
    return api


def project_functions(stage: Stage) -> Functions:
    """What this project declares, with code and layers built for a stage."""
    return Functions(
        declared=discover(),
        authorizer=function_needs(AUTHORIZER),
        fallback=function_needs(FALLBACK),
        code=lambda context, generated: context_code(context, generated, compiled=not stage.is_cloud),
        layers=stage_layers(stage.runtime),
    )


def main() -> None:
    # Without the tree of constructs, which takes as long to write as all templates.
    app = App(tree_metadata=False, analytics_reporting=False)
    stage = stage_named(str(app.node.try_get_context("stage") or "local"))
    build(app, stage, project_functions(stage))
    app.synth()


if __name__ == "__main__":
    main()

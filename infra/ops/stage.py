"""A stage as its operator works on it: with their own credentials, through the very code that its endpoints run."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from types import ModuleType
from typing import Any

from infra.local import aws
from infra.local.layout import Layout
from infra.stages import UnknownStage, stage_named
from shared.aws import clients
from shared.aws.settings import Settings
from shared.behaviors.order import request_chain
from shared.cqrs.messages import Message
from shared.cqrs.pipeline import Context
from shared.cqrs.policy import Policy
from shared.http.endpoint import Endpoint
from shared.kernel.principals import Principal, System
from shared.kernel.result import Result
from shared.persistence.scope import Runtime

_TIME_LIMIT = timedelta(minutes=2)


class StageUnreachable(Exception):
    """The stage can't be worked on; the message says why."""


class _Operator:
    """Who holds credentials that let them change the stage's tables is asked for no other leave."""

    def include(self, principal: Principal) -> bool:
        return isinstance(principal, System)

    def permissions(self, principal: Principal, workspace_id: str) -> frozenset[str] | None:
        return None


@dataclass(frozen=True, slots=True)
class StageAccess:
    """`client` makes the client of a service; `operator` is named in the audit trail."""

    name: str
    client: Callable[[str], Any]
    operator: str

    def send(self, use_case: ModuleType, message: Message) -> Result[Any]:
        """Answer a message as the endpoint of a use case does, its audit trail included."""
        endpoint: Endpoint = use_case.ENDPOINT
        return self.run(
            message, endpoint.policy, endpoint.build, settings_of=use_case.__name__, path_fields=endpoint.path_fields
        )

    def run(
        self,
        message: Message,
        policy: Policy,
        build: Callable[[Any], Callable[[Any], Result[Any]]],
        *,
        settings_of: str,
        path_fields: frozenset[str] = frozenset(),
    ) -> Result[Any]:
        """Answer a message with what its behaviors and its handler need to know of the stage.

        `settings_of` is the module of a function whose environment names the same resources.
        """
        runtime = Runtime(self._settings(settings_of), client=self.client)
        operator = _Operator()
        chain = request_chain(type(message), policy, build, runtime, operator, administrators=operator)
        now = runtime.clock.now()
        context = Context(
            message_id=runtime.ids.new(),
            correlation_id=runtime.ids.new(),
            received_at=now,
            deadline=now + _TIME_LIMIT,
            principal=System(self.operator),
            path_fields=path_fields,
        )
        return chain(message, context)

    def _settings(self, module: str) -> Settings:
        from botocore.exceptions import BotoCoreError, ClientError

        _, context, _, use_case = module.split(".")
        function = f"visionscope-{self.name}-{context}-{use_case.replace('_', '-')}"
        try:
            found = self.client("lambda").get_function_configuration(FunctionName=function)
        except (BotoCoreError, ClientError) as error:
            raise StageUnreachable(f"the function {function} can't be looked up: {error}") from error
        environment: Mapping[str, str] = found["Environment"]["Variables"]
        return Settings(environment)


def local_stage(layout: Layout) -> StageAccess:
    """The local stack of a checkout. Raises `StageUnreachable` when none was started."""
    try:
        outputs: Mapping[str, str] = json.loads(layout.outputs.read_text())
    except FileNotFoundError as missing:
        raise StageUnreachable("no local stack runs: start it with `make local`") from missing

    @cache
    def client(service: str) -> Any:
        return aws.client(service, outputs["endpoint_url"])

    return StageAccess("local", client, "operator")


def cloud_stage(name: str) -> StageAccess:
    """A stage in the account that the credentials of the environment are for. Raises `StageUnreachable`."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        stage_named(name)
        identity = clients.client("sts").get_caller_identity()
    except UnknownStage as unknown:
        raise StageUnreachable(str(unknown)) from unknown
    except (BotoCoreError, ClientError) as error:
        raise StageUnreachable(f"AWS doesn't say who you are: {error}") from error
    return StageAccess(name, clients.client, f"operator {identity['Arn']}")

from collections.abc import Iterable
from datetime import date, timedelta
from enum import StrEnum
from typing import Annotated, TypeAlias

from pydantic import Field

from functions.billing.adapters.projections import USAGE, USAGE_TAG, UsageKey, read_usage_key
from functions.entry import http_function
from shared.aws.grants import READ_MODELS_READ
from shared.cqrs.messages import Query, View
from shared.cqrs.policy import Caching, Policy
from shared.http.endpoint import query
from shared.kernel.clock import rfc3339
from shared.kernel.errors import FieldError, ValidationFailed
from shared.kernel.ids import Uuid
from shared.kernel.result import Failure, Result, Success
from shared.messaging.projections import ReadModel
from shared.messaging.routing import FunctionNeeds
from shared.persistence.scope import ReadScope

MAX_DAYS = 366
"""Of one report."""

MAX_ITEMS = 5_000
"""Of one report, which with as many still is below 1 MB."""

Day = Annotated[date, Field(ge=date(2000, 1, 1), lt=date(3000, 1, 1))]
"""Far from where the calendar of a computer ends, so that one can count on from any of them."""


class Grouping(StrEnum):
    FEATURE = "feature"
    USER = "user"
    PROJECT = "project"
    DAY = "day"


class Usage(View):
    """`feature_code`, `user_id`, `project_id` and `day` are there when it is grouped by them.

    What no user asked for, or belongs to no project, has none then either.
    """

    feature_code: str | None
    user_id: str | None
    project_id: str | None
    day: date | None
    credits_consumed: int


class UsageReport(View):
    """Sums over whole UTC days, from `start` on and before `end`."""

    start: date
    end: date
    items: list[Usage]
    credits_consumed: int
    next_cursor: None = None
    as_of: str


class GetWorkspaceUsage(Query[UsageReport]):
    """Without `start` from the first of the month on, without `end` up to today, today included."""

    workspace_id: Uuid
    start: Day | None = None
    end: Day | None = None
    group_by: str = Field("feature,day", max_length=100)

    def rules(self) -> Iterable[FieldError]:
        asked = self.group_by.split(",")
        if set(asked) - set(Grouping) or len(set(asked)) != len(asked):
            yield FieldError("/group_by", "not-available", f"Usage can be grouped by {', '.join(Grouping)}")

    @property
    def grouping(self) -> frozenset[Grouping]:
        return frozenset(map(Grouping, self.group_by.split(",")))


Group: TypeAlias = tuple[str | None, str | None, str | None, str | None]
"""Day, feature code, user and project; `None` for what isn't grouped by."""


def _group(key: UsageKey, grouping: frozenset[Grouping]) -> Group:
    return (
        key.day if Grouping.DAY in grouping else None,
        key.feature_code if Grouping.FEATURE in grouping else None,
        key.user_id if Grouping.USER in grouping else None,
        key.project_id if Grouping.PROJECT in grouping else None,
    )


class GetWorkspaceUsageHandler:
    def __init__(self, scope: ReadScope) -> None:
        self._scope = scope
        self._model = ReadModel(scope.store, USAGE.name)

    def __call__(self, query: GetWorkspaceUsage) -> Result[UsageReport]:
        now = self._scope.runtime.clock.now()
        end = query.end or max(now.date(), query.start or now.date()) + timedelta(days=1)
        start = query.start or (end - timedelta(days=1)).replace(day=1)
        if not timedelta() < end - start <= timedelta(days=MAX_DAYS):
            reason = f"A report is over at least one and at most {MAX_DAYS} days, of which `end` is the first left out"
            return Failure(ValidationFailed([FieldError("/end", "out-of-range", reason)]))
        sums: dict[Group, int] = {}
        for row in self._model.sums(query.workspace_id, after=start.isoformat(), before=end.isoformat()):
            group = _group(read_usage_key(row.sk), query.grouping)
            sums[group] = sums.get(group, 0) + int(row.amount)
            if len(sums) > MAX_ITEMS:
                reason = f"A report has at most {MAX_ITEMS} items: ask for less time, or group by less"
                return Failure(ValidationFailed([FieldError("/group_by", "too-many-groups", reason)], f"{reason}."))
        ordered = sorted(sums.items(), key=lambda one: [part or "" for part in one[0]])
        return Success(
            UsageReport(
                start=start,
                end=end,
                items=[
                    Usage(
                        feature_code=feature_code,
                        user_id=user_id,
                        project_id=project_id,
                        day=date.fromisoformat(day) if day else None,
                        credits_consumed=total,
                    )
                    for (day, feature_code, user_id, project_id), total in ordered
                ],
                credits_consumed=sum(sums.values()),
                as_of=rfc3339(now),
            )
        )


def build(scope: ReadScope) -> GetWorkspaceUsageHandler:
    return GetWorkspaceUsageHandler(scope)


ENDPOINT = query(
    "/v1/workspaces/{workspace_id}/usage",
    GetWorkspaceUsage,
    build,
    policy=Policy(
        permission="credits:read", caching=Caching(ttl_seconds=300, tags=lambda _query: (USAGE_TAG,), shared=True)
    ),
    summary="The credits that a workspace consumed, by feature, user, project and day",
    needs=FunctionNeeds(grants=(READ_MODELS_READ,)),
)
lambda_handler = http_function(ENDPOINT)

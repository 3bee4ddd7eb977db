from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from functions.billing.adapters.accounts import read_tier
from functions.billing.domain.tiers import NO_WORKSPACE, TIERS, RatedFeature, Tier
from shared.cqrs.policy import Limit
from shared.persistence.scope import Runtime

_REMEMBERED_FOR = timedelta(minutes=1)
_MAX_REMEMBERED = 10_000


class TierLimits:
    """What the tier of a workspace allows.

    A process asks for a workspace's tier once a minute, so that limits cost no read of their own: after a change of the
    tier the old rates may hold for one more minute. Credits and access don't wait for that, they are read as they are.
    """

    def __init__(self, runtime: Runtime, tiers: Mapping[str, Tier] = TIERS) -> None:
        self._runtime = runtime
        self._tiers = tiers
        self._remembered: OrderedDict[str, tuple[str, datetime]] = OrderedDict()

    def limits(self, feature: str, workspace_id: str | None) -> Sequence[Limit]:
        if workspace_id is None:
            return NO_WORKSPACE
        return self._tiers[self._tier_name(workspace_id)].rates.limits(RatedFeature(feature))

    def _tier_name(self, workspace_id: str) -> str:
        now = self._runtime.clock.now()
        name, until = self._remembered.get(workspace_id, ("", now))
        if until <= now:
            name = read_tier(self._runtime.store, workspace_id).name
            self._remembered[workspace_id] = name, now + _REMEMBERED_FOR
            self._remembered.move_to_end(workspace_id)
            if len(self._remembered) > _MAX_REMEMBERED:
                # All are remembered equally long: the first one in is the first to be outdated.
                self._remembered.popitem(last=False)
        return name

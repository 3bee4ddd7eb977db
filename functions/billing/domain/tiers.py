"""Pricing tiers: what a workspace gets each month, how large its videos may be and how often it may ask."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from functions.billing.domain.credits import FeatureCode
from shared.cqrs.policy import Limit, Per

_MIB = 1024 * 1024
_MINUTE = 60


class RatedFeature(StrEnum):
    """What a tier limits the rate of, by the name that policies use. Reads of one thing by its id have no limit."""

    ANALYSES = "analyses"
    CREDITS = "credits"
    """Commands on credits."""
    QUESTIONS = "questions"
    SEARCHES = "searches"
    UPLOADS = "uploads"
    COMMANDS = "commands"
    """Every other command: no limit of its own, but it counts for who sends it and for their workspace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Requests per minute: of one member, of the whole workspace, and of the workspace for one feature."""

    member: int
    workspace: int
    features: Mapping[RatedFeature, int]

    def limits(self, feature: RatedFeature) -> tuple[Limit, ...]:
        """What a request for a feature has to pass."""
        whole = (
            Limit(per=Per.MEMBER, requests=self.member, window_seconds=_MINUTE),
            Limit(per=Per.WORKSPACE, requests=self.workspace, window_seconds=_MINUTE),
        )
        if feature not in self.features:
            return whole
        return (*whole, Limit(per=Per.FEATURE, requests=self.features[feature], window_seconds=_MINUTE))


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    name: str
    allowances: Mapping[FeatureCode, int]
    """Credits per feature and month."""
    max_upload_bytes: int
    max_video_minutes: int
    rates: Rates


# People stay far below these, and so does a client that works through a list of some hundred videos. At its limit, with
# 20 requests a second of 100 ms each, a free workspace keeps two of an account's thousand executions busy.
FREE = Tier(
    name="free",
    allowances={
        FeatureCode.VIDEO_ANALYSIS: 60,
        FeatureCode.TRANSCRIPTION: 60,
        FeatureCode.TEXT_RECOGNITION: 60,
        FeatureCode.PEOPLE_DETECTION: 30,
        FeatureCode.CONVERSATION: 50,
        FeatureCode.STORAGE_MINUTES: 300,
    },
    max_upload_bytes=500 * _MIB,
    max_video_minutes=30,
    rates=Rates(
        member=600,
        workspace=1_200,
        features={
            RatedFeature.ANALYSES: 60,
            RatedFeature.CREDITS: 600,
            RatedFeature.QUESTIONS: 60,
            RatedFeature.SEARCHES: 300,
            RatedFeature.UPLOADS: 300,
        },
    ),
)

PRO = Tier(
    name="pro",
    allowances={
        FeatureCode.VIDEO_ANALYSIS: 1_200,
        FeatureCode.TRANSCRIPTION: 1_200,
        FeatureCode.TEXT_RECOGNITION: 1_200,
        FeatureCode.PEOPLE_DETECTION: 600,
        FeatureCode.CONVERSATION: 2_000,
        FeatureCode.STORAGE_MINUTES: 12_000,
    },
    max_upload_bytes=5 * 1024 * _MIB,
    max_video_minutes=180,
    rates=Rates(
        member=1_200,
        workspace=6_000,
        features={
            RatedFeature.ANALYSES: 300,
            RatedFeature.CREDITS: 3_000,
            RatedFeature.QUESTIONS: 300,
            RatedFeature.SEARCHES: 1_500,
            RatedFeature.UPLOADS: 1_500,
        },
    ),
)

ENTERPRISE = Tier(
    name="enterprise",
    allowances={
        FeatureCode.VIDEO_ANALYSIS: 20_000,
        FeatureCode.TRANSCRIPTION: 20_000,
        FeatureCode.TEXT_RECOGNITION: 20_000,
        FeatureCode.PEOPLE_DETECTION: 10_000,
        FeatureCode.CONVERSATION: 40_000,
        FeatureCode.STORAGE_MINUTES: 200_000,
    },
    max_upload_bytes=5 * 1024 * _MIB,
    max_video_minutes=600,
    rates=Rates(
        member=3_000,
        workspace=30_000,
        features={
            RatedFeature.ANALYSES: 1_500,
            RatedFeature.CREDITS: 15_000,
            RatedFeature.QUESTIONS: 1_500,
            RatedFeature.SEARCHES: 7_500,
            RatedFeature.UPLOADS: 7_500,
        },
    ),
)

TIERS: Mapping[str, Tier] = {tier.name: tier for tier in (FREE, PRO, ENTERPRISE)}

# Of one caller's commands outside of any workspace.
NO_WORKSPACE = (Limit(per=Per.USER, requests=120, window_seconds=_MINUTE),)


def next_reset(now: datetime) -> datetime:
    """The start of the next month, UTC."""
    year, month = (now.year + 1, 1) if now.month == 12 else (now.year, now.month + 1)
    return now.replace(year=year, month=month, day=1, hour=0, minute=0, second=0, microsecond=0)

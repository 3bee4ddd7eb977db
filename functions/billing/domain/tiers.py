"""Pricing tiers: what a workspace gets each month and how large its videos may be."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from functions.billing.domain.credits import FeatureCode


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    name: str
    allowances: Mapping[FeatureCode, int]
    """Credits per feature and month."""
    max_upload_bytes: int
    max_video_minutes: int


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
    max_upload_bytes=500 * 1024 * 1024,
    max_video_minutes=30,
)

TIERS: Mapping[str, Tier] = {FREE.name: FREE}


def next_reset(now: datetime) -> datetime:
    """The start of the next month, UTC."""
    year, month = (now.year + 1, 1) if now.month == 12 else (now.year, now.month + 1)
    return now.replace(year=year, month=month, day=1, hour=0, minute=0, second=0, microsecond=0)

"""What credits are spent on."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from functions.billing.domain.credits import FeatureCode


class FeatureGroup(StrEnum):
    ANALYSIS = "analysis"
    CONVERSATION = "conversation"
    STORAGE = "storage"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureDefinition:
    """`credit_buys` says what one credit is good for."""

    group: FeatureGroup
    name: str
    credit_buys: str


_A_MINUTE = "One started minute of video"

FEATURES: Mapping[FeatureCode, FeatureDefinition] = {
    FeatureCode.VIDEO_ANALYSIS: FeatureDefinition(
        group=FeatureGroup.ANALYSIS,
        name="Video analysis",
        credit_buys=f"{_A_MINUTE}, divided into shots or searched for objects",
    ),
    FeatureCode.TRANSCRIPTION: FeatureDefinition(
        group=FeatureGroup.ANALYSIS, name="Transcription", credit_buys=f"{_A_MINUTE}, its speech written down"
    ),
    FeatureCode.TEXT_RECOGNITION: FeatureDefinition(
        group=FeatureGroup.ANALYSIS, name="Text recognition", credit_buys=f"{_A_MINUTE}, the text on screen read"
    ),
    FeatureCode.PEOPLE_DETECTION: FeatureDefinition(
        group=FeatureGroup.ANALYSIS, name="People detection", credit_buys=f"{_A_MINUTE}, searched for people"
    ),
    FeatureCode.CONVERSATION: FeatureDefinition(
        group=FeatureGroup.CONVERSATION, name="Conversation", credit_buys="One question about videos"
    ),
    FeatureCode.STORAGE_MINUTES: FeatureDefinition(
        group=FeatureGroup.STORAGE, name="Storage", credit_buys=f"{_A_MINUTE}, kept for a month"
    ),
}

"""What an analysis costs: for each feature asked for, credits per started minute of video.

Speech of a video without sound costs nothing: that there is none is known before anybody listens.
"""

from collections.abc import Iterable, Mapping

from functions.videos.domain.analysis import Feature

# Which credits each feature takes. The codes are billing's; the domain knows them by name only.
CREDITS_PER_MINUTE: Mapping[Feature, tuple[str, int]] = {
    Feature.SHOTS: ("video_analysis", 1),
    Feature.OBJECTS: ("video_analysis", 1),
    Feature.SPEECH: ("transcription", 1),
    Feature.TEXT: ("text_recognition", 1),
    Feature.PEOPLE: ("people_detection", 1),
    Feature.EMOTION: ("people_detection", 1),
}


def quote(features: Iterable[Feature], duration_ms: int, *, has_audio: bool = True) -> dict[str, int]:
    """Credits by feature code. A video of no length at all is one minute."""
    minutes = max(1, -(-duration_ms // 60_000))
    amounts: dict[str, int] = {}
    for feature in features:
        if feature is Feature.SPEECH and not has_audio:
            continue
        code, per_minute = CREDITS_PER_MINUTE[feature]
        amounts[code] = amounts.get(code, 0) + per_minute * minutes
    return amounts


def charge(features: Iterable[Feature], duration_ms: int, held: Mapping[str, int]) -> dict[str, int]:
    """What the finished work costs by the length that was found: no more, and nothing else, than was agreed to."""
    return {code: min(amount, held[code]) for code, amount in quote(features, duration_ms).items() if code in held}

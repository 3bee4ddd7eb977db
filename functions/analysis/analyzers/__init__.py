"""What looks at and listens to a video. Each analyzer is fed the one decode pass and tells its findings at the end."""

from dataclasses import dataclass
from typing import Protocol

from functions.analysis.decode import Frame, Sound
from functions.videos.domain.results import ModelUsed, ScreenText, Shot, SpeechSegment, SpriteThumbnail


@dataclass(frozen=True, slots=True)
class Findings:
    shots: tuple[Shot, ...] = ()
    texts: tuple[ScreenText, ...] = ()
    speech: tuple[SpeechSegment, ...] = ()
    sprite: tuple[SpriteThumbnail, ...] = ()


class Analyzer(Protocol):
    """`slow` ones are fed on a thread of their own."""

    @property
    def name(self) -> str: ...

    @property
    def slow(self) -> bool: ...

    @property
    def models(self) -> tuple[ModelUsed, ...]: ...

    def see(self, frame: Frame) -> None: ...

    def hear(self, sound: Sound) -> None: ...

    def finish(self, duration_ms: int) -> Findings: ...

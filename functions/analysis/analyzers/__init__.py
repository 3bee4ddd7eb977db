"""What looks at and listens to a video. Each analyzer is fed the one decode pass and tells its findings at the end."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol

from functions.analysis.analyzers.tracking import Track
from functions.analysis.frames import Frame
from functions.analysis.sound import Sound
from functions.videos.domain.results import ModelUsed, ScreenText, Shot, SoundEvent, SpeechSegment, SpriteThumbnail

if TYPE_CHECKING:
    from functions.analysis.analyzers.measures import Samples


@dataclass(frozen=True, slots=True)
class Findings:
    shots: tuple[Shot, ...] = ()
    texts: tuple[ScreenText, ...] = ()
    speech: tuple[SpeechSegment, ...] = ()
    sounds: tuple[SoundEvent, ...] | None = None
    """None of an analyzer that doesn't listen for them."""
    tracks: tuple[Track, ...] = ()
    measures: "Samples | None" = None
    sprite: tuple[SpriteThumbnail, ...] = ()


class Resumable:
    """An analyzer whose state can be taken in the midst of a video, and given to another one like it to go on from.

    `lent` names the attributes that hold what it was given and doesn't own: models, and where it saves pictures to.
    A part of it that was lent something is `Resumable` itself.
    """

    lent: ClassVar[frozenset[str]] = frozenset()

    def state(self) -> dict[str, object]:
        return {
            name: value.state() if isinstance(value, Resumable) else value
            for name, value in vars(self).items()
            if name not in self.lent
        }

    def resume(self, state: Mapping[str, object]) -> None:
        for name, value in state.items():
            part = vars(self).get(name)
            if isinstance(part, Resumable) and isinstance(value, Mapping):
                part.resume(value)
            else:
                setattr(self, name, value)


class Watcher:
    """An analyzer of pictures alone."""

    def hear(self, sound: Sound) -> None:
        """Nothing is to be heard."""


class Listener:
    """An analyzer of sound alone. It is spared the pictures, so that neither waits for the other."""

    def see(self, frame: Frame) -> None:
        """Nothing is to be seen."""


class Analyzer(Protocol):
    """`slow` ones are fed on a thread of their own. Without one, the `features` that it serves fail. Sound is decoded
    only if there is one that is more than a `Watcher`.
    """

    @property
    def name(self) -> str: ...

    @property
    def features(self) -> frozenset[str]: ...

    @property
    def slow(self) -> bool: ...

    @property
    def models(self) -> tuple[ModelUsed, ...]: ...

    def see(self, frame: Frame) -> None: ...

    def hear(self, sound: Sound) -> None: ...

    def finish(self, duration_ms: int) -> Findings: ...

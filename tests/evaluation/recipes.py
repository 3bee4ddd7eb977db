"""How a composed clip is made: takes one after another, captions over them, sentences beside them.

A recipe says all there is to a clip, so what the clip holds follows from it and needs no looking.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

Grade = Literal["plain", "warm", "cool", "mono", "dim"]
Pattern = Literal["bars", "checkers", "rings", "sweep", "dots", "clock", "static"]
Place = Literal["centre", "top", "bottom", "upper-left", "upper-right", "lower-left", "lower-right"]

FADE_COLOURS = {"black": 0, "white": 255}


@dataclass(frozen=True)
class Footage:
    """A piece of a real clip, within one of its shots, re-framed."""

    clip: str
    first: int
    mirrored: bool = False
    zoom: float = 1.0
    grade: Grade = "plain"


@dataclass(frozen=True)
class Landscape:
    """Soft colours that the camera pans over, `pan` pixels a frame, with film grain."""

    seed: int
    pan: float = 0.0
    grain: float = 0.0
    brightness: float = 1.0


@dataclass(frozen=True)
class Figure:
    """A moving test pattern."""

    pattern: Pattern
    seed: int


@dataclass(frozen=True)
class Card:
    colour: tuple[int, int, int]


View = Footage | Landscape | Figure | Card


@dataclass(frozen=True)
class Fade:
    """How a take comes out of the one before it: that one goes, nothing is seen for a while, this one comes."""

    leaving: int
    empty: int
    coming: int
    colour: Literal["black", "white"] = "black"


@dataclass(frozen=True)
class Take:
    """One shot. `flashes` are frames of it in which a lamp flashes, which is no cut. `fade` is how it begins."""

    view: View
    frames: int
    flashes: tuple[int, ...] = ()
    fade: Fade | None = None


@dataclass(frozen=True)
class Caption:
    """Words on the picture from the frame `first` to before the frame `end`."""

    text: str
    first: int
    end: int
    font: str = "sans"
    size: float = 0.07
    place: Place = "bottom"
    colour: tuple[int, int, int] = (255, 255, 255)
    plate: tuple[int, int, int] | None = None


@dataclass(frozen=True)
class Sentence:
    text: str
    voice: str = "slt"


@dataclass(frozen=True)
class Reading:
    """A recording of somebody who reads, see `sources.recording`."""

    name: str


@dataclass(frozen=True)
class Recipe:
    """`spoken` are sentences one after another from `speech_from_ms` on, with `pause_ms` between them."""

    name: str
    takes: tuple[Take, ...]
    captions: tuple[Caption, ...] = ()
    spoken: tuple[Sentence | Reading, ...] = ()
    speech_from_ms: int = 1500
    pause_ms: int = 900
    width: int = 640
    height: int = 360
    rate: int = 25
    music: bool = False

    @property
    def frames(self) -> int:
        return sum(take.frames + (take.fade.empty if take.fade else 0) for take in self.takes)


@dataclass(frozen=True)
class RealShot:
    """A shot of real footage from which pieces can be taken without meeting a cut or a fade."""

    clip: str
    first: int
    end: int


REAL_SHOTS = (
    RealShot("trailer", 30, 215),
    RealShot("trailer", 262, 312),
    RealShot("trailer", 362, 590),
    RealShot("trailer", 596, 748),
    RealShot("trailer", 794, 860),
    RealShot("trailer", 866, 898),
    RealShot("trailer", 908, 986),
    RealShot("trailer", 990, 1047),
    RealShot("trailer", 1051, 1104),
    RealShot("trailer", 1158, 1206),
    RealShot("bikes", 0, 29),
    RealShot("bikes", 31, 75),
    RealShot("bikes", 77, 136),
    RealShot("bikes", 138, 186),
    RealShot("bikes", 188, 241),
    RealShot("carphone", 0, 119),
)

_GRADES: tuple[Grade, ...] = ("plain", "plain", "plain", "warm", "cool", "mono", "dim")
_PATTERNS: tuple[Pattern, ...] = ("bars", "checkers", "rings", "sweep", "dots", "clock", "static")


@dataclass
class Cutter:
    """Draws takes at random, from one seed, so that neighbours show different things."""

    seed: int
    shortest: int = 18
    longest: int = 60
    _random: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def real(self, count: int, fades: Sequence[int] = ()) -> tuple[Take, ...]:
        """Pieces of real footage; the takes whose numbers `fades` names begin with a fade."""
        takes: list[Take] = []
        previous: RealShot | None = None
        for number in range(count):
            # The same shot again, two cuts later, is what a dialogue looks like.
            shot = self._random.choice([one for one in REAL_SHOTS if one != previous])
            previous = shot
            longest = shot.end - shot.first
            frames = min(self._random.randint(self.shortest, self.longest), longest)
            first = self._random.randint(shot.first, shot.end - frames)
            view = Footage(
                shot.clip,
                first,
                mirrored=self._random.random() < 0.3,
                zoom=self._random.choice([1.0, 1.0, 1.2, 1.5]),
                grade=self._random.choice(_GRADES),
            )
            takes.append(self._take(view, frames, number in fades))
        return tuple(takes)

    def made(self, count: int, fades: Sequence[int] = ()) -> tuple[Take, ...]:
        """Landscapes and test patterns: still, panning, grainy, dark, flickering."""
        takes: list[Take] = []
        previous: Pattern | None = None
        for number in range(count):
            frames = self._random.randint(self.shortest, self.longest)
            seed = self._random.randrange(1_000_000)
            view: View
            if self._random.random() < 0.35:
                unused: list[Pattern] = [one for one in _PATTERNS if one != previous]
                pattern: Pattern = self._random.choice(unused)
                view, previous = Figure(pattern, seed), pattern
            else:
                previous = None
                view = Landscape(
                    seed,
                    pan=self._random.choice([0, 0, 1, 3, 6, 12]),
                    grain=self._random.choice([0, 0, 4, 10, 25]),
                    brightness=self._random.choice([1.0, 1.0, 1.0, 0.6, 0.3]),
                )
            takes.append(self._take(view, frames, number in fades))
        return tuple(takes)

    def _take(self, view: View, frames: int, faded: bool) -> Take:
        flashes: tuple[int, ...] = ()
        if self._random.random() < 0.12:
            flash = self._random.randint(6, frames - 6)
            flashes = tuple(range(flash, flash + self._random.randint(1, 2)))
        if not faded:
            return Take(view, frames, flashes)
        fade = Fade(
            leaving=self._random.randint(6, 20),
            empty=self._random.choice([1, 2, 5, 12]),
            coming=self._random.randint(6, 20),
            colour=self._random.choice(["black", "black", "black", "white"]),
        )
        # Long enough to be seen between its own fade and the next one.
        return Take(view, max(frames, 50), (), fade)

"""The clips of the evaluation: real ones with what a person saw in them, and composed ones."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from infra.local.expectations import CAPTIONS, CUTS
from tests.evaluation import sources
from tests.evaluation.photographs import photographs
from tests.evaluation.recipes import (
    Caption,
    Card,
    Cutter,
    Fade,
    Figure,
    Footage,
    Landscape,
    Reading,
    Recipe,
    Sentence,
    Take,
)
from tests.evaluation.rendering import composed
from tests.evaluation.truth import Boundary, CaptionTruth, Face, LabelledFrame, Truth


@dataclass(frozen=True)
class Clip:
    name: str
    path: Path
    truth: Truth


def _cuts(*frames: int) -> tuple[Boundary, ...]:
    return tuple(Boundary(first=frame, last=frame) for frame in frames)


def _fade(first: int, last: int) -> Boundary:
    return Boundary(first=first, last=last, fade=True)


# The fades were read off single frames: between which of them nothing is seen, or one shot as much as the other.
_TRAILER = Truth(
    frames=1323,
    frame_rate=24,
    duration_ms=55_125,
    boundaries=(
        *_cuts(*CUTS),
        _fade(238, 242),
        _fade(334, 338),
        _fade(766, 771),
        _fade(1125, 1134),
        _fade(1242, 1253),
    ),
    captions=tuple(
        CaptionTruth(text=text, start_ms=start_ms, end_ms=end_ms, size=0.07, style="as in the film")
        for text, start_ms, end_ms in CAPTIONS
    ),
    # Animals that are drawn: their faces are nobody's.
    labelled=tuple(
        LabelledFrame(frame=24 * second, at_ms=1000 * second, objects=None, faces=()) for second in range(2, 55, 5)
    ),
)

_BIKES = Truth(
    frames=250,
    frame_rate=25,
    duration_ms=10_000,
    boundaries=_cuts(30, 76, 137, 187, 242),
    labelled=(
        LabelledFrame(frame=20, at_ms=800, objects=("car",), doubtful=("bus", "truck"), faces=()),
        LabelledFrame(
            frame=35,
            at_ms=1400,
            objects=("person", "car"),
            doubtful=("tie", "bicycle"),
            faces=(Face(x=0.53, y=0.0, width=0.1, height=0.29),),
        ),
        LabelledFrame(
            frame=40,
            at_ms=1600,
            objects=("person", "car"),
            doubtful=("tie", "bicycle"),
            faces=(Face(x=0.71, y=0.02, width=0.12, height=0.3),),
        ),
        LabelledFrame(frame=72, at_ms=2880, objects=("car",), doubtful=("person", "truck")),
        LabelledFrame(
            frame=120,
            at_ms=4800,
            objects=("person", "bicycle", "car"),
            doubtful=("motorcycle", "truck", "bus", "traffic light", "stop sign", "handbag", "backpack"),
            faces=(Face(x=0.64, y=0.1, width=0.06, height=0.13),),
        ),
        LabelledFrame(frame=145, at_ms=5800, objects=("car", "bicycle"), doubtful=("truck", "traffic light"), faces=()),
        LabelledFrame(frame=170, at_ms=6800, objects=("car", "bicycle"), doubtful=("truck", "traffic light"), faces=()),
        LabelledFrame(frame=200, at_ms=8000, objects=("person", "bicycle"), doubtful=("handbag",), faces=()),
        LabelledFrame(frame=225, at_ms=9000, objects=("bicycle",), faces=()),
        LabelledFrame(frame=245, at_ms=9800, objects=("bicycle",), doubtful=("motorcycle",), faces=()),
    ),
)


def _driver(frame: int, x: float, y: float, width: float, height: float) -> LabelledFrame:
    return LabelledFrame(
        frame=frame,
        at_ms=round(frame * 1001 / 30),
        objects=("person",),
        doubtful=("tie", "car"),
        faces=(Face(x=x, y=y, width=width, height=height),),
    )


_CARPHONE = Truth(
    frames=120,
    frame_rate=30_000 / 1001,
    duration_ms=4_004,
    boundaries=(),
    captions=(),
    labelled=(
        _driver(5, 0.35, 0.27, 0.27, 0.43),
        _driver(40, 0.31, 0.26, 0.26, 0.45),
        _driver(62, 0.31, 0.22, 0.28, 0.48),
        _driver(90, 0.20, 0.24, 0.33, 0.48),
    ),
)

_BIGBUCKBUNNY = Truth(frames=132, frame_rate=25, duration_ms=5_280, boundaries=(), captions=())

_REAL = {
    "trailer": _TRAILER,
    "bikes": _BIKES,
    "carphone": _CARPHONE,
    "bigbuckbunny": _BIGBUCKBUNNY,
}


def _title(text: str, first: int, end: int, font: str = "sans-bold", size: float = 0.09) -> Caption:
    return Caption(text, first, end, font, size, "centre", plate=(20, 30, 60))


def _lower(text: str, first: int, end: int, font: str = "sans") -> Caption:
    return Caption(text, first, end, font, 0.06, "lower-left", plate=(0, 0, 0))


_NAVY, _SLATE, _CREAM, _PINE = (18, 32, 64), (60, 66, 74), (240, 232, 214), (20, 70, 50)

_HARBOUR = Recipe(
    "harbour",
    takes=(
        Take(Card(_NAVY), 100),
        Take(Landscape(11, pan=1), 320),
        Take(Footage("bikes", 138, zoom=1.1), 48),
        Take(Landscape(12, pan=2, grain=4), 260),
        Take(Footage("carphone", 0), 110),
        Take(Landscape(13, pan=1), 130, fade=Fade(12, 5, 12)),
    ),
    captions=(
        _title("Harbour Report", 12, 92),
        _lower("Lighthouse reopens 9 June", 120, 260),
        _lower("Ferry delayed 40 minutes", 480, 600),
        _lower("Captain Helen Ward", 640, 720),
    ),
    spoken=(
        Sentence("Good evening. This is the harbour report for Tuesday."),
        Sentence("The old lighthouse reopens on the ninth of June after three years of repairs."),
        Sentence("The repairs cost two million dollars and were paid for by the fishing cooperative."),
        Sentence("A storm delayed the ferry to the island by forty minutes this morning."),
        Sentence("Captain Helen Ward says that nobody was hurt."),
        Sentence("In sport, the rowing club won the regatta for the fifth time."),
        Sentence("Tomorrow will be windy, with rain in the afternoon."),
    ),
    speech_from_ms=1000,
)

_VOLCANOES = Recipe(
    "volcanoes",
    takes=(
        Take(Card(_CREAM), 150),
        Take(Card(_PINE), 280),
        Take(Card(_CREAM), 290),
        Take(Card(_SLATE), 240),
    ),
    captions=(
        Caption("How Volcanoes Work", 0, 140, "serif-bold", 0.1, "centre", (30, 30, 30)),
        Caption("Magma below, lava above", 170, 420, "serif", 0.08, "top"),
        Caption("Shield - Cone - Composite", 450, 640, "sans-bold", 0.08, "centre", (90, 20, 10)),
        Caption("Next week: Glaciers", 850, 950, "serif-italic", 0.08, "bottom"),
    ),
    spoken=(
        Sentence("Today we learn how volcanoes work.", "rms"),
        Sentence("Magma is melted rock below the surface of the earth.", "rms"),
        Sentence("When magma reaches the surface, it is called lava.", "rms"),
        Sentence("Lava can be hotter than one thousand degrees.", "rms"),
        Sentence("There are three main types of volcano.", "rms"),
        Sentence("Mount Etna in Italy erupts almost every year.", "rms"),
        Sentence("Scientists measure small earthquakes to predict an eruption.", "rms"),
        Sentence("Next week we will talk about glaciers.", "rms"),
    ),
    speech_from_ms=1000,
)

_PANCAKES = Recipe(
    "pancakes",
    takes=(
        Take(Landscape(21), 90),
        Take(Landscape(22, pan=1, grain=4), 170),
        Take(Figure("dots", 23), 160),
        Take(Landscape(24, pan=2), 190),
        Take(Landscape(25, brightness=0.6), 180),
    ),
    captions=(
        _title("Pancakes", 10, 80, "round"),
        _lower("2 cups flour", 110, 210),
        _lower("3 eggs", 240, 330),
        _lower("Rest 20 minutes", 350, 450),
        _title("Enjoy your meal", 700, 780, "round"),
    ),
    spoken=(
        Sentence("Let us make pancakes for four people."),
        Sentence("First, mix two cups of flour with a spoon of sugar."),
        Sentence("Then add three eggs and a glass of milk."),
        Sentence("Let the batter rest for twenty minutes."),
        Sentence("Melt some butter in a hot pan."),
        Sentence("Bake each pancake for two minutes on each side."),
        Sentence("Serve them with maple syrup and fresh berries."),
    ),
    speech_from_ms=500,
)

_WAFFLES = Recipe(
    "waffles",
    takes=(
        Take(Landscape(31), 100),
        Take(Figure("sweep", 32), 190),
        Take(Landscape(33, pan=3), 200),
        Take(Landscape(34, grain=10), 220),
    ),
    captions=(
        _title("Waffles", 10, 90, "serif-bold"),
        _lower("4 eggs, 1 cup sugar", 110, 220, "serif"),
        _lower("Cherries and cream", 600, 700, "serif"),
    ),
    spoken=(
        Sentence("Today I bake waffles for six people.", "rms"),
        Sentence("Whisk four eggs with one cup of sugar.", "rms"),
        Sentence("Add half a pound of melted butter.", "rms"),
        Sentence("Stir in three cups of flour and a little salt.", "rms"),
        Sentence("Heat the waffle iron until the green light comes on.", "rms"),
        Sentence("Serve the waffles with cherries and whipped cream.", "rms"),
    ),
    speech_from_ms=500,
)

_STATION = Recipe(
    "station",
    takes=(
        Take(Footage("bikes", 188), 53),
        Take(Landscape(41, pan=6), 180),
        Take(Landscape(42), 200),
        Take(Figure("clock", 43), 260),
    ),
    captions=(
        Caption("Platform 4\nOxford 10:45", 60, 200, "sans-bold", 0.09, "upper-left", (255, 220, 60)),
        Caption("Platform 7\nBristol 11:20", 240, 400, "sans-bold", 0.09, "upper-right", (255, 220, 60)),
        Caption("No service on Sunday", 450, 650, "sans", 0.07, "bottom", (255, 255, 255), (160, 20, 20)),
    ),
    spoken=(
        Sentence("The train to Oxford leaves from platform four at ten forty five."),
        Sentence("The train to Bristol leaves from platform seven at eleven twenty."),
        Sentence("The restaurant car is at the front of the train."),
        Sentence("Please keep your luggage with you at all times."),
        Sentence("Bicycles are carried in the last coach."),
    ),
    speech_from_ms=2500,
)

_MUSEUM = Recipe(
    "museum",
    takes=(
        Take(Card(_SLATE), 90),
        Take(Figure("clock", 51), 260),
        Take(Landscape(52, brightness=0.6), 220),
        Take(Figure("rings", 53), 190),
        Take(Card(_NAVY), 120, fade=Fade(10, 2, 10)),
    ),
    captions=(
        Caption("Museum of Clocks", 5, 85, "serif", 0.1, "centre"),
        _lower("The Blue Room", 450, 560, "serif-italic"),
        Caption("Gift shop", 790, 870, "sans-bold", 0.08, "upper-right", (20, 20, 20), (250, 240, 200)),
    ),
    spoken=(
        Sentence("Welcome to the museum of clocks."),
        Sentence("The oldest clock here was built in sixteen fifty seven."),
        Sentence("It was a gift from the king of Denmark."),
        Sentence("Does it still work?", "rms"),
        Sentence("Yes, but we wind it only once a year."),
        Sentence("The blue room holds our pocket watches."),
        Sentence("How many watches are there?", "rms"),
        Sentence("There are eight hundred watches in the blue room."),
        Sentence("The gift shop closes at six o'clock."),
    ),
    speech_from_ms=1000,
)

_AUSTEN = Recipe(
    "austen",
    takes=(Take(Landscape(61), 300), Take(Landscape(62, pan=1), 300), Take(Landscape(63), 220)),
    spoken=tuple(Reading(name) for name in ("0870", "0880", "0890", "0920", "0930")),
    speech_from_ms=1500,
    pause_ms=1000,
)

_DICKENS = Recipe(
    "dickens",
    takes=(Take(Landscape(71, pan=1), 700), Take(Landscape(72), 450)),
    spoken=(Reading("two_cities"),),
    speech_from_ms=0,
)

_SIGNS = Recipe(
    "signs",
    takes=(
        Take(Landscape(81, pan=2), 260),
        Take(Footage("bikes", 138, zoom=1.2), 48),
        Take(Landscape(82, grain=10), 240),
        Take(Figure("sweep", 83), 180),
        Take(Footage("carphone", 0, zoom=1.1), 118),
        Take(Landscape(84, pan=4, brightness=0.6), 260),
        Take(Card(_CREAM), 200),
    ),
    captions=(
        Caption("Welcome to the garden", 10, 85, "serif", 0.08, "centre"),
        Caption("Mind the step", 100, 150, "sans-bold", 0.06, "lower-right"),
        Caption("Open daily from 8 to 18", 160, 250, "sans", 0.05, "top"),
        Caption("ROSES", 266, 300, "sans-bold", 0.14, "centre", (255, 230, 0)),
        Caption("Please do not feed the ducks", 320, 420, "sans", 0.06, "bottom", (255, 255, 255), (0, 60, 0)),
        Caption("Herbs and spices", 430, 540, "serif-italic", 0.07, "upper-left"),
        Caption("Tickets 12 euros", 560, 640, "round", 0.08, "centre", (255, 255, 255), (120, 0, 80)),
        Caption("Children go free", 650, 720, "round", 0.06, "bottom"),
        Caption("Guided tour at noon", 740, 830, "sans", 0.06, "bottom"),
        Caption("The pond", 860, 900, "serif-bold", 0.1, "upper-right", (200, 240, 255)),
        Caption("Lost and found: room 21", 910, 1000, "sans", 0.045, "lower-left"),
        Caption("Beware of the goose", 1010, 1100, "hand", 0.12, "centre"),
        Caption("Exit through the shop", 1120, 1200, "serif", 0.07, "top", (30, 30, 30)),
        Caption("Thank you for your visit", 1210, 1300, "sans-italic", 0.07, "bottom", (30, 30, 90)),
    ),
)

_MONTAGE = Recipe("montage", Cutter(101).real(62, fades=(9, 21, 33, 44, 52, 60)), music=True, width=854, height=480)
_PATTERNS = Recipe("patterns", Cutter(202).made(60, fades=(7, 15, 28, 39, 50, 57)), rate=30)
_FADES = Recipe("fades", Cutter(303, shortest=30).real(34, fades=tuple(range(2, 32, 2))), rate=24)

_RECIPES = (
    _HARBOUR,
    _VOLCANOES,
    _PANCAKES,
    _WAFFLES,
    _STATION,
    _MUSEUM,
    _AUSTEN,
    _DICKENS,
    _SIGNS,
    _MONTAGE,
    _PATTERNS,
    _FADES,
)


def _real(name: str, truth: Truth) -> Clip:
    return Clip(name, sources.footage(name), truth)


def _photographs() -> Clip:
    return Clip("photographs", *photographs())


def _composed(recipe: Recipe) -> Clip:
    made = composed(recipe)
    return Clip(recipe.name, made.path, made.truth)


COLLECTION: dict[str, Callable[[], Clip]] = {
    **{name: partial(_real, name, truth) for name, truth in _REAL.items()},
    "photographs": _photographs,
    **{recipe.name: partial(_composed, recipe) for recipe in _RECIPES},
}
"""Every clip by its name; calling makes or fetches it, and raises `ClipUnavailable` where that can't be done."""

"""Speech: the share of the words that were misheard, left out or made up."""

from collections.abc import Mapping
from dataclasses import dataclass

from tests.evaluation.bars import Bar, ceiling, share
from tests.evaluation.collection import COLLECTION
from tests.evaluation.library import SHOTS_ALONE, Library
from tests.evaluation.words import distance, tokens

WORD_ERROR_RATE = 0.10


@dataclass(frozen=True, slots=True)
class Heard:
    words: int
    errors: int


def compare(said: str, heard: str) -> Heard:
    wanted = tokens(said)
    return Heard(len(wanted), distance(tokens(heard), wanted))


def evaluate(library: Library) -> list[Bar]:
    screen = library.screen
    screen.heading("Speech")
    heard: dict[str, Heard] = {}
    for name in COLLECTION:
        if name in SHOTS_ALONE:
            continue
        # In a clip in which nobody speaks, every word is an error.
        said = " ".join(one.text for one in library.clip(name).truth.spoken)
        heard[name] = compare(said, " ".join(one.text for one in library.analysed(name).transcript.segments))
    rows = [("clip", "words", "errors", "rate")]
    for name, one in heard.items():
        if one.words or one.errors:
            rows.append((name, str(one.words), str(one.errors), f"{share(one.errors, one.words):.3f}"))
    screen.table(rows, right=(1, 2, 3), header=True)
    return bars(heard)


def bars(heard: Mapping[str, Heard]) -> list[Bar]:
    errors, words = sum(one.errors for one in heard.values()), sum(one.words for one in heard.values())
    made_up = sum(one.errors for one in heard.values() if not one.words)
    return [
        ceiling("speech, word error rate", share(errors, words), WORD_ERROR_RATE),
        ceiling("speech, words heard where nobody speaks", made_up, 0),
    ]

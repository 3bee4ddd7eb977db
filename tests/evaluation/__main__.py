"""`python -m tests.evaluation [part ...]`: how good analysis and answers are, on clips with known contents.

Prints every figure beside its floor or ceiling, and fails where one is missed or a clip can't be had.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from infra.local.clips import ClipUnavailable
from infra.local.screen import Screen
from tests.evaluation import answers, shots, speech, texts, things
from tests.evaluation.bars import Bar
from tests.evaluation.library import Library


@dataclass(frozen=True)
class Part:
    evaluate: Callable[[Library], list[Bar]]
    features: frozenset[str]
    """What the worker must look for besides shots, which it always does."""


PARTS = {
    "shots": Part(shots.evaluate, frozenset()),
    "text": Part(texts.evaluate, frozenset({"text"})),
    "speech": Part(speech.evaluate, frozenset({"speech"})),
    "things": Part(things.evaluate, frozenset({"objects", "people"})),
    "answers": Part(answers.evaluate, frozenset({"text", "speech", "objects", "people"})),
}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="tests.evaluation", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="part", help=f"of {', '.join(PARTS)}; all unless named")
    wanted = parser.parse_args(arguments).parts or list(PARTS)
    if unknown := sorted(set(wanted) - set(PARTS)):
        parser.error(f"there is no part {', '.join(unknown)}: {', '.join(PARTS)} are there")
    # The functions log to the standard output, where the figures are wanted.
    os.environ["LOG_LEVEL"] = "ERROR"
    screen, started = Screen(), time.monotonic()
    bars: list[Bar] = []
    with tempfile.TemporaryDirectory(prefix="evaluation-") as folder:
        features = frozenset({"shots"}).union(*(PARTS[part].features for part in wanted))
        library = Library(screen, Path(folder), features)
        try:
            for part in wanted:
                bars += PARTS[part].evaluate(library)
        except ClipUnavailable as error:
            screen.line(f"\n{screen.red('The evaluation failed.')} {error}")
            return 1
    screen.heading("Bars", f"in {time.monotonic() - started:.0f} s")
    for bar in bars:
        screen.check(bar.held, str(bar))
    return 0 if all(bar.held for bar in bars) else 1


if __name__ == "__main__":
    sys.exit(main())

import pickle
import subprocess
import zlib
from array import array
from collections import deque

import numpy as np
import pytest

from functions.analysis.analyzers import Resumable
from functions.analysis.analyzers.keyframes import KeyframePicker, candidate
from functions.analysis.checkpoints import read_state, take_snapshot
from functions.analysis.frames import Frame
from functions.videos.domain.results import Transition
from tests.support.clips import frames_of, plain, scene


class Counting(Resumable):
    lent = frozenset({"model"})

    def __init__(self, model: object) -> None:
        self.model = model
        self.held: list[Frame] = []
        self.seen = array("I")


class Divided(Resumable):
    def __init__(self, part: Counting) -> None:
        self.part = part


def test_frames_are_named_and_found_again() -> None:
    frames = list(frames_of(plain((9, 9, 9), 10)))
    first, second = Counting(lambda: None), Counting("another model")
    first.held, first.seen = [frames[3], frames[7], frames[3]], array("I", [1, 2])

    snapshot = take_snapshot(first.state())
    second.resume(read_state(snapshot.state, {frame.index: frame for frame in frames}))

    assert {frame.index for frame in snapshot.frames} == {3, 7}
    assert second.held == [frames[3], frames[7], frames[3]]
    assert (second.seen, second.model) == (array("I", [1, 2]), "another model")


def test_what_analyzers_are_made_of_comes_back() -> None:
    pictures = deque([np.arange(6, dtype=np.int16).reshape(2, 3)], maxlen=4)
    state: dict[str, object] = {
        "level": np.float32(0.5),
        "transition": Transition.FADE,
        "numbers": {1, 2},
        "text": {"a": (1, None, 2.5, b"x")},
    }

    found = read_state(take_snapshot({**state, "window": pictures}).state, {})

    window = found.pop("window")
    assert isinstance(window, deque)
    assert window.maxlen == 4
    assert np.array_equal(window[0], pictures[0])
    assert found == state


@pytest.mark.parametrize("alien", [subprocess.Popen, subprocess.run, pickle.loads, eval])
def test_nothing_else_is_let_in(alien: object) -> None:
    body = zlib.compress(pickle.dumps({"held": alien}))

    with pytest.raises(pickle.UnpicklingError):
        read_state(body, {})


def test_a_part_is_resumed_without_what_it_was_lent() -> None:
    first, second = Divided(Counting(lambda: None)), Divided(Counting("another model"))
    first.part.seen.append(7)

    second.resume(read_state(take_snapshot(first.state()).state, {}))

    assert (second.part.seen, second.part.model) == (array("I", [7]), "another model")


def test_a_keyframe_is_kept_as_a_picture_and_not_as_a_frame() -> None:
    """Its shot may last for an hour."""
    whole, resumed = KeyframePicker(), KeyframePicker()
    (frame,) = frames_of(scene(1, 1))
    for picker in (whole, resumed):
        picker.offer(candidate(frame))

    snapshot = take_snapshot({"picker": resumed})
    found = read_state(snapshot.state, {})["picker"]

    assert snapshot.frames == ()
    assert isinstance(found, KeyframePicker)
    assert found.take() == whole.take()
    assert found.take() is None

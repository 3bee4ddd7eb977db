"""Takes checkpoints at the marks of a pass, and lets the lanes of another pass go on from one."""

import zlib
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from functions.analysis.checkpoints import Checkpoint, Checkpoints, Snapshot, code_digest, read_state
from functions.analysis.decode import Mark, PositionLost, Video
from functions.analysis.frames import Frame
from functions.analysis.lanes import Lane
from functions.analysis.sound import Sound


@dataclass(frozen=True, slots=True)
class _Pending:
    mark: Mark
    last: Frame
    snapshots: Mapping[str, "Future[Snapshot]"]


class Marks:
    """Sends each mark through all lanes; the checkpoint is kept once the slowest has passed it."""

    def __init__(self, video: Video, lanes: Sequence[Lane], checkpoints: Checkpoints) -> None:
        self._video = video
        self._lanes = lanes
        self._checkpoints = checkpoints
        self._last: Frame | None = None
        self._pending: _Pending | None = None

    def pass_through(self, mark: Mark) -> None:
        # One that no lane has passed yet is as good as this one; an analyzer without a state can't go on.
        if self._pending is None and self._last is not None and all(lane.can_resume for lane in self._lanes):
            snapshots = {lane.analyzer.name: lane.snapshot() for lane in self._lanes}
            self._pending = _Pending(mark, self._last, snapshots)

    def have_fed(self, piece: Frame | Sound) -> None:
        if isinstance(piece, Frame):
            self._last = piece
        pending = self._pending
        if pending is not None and all(snapshot.done() for snapshot in pending.snapshots.values()):
            self._pending = None
            self._keep(pending)

    def _keep(self, pending: _Pending) -> None:
        snapshots = {name: snapshot.result() for name, snapshot in pending.snapshots.items()}
        frames = {frame.index: frame for one in snapshots.values() for frame in one.frames}
        frames[pending.last.index] = pending.last
        broken = frozenset(lane.analyzer.name for lane in self._lanes if not snapshots[lane.analyzer.name].state)
        checkpoint = Checkpoint(
            code=code_digest(),
            position=self._video.position(pending.mark, frames.values()),
            frames=frozenset(frames),
            picture=_digest(pending.last),
            states={name: one.state for name, one in snapshots.items() if name not in broken},
            broken=broken,
        )
        self._checkpoints.save(checkpoint.to_bytes())


def go_on(lanes: Sequence[Lane], checkpoint: Checkpoint, last: Frame, again: Mapping[int, Frame]) -> None:
    """Gives the lanes the states of a checkpoint. `last` is the last frame before its mark, `again` those it names.

    Raises `PositionLost` where the file isn't decoded as it was, or other analyzers are at work than were.
    """
    if _digest(last) != checkpoint.picture or again.keys() != checkpoint.frames:
        raise PositionLost("other pictures are decoded")
    names = {lane.analyzer.name for lane in lanes}
    if names != checkpoint.states.keys() | checkpoint.broken:
        raise PositionLost("other analyzers are at work")
    states = {name: read_state(body, again) for name, body in checkpoint.states.items()}
    for lane in lanes:
        if lane.analyzer.name in checkpoint.broken:
            lane.broken = True
        else:
            lane.resume(states[lane.analyzer.name])


def _digest(frame: Frame) -> int:
    return zlib.crc32(frame.thumbnail.tobytes())

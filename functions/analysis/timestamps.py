"""The times that a file gives its pictures and its sound, in milliseconds."""

from array import array
from bisect import bisect_right
from fractions import Fraction
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from av import AudioFrame, Packet, VideoFrame

# Timestamps may pause (a slide show), but one that leaps further than this beyond the announced end is wrong.
LEAP_MS = 10_000

_KEYFRAME_SPACING_MS = 1_000


class StreamTimes:
    """Turns the timestamps of one stream into milliseconds that never go back and don't leap for no reason.

    It is `regular` as long as it has taken all timestamps as they are.
    """

    def __init__(self, nominal_ms: float, announced_ms: int | None) -> None:
        self._nominal_ms = nominal_ms
        self._announced_ms = announced_ms
        self._shift_ms = 0.0
        self._last_ms: float | None = None
        self.regular = True

    def place(self, stamp_ms: float | None) -> float:
        last = self._last_ms
        if stamp_ms is None:
            self.regular = False
            placed = 0.0 if last is None else last + self._nominal_ms
        elif last is None:
            placed = stamp_ms + self._shift_ms
        else:
            placed = stamp_ms + self._shift_ms
            leaps = placed - last > LEAP_MS and (self._announced_ms is None or placed > self._announced_ms + LEAP_MS)
            if placed <= last or leaps:
                self.regular = False
                if leaps or last - placed > self._nominal_ms:
                    # A discontinuity: what follows continues from here.
                    self._shift_ms += last + self._nominal_ms - placed
                placed = last + self._nominal_ms
        self._last_ms = placed
        return placed


class Keyframes:
    """The packets at which decoding may begin, a second or more apart."""

    def __init__(self) -> None:
        self._packets = array("Q")
        self._stamps_ms = array("d")

    def add(self, packet: int, stamp_ms: float) -> None:
        if not self._stamps_ms or stamp_ms >= self._stamps_ms[-1] + _KEYFRAME_SPACING_MS:
            self._packets.append(packet)
            self._stamps_ms.append(stamp_ms)

    def before(self, stamp_ms: float) -> int:
        position = bisect_right(self._stamps_ms, stamp_ms)
        return self._packets[position - 1] if position else 0


def origin_of(stream: Any) -> float:
    if stream.start_time is None or stream.time_base is None:
        return 0.0
    return milliseconds(stream.start_time, stream.time_base)


def stamp_of(piece: "VideoFrame | AudioFrame", origin_ms: float) -> float | None:
    stamp, time_base = piece.pts, piece.time_base
    if stamp is None or time_base is None:
        return None
    return milliseconds(stamp, time_base) - origin_ms


def end_of(packet: "Packet[Any]", origin_ms: float) -> float:
    stamp = packet.pts if packet.pts is not None else packet.dts
    time_base = packet.time_base
    if stamp is None or time_base is None:
        return 0.0
    return milliseconds(stamp + (packet.duration or 0), time_base) - origin_ms


def milliseconds(ticks: int, time_base: Fraction) -> float:
    # As exact as multiplying the fraction, which takes ten times as long.
    return ticks * time_base.numerator / time_base.denominator * 1000

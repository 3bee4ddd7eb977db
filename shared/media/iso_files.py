"""ISO base media files (ISO/IEC 14496-12: MP4, QuickTime) as sequences of boxes."""

from typing import Protocol

_FIRST_BOXES = frozenset({b"ftyp", b"styp", b"moov", b"mdat", b"wide", b"free", b"skip"})
_NEEDED_BOXES = frozenset({b"moov", b"mdat", b"moof"})
_MAX_BOXES = 10_000


class ReadableFile(Protocol):
    def read(self, size: int = -1, /) -> bytes: ...

    def seek(self, offset: int, whence: int = 0, /) -> int: ...


def is_cut_short(file: ReadableFile, size: int) -> bool:
    """Whether a file of `size` bytes ends within one of its boxes, or without the box that describes it.

    A file that isn't of this format is not cut short. Reads the headers of the outermost boxes alone, of 10,000 at
    most: a file made of more was made to keep its readers busy.
    """
    position, described = 0, False
    for _ in range(_MAX_BOXES):
        if position + 8 > size:
            break
        file.seek(position)
        header = file.read(16)
        length, kind = int.from_bytes(header[:4]), header[4:8]
        if position == 0 and kind not in _FIRST_BOXES:
            return False
        if length == 1:
            length = int.from_bytes(header[8:16])
        elif length == 0:
            length = size - position
        described = described or kind == b"moov"
        if position + length > size:
            # What follows the last proper box may be anything; only boxes that matter are missed.
            return kind in _NEEDED_BOXES or not described
        if length < 8:
            return False
        position += length
    return not described and size >= 8

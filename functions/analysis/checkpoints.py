"""What an interrupted analysis goes on from: the state of its analyzers at the end of a chunk of the video.

Analyzers hold on to decoded pictures, which are large. A checkpoint names them by number, and the pass that goes on
decodes them once more. (The idea of aligned checkpoints is that of Flink, after Chandy and Lamport: the mark travels
through each lane in order, so nobody waits for the others.)

The state is pickled, since it is whatever the analyzers are made of. It is read by the very code that wrote it, from a
bucket that workers alone may write, and nothing but the analyzers' own building blocks is let in.
"""

import hashlib
import io
import pickle
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Protocol

from pydantic import ConfigDict, TypeAdapter, ValidationError

from functions.analysis.decode import Position
from functions.analysis.frames import Frame
from shared.observability.logger import log

# Classes of our own, what containers are made of, and how NumPy's arrays come back.
_OWN_MODULES = ("functions.analysis.", "functions.videos.domain.results")
_ADMITTED = frozenset(
    {
        ("array", "_array_reconstructor"),
        ("array", "array"),
        ("builtins", "frozenset"),
        ("builtins", "set"),
        ("collections", "Counter"),
        ("collections", "OrderedDict"),
        ("collections", "defaultdict"),
        ("collections", "deque"),
        ("numpy", "dtype"),
        ("numpy", "ndarray"),
        ("numpy._core.multiarray", "_reconstruct"),
        ("numpy._core.multiarray", "scalar"),
        ("numpy._core.numeric", "_frombuffer"),
    }
)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """`position` is where decoding goes on, `frames` are the numbers of the pictures that the states hold on to, and
    `picture` is a digest of the last one before the mark: who goes on sees by it that the file is decoded as before.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")

    code: str
    position: Position
    frames: frozenset[int]
    picture: int
    states: Mapping[str, bytes]
    broken: frozenset[str]

    def to_bytes(self) -> bytes:
        return _stored.dump_json(self)


_stored = TypeAdapter(Checkpoint)


class Checkpoints(Protocol):
    """Keeps the latest checkpoint of one analysis."""

    def load(self) -> bytes | None: ...

    def save(self, body: bytes) -> None: ...

    def clear(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state of one analyzer, and the frames that it holds on to."""

    state: bytes
    frames: tuple[Frame, ...]


def read_checkpoint(checkpoints: Checkpoints) -> Checkpoint | None:
    """The latest checkpoint, if this code can go on from it."""
    body = checkpoints.load()
    if body is None:
        return None
    try:
        checkpoint = _stored.validate_json(body)
    except ValidationError:
        log().warning("a checkpoint can't be read")
        return None
    return checkpoint if checkpoint.code == code_digest() else None


def take_snapshot(state: Mapping[str, object]) -> Snapshot:
    file = io.BytesIO()
    pickler = _Pickler(file)
    pickler.dump(dict(state))
    return Snapshot(zlib.compress(file.getvalue(), level=1), tuple(pickler.frames.values()))


def read_state(body: bytes, frames: Mapping[int, Frame]) -> dict[str, object]:
    """The state of a snapshot, with `frames` by their numbers in the places of those that it held on to."""
    state: dict[str, object] = _Unpickler(io.BytesIO(zlib.decompress(body)), frames).load()
    return state


@cache
def code_digest() -> str:
    """Of all that the shape and the meaning of a state may depend on."""
    import numpy as np

    digest = hashlib.sha256(np.__version__.encode())
    for source in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()


class _Pickler(pickle.Pickler):
    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file, protocol=5)
        self.frames: dict[int, Frame] = {}

    def persistent_id(self, obj: Any) -> int | None:
        if not isinstance(obj, Frame):
            return None
        self.frames[obj.index] = obj
        return obj.index


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, frames: Mapping[int, Frame]) -> None:
        super().__init__(file)
        self._frames = frames

    def persistent_load(self, pid: Any) -> Frame:
        return self._frames[pid]

    def find_class(self, module_name: str, global_name: str) -> Any:
        if (module_name, global_name) in _ADMITTED:
            return super().find_class(module_name, global_name)
        found = super().find_class(module_name, global_name) if module_name.startswith(_OWN_MODULES) else None
        if not isinstance(found, type):
            raise pickle.UnpicklingError(f"{module_name}.{global_name} has no place in a checkpoint")
        return found

"""What a clip is known to hold: the yardstick that the analysis is held against.

Frames count from 0; intervals end before their last number. Times are milliseconds from the first frame.
"""

from pydantic import BaseModel, ConfigDict


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True)


class Boundary(_Document):
    """Where one shot ends and the next begins.

    A cut leads to one frame: `first` and `last` are the same. In a fade any frame from `first` to `last`, in which
    nothing (or as much of both shots) is to be seen, parts them as well as another.
    """

    first: int
    last: int
    fade: bool = False


class CaptionTruth(_Document):
    text: str
    start_ms: int
    end_ms: int
    size: float
    """Height of the letters as a share of the picture's."""
    style: str


class SpokenTruth(_Document):
    text: str
    start_ms: int
    end_ms: int


class Face(_Document):
    """A box in shares of the picture, from its upper left corner."""

    x: float
    y: float
    width: float
    height: float


class LabelledFrame(_Document):
    """What a person saw in one frame.

    `objects` are COCO classes that are plainly there, `doubtful` those that may be taken for there without blame
    (half hidden, blurred, too small), `doubtful_faces` the same of faces. `objects` is None where objects were not
    looked for, `faces` where faces were not.
    """

    frame: int
    at_ms: int
    objects: tuple[str, ...] | None = ()
    doubtful: tuple[str, ...] = ()
    faces: tuple[Face, ...] | None = None
    doubtful_faces: tuple[Face, ...] = ()


class Truth(_Document):
    frames: int
    frame_rate: float
    duration_ms: int
    boundaries: tuple[Boundary, ...] | None = None
    """None where the shots were not looked at."""
    captions: tuple[CaptionTruth, ...] | None = None
    """None where the picture holds words that nobody wrote down."""
    spoken: tuple[SpokenTruth, ...] = ()
    labelled: tuple[LabelledFrame, ...] = ()

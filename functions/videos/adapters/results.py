"""The results of analyses. They never change once written, so a process keeps what it read lately."""

import io
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel

from functions.videos.adapters.videos import read_video
from functions.videos.domain.results import (
    MANIFEST,
    MOMENT_VECTORS,
    MOMENTS,
    OBJECTS,
    PEOPLE,
    SOUNDS,
    TEXTS,
    TIMELINE,
    TRANSCRIPT,
    Manifest,
    Moment,
    Moments,
    Objects,
    People,
    ScreenText,
    SoundEvent,
    Sounds,
    SpeechSegment,
    Texts,
    ThingTrack,
    Timeline,
    Transcript,
    results_prefix,
)
from shared.aws.clients import error_code
from shared.cqrs.messages import View
from shared.http.endpoint import Redirect
from shared.messaging.projections import SourceLost
from shared.persistence.scope import ReadScope, Runtime

if TYPE_CHECKING:
    from numpy import float16
    from numpy.typing import NDArray

T = TypeVar("T")
D = TypeVar("D", bound=BaseModel)

LINK_SECONDS = 2 * 3600

_KEPT_BYTES = 32 * 1024 * 1024


class ResultsLost(SourceLost):
    """An object is gone that an analysis left."""


class ResultStore:
    """Reads result objects, keeping 32 MiB of those that were used last."""

    def __init__(self, s3: Any, bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._kept: OrderedDict[str, tuple[Any, int]] = OrderedDict()
        self._kept_bytes = 0

    def load(self, key: str, parse: Callable[[bytes], T]) -> T:
        if key in self._kept:
            self._kept.move_to_end(key)
            value: T = self._kept[key][0]
            return value
        value = parse(body := self._read(key))
        self._kept[key] = (value, len(body))
        self._kept_bytes += len(body)
        while self._kept_bytes > _KEPT_BYTES and len(self._kept) > 1:
            _, (_, size) = self._kept.popitem(last=False)
            self._kept_bytes -= size
        return value

    def _read(self, key: str) -> bytes:
        from botocore.exceptions import ClientError

        try:
            body: bytes = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        except ClientError as error:
            if error_code(error) == "NoSuchKey":
                raise ResultsLost(key) from error
            raise
        return body

    def put(self, key: str, body: bytes, content_type: str) -> None:
        self._s3.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType=content_type)

    def link(self, key: str) -> str:
        """A URL that anyone who has it may GET for two hours."""
        url: str = self._s3.generate_presigned_url(
            "get_object", Params={"Bucket": self._bucket, "Key": key}, ExpiresIn=LINK_SECONDS
        )
        return url


class AnalysisResults:
    """The results of one completed analysis. What the manifest doesn't list wasn't asked for, and is empty."""

    def __init__(self, store: ResultStore, workspace_id: str, video_id: str, analysis_id: str) -> None:
        self._store = store
        self.analysis_id = analysis_id
        self.prefix = results_prefix(workspace_id, video_id, analysis_id)

    @property
    def manifest(self) -> Manifest:
        return self._document(MANIFEST, Manifest)

    def file(self, name: str) -> "ResultFile | None":
        return ResultFile(key=self.prefix + name) if name in self.manifest.files else None

    @property
    def timeline(self) -> Timeline:
        if TIMELINE not in self.manifest.files:
            return Timeline(duration_ms=self.manifest.duration_ms, shots=())
        return self._document(TIMELINE, Timeline)

    @property
    def texts(self) -> Sequence[ScreenText]:
        return self._document(TEXTS, Texts).texts if TEXTS in self.manifest.files else ()

    @property
    def speech(self) -> Sequence[SpeechSegment]:
        return self._document(TRANSCRIPT, Transcript).segments if TRANSCRIPT in self.manifest.files else ()

    @property
    def objects(self) -> Sequence[ThingTrack]:
        return self._document(OBJECTS, Objects).objects if OBJECTS in self.manifest.files else ()

    @property
    def people(self) -> People:
        if PEOPLE not in self.manifest.files:
            return People(people=(), faces=())
        return self._document(PEOPLE, People)

    @property
    def sounds(self) -> Sequence[SoundEvent]:
        return self._document(SOUNDS, Sounds).sounds if SOUNDS in self.manifest.files else ()

    @property
    def moments(self) -> Sequence[Moment]:
        return self._document(MOMENTS, Moments).moments if MOMENTS in self.manifest.files else ()

    @property
    def vectors(self) -> "NDArray[float16]":
        """Row i is the embedding of moment i."""
        if MOMENT_VECTORS not in self.manifest.files:
            import numpy as np

            return np.zeros((0, 0), dtype=np.float16)
        return self._store.load(self.prefix + MOMENT_VECTORS, _parse_vectors)

    def _document(self, name: str, model: type[D]) -> D:
        return self._store.load(self.prefix + name, model.model_validate_json)


@dataclass(frozen=True, slots=True)
class VideoMoments:
    """The moments of a video's current analysis. Row i of `vectors` (L2-normalised) belongs to moment i."""

    video_id: str
    analysis_id: str
    duration_ms: int
    moments: Sequence[Moment]
    vectors: "NDArray[float16]"


class MomentLibrary:
    """What can be searched and cited of a workspace's videos."""

    def __init__(self, scope: ReadScope) -> None:
        self._scope = scope

    def of(self, workspace_id: str, video_id: str) -> VideoMoments | None:
        """`None` for a video that isn't this workspace's or has no completed analysis."""
        results = current_results(self._scope, workspace_id, video_id)
        if results is None:
            return None
        return VideoMoments(
            video_id, results.analysis_id, results.manifest.duration_ms, results.moments, results.vectors
        )


class ResultFile(View):
    """The key of a result object."""

    key: str


def redirect(scope: ReadScope, file: ResultFile) -> Redirect:
    return Redirect(address=result_store(scope.runtime).link(file.key))


def current_results(scope: ReadScope, workspace_id: str, video_id: str) -> AnalysisResults | None:
    """Of the latest completed analysis; `None` for a video that isn't this workspace's or has none."""
    video = read_video(scope.store, workspace_id, video_id)
    if video is None or video.current_analysis_id is None:
        return None
    return results_of(scope.runtime, workspace_id, video_id, video.current_analysis_id)


def results_of(runtime: Runtime, workspace_id: str, video_id: str, analysis_id: str) -> AnalysisResults:
    return AnalysisResults(result_store(runtime), workspace_id, video_id, analysis_id)


@lru_cache(maxsize=1)
def result_store(runtime: Runtime) -> ResultStore:
    """The store of a process."""
    return ResultStore(runtime.client("s3"), runtime.settings["RESULTS_BUCKET"])


def _parse_vectors(body: bytes) -> "NDArray[float16]":
    import numpy as np

    vectors: NDArray[float16] = np.load(io.BytesIO(body), allow_pickle=False)
    return vectors

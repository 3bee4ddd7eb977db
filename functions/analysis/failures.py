"""Why a video could not be analysed, in words for the person who uploaded it."""

from enum import StrEnum


class FailureReason(StrEnum):
    """Stable codes; clients may program against them."""

    UPLOAD_MISSING = "upload_missing"
    UPLOAD_CHANGED = "upload_changed"
    EMPTY_FILE = "empty_file"
    NOT_A_VIDEO = "not_a_video"
    TRUNCATED_VIDEO = "truncated_video"
    NO_VIDEO_STREAM = "no_video_stream"
    UNSUPPORTED_CODEC = "unsupported_codec"
    CORRUPT = "corrupt"
    TOO_LONG = "too_long"
    LONGER_THAN_ANNOUNCED = "longer_than_announced"
    PICTURE_TOO_LARGE = "picture_too_large"
    UNSUPPORTED_FEATURE = "unsupported_feature"
    DEADLINE_EXCEEDED = "deadline_exceeded"
    MODEL_MISSING = "model_missing"
    ANALYZER_FAILED = "analyzer_failed"

    @property
    def sentence(self) -> str:
        return _SENTENCES[self]


_SENTENCES = {
    FailureReason.UPLOAD_MISSING: "The uploaded file is no longer there. Please upload the video again.",
    FailureReason.UPLOAD_CHANGED: "The uploaded file has been replaced since the analysis was requested.",
    FailureReason.EMPTY_FILE: "The uploaded file is empty.",
    FailureReason.NOT_A_VIDEO: "The uploaded file is not a video in a format that we know.",
    FailureReason.TRUNCATED_VIDEO: "The video is incomplete: the file ends before the video does. "
    "Please upload it again.",
    FailureReason.NO_VIDEO_STREAM: "The file holds sound but no moving pictures.",
    FailureReason.UNSUPPORTED_CODEC: "The video is encoded in a way that we can't decode.",
    FailureReason.CORRUPT: "The video is damaged: too little of it could be decoded.",
    FailureReason.TOO_LONG: "The video is longer than an analysis may be.",
    FailureReason.LONGER_THAN_ANNOUNCED: "The video runs on after the end that its file announces, by which it was "
    "quoted.",
    FailureReason.PICTURE_TOO_LARGE: "The video's picture is larger than we can analyse.",
    FailureReason.UNSUPPORTED_FEATURE: "The analysis was asked for a feature that isn't available yet.",
    FailureReason.MODEL_MISSING: "The analysis needs a model that isn't installed here.",
    FailureReason.ANALYZER_FAILED: "This part of the analysis broke off for a reason on our side. It isn't charged.",
    FailureReason.DEADLINE_EXCEEDED: "The analysis took longer than it may and was stopped.",
}


class AnalysisFailed(Exception):
    """The job ends here, with a reason for the user; running it again would end the same way."""

    def __init__(self, reason: FailureReason, cause: str = "") -> None:
        super().__init__(f"{reason}: {cause}" if cause else str(reason))
        self.reason = reason

    @property
    def detail(self) -> str:
        return self.reason.sentence

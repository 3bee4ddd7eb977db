"""Where the video comes from and the results go."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from functions.analysis.failures import AnalysisFailed, FailureReason

_CHUNK = 1024 * 1024


def download(client: Any, bucket: str, key: str, etag: str | None, target: Path, check: Callable[[], None]) -> None:
    """Raises `AnalysisFailed` where there is no such upload, or another than `etag` names.

    `check` is called for every chunk.
    """
    from botocore.exceptions import ClientError

    condition = {} if etag is None else {"IfMatch": etag}
    try:
        body = client.get_object(Bucket=bucket, Key=key, **condition)["Body"]
    except ClientError as error:
        match error.response.get("Error", {}).get("Code"):
            case "NoSuchKey" | "404":
                raise AnalysisFailed(FailureReason.UPLOAD_MISSING) from error
            case "PreconditionFailed" | "412":
                raise AnalysisFailed(FailureReason.UPLOAD_CHANGED) from error
            case _:
                raise
    with target.open("wb") as file, body:
        for chunk in body.iter_chunks(_CHUNK):
            check()
            file.write(chunk)


class S3Checkpoints:
    """The latest checkpoint of an analysis, one object."""

    def __init__(self, client: Any, bucket: str, key: str) -> None:
        self._client = client
        self._bucket = bucket
        self._key = key

    def load(self) -> bytes | None:
        from botocore.exceptions import ClientError

        try:
            body: bytes = self._client.get_object(Bucket=self._bucket, Key=self._key)["Body"].read()
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in ("NoSuchKey", "404"):
                return None
            raise
        return body

    def save(self, body: bytes) -> None:
        self._client.put_object(Bucket=self._bucket, Key=self._key, Body=body, ContentType="application/octet-stream")

    def clear(self) -> None:
        self._client.delete_object(Bucket=self._bucket, Key=self._key)


class S3Results:
    """Result objects below one prefix of the results bucket."""

    def __init__(self, client: Any, bucket: str, prefix: str) -> None:
        self._client = client
        self._bucket = bucket
        self._prefix = prefix

    def key(self, name: str) -> str:
        return self._prefix + name

    def put(self, name: str, body: bytes, content_type: str) -> None:
        self._client.put_object(Bucket=self._bucket, Key=self.key(name), Body=body, ContentType=content_type)

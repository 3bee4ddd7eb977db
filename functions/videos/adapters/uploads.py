"""Uploads: signed for the client, read back in ranges."""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from shared.persistence.scope import Runtime

UPLOAD_LIFETIME = timedelta(hours=1)

_BLOCK_BYTES = 1024 * 1024
_BLOCKS_KEPT = 8
# Where a container describes itself takes a few reads. A file that is read all over is built to keep us busy.
_MAX_FETCHES = 96


class ReadLimitExceeded(Exception):
    """The file would have to be read further than its description is worth."""


class UploadGone(Exception):
    """The object isn't there any more, or is another one by now."""


@dataclass(frozen=True, slots=True)
class SignedUpload:
    """A form that a client may POST to S3 with the file as its last field, `file`."""

    url: str
    fields: dict[str, str]


def sign_upload(runtime: Runtime, key: str, content_type: str, size_bytes: int) -> SignedUpload:
    """Allow one object: this key, this type, and not a byte more than was announced. S3 itself refuses the rest."""
    signed = runtime.client("s3").generate_presigned_post(
        Bucket=runtime.settings["UPLOADS_BUCKET"],
        Key=key,
        Fields={"Content-Type": content_type},
        Conditions=[{"Content-Type": content_type}, ["content-length-range", 1, size_bytes]],
        ExpiresIn=int(UPLOAD_LIFETIME.total_seconds()),
    )
    return SignedUpload(signed["url"], signed["fields"])


class UploadedFile:
    """An upload as a file that can be read and sought, fetched from S3 in blocks.

    Reading raises `ReadLimitExceeded` after 96 blocks of 1 MiB, however they are spread, and `UploadGone` when the
    object was replaced meanwhile. It is kept in `failure` too: what calls a file from C may lose an exception.
    """

    def __init__(self, s3: Any, bucket: str, key: str) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._key = key
        head = self._call("head_object")
        self.size: int = head["ContentLength"]
        self.etag: str = head["ETag"]
        self.failure: ReadLimitExceeded | UploadGone | None = None
        self._position = 0
        self._fetches = 0
        self._blocks: OrderedDict[int, bytes] = OrderedDict()

    def read(self, size: int = -1) -> bytes:
        end = self.size if size < 0 else min(self.size, self._position + size)
        parts: list[bytes] = []
        while self._position < end:
            number, offset = divmod(self._position, _BLOCK_BYTES)
            part = self._block(number)[offset : offset + end - self._position]
            parts.append(part)
            self._position += len(part)
        return b"".join(parts)

    def seek(self, offset: int, whence: int = 0) -> int:
        self._position = max(0, offset + (0, self._position, self.size)[whence])
        return self._position

    def tell(self) -> int:
        return self._position

    def _block(self, number: int) -> bytes:
        if number in self._blocks:
            self._blocks.move_to_end(number)
            return self._blocks[number]
        try:
            block = self._fetch(number)
        except (ReadLimitExceeded, UploadGone) as failure:
            self.failure = failure
            raise
        self._blocks[number] = block
        if len(self._blocks) > _BLOCKS_KEPT:
            self._blocks.popitem(last=False)
        return block

    def _fetch(self, number: int) -> bytes:
        if self._fetches == _MAX_FETCHES:
            raise ReadLimitExceeded(f"{self._fetches} blocks were read")
        self._fetches += 1
        start = number * _BLOCK_BYTES
        end = min(start + _BLOCK_BYTES, self.size) - 1
        answer = self._call("get_object", Range=f"bytes={start}-{end}", IfMatch=self.etag)
        block: bytes = answer["Body"].read()
        return block

    def _call(self, operation: str, **arguments: str) -> Any:
        from botocore.exceptions import ClientError

        try:
            return getattr(self._s3, operation)(Bucket=self._bucket, Key=self._key, **arguments)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in ("404", "NoSuchKey", "412", "PreconditionFailed"):
                raise UploadGone(self._key) from error
            raise

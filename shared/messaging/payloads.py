"""Large payloads by reference (the claim check of Hohpe and Woolf's "Enterprise Integration Patterns").

What doesn't fit travels as an object in the events bucket, written before the transaction that refers to it and kept
for ever like all events, so a reference never points at nothing. An object is named by the digest of its content, so a
reader can tell that it got what was meant. A transaction that fails leaves an object that nobody refers to.
"""

import hashlib
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, ConfigDict

from shared.aws.settings import MissingSetting, Settings
from shared.kernel.errors import DependencyUnavailable

PREFIX = "payloads/"


class PayloadReference(BaseModel):
    """Where a payload is: an object of the events bucket, its length and its digest."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    key: str
    sha256: str
    size_bytes: int


class DamagedPayload(Exception):
    """What is under the reference isn't what was put there."""


class PayloadUnavailable(DependencyUnavailable):
    """The payload can't be read at the moment, or ever for want of a grant."""

    def __init__(self) -> None:
        super().__init__(
            "The message's data is elsewhere and can't be read: does the reader have a grant for it?",
            retry_after_seconds=5,
        )


class Payloads:
    """Needs a grant on the events bucket: `EVENTS_WRITE` to put, `EVENTS_READ` to get."""

    def __init__(self, s3: Callable[[], Any], settings: Settings) -> None:
        self._s3 = s3
        self._settings = settings

    def put(self, body: bytes, workspace_id: str | None) -> PayloadReference:
        digest = hashlib.sha256(body).hexdigest()
        key = f"{PREFIX}{workspace_id or 'none'}/{digest}.json"
        self._s3().put_object(
            Bucket=self._settings["EVENTS_BUCKET"], Key=key, Body=body, ContentType="application/json"
        )
        return PayloadReference(key=key, sha256=digest, size_bytes=len(body))

    def get(self, reference: PayloadReference) -> bytes:
        """The payload. Raises `DamagedPayload` and `PayloadUnavailable`."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer = self._s3().get_object(Bucket=self._settings["EVENTS_BUCKET"], Key=reference.key)
            body: bytes = answer["Body"].read()
        except (BotoCoreError, ClientError, MissingSetting) as error:
            raise PayloadUnavailable from error
        if hashlib.sha256(body).hexdigest() != reference.sha256:
            raise DamagedPayload(f"{reference.key} isn't what the reference says")
        return body

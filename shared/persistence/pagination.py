"""Cursors: where a walk over a list goes on. Signed and bound to that walk, so a tampered or foreign one is refused."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable
from functools import cached_property

from shared.kernel.errors import MalformedRequest
from shared.persistence.scope import Runtime

_TAG_BYTES = 16


class Cursors:
    """`secret` is fetched only when a cursor is made or read: most lists fit on one page."""

    def __init__(self, secret: Callable[[], bytes]) -> None:
        self._fetch_secret = secret

    @cached_property
    def _secret(self) -> bytes:
        return self._fetch_secret()

    def make(self, position: str, walk: str) -> str:
        """A cursor for `position` of the walk named `walk` (the operation, the tenant and the filters)."""
        raw = position.encode()
        return base64.urlsafe_b64encode(self._tag(raw, walk) + raw).decode().rstrip("=")

    def read(self, cursor: str, walk: str) -> str:
        """The position of a cursor. Raises `MalformedRequest` for one that this walk didn't make."""
        try:
            raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError) as error:
            raise MalformedRequest("The cursor isn't one of this list.") from error
        tag, position = raw[:_TAG_BYTES], raw[_TAG_BYTES:]
        if not hmac.compare_digest(tag, self._tag(position, walk)):
            raise MalformedRequest("The cursor isn't one of this list.")
        return position.decode()

    def _tag(self, position: bytes, walk: str) -> bytes:
        return hmac.digest(self._secret, walk.encode() + b"\0" + position, hashlib.sha256)[:_TAG_BYTES]


def cursors(runtime: Runtime) -> Cursors:
    """Cursors under the stage's secret."""

    def secret() -> bytes:
        answer = runtime.client("secretsmanager").get_secret_value(SecretId=runtime.settings["CURSOR_SECRET_ID"])
        text: str = answer["SecretString"]
        return text.encode()

    return Cursors(secret)

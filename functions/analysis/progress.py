"""How far an analysis has come, as an item of its own that only ever moves forward."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

# Often enough to be watched, seldom enough to cost nothing.
_WRITTEN_EVERY_SECONDS = 1.0
_KEPT_SECONDS = 7 * 24 * 60 * 60
# The share that a later attempt of the analysis may begin at: what is shown must leave room to move on.
_HIGHEST_START = 0.9


class Progress:
    """Writes `share` (0 to 1) under the analysis' key.

    A second attempt begins where the first was last seen and runs through what is left, faster than real, so that it
    neither goes back nor stands still.
    """

    def __init__(self, client: Any, table: str, pk: str, now: Callable[[], datetime]) -> None:
        self._client = client
        self._table = table
        self._key = {"pk": {"S": pk}, "sk": {"S": "progress"}}
        self._now = now
        item = client.get_item(TableName=table, Key=self._key, ConsistentRead=True).get("Item")
        self._start = min(_HIGHEST_START, float(item["share"]["N"])) if item else 0.0
        self._done_before = 0.0
        self._written = self._start
        self._written_at: float | None = None

    def resume(self, share: float) -> None:
        """So much is done when this attempt begins; what it shows moves on from what was shown last all the same."""
        self._done_before = min(_HIGHEST_START, max(0.0, share))

    def report(self, share: float) -> None:
        done = (share - self._done_before) / (1 - self._done_before)
        shown = round(self._start + (1 - self._start) * min(1.0, max(0.0, done)), 4)
        now = self._now().timestamp()
        recent = self._written_at is not None and now - self._written_at < _WRITTEN_EVERY_SECONDS
        if shown <= self._written or (recent and share < 1):
            return
        self._write(shown, now)
        self._written, self._written_at = shown, now

    def _write(self, share: float, now: float) -> None:
        from botocore.exceptions import ClientError

        try:
            self._client.update_item(
                TableName=self._table,
                Key=self._key,
                UpdateExpression="SET #share = :share, expires_at = :expires",
                ConditionExpression="attribute_not_exists(#share) OR #share < :share",
                ExpressionAttributeNames={"#share": "share"},
                ExpressionAttributeValues={
                    ":share": {"N": str(share)},
                    ":expires": {"N": str(int(now) + _KEPT_SECONDS)},
                },
            )
        except ClientError as error:
            # Another attempt has shown more; that stands.
            if error.response.get("Error", {}).get("Code") != "ConditionalCheckFailedException":
                raise

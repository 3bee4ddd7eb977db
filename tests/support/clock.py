from datetime import UTC, datetime, timedelta


class FakeClock:
    """Stands still until it is told otherwise."""

    def __init__(self, now: datetime = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def advance(self, **duration: float) -> None:
        """`advance(minutes=5)`: what `timedelta` takes."""
        self._now += timedelta(**duration)

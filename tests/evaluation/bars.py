"""A figure, and the floor or ceiling that it is held against."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bar:
    what: str
    measured: float
    bound: float
    at_least: bool = True
    unit: str = ""

    @property
    def held(self) -> bool:
        return self.measured >= self.bound if self.at_least else self.measured <= self.bound

    def __str__(self) -> str:
        side = "at least" if self.at_least else "at most"
        return f"{self.what:<52} {self.measured:8.3f}{self.unit}   {side} {self.bound:g}{self.unit}"


def ceiling(what: str, measured: float, bound: float, unit: str = "") -> Bar:
    return Bar(what, measured, bound, at_least=False, unit=unit)


def share(part: float, whole: float) -> float:
    """Of nothing at all, everything is right."""
    return part / whole if whole else 1.0

"""Expected failures are values: a handler returns `Success(value)` or `Failure(error)`; bugs and outages raise."""

from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

from shared.kernel.errors import DomainError

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Success(Generic[T_co]):
    value: T_co


@dataclass(frozen=True, slots=True)
class Failure:
    error: DomainError


Result: TypeAlias = Success[T_co] | Failure

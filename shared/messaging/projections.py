"""Projections: read models made from events (Young, "CQRS Documents"; Fowler, "Event Sourcing").

Messages are delivered again and out of order, so a projection must come out the same whatever a queue does:

- A `StateProjection` takes whole-state events and keeps the newest version of each row; an older one changes nothing.
- A `SumProjection` adds. Its own inbox, kept as long as the sums are, tells which events they hold already. The
  consumer's inbox isn't enough for that: it is forgotten after a month, and a replay may be of last year.

All rows of a read model lie under the name of a generation, and a pointer row names the one that is read. While another
is being built (see `shared.messaging.rebuild`), each event goes to both, in the subscriber's one transaction.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Generic, Protocol, TypeVar

from pynamodb.attributes import JSONAttribute, NumberAttribute, UnicodeAttribute

from shared.cqrs.messages import IntegrationEvent
from shared.kernel.errors import MalformedRequest
from shared.kernel.result import Failure, Result, Success
from shared.persistence.rows import ReadModelRow, absent
from shared.persistence.scope import WriteScope
from shared.persistence.store import Page, Store
from shared.persistence.unit_of_work import UnitOfWork

E = TypeVar("E", bound=IntegrationEvent)
E_co = TypeVar("E_co", bound=IntegrationEvent, covariant=True)

FIRST_GENERATION = "first"
_POINTER = "GENERATIONS"
_TAKEN = "TAKEN"
_PAGE = 1_000


class StateRow(ReadModelRow):
    """`version` and `occurred_at` are those of the event that the row shows."""

    version = NumberAttribute()
    occurred_at = UnicodeAttribute()
    state = JSONAttribute()


class SumRow(ReadModelRow):
    amount = NumberAttribute()


class TakenRow(ReadModelRow):
    """An event that a generation's sums hold."""

    occurred_at = UnicodeAttribute()


class GenerationsRow(ReadModelRow):
    current = UnicodeAttribute()
    building = UnicodeAttribute(null=True)


@dataclass(frozen=True, slots=True)
class Generations:
    """The generation of a read model that is read, and the one that is being built."""

    current: str = FIRST_GENERATION
    building: str | None = None

    @property
    def written(self) -> tuple[str, ...]:
        return (self.current,) if self.building is None else (self.current, self.building)


def read_generations(store: Store, name: str) -> Generations:
    row = store.get(GenerationsRow, pointer_partition(name), _POINTER)
    return Generations(row.current, row.building) if row else Generations()


def write_generations(uow: UnitOfWork, name: str, before: Generations, after: Generations) -> None:
    """Whoever decided on other generations than there are now has to decide anew."""
    unchanged = GenerationsRow.current == before.current
    if before.building is None:
        unchanged &= GenerationsRow.building.does_not_exist()
    else:
        unchanged &= GenerationsRow.building == before.building
    if before == Generations():
        unchanged = absent() | unchanged
    row = GenerationsRow(pk=pointer_partition(name), sk=_POINTER, current=after.current, building=after.building)
    uow.put(row, condition=unchanged)


def pointer_partition(name: str) -> str:
    return f"READ-MODEL#{name}"


def generation_prefix(name: str, generation: str) -> str:
    """What the partition keys of all rows of a generation begin with."""
    return f"{name}#{generation}#"


def _rows_partition(name: str, generation: str, partition: str) -> str:
    return f"{generation_prefix(name, generation)}ROWS#{partition}"


class SourceLost(Exception):
    """What an event tells of can't be read, and won't be: it is gone though nobody removed it.

    The live projector fails with it, so that an operator hears. A rebuild passes the event over and counts it.
    """


@dataclass(frozen=True, slots=True)
class Fact(Generic[E_co]):
    """An event as a projection takes it; `version` is its aggregate's."""

    event: E_co
    message_id: str
    occurred_at: str
    version: int


@dataclass(frozen=True, slots=True)
class State:
    """The row that an event gives the whole state of."""

    partition: str
    sk: str
    state: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Addend:
    """What an event adds to a sum."""

    partition: str
    sk: str
    amount: int


class Projection(Protocol[E]):
    """Makes one read model of one type of event."""

    @property
    def name(self) -> str: ...

    @property
    def event(self) -> type[E]: ...

    def apply(self, uow: UnitOfWork, generation: str, fact: Fact[E]) -> bool:
        """Stage what an event changes in a generation; whether it changes anything. Raises nothing of its own: where
        another transaction was first, the commit ends with `StaleRead`, and the event is to be applied anew.
        """
        ...

    def unexplained(self, store: Store, row: Mapping[str, Any], current: str, building: str) -> str | None:
        """When the event occurred that one row of the current generation shows and the one being built doesn't."""
        ...

    def discard(self, generation: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Remove what rows of a generation name outside of the table, before they are deleted; again when repeated."""
        ...


class _RowsAlone:
    """A projection whose rows name nothing outside of the table."""

    __slots__ = ()

    def discard(self, generation: str, rows: Sequence[Mapping[str, Any]]) -> None:
        pass


@dataclass(frozen=True, slots=True)
class StateProjection(_RowsAlone, Generic[E]):
    """Keeps the newest state that it was told of each row. The versions of one row come from one aggregate."""

    name: str
    event: type[E]
    place: Callable[[Fact[E]], State]

    def apply(self, uow: UnitOfWork, generation: str, fact: Fact[E]) -> bool:
        told = self.place(fact)
        pk = _rows_partition(self.name, generation, told.partition)
        stored = uow.store.get(StateRow, pk, told.sk)
        if stored is not None and stored.version >= fact.version:
            return False
        uow.put(
            StateRow(pk=pk, sk=told.sk, version=fact.version, occurred_at=fact.occurred_at, state=dict(told.state)),
            condition=absent() | (StateRow.version < fact.version),
        )
        return True

    def unexplained(self, store: Store, row: Mapping[str, Any], current: str, building: str) -> str | None:
        shown = StateRow.from_raw_data(dict(row))
        pk = shown.pk.replace(generation_prefix(self.name, current), generation_prefix(self.name, building), 1)
        rebuilt = store.get(StateRow, pk, shown.sk)
        occurred_at: str = shown.occurred_at
        return occurred_at if rebuilt is None or rebuilt.version < shown.version else None


@dataclass(frozen=True, slots=True)
class SumProjection(_RowsAlone, Generic[E]):
    """Adds up what events say, in any order, each of them once."""

    name: str
    event: type[E]
    addend: Callable[[Fact[E]], Addend]

    def apply(self, uow: UnitOfWork, generation: str, fact: Fact[E]) -> bool:
        taken = f"{generation_prefix(self.name, generation)}{_TAKEN}#{fact.message_id}"
        if uow.store.get(TakenRow, taken, _TAKEN) is not None:
            return False
        uow.insert(TakenRow(pk=taken, sk=_TAKEN, occurred_at=fact.occurred_at))
        added = self.addend(fact)
        pk = _rows_partition(self.name, generation, added.partition)
        if uow.store.get(SumRow, pk, added.sk) is None:
            uow.insert(SumRow(pk=pk, sk=added.sk, amount=added.amount))
        else:
            uow.update(SumRow, pk, added.sk, [SumRow.amount.add(added.amount)])
        return True

    def unexplained(self, store: Store, row: Mapping[str, Any], current: str, building: str) -> str | None:
        if row["sk"]["S"] != _TAKEN:
            # A sum: it is right when the events that it is made of are.
            return None
        taken = TakenRow.from_raw_data(dict(row))
        pk = taken.pk.replace(generation_prefix(self.name, current), generation_prefix(self.name, building), 1)
        occurred_at: str = taken.occurred_at
        return None if store.get(TakenRow, pk, _TAKEN) else occurred_at


class Projector(Generic[E]):
    """The handler of a projection's subscriber."""

    def __init__(self, projection: Projection[E], scope: WriteScope) -> None:
        self._projection = projection
        self._scope = scope

    def __call__(self, event: E) -> Result[None]:
        context, uow = self._scope.context, self._scope.uow
        if context.occurred_at is None or context.aggregate_version is None:
            return Failure(MalformedRequest("The event doesn't say when it occurred, or to which version of what."))
        fact = Fact(event, context.message_id, context.occurred_at, context.aggregate_version)
        for generation in read_generations(self._scope.store, self._projection.name).written:
            self._projection.apply(uow, generation, fact)
        return Success(None)


class ReadModel:
    """Reads the current generation of a read model."""

    def __init__(self, store: Store, name: str) -> None:
        self._store = store
        self._name = name

    def states(self, partition: str, *, after: str | None = None, page_size: int = _PAGE) -> Iterator[StateRow]:
        """The rows of a partition behind a sort key, greatest first. `page_size` is how many are fetched at a time."""
        pk = self._partition(partition)
        while True:
            page = self._store.page(StateRow, pk, after=after, limit=page_size, newest_first=True)
            yield from page.rows
            if page.last_sk is None:
                return
            after = page.last_sk

    def page(
        self,
        partition: str,
        *,
        after: str | None,
        limit: int,
        fits: Callable[[StateRow], bool] | None = None,
    ) -> Page[StateRow]:
        """At most `limit` of the rows that fit, greatest first. `fits` may refuse many: larger steps are read then."""
        rows = self.states(partition, after=after, page_size=_PAGE if fits else limit + 1)
        found = list(islice(filter(fits, rows) if fits else rows, limit + 1))
        last_sk: str | None = found[limit - 1].sk if len(found) > limit else None
        return Page(found[:limit], last_sk)

    def sums(self, partition: str, *, after: str, before: str) -> Iterator[SumRow]:
        """The sums of a partition between two sort keys, both exclusive."""
        pk, position = self._partition(partition), after
        while True:
            page = self._store.page(SumRow, pk, after=position, before=before, limit=_PAGE)
            yield from page.rows
            if page.last_sk is None:
                return
            position = page.last_sk

    def _partition(self, partition: str) -> str:
        return _rows_partition(self._name, read_generations(self._store, self._name).current, partition)

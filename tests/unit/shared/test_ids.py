import uuid

from shared.kernel.ids import Uuid7
from tests.support.clock import FakeClock


def test_ids_are_version_7_and_carry_their_time() -> None:
    clock = FakeClock()
    made = uuid.UUID(Uuid7(clock).new())
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert made.int >> 80 == int(clock.now().timestamp() * 1000)


def test_ids_increase_even_within_one_millisecond_and_when_the_clock_steps_back() -> None:
    clock = FakeClock()
    ids = Uuid7(clock)
    made = [ids.new() for _ in range(5000)]
    clock.advance(seconds=-5)
    made.append(ids.new())
    assert made == sorted(set(made))

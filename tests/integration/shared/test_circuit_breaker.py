"""A breaker whose state all processes share."""

import pytest

from shared.behaviors.circuit_breaker import CircuitBreaker
from shared.kernel.errors import CircuitOpen, DependencyUnavailable
from tests.support.aws import Aws


class Service:
    def __init__(self) -> None:
        self.down = True
        self.calls = 0

    def __call__(self) -> str:
        self.calls += 1
        if self.down:
            raise DependencyUnavailable("down", retry_after_seconds=1)
        return "up"


def breaker(aws: Aws, name: str = "service") -> CircuitBreaker:
    """As a new process has it."""
    return CircuitBreaker(name, aws.runtime, threshold=3, open_seconds=10, max_open_seconds=30, probe_seconds=5)


def test_a_failed_call_is_answered_by_the_degraded_answer_and_counts(aws: Aws) -> None:
    service = Service()
    answers = [breaker(aws).call(service, degraded=lambda: "degraded") for _ in range(5)]
    assert answers == ["degraded"] * 5
    assert service.calls == 3


def attempt(aws: Aws, service: Service, times: int = 1) -> DependencyUnavailable:
    for _ in range(times - 1):
        with pytest.raises(DependencyUnavailable):
            breaker(aws).call(service)
    with pytest.raises(DependencyUnavailable) as raised:
        breaker(aws).call(service)
    return raised.value


def test_failures_in_a_row_open_it_for_every_process(aws: Aws) -> None:
    service = Service()
    attempt(aws, service, times=3)
    refused = attempt(aws, service, times=5)
    assert service.calls == 3
    assert isinstance(refused, CircuitOpen)
    assert refused.retry_after_seconds == 10
    assert breaker(aws).call(service, degraded=lambda: "degraded") == "degraded"
    other = Service()
    other.down = False
    assert breaker(aws, "another").call(other) == "up"


def test_a_success_or_a_long_time_between_starts_the_row_anew(aws: Aws) -> None:
    service = Service()
    attempt(aws, service, times=2)
    service.down = False
    breaker(aws).call(service)
    service.down = True
    attempt(aws, service, times=2)
    aws.clock.advance(minutes=2)
    attempt(aws, service, times=2)
    assert service.calls == 7
    attempt(aws, service)
    attempt(aws, service)
    assert service.calls == 8, "open after the third of the last row"


def test_one_probe_at_a_time_finds_out_whether_the_service_is_back(aws: Aws) -> None:
    service = Service()
    attempt(aws, service, times=3)
    aws.clock.advance(seconds=10)
    service.down = False

    def probing() -> str:
        with pytest.raises(DependencyUnavailable):
            breaker(aws).call(service)
        return service()

    assert breaker(aws).call(probing) == "up"
    assert service.calls == 4, "those who came during the probe were refused"
    assert [breaker(aws).call(service) for _ in range(3)] == ["up"] * 3
    service.down = True
    attempt(aws, service, times=2)
    service.down = False
    assert breaker(aws).call(service) == "up", "two failures after it had closed aren't enough"


def test_a_failed_probe_opens_it_for_longer(aws: Aws) -> None:
    service = Service()
    attempt(aws, service, times=3)
    waits: list[int] = []
    for _ in range(4):
        waits.append(attempt(aws, service).retry_after_seconds)
        aws.clock.advance(seconds=waits[-1])
        before = service.calls
        attempt(aws, service)
        assert service.calls == before + 1
    assert waits == [10, 20, 30, 30]


def test_a_probe_whose_process_died_does_not_keep_it_open(aws: Aws) -> None:
    service = Service()
    attempt(aws, service, times=3)
    aws.clock.advance(seconds=10)

    class Died(BaseException): ...

    def die() -> str:
        raise Died

    with pytest.raises(Died):
        breaker(aws).call(die)
    attempt(aws, service)
    assert service.calls == 3
    aws.clock.advance(seconds=5)
    service.down = False
    assert breaker(aws).call(service) == "up"


def test_other_exceptions_say_nothing_about_the_service(aws: Aws) -> None:
    def bug() -> str:
        raise KeyError

    for _ in range(5):
        with pytest.raises(KeyError):
            breaker(aws).call(bug)
    service = Service()
    service.down = False
    assert breaker(aws).call(service) == "up"

"""How a stream mapping of the local stack handles what a function can't."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from infra.local.emulator import RETRIES_EXHAUSTED, TOO_OLD, Record, StreamPolicy, deliver

CAREFUL = StreamPolicy(maximum_retries=2, bisect=True, report_item_failures=True)


def record(name: str, at: float = 0.0) -> Record:
    return {"dynamodb": {"SequenceNumber": name, "ApproximateCreationDateTime": at}}


def names(records: Sequence[Record]) -> list[str]:
    return [entry["dynamodb"]["SequenceNumber"] for entry in records]


@dataclass
class Function:
    """Handles records one by one; raises at names beginning with `bad`, reports those beginning with `reported`."""

    policy: StreamPolicy = CAREFUL
    recovers_after: int = 1000
    mapping_goes_away: bool = False
    handled: list[str] = field(default_factory=list[str])
    given_up: list[tuple[list[str], str]] = field(default_factory=list[tuple[list[str], str]])
    checkpoints: list[str] = field(default_factory=list[str])
    invocations: list[list[str]] = field(default_factory=list[list[str]])
    now: float = 0.0

    def invoke(self, records: Sequence[Record]) -> Mapping[str, Any]:
        self.invocations.append(names(records))
        for name in names(records):
            failing = sum(name in batch for batch in self.invocations) <= self.recovers_after
            if name.startswith("bad") and failing:
                return {"error": True, "body": {"errorMessage": name}}
            if name.startswith("reported") and failing:
                return {"body": {"batchItemFailures": [{"itemIdentifier": name}]}}
            self.handled.append(name)
        return {"body": {"batchItemFailures": []}}

    def receive(self, *stream: str) -> None:
        deliver(
            [record(name) for name in stream],
            self.policy,
            invoke=self.invoke,
            checkpoint=lambda entry: self.checkpoints.extend(names([entry])),
            give_up=lambda records, result, condition: self.given_up.append((names(records), condition)),
            pause=self.pause,
            now=lambda: self.now,
        )

    def pause(self, seconds: float) -> bool:
        self.now += seconds
        return not self.mapping_goes_away


def test_a_batch_that_succeeds_is_delivered_once() -> None:
    function = Function()
    function.receive("1", "2", "3")
    assert function.invocations == [["1", "2", "3"]]
    assert function.checkpoints == ["3"]


def test_only_the_record_that_raises_is_given_up() -> None:
    function = Function()
    function.receive("1", "2", "bad", "4", "5")
    assert set(function.handled) == {"1", "2", "4", "5"}
    assert function.given_up == [(["bad"], RETRIES_EXHAUSTED)]
    assert function.checkpoints[-1] == "5"


def test_a_single_record_is_tried_once_more_than_it_may_be_retried() -> None:
    function = Function()
    function.receive("bad")
    assert function.invocations == [["bad"]] * 3


def test_records_before_the_reported_one_are_not_delivered_again() -> None:
    function = Function()
    function.receive("1", "2", "reported", "4")
    assert function.handled == ["1", "2", "4"]
    assert function.given_up == [(["reported"], RETRIES_EXHAUSTED)]


def test_a_record_that_recovers_is_not_given_up_and_keeps_its_place() -> None:
    function = Function(recovers_after=2)
    function.receive("1", "reported", "3")
    assert function.handled == ["1", "reported", "3"]
    assert function.given_up == []


def test_without_bisection_the_whole_rest_is_given_up() -> None:
    function = Function(policy=StreamPolicy(maximum_retries=1))
    function.receive("bad", "2")
    assert function.given_up == [(["bad", "2"], RETRIES_EXHAUSTED)]


def test_reports_mean_nothing_to_a_mapping_that_did_not_ask_for_them() -> None:
    function = Function(policy=StreamPolicy(maximum_retries=1, report_item_failures=False))
    function.receive("reported")
    assert function.given_up == []
    assert function.checkpoints == ["reported"]


def test_a_report_that_names_no_record_fails_the_whole_batch() -> None:
    seen: list[list[str]] = []

    def invoke(records: Sequence[Record]) -> Mapping[str, Any]:
        seen.append(names(records))
        return {"body": {"batchItemFailures": [{"itemIdentifier": ""}]}}

    given_up: list[str] = []
    deliver(
        [record("1"), record("2")],
        StreamPolicy(maximum_retries=1, report_item_failures=True),
        invoke=invoke,
        checkpoint=lambda entry: None,
        give_up=lambda records, result, condition: given_up.extend(names(records)),
        pause=lambda seconds: True,
        now=lambda: 0.0,
    )
    assert seen == [["1", "2"], ["1", "2"]]
    assert given_up == ["1", "2"]


def test_a_record_that_is_too_old_is_given_up_however_many_retries_are_left() -> None:
    function = Function(policy=StreamPolicy(maximum_age_seconds=60))
    function.receive("bad")
    assert function.given_up == [(["bad"], TOO_OLD)]


def test_nothing_is_tried_again_once_the_mapping_is_gone() -> None:
    function = Function(mapping_goes_away=True)
    function.receive("bad", "2")
    assert function.given_up == []
    assert function.checkpoints == []


def test_numbers_may_come_as_text() -> None:
    mapping = {
        "MaximumRetryAttempts": "5",
        "BisectBatchOnFunctionError": "true",
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
    }
    assert StreamPolicy.of(mapping) == StreamPolicy(maximum_retries=5, bisect=True, report_item_failures=True)

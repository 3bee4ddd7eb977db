"""Starts the AWS emulator with stream mappings that retry, bisect and give up as Lambda does.

Runs in the emulator's own environment, as a file, with nothing of this project on its path. The emulator itself skips a
record that a handler reports and repeats a raising batch for ever, so its stream poll is replaced by one after the
Lambda developer guide, "Configuring error handling controls".
"""

import importlib
import json
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

logger = logging.getLogger("streams")

Record = Mapping[str, Any]
RETRIES_EXHAUSTED = "RetryAttemptsExhausted"
TOO_OLD = "MaxRecordAgeExceeded"
FIRST_PAUSE_SECONDS = 0.25
LONGEST_PAUSE_SECONDS = 10.0


@dataclass(frozen=True)
class StreamPolicy:
    """How a mapping handles failing batches; the defaults are Lambda's."""

    maximum_retries: int = -1
    maximum_age_seconds: int = -1
    bisect: bool = False
    report_item_failures: bool = False

    @classmethod
    def of(cls, mapping: Mapping[str, Any]) -> "StreamPolicy":
        return cls(
            maximum_retries=_limit(mapping.get("MaximumRetryAttempts")),
            maximum_age_seconds=_limit(mapping.get("MaximumRecordAgeInSeconds")),
            bisect=str(mapping.get("BisectBatchOnFunctionError", False)).lower() == "true",
            report_item_failures="ReportBatchItemFailures" in (mapping.get("FunctionResponseTypes") or ()),
        )


def _limit(value: object) -> int:
    """CloudFormation gives numbers as numbers or as text."""
    return -1 if value is None else int(str(value))


def sequence_number(record: Record) -> str:
    return str(record["dynamodb"]["SequenceNumber"])


def arrival(record: Record) -> float:
    return float(record["dynamodb"]["ApproximateCreationDateTime"])


def failed_index(result: Mapping[str, Any], records: Sequence[Record], policy: StreamPolicy) -> int | None:
    """The first record that has to be handled again, or None when the batch is done."""
    if result.get("error"):
        return 0
    if not policy.report_item_failures:
        return None
    failures = _reported_failures(result.get("body"))
    if not failures:
        return None
    positions = {sequence_number(record): index for index, record in enumerate(records)}
    # An identifier that names no record of the batch fails the whole batch, as an empty one does.
    return min(positions.get(str(failure.get("itemIdentifier")), 0) for failure in failures)


def _reported_failures(body: Any) -> Sequence[Mapping[str, Any]]:
    if isinstance(body, str | bytes):
        try:
            body = json.loads(body)
        except ValueError:
            return ()
    is_object = isinstance(body, dict)
    return (body.get("batchItemFailures") or ()) if is_object else ()


def deliver(
    records: Sequence[Record],
    policy: StreamPolicy,
    *,
    invoke: Callable[[Sequence[Record]], Mapping[str, Any]],
    checkpoint: Callable[[Record], None],
    give_up: Callable[[Sequence[Record], Mapping[str, Any], str], None],
    pause: Callable[[float], bool],
    now: Callable[[], float],
) -> None:
    """Hands a batch to the function until each record is done or given up, in order.

    `checkpoint` gets the last record behind which all is done; `pause` answers False when the mapping is gone.
    """
    parts: list[tuple[Sequence[Record], int]] = [(records, 0)]
    while parts:
        part, failed_attempts = parts.pop()
        result = invoke(part)
        failed = failed_index(result, part, policy)
        if failed is None:
            checkpoint(part[-1])
            continue
        if failed > 0:
            checkpoint(part[failed - 1])
            part, failed_attempts = part[failed:], 0
        if policy.bisect and len(part) > 1:
            middle = len(part) // 2
            parts += [(part[middle:], failed_attempts), (part[:middle], failed_attempts)]
            continue  # splitting doesn't count as a retry
        failed_attempts += 1
        condition = None
        if 0 <= policy.maximum_age_seconds < now() - arrival(part[0]):
            condition = TOO_OLD
        elif 0 <= policy.maximum_retries < failed_attempts:
            condition = RETRIES_EXHAUSTED
        if condition is not None:
            give_up(part, result, condition)
            checkpoint(part[-1])
            continue
        if not pause(min(FIRST_PAUSE_SECONDS * 2 ** min(failed_attempts, 10), LONGEST_PAUSE_SECONDS)):
            return
        parts.append((part, failed_attempts))


class StreamPoll:
    """Takes the place of the emulator's stream poll: one batch in flight per mapping, off the poll thread."""

    def __init__(self) -> None:
        self._lambdas: Any = importlib.import_module("ministack.services.lambda_svc")
        self._tables: Any = importlib.import_module("ministack.services.dynamodb")
        self._arns: Any = importlib.import_module("ministack.core.arn")
        self._responses: Any = importlib.import_module("ministack.core.responses")

    def install(self) -> None:
        if not callable(self._lambdas._poll_dynamodb_streams):
            raise RuntimeError("this version of the emulator polls streams in another way")
        self._lambdas._poll_dynamodb_streams = self.poll

    def poll(self) -> bool:
        """Whether any mapping had something to do."""
        found = False
        for account_id, region, mapping in self._lambdas._iter_all_esms():
            account = self._responses._request_account_id.set(account_id)
            in_region = self._responses._request_region.set(region)
            try:
                found = self._poll_mapping(mapping) or found
            finally:
                self._responses._request_account_id.reset(account)
                self._responses._request_region.reset(in_region)
        return found

    def _poll_mapping(self, mapping: dict[str, Any]) -> bool:
        identifier = mapping["UUID"]
        if not mapping.get("Enabled", True) or self._lambdas._esm_inflight.get(identifier):
            return False
        arn = self._arns.parse_arn(mapping.get("EventSourceArn", ""))
        source = self._lambdas._dynamodb_stream_table_from_arn_spec(arn) if arn.service == "dynamodb" else None
        if source is None:
            return False
        table_name = source[0]
        table = self._tables._tables.get(table_name)
        function, _ = self._lambdas._get_func_record_for_qualifier(mapping["FunctionName"], mapping.get("Qualifier"))
        if function is None or not table or table.get("LatestStreamArn") != mapping["EventSourceArn"]:
            return False
        start = self._position(mapping, table_name)
        read = self._tables.stream_records_since(table_name, start, int(mapping.get("BatchSize", 100)))
        if not read:
            return False
        positions = {sequence_number(record): start + index + 1 for index, record in enumerate(read)}
        wanted = self._lambdas._apply_filter_criteria(read, mapping)
        if wanted:
            self._lambdas._dispatch_esm_batch(
                identifier, self._deliver, mapping, function, wanted, positions, start + len(read)
            )
        else:
            self._advance(identifier, start + len(read))
        return True

    def _position(self, mapping: dict[str, Any], table_name: str) -> int:
        positions = self._lambdas._dynamodb_stream_positions
        horizon = self._tables.stream_start_position(table_name)
        with self._lambdas._dynamodb_stream_positions_lock:
            if mapping["UUID"] not in positions:
                from_start = mapping.get("StartingPosition") == "TRIM_HORIZON"
                positions[mapping["UUID"]] = horizon if from_start else self._tables.stream_end_position(table_name)
            return max(int(positions[mapping["UUID"]]), int(horizon))

    def _advance(self, identifier: str, position: int) -> None:
        with self._lambdas._dynamodb_stream_positions_lock:
            # A mapping deleted in the meantime has no position any more and must not get one back.
            if self._lambdas._esms.get(identifier) is not None:
                self._lambdas._dynamodb_stream_positions[identifier] = position

    def _deliver(
        self,
        mapping: dict[str, Any],
        function: dict[str, Any],
        records: Sequence[Record],
        positions: Mapping[str, int],
        end: int,
    ) -> None:
        identifier = mapping["UUID"]
        done: list[Record] = []

        def checkpoint(record: Record) -> None:
            done.append(record)
            self._advance(identifier, positions[sequence_number(record)])

        def give_up(failed: Sequence[Record], result: Mapping[str, Any], condition: str) -> None:
            logger.warning("%s gives up %d records: %s", mapping["FunctionName"], len(failed), condition)
            self._lambdas._send_ddb_stream_failure_record(
                mapping, function, list(failed), mapping["EventSourceArn"], result, condition
            )

        def pause(seconds: float) -> bool:
            time.sleep(seconds)
            return self._lambdas._esms.get(identifier) is not None and bool(mapping.get("Enabled", True))

        deliver(
            records,
            StreamPolicy.of(mapping),
            invoke=lambda part: self._invoke(mapping, part),
            checkpoint=checkpoint,
            give_up=give_up,
            pause=pause,
            now=time.time,
        )
        if done and done[-1] is records[-1]:
            self._advance(identifier, end)  # also past what the filter left out behind it

    def _invoke(self, mapping: dict[str, Any], records: Sequence[Record]) -> Mapping[str, Any]:
        # Looked up for each attempt: a function that was fixed and redeployed gets the record that it failed on.
        function, _ = self._lambdas._get_func_record_for_qualifier(mapping["FunctionName"], mapping.get("Qualifier"))
        if function is None:
            return {"error": True, "body": {"errorMessage": "the function is gone"}}
        result: Mapping[str, Any] = self._lambdas._execute_function(function, {"Records": list(records)})
        mapping["LastProcessingResult"] = "FAILED" if result.get("error") else f"OK - {len(records)} records"
        if log := result.get("log"):
            logger.info("%s:\n%s", mapping["FunctionName"], log)
        return result


def end_with_parent() -> None:
    """The second line after the leash, for when whoever holds it is killed together with it."""
    parent = os.getppid()
    while os.getppid() == parent:
        time.sleep(0.5)
    os.killpg(0, signal.SIGKILL)


def main() -> None:
    threading.Thread(target=end_with_parent, daemon=True).start()
    StreamPoll().install()
    importlib.import_module("ministack.app").main()


if __name__ == "__main__":
    main()

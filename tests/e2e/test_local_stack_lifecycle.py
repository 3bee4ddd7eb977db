"""That nothing of a local stack stays behind, however it ends, and that two of them don't meet."""

import os
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from infra.local.supervisor import RunningStack
from tests.e2e.stacks import CommandFailed, LocalStack, eventually

pytestmark = [
    pytest.mark.xdist_group("stack_lifecycle"),
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are looked for in /proc"),
]


def processes_of(checkout: Path) -> list[str]:
    """Processes that were started with something below the checkout, or work in it."""
    found: list[str] = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            directory = (entry / "cwd").readlink()
            zombie = (entry / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
        if not zombie and (str(checkout) in command or directory.is_relative_to(checkout)):
            found.append(f"{entry.name} {command}")
    return found


def is_listening(url: str) -> bool:
    address = urlsplit(url)
    with socket.socket() as probe:
        return probe.connect_ex((str(address.hostname), address.port or 80)) == 0


def running_parts(stack: LocalStack) -> tuple[RunningStack, dict[str, int]]:
    record = RunningStack.read(stack.layout)
    assert record is not None
    parts = {"supervisor": record.pid}
    for process in processes_of(stack.checkout):
        pid, _, command = process.partition(" ")
        if "leash.py" in command and "emulator.py" in command:
            parts["leash"] = int(pid)
        elif "emulator.py" in command:
            parts["emulator"] = int(pid)
    return record, parts


def nothing_is_left(stack: LocalStack, *urls: str) -> bool:
    return not processes_of(stack.checkout) and not any(is_listening(url) for url in urls)


@pytest.fixture(scope="module")
def checkout(sample_checkout: Callable[[], Path]) -> Path:
    return sample_checkout()


@pytest.fixture
def stack(checkout: Path) -> Iterator[LocalStack]:
    """Not running; and nothing of it is left after a test that failed."""
    stack = LocalStack(checkout)
    yield stack
    stack.command("down")


def with_a_running_job(stack: LocalStack) -> None:
    stack.command("up")
    answer = httpx.post(f"{stack.outputs['api_url']}/jobs", json={"name": "long", "mode": "forever"}, timeout=30)
    job_id = answer.json()["job_id"]
    batch = stack.client("batch")
    assert eventually(lambda: batch.describe_jobs(jobs=[job_id])["jobs"][0]["status"] == "RUNNING")
    assert any("functions.sample_job" in process for process in processes_of(stack.checkout))


def test_down_leaves_nothing(stack: LocalStack) -> None:
    with_a_running_job(stack)
    record, _ = running_parts(stack)
    assert "has stopped" in stack.command("down")
    assert nothing_is_left(stack, record.emulator_url, record.batch_url), processes_of(stack.checkout)
    assert not stack.layout.run.exists()
    assert not stack.layout.outputs.exists()
    assert "isn't running" in stack.command("down")


@pytest.mark.parametrize(
    "victims", [["supervisor"], ["leash"], ["emulator"], ["supervisor", "leash"]], ids=" and ".join
)
def test_when_a_part_is_killed_all_of_it_ends(stack: LocalStack, victims: list[str]) -> None:
    with_a_running_job(stack)
    record, parts = running_parts(stack)
    for victim in victims:
        os.kill(parts[victim], signal.SIGKILL)
    assert eventually(lambda: nothing_is_left(stack, record.emulator_url, record.batch_url)), processes_of(
        stack.checkout
    )
    assert not stack.running


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_up_that_is_interrupted_leaves_nothing(stack: LocalStack, signal_number: signal.Signals) -> None:
    up = stack.begin("up")
    assert eventually(lambda: RunningStack.read(stack.layout) is not None)
    record = RunningStack.read(stack.layout)
    assert record is not None
    # As the terminal does it: to the command alone, since what it started leads groups of its own.
    up.send_signal(signal_number)
    printed, _ = up.communicate(timeout=30)
    assert up.returncode != 0, printed
    assert eventually(lambda: nothing_is_left(stack, record.emulator_url, record.batch_url)), processes_of(
        stack.checkout
    )


def test_a_deployment_that_fails_says_why_and_leaves_nothing(sample_checkout: Callable[[], Path]) -> None:
    broken = LocalStack(sample_checkout())
    (broken.checkout / "infra" / "app.py").write_text("raise SystemExit('no such setting: stage')")
    with pytest.raises(CommandFailed, match="no such setting: stage"):
        broken.command("up")
    assert eventually(lambda: nothing_is_left(broken)), processes_of(broken.checkout)


def test_two_ups_at_once_make_one_stack(stack: LocalStack) -> None:
    first, second = stack.begin("up"), stack.begin("up")
    printed = sorted(up.communicate(timeout=120)[0] for up in (first, second))
    assert (first.returncode, second.returncode) == (0, 0), printed
    assert sum("up to date" in text for text in printed) == 1
    assert sum("emulator.py" in process and "leash.py" not in process for process in processes_of(stack.checkout)) == 1


def test_two_checkouts_run_side_by_side(stack: LocalStack, sample_checkout: Callable[[], Path]) -> None:
    other = LocalStack(sample_checkout())
    try:
        stack.command("up")
        other.command("up")
        assert stack.outputs["endpoint_url"] != other.outputs["endpoint_url"]
        assert stack.outputs["batch_endpoint_url"] != other.outputs["batch_endpoint_url"]
        stack.client("dynamodb").put_item(TableName=stack.outputs["data_table"], Item={"id": {"S": "mine"}})
        assert not other.client("dynamodb").scan(TableName=other.outputs["data_table"])["Items"]
    finally:
        other.command("down")
    assert httpx.post(f"{stack.outputs['api_url']}/forbidden", json={}, timeout=30).status_code == 403

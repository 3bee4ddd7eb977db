"""Processes that must not be left behind, locks that must not outlive their holder."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from infra.local.processes import Busy, LeashedProcess, exclusive, has_ended, holder, is_held, isolated_environment

PATIENCE_SECONDS = 10.0
# Writes down its own id and that of a child of its own, then waits; the second form ignores a polite request.
FAMILY = """
import os, pathlib, signal, subprocess, sys, time
if "stubborn" in sys.argv: signal.signal(signal.SIGTERM, signal.SIG_IGN)
ignoring = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
child = subprocess.Popen([sys.executable, "-c", ignoring])
target = pathlib.Path(sys.argv[1]); part = target.with_suffix(".part")
part.write_text(f"{os.getpid()} {child.pid}"); part.replace(target)
time.sleep(60)
"""


def alive(pid: int) -> bool:
    return not has_ended(pid)


def eventually(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def family(path: Path) -> list[int]:
    assert eventually(path.exists)
    return [int(pid) for pid in path.read_text().split()]


def leashed(*command: str, directory: Path, grace_seconds: float = 0.3) -> LeashedProcess:
    return LeashedProcess(
        command,
        environment=os.environ,
        directory=directory,
        output=subprocess.DEVNULL,
        grace_seconds=grace_seconds,
    )


@pytest.fixture(params=["polite", "stubborn"])
def running(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[LeashedProcess, list[int]]]:
    process = leashed(sys.executable, "-c", FAMILY, str(tmp_path / "pids"), str(request.param), directory=tmp_path)
    yield process, family(tmp_path / "pids")
    process.stop()


def test_a_leashed_command_gives_back_its_exit_code(tmp_path: Path) -> None:
    assert leashed(sys.executable, "-c", "raise SystemExit(7)", directory=tmp_path).wait(PATIENCE_SECONDS) == 7


def test_a_command_that_a_signal_ended_has_the_shells_exit_code(tmp_path: Path) -> None:
    suicide = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    assert leashed(sys.executable, "-c", suicide, directory=tmp_path).wait(PATIENCE_SECONDS) == 137


def test_a_command_that_does_not_exist_fails(tmp_path: Path) -> None:
    assert leashed(str(tmp_path / "nothing"), directory=tmp_path).wait(PATIENCE_SECONDS) == 127


def test_stopping_ends_the_command_and_all_that_it_started(running: tuple[LeashedProcess, list[int]]) -> None:
    process, pids = running
    process.stop()
    assert eventually(lambda: not any(alive(pid) for pid in pids))


def test_nothing_outlives_a_killed_leash(running: tuple[LeashedProcess, list[int]]) -> None:
    process, pids = running
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait(PATIENCE_SECONDS) == -signal.SIGKILL
    assert eventually(lambda: not any(alive(pid) for pid in pids))


def test_what_a_command_leaves_running_ends_with_it(tmp_path: Path) -> None:
    leaves = f"""
import pathlib, subprocess
child = subprocess.Popen(['sleep', '60'])
pathlib.Path({str(tmp_path / "pids")!r}).write_text(str(child.pid))
"""
    process = leashed(sys.executable, "-c", leaves, directory=tmp_path)
    assert process.wait(PATIENCE_SECONDS) == 0
    [pid] = family(tmp_path / "pids")
    assert eventually(lambda: not alive(pid))


@pytest.mark.parametrize("manner", ["polite", "stubborn"])
def test_nothing_outlives_a_killed_parent(tmp_path: Path, manner: str) -> None:
    parent = f"""
import os, pathlib, sys, time
from infra.local.processes import LeashedProcess
LeashedProcess([sys.executable, "-c", {FAMILY!r}, {str(tmp_path / "pids")!r}, {manner!r}],
               environment=os.environ, directory=pathlib.Path({str(tmp_path)!r}), output=-3, grace_seconds=0.3)
time.sleep(60)
"""
    checkout = Path(__file__).resolve().parents[3]
    with subprocess.Popen([sys.executable, "-c", parent], cwd=checkout) as killed:
        pids = family(tmp_path / "pids")
        killed.kill()
    assert eventually(lambda: not any(alive(pid) for pid in pids))


def test_a_wait_that_takes_too_long_leaves_the_command_running(tmp_path: Path) -> None:
    process = leashed("sleep", "60", directory=tmp_path)
    with pytest.raises(TimeoutError):
        process.wait(0.1)
    assert process.running
    process.stop()
    assert not process.running


def test_a_lock_has_one_holder(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    assert not is_held(lock)
    with exclusive(lock):
        assert holder(lock) == os.getpid()
        with pytest.raises(Busy), exclusive(lock):
            pass
    assert not is_held(lock)
    assert holder(lock) is None


def test_a_lock_is_free_once_its_holder_was_killed(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    hold = f"""
import pathlib, time
from infra.local.processes import exclusive
with exclusive(pathlib.Path({str(lock)!r})): time.sleep(60)
"""
    checkout = Path(__file__).resolve().parents[3]
    with subprocess.Popen([sys.executable, "-c", hold], cwd=checkout) as process:
        assert eventually(lambda: lock.exists() and holder(lock) == process.pid)
        process.kill()
    # The id is still written there, and must not be taken for that of whoever has it next.
    assert lock.read_text().startswith(str(process.pid))
    assert holder(lock) is None


def test_an_id_without_the_same_time_of_start_is_another_process(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with exclusive(lock):
        lock.write_text(f"{os.getpid()} 1")
        assert holder(lock) is None


def test_a_childs_environment_points_at_no_account_or_interpreter_of_the_users() -> None:
    users = {
        "AWS_PROFILE": "production",
        "AWS_ENDPOINT_URL_S3": "https://s3.example.com",
        "CDK_DEFAULT_ACCOUNT": "123456789012",
        "PYTHONPATH": "/elsewhere",
        "HOME": "/home/user",
    }
    isolated = isolated_environment(users, AWS_REGION="us-east-1")
    assert isolated["HOME"] == "/home/user"
    assert isolated["AWS_REGION"] == "us-east-1"
    assert not {"AWS_PROFILE", "AWS_ENDPOINT_URL_S3", "CDK_DEFAULT_ACCOUNT", "PYTHONPATH"} & isolated.keys()


def test_a_child_uses_the_users_proxy_but_not_for_this_machine() -> None:
    isolated = isolated_environment({"https_proxy": "http://proxy.example.com", "no_proxy": "intranet"})
    assert isolated["https_proxy"] == "http://proxy.example.com"
    assert isolated["NO_PROXY"] == isolated["no_proxy"] == "intranet,127.0.0.1"

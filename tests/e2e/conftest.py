"""Stacks for the end-to-end tests: this checkout's own, and small ones that a test may break."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from infra.local.processes import exclusive
from tests.e2e.customers import Customer, new_customer
from tests.e2e.stacks import COMMAND_SECONDS, LocalStack
from tests.support.clips import captioned, music, scene, write_clip

SAMPLE = Path(__file__).parent / "sample_app"
RATE = 24
SIZE = {"width": 640, "height": 360}


def _stack() -> LocalStack:
    return LocalStack(Path(__file__).resolve().parents[2])


def _run_folder(config: pytest.Config) -> Path:
    """What the workers of one run tell each other; without workers the run is this process."""
    worker: dict[str, object] = getattr(config, "workerinput", {})
    return _stack().layout.root / "e2e" / str(worker.get("testrunuid", os.getpid()))


@pytest.fixture(scope="session")
def local_stack(pytestconfig: pytest.Config) -> LocalStack:
    """This checkout's stack. One that runs already is used, brought up to date if need be, and left running."""
    stack, run = _stack(), _run_folder(pytestconfig)
    with exclusive(run / "lock", wait_seconds=COMMAND_SECONDS):
        if not stack.running:
            (run / "started").touch()
        if not stack.current:
            stack.command("up")
    return stack


@pytest.fixture
def customer(local_stack: LocalStack) -> Iterator[Customer]:
    with new_customer(local_stack) as someone:
        yield someone


@pytest.fixture
def stranger(local_stack: LocalStack) -> Iterator[Customer]:
    with new_customer(local_stack) as someone:
        yield someone


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six seconds with music: a caption for two, another take with another caption, a take without."""
    pictures = captioned(scene(1, 2 * RATE, pan=1, **SIZE), "Harvest in Bordeaux", scale=1.2)
    pictures += captioned(scene(2, 2 * RATE, pan=-1, **SIZE), "Bottled in the spring", scale=1.2)
    pictures += scene(3, 2 * RATE, **SIZE)
    return write_clip(tmp_path_factory.mktemp("clip") / "wine.mp4", pictures, rate=RATE, sound=music(6.0))


@pytest.fixture(scope="session")
def chapters(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Path]:
    """Makes a clip of some seconds with another caption each, so that a worker is at it for a while."""

    def write(seconds: int) -> Path:
        pictures = [
            picture
            for number in range(seconds)
            for picture in captioned(scene(number, RATE, pan=1, **SIZE), f"Chapter number {number}", scale=1.2)
        ]
        return write_clip(tmp_path_factory.mktemp("clip") / "chapters.mp4", pictures, rate=RATE)

    return write


def pytest_sessionfinish(session: pytest.Session) -> None:
    """The last worker to finish stops what this run has started."""
    run = _run_folder(session.config)
    worker: dict[str, object] = getattr(session.config, "workerinput", {})
    if not worker and not run.exists():
        return  # alone, and no test has asked for the stack
    workers = int(str(worker.get("workercount", 1)))
    with exclusive(run / "lock", wait_seconds=COMMAND_SECONDS):
        (run / f"finished-{worker.get('workerid', 'alone')}").touch()
        last = len(list(run.glob("finished-*"))) >= workers
        if last and (run / "started").exists():
            _stack().command("down")
    if last:
        shutil.rmtree(run)


@pytest.fixture(scope="module")
def sample_checkout(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """Makes checkouts of a sample app, with the local stack's code as it is."""
    checkout = Path(__file__).resolve().parents[2]

    def make() -> Path:
        copy = tmp_path_factory.mktemp("checkout")
        shutil.copytree(SAMPLE, copy, dirs_exist_ok=True)
        (copy / "functions" / "__init__.py").touch()
        (copy / "pyproject.toml").touch()
        shutil.copy(checkout / "infra" / "__init__.py", copy / "infra")
        shutil.copytree(checkout / "infra" / "locks", copy / "infra" / "locks")
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(checkout / "infra" / "local", copy / "infra" / "local", ignore=ignored)
        return copy

    return make


@pytest.fixture(scope="module")
def sample_stack(sample_checkout: Callable[[], Path]) -> Iterator[LocalStack]:
    stack = LocalStack(sample_checkout())
    stack.command("up")
    yield stack
    stack.command("down")

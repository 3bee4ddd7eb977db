"""Both type checkers refuse what `answers.py` marks, and nothing else in it."""

import json
import re
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
CASES = Path(__file__).with_name("answers.py")
_MARK = re.compile(r"  # type: ignore\[[\w-]+\]")
_UNNEEDED = "# pyright: strict, reportUnnecessaryTypeIgnoreComment=true"


def marked_lines() -> list[int]:
    return [number for number, line in enumerate(CASES.read_text().splitlines(), 1) if _MARK.search(line)]


def unmarked(folder: Path) -> Path:
    """The same file without what keeps the checkers quiet."""
    copy = folder / "answers.py"
    copy.write_text(_MARK.sub("", CASES.read_text()))
    return copy


def check(*command: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=CHECKOUT, capture_output=True, text=True, timeout=300, check=False
    )
    return done.stdout + done.stderr


def test_mypy_refuses_the_marked_lines(tmp_path: Path) -> None:
    shown = check(
        "mypy", "--cache-dir", str(tmp_path), "--shadow-file", str(CASES), str(unmarked(tmp_path)), str(CASES)
    )
    refused = [int(number) for number in re.findall(r"answers\.py:(\d+): error:", shown)]
    assert sorted(set(refused)) == marked_lines(), shown
    assert len(marked_lines()) >= 9


def test_pyright_refuses_the_marked_lines(tmp_path: Path) -> None:
    answer = json.loads(check("pyright", "--outputjson", str(unmarked(tmp_path))))
    errors = [one for one in answer["generalDiagnostics"] if one["severity"] == "error"]
    assert sorted({one["range"]["start"]["line"] + 1 for one in errors}) == marked_lines(), errors


def test_a_mark_that_is_no_longer_needed_is_told(tmp_path: Path) -> None:
    lenient = tmp_path / "answers.py"
    lenient.write_text(f"{_UNNEEDED}\nfine: int = 1  # type: ignore[assignment]\n")
    assert "Unnecessary" in check("pyright", str(lenient))
    assert CASES.read_text().startswith(_UNNEEDED)

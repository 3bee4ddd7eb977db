"""When a new deployment is needed."""

from pathlib import Path

import pytest

from infra.local.deploy import source_digest


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name in ("cdk.json", "pyproject.toml", "functions/billing/events.py", "infra/app.py", "shared/http/etag.py"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path


@pytest.mark.parametrize("changed", ["cdk.json", "functions/billing/events.py", "infra/app.py", "shared/http/etag.py"])
def test_a_change_of_what_is_deployed_needs_a_deployment(checkout: Path, changed: str) -> None:
    before = source_digest(checkout)
    (checkout / changed).write_text("changed")
    assert source_digest(checkout) != before


def test_a_file_renamed_added_or_removed_needs_a_deployment(checkout: Path) -> None:
    digests = {source_digest(checkout)}
    (checkout / "functions/billing/events.py").rename(checkout / "functions/billing/facts.py")
    digests.add(source_digest(checkout))
    (checkout / "functions/billing/money.py").touch()
    digests.add(source_digest(checkout))
    (checkout / "shared/http/etag.py").unlink()
    digests.add(source_digest(checkout))
    assert len(digests) == 4


@pytest.mark.parametrize(
    "ignored", ["README.md", "tests/test_it.py", "infra/local/stack.py", "functions/__pycache__/a.cpython-311.pyc"]
)
def test_what_is_not_deployed_needs_no_deployment(checkout: Path, ignored: str) -> None:
    before = source_digest(checkout)
    path = checkout / ignored
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("changed")
    assert source_digest(checkout) == before

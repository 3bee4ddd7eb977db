import pytest

from shared.kernel.errors import MalformedRequest
from shared.persistence.pagination import Cursors

CURSORS = Cursors(lambda: b"a secret")


def test_a_cursor_goes_on_where_it_was_made() -> None:
    assert CURSORS.read(CURSORS.make("position/7", "walk"), "walk") == "position/7"


def test_a_cursor_of_another_walk_or_stage_is_refused() -> None:
    cursor = CURSORS.make("position", "ledger:one")
    for refusing, walk in ((CURSORS, "ledger:two"), (Cursors(lambda: b"other"), "ledger:one")):
        with pytest.raises(MalformedRequest):
            refusing.read(cursor, walk)


def test_every_tampered_cursor_is_refused() -> None:
    cursor = CURSORS.make("position", "walk")
    others = [cursor[:at] + ("A" if cursor[at] != "A" else "B") + cursor[at + 1 :] for at in range(len(cursor))]
    for tampered in [*others, "", "%%%", cursor + "AAAA", "é"]:
        try:
            assert CURSORS.read(tampered, "walk") == "position", "only unused bits of base64 may differ"
        except MalformedRequest:
            continue

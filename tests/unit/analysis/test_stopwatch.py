"""What a part of an analysis took."""

import sys

import pytest

from functions.analysis.stopwatch import Stopwatch


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere only the process' peak is known")
def test_a_part_is_told_by_how_much_the_process_grew_meanwhile() -> None:
    stopwatch = Stopwatch(weighs=True)
    with stopwatch.measure("nothing"):
        pass
    with stopwatch.measure("pictures"):
        # Written to, or the system wouldn't give the memory.
        kept = bytearray(b"x") * (64 * 1024 * 1024)
    assert 60 <= stopwatch.grown["pictures"] <= 80
    assert stopwatch.grown["nothing"] < 4
    del kept

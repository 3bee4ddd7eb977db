"""What a part of an analysis took."""

import subprocess
import sys

import pytest

GROWING = """\
from functions.analysis.stopwatch import Stopwatch
stopwatch = Stopwatch(weighs=True)
with stopwatch.measure("nothing"):
    pass
with stopwatch.measure("pictures"):
    # Written to, or the system wouldn't give the memory.
    kept = bytearray(b"x") * (64 * 1024 * 1024)
print(stopwatch.grown["nothing"], stopwatch.grown["pictures"])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere only the process' peak is known")
def test_a_part_is_told_by_how_much_the_process_grew_meanwhile() -> None:
    # In a process of its own: what other tests leave running grows and shrinks as well.
    done = subprocess.run([sys.executable, "-c", GROWING], capture_output=True, text=True, check=True, timeout=60)
    nothing, pictures = map(float, done.stdout.split())
    assert nothing < 4
    assert 60 <= pictures <= 80

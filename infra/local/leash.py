"""Runs a command that may not outlive its parent.

`python leash.py GRACE_SECONDS COMMAND...` leads a process group of its own and ends the whole group when its standard
input closes, which the kernel sees to whatever kills the parent. Run as a file, not as a module, to start quickly.
"""

import os
import signal
import subprocess
import sys
import threading
from types import FrameType

SIGNAL_BASE = 128  # the shell's convention for the exit code of a command that a signal ended


class Leash:
    def __init__(self, grace_seconds: float) -> None:
        self._grace_seconds = grace_seconds
        self._parent_is_gone = False

    def run(self, command: list[str]) -> int:
        if os.getpgrp() != os.getpid():
            os.setpgid(0, 0)
        signal.signal(signal.SIGTERM, self._end)
        threading.Thread(target=self._watch_parent, daemon=True).start()
        try:
            code = subprocess.Popen(command, stdin=subprocess.DEVNULL).wait()
        except OSError as error:
            print(error, file=sys.stderr)
            return SIGNAL_BASE - 1
        if self._parent_is_gone:
            os.killpg(0, signal.SIGKILL)
        return code if code >= 0 else SIGNAL_BASE - code

    def _watch_parent(self) -> None:
        # Not sys.stdin: a thread blocked inside its lock makes the interpreter's shutdown fail.
        while os.read(0, 4096):
            pass
        self._parent_is_gone = True
        os.kill(os.getpid(), signal.SIGTERM)

    def _end(self, signal_number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.killpg(0, signal.SIGTERM)
        killer = threading.Timer(self._grace_seconds, os.killpg, (0, signal.SIGKILL))
        killer.daemon = True
        killer.start()


if __name__ == "__main__":
    sys.exit(Leash(float(sys.argv[1])).run(sys.argv[2:]))

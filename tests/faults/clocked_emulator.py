"""Starts the AWS emulator with a DynamoDB whose time can be moved on.

Runs in the emulator's own environment, as a file. The file named by `CLOCK_OFFSET` holds the seconds by which DynamoDB
is ahead, so a test can let the ten minutes of a transaction's token pass.
"""

import importlib
import os
import threading
import time
from pathlib import Path


class ClockAhead:
    """Stands in for the module `time`."""

    def __init__(self, offset: Path) -> None:
        self._offset = offset

    def time(self) -> float:
        return time.time() + float(self._offset.read_text())

    def __getattr__(self, name: str) -> object:
        return getattr(time, name)


def end_with_parent() -> None:
    parent = os.getppid()
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def main() -> None:
    threading.Thread(target=end_with_parent, daemon=True).start()
    dynamodb = importlib.import_module("ministack.services.dynamodb")
    if dynamodb._TXN_TOKEN_TTL != 600:
        raise RuntimeError("this version of the emulator keeps tokens in another way")
    vars(dynamodb)["time"] = ClockAhead(Path(os.environ["CLOCK_OFFSET"]))
    importlib.import_module("ministack.app").main()


if __name__ == "__main__":
    main()

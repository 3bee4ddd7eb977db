"""`python -m infra.local up | down | status`"""

import argparse
import signal
import sys

from infra.local.deploy import DeployFailed
from infra.local.install import InstallFailed
from infra.local.layout import Layout
from infra.local.stack import StackFailed, down, status, up

INTERRUPTED = 130


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.local", description="The local stack of this checkout.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("up", help="start it, or bring it up to date with the code")
    commands.add_parser("down", help="stop it and remove what it kept")
    commands.add_parser("status", help="tell whether it runs and where")
    command = parser.parse_args().command
    # A terminal that closes and a supervisor that stops us deserve the same clean-up as Ctrl-C.
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGHUP, _interrupt)
    layout = Layout.of_this_checkout()
    try:
        match command:
            case "up":
                up(layout)
            case "down":
                down(layout)
            case _:
                return 0 if status(layout) else 1
    except (StackFailed, InstallFailed, DeployFailed) as error:
        print(f"The local stack failed: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted.", file=sys.stderr)
        return INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main())

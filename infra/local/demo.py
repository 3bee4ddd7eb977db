"""`python -m infra.local.demo`: a real video, uploaded, analysed and asked about, through the local stack.

Everything a customer would do is done over HTTP, as any client would do it. What only an operator sees (the event log,
the worker's figures) is read with the operator's credentials of `.local/outputs.json`. `VIDEO` names a video of one's
own; without it one is made whose contents are known, and what was found in it is checked.
"""

import json
import os
import secrets
import signal
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from infra.local.client import ApiClient, ApiRefused, ApiUnreachable
from infra.local.clips import ClipUnavailable
from infra.local.demo_customer import CONTENT_TYPES, analyse, ask, enter, search, show_timeline, upload
from infra.local.demo_operator import show_speed, show_statement, show_trail
from infra.local.demo_report import leave_report
from infra.local.demo_run import Run, StepFailed
from infra.local.demo_video import ATTRIBUTION, make_video
from infra.local.deploy import DeployFailed
from infra.local.install import InstallFailed
from infra.local.layout import Layout
from infra.local.processes import is_held
from infra.local.screen import Screen
from infra.local.stack import StackFailed, down, up

INTERRUPTED = 130


def main() -> int:
    # A terminal that closes and whoever stops us deserve the same clean-up as Ctrl-C.
    signal.signal(signal.SIGTERM, interrupt)
    signal.signal(signal.SIGHUP, interrupt)
    screen, layout = Screen(), Layout.of_this_checkout()
    was_running = is_held(layout.stack_lock)
    try:
        return _demonstrate(screen, layout)
    except (StepFailed, ApiRefused, ApiUnreachable, ClipUnavailable) as error:
        screen.line(f"\n{screen.red('The demo failed.')} {error}")
        screen.line(f"Logs: {layout.logs}")
        return 1
    except (StackFailed, InstallFailed, DeployFailed) as error:
        screen.line(f"\n{screen.red('The local stack failed.')} {error}")
        return 1
    except KeyboardInterrupt:
        screen.line("\nInterrupted.")
        return INTERRUPTED
    finally:
        _leave_as_found(screen, layout, was_running=was_running)


def _demonstrate(screen: Screen, layout: Layout) -> int:
    video, is_known = _video(layout)
    screen.line(screen.bold(f"VisionScope demo: {video.name}"))
    if is_known:
        screen.line(screen.dim(ATTRIBUTION))
    screen.line()
    up(layout)
    outputs: Mapping[str, str] = json.loads(layout.outputs.read_text())
    correlation_id = f"demo-{secrets.token_hex(8)}"
    with ApiClient(outputs["api_url"], correlation_id) as api:
        run = Run(screen, api, outputs, video, is_known, correlation_id, started=datetime.now(UTC))
        screen.heading("As a customer, over HTTP", outputs["api_url"])
        enter(run)
        upload(run)
        analyse(run)
        show_timeline(run)
        search(run)
        ask(run)
        show_statement(run)
        show_trail(run)
        show_speed(run)
        report = leave_report(run, layout)
        verdict = _verdict(run)
        screen.line(f"The analysis as a page, to open in a browser: {report}")
        return verdict


def _video(layout: Layout) -> tuple[Path, bool]:
    """The video, and whether it is known what it holds."""
    named = os.environ.get("VIDEO", "")
    if not named:
        return make_video(layout.root), True
    video = Path(named).expanduser()
    if not video.is_file():
        raise StepFailed(f"There is no file {video}.")
    if video.suffix.lower() not in CONTENT_TYPES:
        raise StepFailed(f"{video.name} ends with none of {', '.join(CONTENT_TYPES)}.")
    return video, False


def _verdict(run: Run) -> int:
    run.screen.heading("Checks")
    for check in run.checks:
        run.screen.check(check.held, check.what)
    failed = [check.what for check in run.checks if not check.held]
    if failed:
        run.screen.line(f"\n{run.screen.red(f'{len(failed)} of {len(run.checks)} checks failed:')}")
        for what in failed:
            run.screen.line(f"  {what}")
        return 1
    run.screen.line(f"\n{run.screen.green(f'All {len(run.checks)} checks hold.')}")
    return 0


def _leave_as_found(screen: Screen, layout: Layout, *, was_running: bool) -> None:
    screen.line()
    if was_running:
        screen.line("The local stack was running before and still is: `make local-stop` stops it.")
    elif is_held(layout.stack_lock):
        down(layout)
        screen.line("`make local` starts one that stays, to try requests of your own.")


def interrupt(signal_number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())

"""Leaves the report of a run of the demo behind."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from infra.local.demo_run import Run
from infra.local.demo_video import ATTRIBUTION, TITLE
from infra.local.layout import Layout
from infra.local.report import Answered, Citation, Moment, Report, ReportedShot, render

# Each kind of moment, what a shot lists it under, and which of its members says what it is.
_MOMENTS = (("text", "text", "text"), ("speech", "speech", "text"), ("sound", "sounds", "kind"))


def leave_report(run: Run, layout: Layout) -> Path:
    """Writes the report over the last one, and says where it is."""
    path = layout.root / "report.html"
    with run.screen.step("writing the report") as step:
        path.write_text(render(_report(run)))
        step.outcome = f"wrote the report, {path.stat().st_size / 1e6:.1f} MB"
    return path


def _report(run: Run) -> Report:
    work = run.manifest.get("work") or {"wall_seconds": None, "seconds": {}}
    return Report(
        title=TITLE if run.is_known else run.video.name,
        attribution=ATTRIBUTION if run.is_known else None,
        duration_ms=run.manifest["duration_ms"],
        size=(run.manifest["width"], run.manifest["height"]),
        features=tuple(run.analysis["features"]),
        shots=tuple(_shot(shot) for shot in run.shots),
        answers=tuple(_answered(answer) for answer in run.answers),
        costs=run.costs,
        wall_seconds=work["wall_seconds"],
        seconds=work["seconds"],
    )


def _shot(shot: Mapping[str, Any]) -> ReportedShot:
    return ReportedShot(
        segment_id=shot["segment_id"],
        start_ms=shot["start_ms"],
        end_ms=shot["end_ms"],
        keyframe=_keyframe(shot["keyframe_url"]),
        labels=tuple(shot["labels"]),
        moments=tuple(
            Moment(one["segment_id"], kind, one["start_ms"], one["end_ms"], one[text])
            for kind, found, text in _MOMENTS
            for one in shot[found]
            # That somebody speaks is told by what is said.
            if one[text] != "speech" or kind != "sound"
        ),
    )


def _keyframe(url: str | None) -> bytes | None:
    return None if url is None else httpx.get(url).raise_for_status().content


def _answered(answer: Mapping[str, Any]) -> Answered:
    citations = tuple(
        Citation(one["segment_id"], one["start_ms"], one["end_ms"], one["quote"]) for one in answer["citations"]
    )
    return Answered(answer["question"], answer["answer"], answer["grounded"], citations)

"""One analysis on one page: a file of HTML that needs nothing besides itself, neither scripts nor a network.

Whatever a video or its viewers said is escaped; pictures lie in the page as data. A citation leads to its moment by an
anchor.
"""

import base64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from infra.local.expectations import clock


@dataclass(frozen=True, slots=True)
class Moment:
    """A text on screen, a stretch of speech, or a kind of sound by its name."""

    segment_id: str
    kind: str
    start_ms: int
    end_ms: int
    text: str


@dataclass(frozen=True, slots=True)
class ReportedShot:
    """`keyframe` is a JPEG, or None; `moments` are those that lie in it, if only in part."""

    segment_id: str
    start_ms: int
    end_ms: int
    keyframe: bytes | None
    labels: tuple[str, ...]
    moments: tuple[Moment, ...]


@dataclass(frozen=True, slots=True)
class Citation:
    segment_id: str
    start_ms: int
    end_ms: int
    quote: str


@dataclass(frozen=True, slots=True)
class Answered:
    question: str
    answer: str
    grounded: bool
    citations: tuple[Citation, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """What is told of one analysis. `seconds` are the worker's by part; `costs` are credits by feature code."""

    title: str
    attribution: str | None
    duration_ms: int
    size: tuple[int, int]
    features: tuple[str, ...]
    shots: tuple[ReportedShot, ...]
    answers: tuple[Answered, ...]
    costs: Mapping[str, int]
    wall_seconds: float | None
    seconds: Mapping[str, float]

    @property
    def moments(self) -> list[Moment]:
        """Each once, though one may lie in several shots."""
        found = {moment.segment_id: moment for shot in self.shots for moment in shot.moments}
        return sorted(found.values(), key=lambda moment: (moment.start_ms, moment.segment_id))


def render(report: Report) -> str:
    style = Path(__file__).with_suffix(".css").read_text()
    body = "\n".join(_body(report))
    # The policy keeps the page from ever fetching anything, whatever it was made to hold.
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<title>{escape(report.title)} – analysis</title>
<style>
{style}</style>
</head>
<body>
{body}
</body>
</html>
"""


def _body(report: Report) -> Iterator[str]:
    width, height = report.size
    yield '<header class="page">'
    yield f"<h1>{escape(report.title)}</h1>"
    yield (
        f'<p class="quiet">{clock(report.duration_ms)}, {width}×{height}, '
        f"analysed for {escape(', '.join(report.features))}</p>"
    )
    if report.attribution:
        yield f'<p class="quiet">{escape(report.attribution)}</p>'
    yield _tiles(report)
    yield "</header>\n<main>"
    yield from _timeline(report)
    yield from _answers(report)
    yield from _shots(report)
    yield from _figures(report)
    yield "</main>"
    yield "<footer>Made by VisionScope. Times are minutes and seconds from the first frame.</footer>"


# What moments are called, by kind.
_KINDS = {"text": "On screen", "speech": "Spoken", "sound": "Heard"}


def _tiles(report: Report) -> str:
    kinds = [moment.kind for moment in report.moments]
    tiles = [
        ("Shots", str(len(report.shots))),
        ("Texts on screen", str(kinds.count("text"))),
        ("Stretches of speech", str(kinds.count("speech"))),
        ("Questions answered", f"{sum(one.grounded for one in report.answers)} of {len(report.answers)}"),
        ("Credits", str(sum(report.costs.values()))),
    ]
    if report.wall_seconds:
        tiles.append(("Times real time", f"{report.duration_ms / 1000 / report.wall_seconds:.1f}×"))
    cells = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in tiles)
    return f'<dl class="tiles">{cells}</dl>'


def _timeline(report: Report) -> Iterator[str]:
    yield '<section aria-labelledby="timeline"><h2 id="timeline">Timeline</h2>'
    yield '<div class="strip" tabindex="0" role="group" aria-label="Timeline"><div>'
    shots = (
        (
            shot.start_ms,
            shot.end_ms,
            shot.segment_id,
            f"Shot at {clock(shot.start_ms)}",
            _picture(shot.keyframe, "") if shot.keyframe else "",
        )
        for shot in report.shots
    )
    yield _lane("Shots", "shots", shots, report.duration_ms)
    for kind, name in _KINDS.items():
        found = [moment for moment in report.moments if moment.kind == kind]
        if found:
            bars = (
                (
                    moment.start_ms,
                    moment.end_ms,
                    moment.segment_id,
                    f"{clock(moment.start_ms)}: {moment.text}",
                    f"<span>{escape(moment.text)}</span>",
                )
                for moment in found
            )
            yield _lane(name, kind, bars, report.duration_ms)
    yield _ruler(report.duration_ms)
    yield "</div></div></section>"


def _lane(name: str, kind: str, bars: Iterable[tuple[int, int, str, str, str]], duration_ms: int) -> str:
    """Bars of (start, end, segment id, what it is, HTML inside), each leading to its moment."""
    items = "".join(
        f'<li style="left:{_share(start_ms, duration_ms)};width:{_share(end_ms - start_ms, duration_ms)}">'
        f'<a href="#{_anchor(segment_id)}" title="{escape(what)}" aria-label="{escape(what)}">{inside}</a></li>'
        for start_ms, end_ms, segment_id, what, inside in bars
    )
    return f'<p class="lane-name">{name}</p><ol class="lane {kind}">{items}</ol>'


def _ruler(duration_ms: int) -> str:
    step = next(
        (step for step in (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800) if duration_ms / 1000 / step <= 12), 3600
    )
    marks = "".join(
        f'<span style="left:{_share(at, duration_ms)}">{clock(at)}</span>'
        for at in range(0, duration_ms - step * 900, step * 1000)
    )
    end = f'<span class="end" style="left:100%">{clock(duration_ms)}</span>'
    return f'<div class="ruler" aria-hidden="true">{marks}{end}</div>'


def _answers(report: Report) -> Iterator[str]:
    if not report.answers:
        return
    yield '<section aria-labelledby="questions"><h2 id="questions">Questions and answers</h2><ol class="answers">'
    for one in report.answers:
        yield "<li>" if one.grounded else '<li class="unknown">'
        yield f'<p class="question">{escape(one.question)}</p><p class="answer">{escape(one.answer)}</p>'
        if not one.grounded:
            yield '<p class="badge">Not told in this video</p>'
        if one.citations:
            yield '<ul class="citations" aria-label="Cited moments">'
            yield from (_citation(citation, report.shots) for citation in one.citations)
            yield "</ul>"
        yield "</li>"
    yield "</ol></section>"


def _citation(citation: Citation, shots: Sequence[ReportedShot]) -> str:
    middle = (citation.start_ms + citation.end_ms) // 2
    keyframe = next((shot.keyframe for shot in shots if shot.start_ms <= middle < shot.end_ms), None)
    return (
        f'<li><a href="#{_anchor(citation.segment_id)}">{_picture(keyframe, "") if keyframe else ""}'
        f"<span>{_span(citation.start_ms, citation.end_ms)}<q>{escape(citation.quote)}</q></span></a></li>"
    )


def _shots(report: Report) -> Iterator[str]:
    yield '<section aria-labelledby="shots"><h2 id="shots">Shot by shot</h2><ol class="shots-grid">'
    told: set[str] = set()
    for number, shot in enumerate(report.shots, start=1):
        yield f'<li id="{_anchor(shot.segment_id)}">'
        if shot.keyframe:
            yield _picture(shot.keyframe, f"A frame of shot {number}")
        else:
            yield '<div class="no-frame">no picture</div>'
        yield '<div class="shot-body">'
        yield f'<p class="shot-head"><span>Shot {number}</span>{_span(shot.start_ms, shot.end_ms)}</p>'
        if shot.labels:
            yield f'<p class="labels">{escape(", ".join(shot.labels))}</p>'
        if shot.moments:
            yield '<ul class="moments">'
            for moment in shot.moments:
                # An id may stand once in a page: a moment of several shots is led to in the first of them.
                anchor = "" if moment.segment_id in told else f' id="{_anchor(moment.segment_id)}"'
                told.add(moment.segment_id)
                yield (
                    f'<li{anchor}><span class="kind {escape(moment.kind)}">{_KINDS[moment.kind]}</span>'
                    f'{escape(moment.text)} <span class="quiet">{_span(moment.start_ms, moment.end_ms)}</span></li>'
                )
            yield "</ul>"
        yield "</div></li>"
    yield "</ol></section>"


def _figures(report: Report) -> Iterator[str]:
    yield '<section aria-labelledby="figures"><h2 id="figures">What it took</h2><div class="columns">'
    rows = "".join(
        f'<tr><th scope="row">{escape(code)}</th><td class="number">{amount}</td></tr>'
        for code, amount in report.costs.items()
    )
    yield (
        '<div class="scroll"><table><caption>Credits charged</caption><thead><tr><th scope="col">Feature</th>'
        f'<th scope="col" class="number">Credits</th></tr></thead><tbody>{rows}</tbody></table></div>'
    )
    if report.seconds:
        longest = max(report.seconds.values())
        rows = "".join(
            f'<tr><th scope="row">{escape(part)}</th><td class="number">{seconds:.1f} s</td>'
            f'<td style="width:40%"><span class="bar" style="width:{_share(seconds, longest)}"></span></td></tr>'
            for part, seconds in sorted(report.seconds.items(), key=lambda one: -one[1])
        )
        yield (
            '<div class="scroll"><table><caption>The worker’s time; parts work side by side</caption><thead><tr>'
            '<th scope="col">Part</th><th scope="col" class="number">Seconds</th><td></td></tr></thead>'
            f"<tbody>{rows}</tbody></table></div>"
        )
    yield "</div></section>"


def _picture(jpeg: bytes | None, description: str) -> str:
    if jpeg is None:
        return ""
    return f'<img src="data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}" alt="{escape(description)}">'


def _span(start_ms: int, end_ms: int) -> str:
    return f"<time>{clock(start_ms)}–{clock(end_ms)}</time>"


def _share(part: float, whole: float) -> str:
    return f"{100 * part / whole if whole else 0:.3f}%"


def _anchor(segment_id: str) -> str:
    return f"moment-{escape(segment_id)}"

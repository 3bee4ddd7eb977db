"""Retrieval and answers: the real functions behind the API, on what the worker found, in a stage in moto."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from functions.conversations.commands import ask_question, start_conversation
from functions.videos.domain.results import MANIFEST, Manifest, Moment, results_prefix
from functions.videos.queries import search_moments
from tests.evaluation.bars import Bar, ceiling, share
from tests.evaluation.library import Analysed, Library
from tests.evaluation.questions import Conversation, Question, Span, conversations, evidence, load
from tests.evaluation.words import tells
from tests.support.aws import Aws, stage_in_moto
from tests.support.videos import Studio, with_query

ANSWER_ACCURACY = 0.85
FALSE_ANSWERS = 0.05
SUPPORTING = 0.9
RECALL_AT_5, MEAN_RECIPROCAL_RANK = 0.85, 0.7
FOUND_AT_MOST = 5
NEAR_MS = 1_000
# What is asked about the order of things, or about the whole, isn't found by its words.
NOT_SOUGHT = frozenset({"follow-up", "first", "last", "summary", "compare"})


@dataclass(frozen=True, slots=True)
class Cited:
    clip: str
    segment_id: str
    start_ms: int
    end_ms: int
    quote: str


@dataclass(frozen=True, slots=True)
class Given:
    """An answer that was given."""

    text: str
    grounded: bool
    cited: tuple[Cited, ...]


class Engine(Protocol):
    """Whoever answers the questions of a conversation, and searches one clip."""

    def converse(self, conversation: Conversation) -> list[Given]: ...

    def search(self, clip: str, words: str) -> list[Span]:
        """The moments that fit best, best first."""
        ...


@dataclass
class Outcome:
    """All answers, judged."""

    asked: list[tuple[Question, Given, tuple[Span, ...]]] = field(
        default_factory=list[tuple[Question, Given, tuple[Span, ...]]]
    )
    valid: int = 0
    cited: int = 0
    supporting: int = 0
    supportable: int = 0
    recalls: list[float] = field(default_factory=list[float])
    reciprocal_ranks: list[float] = field(default_factory=list[float])

    @property
    def answerable(self) -> list[tuple[Question, Given, tuple[Span, ...]]]:
        return [one for one in self.asked if one[0].answerable]

    @property
    def wrong(self) -> list[tuple[Question, Given]]:
        return [(question, given) for question, given, spans in self.answerable if not is_right(question, given, spans)]

    @property
    def invented(self) -> list[tuple[Question, Given]]:
        return [
            (question, given)
            for question, given, _ in self.asked
            if not question.answerable and (given.grounded or given.cited)
        ]


def is_right(question: Question, given: Given, spans: Sequence[Span]) -> bool:
    """Grounded, cited, and telling what it must; where nothing need be told, citing the evidence."""
    if not given.grounded or not given.cited:
        return False
    if question.says:
        return tells(given.text, question.says)
    return any(supports(question, cited, spans) for cited in given.cited)


def supports(question: Question, cited: Cited, spans: Sequence[Span]) -> bool:
    """At the evidence, or quoting what the answer must tell."""
    near = any(
        span.clip == cited.clip and cited.start_ms < span.end_ms + NEAR_MS and span.start_ms - NEAR_MS < cited.end_ms
        for span in spans
    )
    return near or any(tells(cited.quote, [group]) for group in question.says)


def judge(engine: Engine, questions: tuple[Question, ...], analysed: dict[str, Analysed]) -> Outcome:
    outcome = Outcome()
    for conversation in conversations(questions):
        for question, given in zip(conversation.questions, engine.converse(conversation), strict=True):
            spans = evidence(question, lambda name: analysed[name].clip.truth)
            outcome.asked.append((question, given, spans))
            outcome.cited += len(given.cited)
            outcome.valid += sum(_is_valid(cited, conversation.about, analysed) for cited in given.cited)
            if question.answerable:
                outcome.supportable += len(given.cited)
                outcome.supporting += sum(supports(question, cited, spans) for cited in given.cited)
                if question.kind not in NOT_SOUGHT:
                    _judge_search(engine, question, spans, analysed, outcome)
    return outcome


def _is_valid(cited: Cited, about: Sequence[str], analysed: dict[str, Analysed]) -> bool:
    """It is a segment of one of the videos, in its very place, and lies in the video."""
    if cited.clip not in about:
        return False
    timeline, moments = analysed[cited.clip].timeline, analysed[cited.clip].moments.moments
    places = {(one.segment_id, one.start_ms, one.end_ms) for one in moments}
    places |= {(shot.segment_id, shot.start_ms, shot.end_ms) for shot in timeline.shots}
    place = (cited.segment_id, cited.start_ms, cited.end_ms)
    return place in places and 0 <= cited.start_ms < cited.end_ms <= timeline.duration_ms


def _judge_search(
    engine: Engine, question: Question, spans: Sequence[Span], analysed: dict[str, Analysed], outcome: Outcome
) -> None:
    """Of the moments at the evidence, how many are among the first five, and the rank of the first one."""
    (clip,) = {span.clip for span in spans}
    wanted = {
        (moment.start_ms, moment.end_ms)
        for moment in analysed[clip].moments.moments
        if any(_is_evidence(moment, span) for span in spans)
    }
    found = [(span.start_ms, span.end_ms) for span in engine.search(clip, question.ask)]
    hits = [place in wanted for place in found]
    outcome.recalls.append(share(sum(hits), min(FOUND_AT_MOST, len(wanted))) if wanted else 0.0)
    outcome.reciprocal_ranks.append(1 / (hits.index(True) + 1) if any(hits) else 0.0)


def _is_evidence(moment: Moment, span: Span) -> bool:
    """Of its kind, and more than touching it, as the sentences before and after it may."""
    shared_ms = min(moment.end_ms, span.end_ms) - max(moment.start_ms, span.start_ms)
    shorter_ms = min(moment.end_ms - moment.start_ms, span.end_ms - span.start_ms)
    return span.kind in (None, moment.kind) and shared_ms > shorter_ms / 2


@dataclass
class Stage:
    """The functions of a stage. Every group of clips has a workspace of its own, with credits of its own."""

    aws: Aws
    analysed: dict[str, Analysed]
    _studios: dict[tuple[str, ...], tuple[Studio, dict[str, str]]] = field(
        default_factory=dict[tuple[str, ...], tuple[Studio, dict[str, str]]]
    )
    _asked: int = 0

    def converse(self, conversation: Conversation) -> list[Given]:
        studio, videos = self._studio(conversation.about)
        body = {"video_ids": list(videos.values())}
        started = studio.caller.send(
            start_conversation.ENDPOINT, f"{studio.workspace.path}/conversations", body, idempotency_key=self._key()
        )
        assert started.status == 201, started
        path = f"{started.headers['location']}/questions"
        return [self._ask(studio, videos, path, question) for question in conversation.questions]

    def search(self, clip: str, words: str) -> list[Span]:
        studio, videos = self._studio((clip,))
        path = with_query(f"{studio.video_path(videos[clip])}/moments", q=words, limit=FOUND_AT_MOST)
        answer = studio.caller.send(search_moments.ENDPOINT, path)
        assert answer.status == 200, answer
        return [Span(clip, one["start_ms"], one["end_ms"]) for one in answer.json["items"]]

    def _ask(self, studio: Studio, videos: dict[str, str], path: str, question: Question) -> Given:
        # Later than the one before it, as it is when somebody asks.
        self.aws.clock.advance(seconds=20)
        answer = studio.caller.send(
            ask_question.ENDPOINT, path, {"question": question.ask}, idempotency_key=self._key()
        )
        assert answer.status == 201, answer
        names = {video_id: name for name, video_id in videos.items()}
        cited = tuple(
            Cited(names[one["video_id"]], one["segment_id"], one["start_ms"], one["end_ms"], one["quote"])
            for one in answer.json["citations"]
        )
        return Given(answer.json["answer"], answer.json["grounded"], cited)

    def _studio(self, about: tuple[str, ...]) -> tuple[Studio, dict[str, str]]:
        if about not in self._studios:
            studio = Studio(self.aws)
            self._studios[about] = studio, {name: self._video(studio, self.analysed[name]) for name in about}
        return self._studios[about]

    def _video(self, studio: Studio, analysed: Analysed) -> str:
        """The clip, uploaded, with the worker's results where the worker would have left them."""
        video_id = studio.uploaded_video(analysed.clip.path.read_bytes())
        analysis_id = studio.requested_analysis(video_id, key=self._key())
        prefix = results_prefix(studio.workspace_id, video_id, analysis_id)
        manifest = Manifest.model_validate_json((analysed.folder / MANIFEST).read_bytes())
        ids = {"workspace_id": studio.workspace_id, "video_id": video_id, "analysis_id": analysis_id}
        for name in manifest.files:
            self.aws.put_result(prefix + name, (analysed.folder / name).read_bytes())
        self.aws.put_result(prefix + MANIFEST, manifest.model_copy(update=ids).model_dump_json().encode())
        assert studio.tell_outcome(
            video_id, analysis_id, manifest_key=prefix + MANIFEST, duration_ms=manifest.duration_ms
        )
        return video_id

    def _key(self) -> str:
        self._asked += 1
        return f"key-{self._asked}"


def evaluate(library: Library) -> list[Bar]:
    screen, questions = library.screen, load()
    screen.heading("Questions", f"{len(questions)}, of which {sum(one.none for one in questions)} can't be answered")
    names = sorted({name for question in questions for name in question.about})
    analysed = {name: library.analysed(name) for name in names}
    with stage_in_moto() as aws, screen.step("asking") as step:
        outcome = judge(Stage(aws, analysed), questions, analysed)
        step.outcome = f"asked {len(outcome.asked)} questions about {len(names)} clips"
    wrong = Counter(question.kind for question, _ in outcome.wrong)
    rows = [("kind", "asked", "right")]
    for kind, count in Counter(question.kind for question, *_ in outcome.answerable).most_common():
        rows.append((kind, str(count), str(count - wrong[kind])))
    screen.table(rows, right=(1, 2), header=True)
    for title, some in (("Not answered rightly", outcome.wrong), ("Answered though not told", outcome.invented)):
        if some:
            screen.heading(title)
            for question, given in some:
                said = given.text if given.grounded else f"(not grounded) {given.text}"
                screen.line(f"  {'+'.join(question.about)}: {question.ask}")
                screen.line(screen.dim(f"      {said[:160]}"))
    return bars(outcome)


def bars(outcome: Outcome) -> list[Bar]:
    answerable, searched = len(outcome.answerable), len(outcome.recalls)
    return [
        Bar("retrieval, recall at 5", share(sum(outcome.recalls), searched), RECALL_AT_5),
        Bar("retrieval, mean reciprocal rank", share(sum(outcome.reciprocal_ranks), searched), MEAN_RECIPROCAL_RANK),
        Bar(
            "answers, right ones of what can be answered",
            share(answerable - len(outcome.wrong), answerable),
            ANSWER_ACCURACY,
        ),
        ceiling(
            "answers to what can't be answered",
            share(len(outcome.invented), len(outcome.asked) - answerable),
            FALSE_ANSWERS,
        ),
        Bar("citations, of a moment that exists", share(outcome.valid, outcome.cited), 1.0),
        Bar("citations, supporting the answer", share(outcome.supporting, outcome.supportable), SUPPORTING),
    ]

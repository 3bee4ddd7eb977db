from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from functions.conversations.domain.answer_kinds import holds_answer
from functions.conversations.domain.answering import UNKNOWN, Answer, EvidenceMoment, Turn, checked
from functions.conversations.domain.comparing import compare, read_comparison
from functions.conversations.domain.counting import count
from functions.conversations.domain.evidence import (
    SENTENCE_END,
    Evidence,
    Passage,
    best_evidence,
    gather,
    suffices,
    tells,
)
from functions.conversations.domain.question import Asks, Question, content_of, read_in_context, read_question
from functions.conversations.domain.quoting import positions, quoting
from functions.conversations.domain.scope import Relation, named_video, placed, read_order
from functions.conversations.domain.sounds import answer_by_sound, without_sounds
from functions.conversations.domain.things import is_thing
from shared.text.language import fold, words

if TYPE_CHECKING:
    from collections.abc import Sequence


class ExtractiveEngine:
    """Answers with what is said, written or seen in the videos themselves, word for word, or not at all.

    The moments are those of the conversation's videos, with their similarity to `search_text`. Rarity and context are
    read off them, so a handful of the best alone makes it more easily satisfied.
    """

    def answer(
        self,
        question: str,
        history: Sequence[Turn],
        moments: Sequence[EvidenceMoment],
        videos: Sequence[str] = (),
    ) -> Answer:
        return checked(_answer(question, history, moments, videos or _videos_of(moments)), moments)


def _videos_of(moments: Sequence[EvidenceMoment]) -> list[str]:
    return list(dict.fromkeys(one.video_id for one in moments))


def _answer(question: str, history: Sequence[Turn], moments: Sequence[EvidenceMoment], videos: Sequence[str]) -> Answer:
    before = history[-1] if history else None
    cited = before.citations if before else ()
    if named := named_video(question, videos, [one.video_id for one in cited]):
        question, video_id = named
        moments = [one for one in moments if one.video_id == video_id]
        if before and not read_question(question).terms:
            # "What about the second video?": the same is asked of another.
            question, history = _of_no_video(before.question, videos), history[:-1]
    asked = read_in_context(question, [turn.question for turn in history])
    if (heard := answer_by_sound(question, asked, moments)) is not None:
        return heard
    places = {(one.video_id, one.segment_id) for one in cited}
    anchors = [one for one in moments if (one.video_id, one.segment_id) in places]
    moments = without_sounds(moments)
    order = read_order(question, max((one.end_ms for one in moments), default=0))
    if order is not None and (order.anchor or order.span or cited or order.relation in (Relation.FIRST, Relation.LAST)):
        if order.anchor is not None:
            anchors = list(best_evidence(_anchor(order.anchor), moments))
        beside = placed(order, moments, anchors)
        return quoting(beside[:_MOST_IN_OVERVIEW]) if beside else UNKNOWN
    if len(videos) > 1 and named is None and (comparison := read_comparison(question)):
        return compare(comparison, asked, {one: [m for m in moments if m.video_id == one] for one in videos})
    counted = count(question, asked, moments)
    return counted if counted is not None else _found(asked, moments)


def _of_no_video(question: str, videos: Sequence[str]) -> str:
    named = named_video(question, videos, ())
    return named[0] if named else question


def _anchor(anchor: str) -> Question:
    """What is spoken of, wherever it is."""
    return replace(read_in_context(anchor, ()), asks=Asks.POSITION, measure=None)


def _found(asked: Question, moments: Sequence[EvidenceMoment]) -> Answer:
    if asked.asks in (Asks.SUMMARY, Asks.CAPTIONS) and not asked.terms and not asked.phrases:
        return _overview(asked, moments)
    found = [evidence for evidence in gather(asked, moments) if suffices(asked, evidence)]
    if not found:
        return UNKNOWN
    best = found[0]
    if asked.asks in (Asks.POSITION, Asks.EXISTENCE):
        return positions(_every(found), asked.terms)
    if asked.asks is Asks.SUMMARY:
        return quoting(_every(found), asked.terms)
    return quoting(_telling(asked, best.passage), asked.terms)


def _every(found: Sequence[Evidence]) -> list[EvidenceMoment]:
    """Every place where it is said, in the order of the video."""
    best = found[0]
    alike = [one for one in found if one.coverage >= best.coverage - 0.01 and len(one.passage.moments) == 1]
    if best not in alike:
        return list(best.passage.moments)
    return sorted((one.passage.moments[0] for one in alike[:_MOST_CITED]), key=lambda moment: moment.start_ms)


_MOST_CITED = 3


def _telling(asked: Question, passage: Passage) -> list[EvidenceMoment]:
    """What of the passage to cite: all of a sentence, but not the sentence that only says who "they" are."""
    if len(passage.moments) == 1 or not SENTENCE_END.search(passage.moments[0].text):
        return list(passage.moments)

    def worth(moment: EvidenceMoment) -> tuple[bool, float]:
        spoken = words(moment.text)
        return holds_answer(asked, spoken, moment.text), sum(
            tells(spoken, term) for term in asked.terms
        ) + moment.similarity

    return [max(passage.moments, key=worth)]


def _overview(asked: Question, moments: Sequence[EvidenceMoment]) -> Answer:
    """The video in its own words: its captions, or from each part what shares most with the rest."""
    told = sorted(
        (moment for moment in moments if words(moment.text)), key=lambda moment: (moment.video_id, moment.start_ms)
    )
    captions = [moment for moment in told if moment.kind == "text"]
    if asked.asks is Asks.CAPTIONS:
        told = list({fold(moment.text): moment for moment in reversed(captions)}.values())[::-1]
        return quoting(told[:_MOST_IN_OVERVIEW]) if told else UNKNOWN
    told = [moment for moment in told if not is_thing(moment)] or told
    if not told:
        return UNKNOWN
    spoken = [content_of(moment.text) for moment in told]
    shared = Counter(term for terms in spoken for term in terms)
    central = [sum(shared[term] - 1 for term in terms) / (len(terms) or 1) for terms in spoken]
    parts = min(_MOST_IN_OVERVIEW, len(told))
    edges = [len(told) * part // parts for part in range(parts + 1)]
    chosen = [max(range(first, end), key=lambda i: central[i]) for first, end in pairwise(edges)]
    return quoting([told[i] for i in chosen])


_MOST_IN_OVERVIEW = 5

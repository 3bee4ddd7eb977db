from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest

from functions.videos.domain.retrieval import Hit, lexical_scores, search, snippet

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Said:
    text: str
    kind: str = "speech"
    start_ms: int = 0
    end_ms: int = 1000


def at_cosines(*cosines: float) -> NDArray[float32]:
    """Unit vectors with these cosines to QUERY."""
    return np.array([(cosine, np.sqrt(1 - cosine**2)) for cosine in cosines], dtype=np.float32)


QUERY: NDArray[float32] = np.array([1, 0], dtype=np.float32)


def texts(hits: list[Hit], moments: list[Said]) -> list[str]:
    return [moments[hit.index].text for hit in hits]


def test_inflections_case_accents_and_typographic_apostrophes_match() -> None:
    said = ["The cafés were BAKING bread", "Brontë’s three sisters", "It costs 1,200 euros"]
    assert [score > 0 for score in lexical_scores("bakes", said)] == [True, False, False]
    assert [score > 0 for score in lexical_scores("cafe", said)] == [True, False, False]
    assert [score > 0 for score in lexical_scores("Bronte's sister", said)] == [False, True, False]
    assert [score > 0 for score in lexical_scores("3 sisters", said)] == [False, True, False]
    assert [score > 0 for score in lexical_scores("1200", said)] == [False, False, True]


def test_a_rare_word_tells_more_than_a_common_one() -> None:
    said = ["bread and salt", "bread and butter", "bread and honey", "salt"]
    scores = lexical_scores("bread honey", said)
    assert scores.index(max(scores)) == 2
    assert scores[3] == 0


def test_text_without_spaces_between_words_is_found() -> None:
    assert lexical_scores("東京タワー", ["昨日は東京タワーに行きました", "大阪に行きました"])[1] == 0
    assert lexical_scores("東京タワー", ["昨日は東京タワーに行きました", "大阪に行きました"])[0] > 0.3


def test_words_alone_and_meaning_alone_find_a_moment_and_both_rank_it_first() -> None:
    moments = [Said("the oven is preheated"), Said("how warm it gets"), Said("preheat the oven"), Said("goodbye")]
    hits = search("preheat oven", moments, at_cosines(0.1, 0.6, 0.9, 0.1), QUERY)
    assert texts(hits, moments)[0] == "preheat the oven"
    assert set(texts(hits, moments)) == {"the oven is preheated", "how warm it gets", "preheat the oven"}


def test_what_has_nothing_to_do_with_the_query_is_no_hit_however_few_moments_there_are() -> None:
    assert search("president", [Said("An unlucky bird"), Said("Revenge")], at_cosines(0.1, 0.2), QUERY) == []


def test_scores_lie_between_nothing_and_one_and_fall() -> None:
    moments = [Said("salt"), Said("salt salt salt"), Said("salt and pepper")]
    scores = [hit.score for hit in search("salt pepper", moments, at_cosines(-0.5, 0.5, 1.0), QUERY)]
    assert scores == sorted(scores, reverse=True)
    assert all(0 < score <= 1 for score in scores)


def test_filters_of_kind_and_time_keep_what_overlaps() -> None:
    moments = [Said("salt", "speech", 0, 1000), Said("salt", "text", 1000, 2000), Said("salt", "speech", 2000, 3000)]
    vectors = at_cosines(0.5, 0.5, 0.5)
    assert [hit.index for hit in search("salt", moments, vectors, QUERY, kinds={"text"})] == [1]
    assert [hit.index for hit in search("salt", moments, vectors, QUERY, from_ms=1500, to_ms=2500)] == [1, 2]
    assert [hit.index for hit in search("salt", moments, vectors, QUERY, from_ms=1000, to_ms=2000)] == [1]
    assert [hit.index for hit in search("salt", moments, vectors, QUERY, limit=2)] == [0, 1]


@pytest.mark.parametrize("query", ["", "   ", "?!…", "🦊", "a" * 5000, "(.*)+$", "\x00"])
def test_odd_queries_find_nothing_and_break_nothing(query: str) -> None:
    assert search(query, [Said("salt"), Said("")], at_cosines(0.0, 0.0), QUERY) == []
    assert snippet("salt", query).highlights == ()


def test_no_moments_no_hits_and_missing_vectors_are_an_error() -> None:
    assert search("salt", [], np.zeros((0, 2), dtype=np.float32), QUERY) == []
    with pytest.raises(ValueError, match="1 moments have 2 vectors"):
        search("salt", [Said("salt")], at_cosines(0.1, 0.2), QUERY)


def test_half_precision_vectors_as_stored_do() -> None:
    hits = search("salt", [Said("salt")], at_cosines(0.5).astype(np.float16), QUERY)
    assert hits[0].similarity == pytest.approx(0.5, abs=0.001)


def test_a_snippet_marks_the_words_that_match() -> None:
    shown = snippet("Preheat the oven to 230 degrees.", "How hot are ovens, preheated?")
    assert [shown.text[start:end] for start, end in shown.highlights] == ["Preheat", "oven"]


def test_a_long_text_is_cut_between_words_around_most_matches() -> None:
    text = "salt " + "word " * 100 + "then salt and pepper are added " + "word " * 100
    shown = snippet(text, "salt pepper", width=80)
    assert len(shown.text) <= 82
    assert shown.text.startswith("…")
    assert shown.text.endswith("…")
    assert {shown.text[start:end] for start, end in shown.highlights} == {"salt", "pepper"}
    assert set(shown.text.strip("…").split()) <= set(text.split())


def test_a_snippet_leaves_markup_as_the_text_that_it_is() -> None:
    assert snippet("<script>alert(1)</script> salt", "salt").text == "<script>alert(1)</script> salt"

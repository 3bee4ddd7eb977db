from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.videos.adapters.moment_index import from_bytes, to_bytes
from functions.videos.domain.moment_table import MomentTable, join
from functions.videos.domain.retrieval import Hit, Wanted, search, snippet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy import float32
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Said:
    text: str
    kind: str = "speech"
    start_ms: int = 0
    end_ms: int = 1000
    segment_id: str = "speech-0001"


def at_cosines(*cosines: float) -> NDArray[float32]:
    """Unit vectors with these cosines to QUERY."""
    return np.array([(cosine, np.sqrt(1 - cosine**2)) for cosine in cosines], dtype=np.float32)


QUERY: NDArray[float32] = np.array([1, 0], dtype=np.float32)
ANYTHING = Wanted()


def tabled(moments: Sequence[Said], *cosines: float, video_id: str = "v", since: int = 0) -> MomentTable:
    """A video with these moments, which have nothing to do with QUERY unless cosines tell otherwise."""
    return MomentTable.of(video_id, "a", moments, at_cosines(*cosines or [0.0] * len(moments)), since=since)


def scores(query: str, texts: Sequence[str]) -> dict[str, float]:
    """What each text scores by its words alone."""
    hits = search(query, QUERY, [tabled([Said(text) for text in texts])], ANYTHING)
    return {hit.table.texts[hit.row]: hit.score for hit in hits}


def texts(hits: Sequence[Hit]) -> list[str]:
    return [hit.table.texts[hit.row] for hit in hits]


def test_inflections_case_accents_and_typographic_apostrophes_match() -> None:
    said = ["The cafés were BAKING bread", "Brontë’s three sisters", "It costs 1,200 euros"]
    for query, found in {"bakes": 0, "cafe": 0, "Bronte's sister": 1, "3 sisters": 1, "1200": 2}.items():
        assert list(scores(query, said)) == [said[found]]


def test_a_rare_word_tells_more_than_a_common_one() -> None:
    found = scores("bread honey", ["bread and salt", "bread and butter", "bread and honey", "salt"])
    assert next(iter(found)) == "bread and honey"
    assert "salt" not in found


def test_text_without_spaces_between_words_is_found() -> None:
    found = scores("東京タワー", ["昨日は東京タワーに行きました", "大阪に行きました"])
    assert list(found) == ["昨日は東京タワーに行きました"]


def test_words_alone_and_meaning_alone_find_a_moment_and_both_rank_it_first() -> None:
    moments = [Said("the oven is preheated"), Said("how warm it gets"), Said("preheat the oven"), Said("goodbye")]
    hits = search("preheat oven", QUERY, [tabled(moments, 0.1, 0.6, 0.9, 0.1)], ANYTHING)
    assert texts(hits)[0] == "preheat the oven"
    assert set(texts(hits)) == {"the oven is preheated", "how warm it gets", "preheat the oven"}


def test_what_has_nothing_to_do_with_the_query_is_no_hit_however_few_moments_there_are() -> None:
    moments = [Said("An unlucky bird"), Said("Revenge")]
    assert search("president", QUERY, [tabled(moments, 0.1, 0.2)], ANYTHING) == []


def test_scores_lie_between_nothing_and_one_and_fall() -> None:
    moments = [Said("salt"), Said("salt salt salt"), Said("salt and pepper")]
    found = [hit.score for hit in search("salt pepper", QUERY, [tabled(moments, -0.5, 0.5, 1.0)], ANYTHING)]
    assert found == sorted(found, reverse=True)
    assert all(0 < score <= 1 for score in found)


def test_filters_of_kind_and_time_keep_what_overlaps() -> None:
    moments = [Said("salt.", "speech", 0, 1000), Said("salt", "text", 1000, 2000), Said("salt", "speech", 2000, 3000)]

    def found(wanted: Wanted, limit: int = 20) -> list[int]:
        return [hit.row for hit in search("salt", QUERY, [tabled(moments)], wanted, limit=limit)]

    assert found(Wanted(kind="text")) == [1]
    assert found(Wanted(from_ms=1500, to_ms=2500)) == [1, 2]
    assert found(Wanted(from_ms=1000, to_ms=2000)) == [1]
    assert found(ANYTHING, limit=2) == [0, 1]


def test_a_label_finds_the_moments_of_the_shots_that_show_it() -> None:
    moments = [Said("salt"), Said("salt"), Said("salt")]
    labels = [["Car", "dog"], [], ["dog", "dog"]]
    table = MomentTable.of("v", "a", moments, at_cosines(0, 0, 0), labels=labels)
    assert [hit.row for hit in search("salt", QUERY, [table], Wanted(label="dog"))] == [0, 2]
    assert [hit.row for hit in search("salt", QUERY, [table], Wanted(label=" car "))] == [0]
    assert search("salt", QUERY, [table], Wanted(label="cat")) == []


def test_videos_that_are_not_wanted_neither_show_nor_change_a_score() -> None:
    one, other = tabled([Said("salt"), Said("bread")], video_id="a"), tabled([Said("salt")], video_id="b")
    (alone,) = search("salt", QUERY, [one], ANYTHING)
    (beside,) = search("salt", QUERY, [join([one, other])], Wanted(video_ids=frozenset({"a"})))
    assert (beside.row, beside.score) == (alone.row, alone.score)
    assert search("salt", QUERY, [join([one, other])], Wanted(video_ids=frozenset())) == []


def sentence(*parts: str) -> list[Said]:
    return [Said(part, start_ms=at * 2000, end_ms=at * 2000 + 1900) for at, part in enumerate(parts)]


def test_a_sentence_that_is_spread_over_moments_is_found_as_a_whole_its_matching_part_first() -> None:
    said = sentence("Cover the dough and", "let it rest for", "forty minutes.", "Now the oven.")
    hits = search("cover dough", QUERY, [tabled(said, 0.5, 0.1, 0.0, 0.0)], ANYTHING)
    assert texts(hits) == [one.text for one in said[:3]]
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert snippet(texts(hits)[1], "cover dough").highlights == ()


def test_the_answer_to_a_spoken_question_is_found_with_it() -> None:
    said = sentence("And how long does it rest?", "About forty minutes.", "Now the oven.")
    assert texts(search("how long rest", QUERY, [tabled(said)], ANYTHING)) == [one.text for one in said[:2]]


def test_a_sentence_ends_with_silence_and_with_another_voice_beside_it() -> None:
    said = [Said("Cover the dough and", start_ms=0, end_ms=1900), Said("let it rest", start_ms=4000, end_ms=5000)]
    assert texts(search("dough", QUERY, [tabled(said)], ANYTHING)) == ["Cover the dough and"]
    beside = [Said("Cover the dough and", start_ms=0, end_ms=1900), Said("let it rest", start_ms=100, end_ms=2000)]
    assert texts(search("dough", QUERY, [tabled(beside)], ANYTHING)) == ["Cover the dough and"]


@pytest.mark.parametrize(
    ("query", "written", "kind"),
    [
        ("Artevelde", "this is Jakob van Artevelda", "speech"),
        ("sandpaper", "roughen it with sandpiper", "speech"),
        ("bridge", "Buildingthebridge", "text"),
        ("building", "Buildingthe bridge", "text"),
        ("crème brûlée", "CREME BRULEE", "text"),
    ],
)
def test_what_was_misheard_or_misread_is_found_and_marked(query: str, written: str, kind: str) -> None:
    (hit,) = search(query, QUERY, [tabled([Said(written, kind), Said("something else", kind)])], ANYTHING)
    assert texts([hit]) == [written]
    assert snippet(written, query).highlights


@pytest.mark.parametrize(
    ("query", "written"), [("house", "mouse"), ("1984", "1985"), ("star", "start"), ("sun", "sum")]
)
def test_words_that_only_look_alike_are_not_taken_for_each_other(query: str, written: str) -> None:
    assert scores(query, [written, "something else"]) == {}


def test_the_word_itself_counts_more_than_what_was_perhaps_misheard_as_it() -> None:
    assert list(scores("waffles", ["the baffles", "the wafels", "the waffles"])) == ["the waffles", "the wafels"]


def test_what_came_into_the_index_later_neither_shows_nor_changes_a_score() -> None:
    before = tabled([Said("salt"), Said("bread")], video_id="a", since=1)
    later = tabled([Said("salt and bread"), Said("salt")], video_id="b", since=2)
    (alone,) = search("salt", QUERY, [before], ANYTHING)
    (beside,) = search("salt", QUERY, [join([before, later])], Wanted(upto=1))
    assert (beside.row, beside.score) == (alone.row, alone.score)
    assert len(search("salt", QUERY, [join([before, later])], Wanted(upto=2))) == 3


@pytest.mark.parametrize("query", ["", "   ", "?!…", "🦊", "a" * 5000, "(.*)+$", "\x00"])
def test_odd_queries_find_nothing_and_break_nothing(query: str) -> None:
    assert search(query, QUERY, [tabled([Said("salt"), Said("")])], ANYTHING) == []
    assert snippet("salt", query).highlights == ()


def test_no_moments_no_hits_and_missing_vectors_are_an_error() -> None:
    assert search("salt", QUERY, [tabled([])], ANYTHING) == []
    assert search("salt", QUERY, [], ANYTHING) == []
    with pytest.raises(ValueError, match="1 moments have 2 vectors"):
        tabled([Said("salt")], 0.1, 0.2)


def test_vectors_keep_their_cosines_in_eight_bits() -> None:
    generator = np.random.default_rng(5)
    vectors = generator.normal(size=(200, 384)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    table = MomentTable.of("v", "a", [Said("?")] * 200, vectors.astype(np.float16))
    kept = table.vectors.astype(np.float32) * table.scales[:, None]
    assert np.abs(kept @ vectors[0] - vectors @ vectors[0]).max() < 0.01


WORDS = ("salt", "pepper", "bread", "butter", "oven", "bake", "naïve", "東京", "")


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), videos=st.integers(1, 6), cuts=st.integers(1, 4))
def test_how_videos_are_spread_over_tables_changes_nothing(seed: int, videos: int, cuts: int) -> None:
    """Nor does storing tables, nor what was in them before: what is found depends on the moments alone."""
    draw = random.Random(seed)

    def video(video_id: str) -> MomentTable:
        moments = [
            Said(" ".join(draw.choices(WORDS, k=draw.randint(0, 6))), start_ms=at * 1000, end_ms=at * 1000 + 900)
            for at in range(draw.randint(0, 8))
        ]
        cosines = [draw.uniform(-1, 1) for _ in moments]
        return MomentTable.of(video_id, "a", moments, at_cosines(*cosines).reshape(-1, 2))

    alone = [video(f"video-{number}") for number in range(videos)]
    spread = [alone[first::cuts] for first in range(cuts) if alone[first::cuts]]
    joined = [from_bytes(to_bytes(join([*tables, video("gone")]))).without("gone") for tables in spread]
    wanted = Wanted(kind="speech", from_ms=500)

    def found(tables: Sequence[MomentTable | None]) -> list[tuple[str, str, int, float]]:
        hits = search("baking salt", QUERY, [table for table in tables if table], wanted, limit=1000)
        return [
            (
                hit.table.video_at(hit.row).video_id,
                hit.table.texts[hit.row],
                int(hit.table.start_ms[hit.row]),
                hit.score,
            )
            for hit in hits
        ]

    assert found(joined) == found(alone)
    pages = [search("baking salt", QUERY, alone, wanted, start=at, limit=3) for at in range(0, 60, 3)]
    assert texts([hit for page in pages for hit in page]) == [text for _, text, _, _ in found(alone)]


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

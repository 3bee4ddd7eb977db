import re
from html.parser import HTMLParser

import pytest

from infra.local.report import Answered, Citation, Moment, Report, ReportedShot, render

HOSTILE = '"><script>alert(1)</script><img src=https://evil.example/x.png>'
BIRD = Moment("text-0001", "text", 1_000, 6_000, "An unlucky bird")


def shot(number: int, start_ms: int, end_ms: int, *moments: Moment, keyframe: bytes | None = b"jpeg") -> ReportedShot:
    return ReportedShot(f"shot-{number:04}", start_ms, end_ms, keyframe, ("bird",), moments)


def report(*shots: ReportedShot, answers: tuple[Answered, ...] = (), title: str = "clip.mp4") -> Report:
    return Report(
        title=title,
        attribution=None,
        duration_ms=10_000,
        size=(640, 360),
        features=("shots", "text"),
        shots=shots,
        answers=answers,
        costs={"video_analysis": 1, "conversation": 3},
        wall_seconds=2.0,
        seconds={"decode": 0.5, "text": 1.5},
    )


class Page(HTMLParser):
    """The tags of a page with their attributes, and that each is closed where it should be."""

    VOID = frozenset({"meta", "img"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def values(self, attribute: str) -> list[str]:
        return [value for _, attributes in self.tags if (value := attributes.get(attribute)) is not None]


def answered(question: str, answer: str, *citations: Citation) -> Answered:
    return Answered(question, answer, grounded=bool(citations), citations=citations)


def test_a_citation_leads_to_its_moment() -> None:
    cited = Citation("text-0001", 1_000, 6_000, "An unlucky bird")
    page = Page(render(report(shot(1, 0, 10_000, BIRD), answers=(answered("When?", "At 0:01.", cited),))))
    targets = {link.removeprefix("#") for link in page.values("href")}
    assert "moment-text-0001" in targets
    assert targets <= set(page.values("id"))


def test_a_moment_of_two_shots_is_one_place() -> None:
    page = Page(render(report(shot(1, 0, 5_000, BIRD), shot(2, 5_000, 10_000, BIRD))))
    ids = page.values("id")
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("where", ["title", "text", "question", "answer", "quote", "label", "segment"])
def test_what_a_video_says_stays_text(where: str) -> None:
    said = dict.fromkeys(("title", "text", "question", "answer", "quote", "label", "segment"), "plain") | {
        where: HOSTILE
    }
    moment = Moment(said["segment"], "text", 0, 1_000, said["text"])
    one = ReportedShot("shot-0001", 0, 10_000, None, (said["label"],), (moment,))
    citation = Citation(said["segment"], 0, 1_000, said["quote"])
    html = render(report(one, answers=(answered(said["question"], said["answer"], citation),), title=said["title"]))
    page = Page(html)
    assert not {"script"} & {tag for tag, _ in page.tags}
    assert not any(tag == "img" for tag, _ in page.tags)
    assert where == "segment" or HOSTILE in page.text


def test_nothing_is_fetched() -> None:
    html = render(report(shot(1, 0, 10_000, BIRD), answers=(answered("Why?", "I don't know."),)))
    page = Page(html)
    assert all(source.startswith("data:") for source in page.values("src"))
    assert all(link.startswith("#") for link in page.values("href"))
    assert not re.search(r"url\(|@import|https?://", html)
    assert "default-src 'none'" in html


def test_an_unanswered_question_says_so() -> None:
    page = Page(render(report(shot(1, 0, 10_000), answers=(answered("Who won?", "I don't know."),))))
    assert "Not told in this video" in page.text
    assert "0 of 1" in page.text


def test_a_picture_has_words_for_who_cannot_see_it() -> None:
    page = Page(render(report(shot(1, 0, 10_000), shot(2, 10_000, 10_000, keyframe=None))))
    described = [attributes.get("alt") for tag, attributes in page.tags if tag == "img"]
    assert "A frame of shot 1" in described
    assert None not in described


def test_an_analysis_that_found_nothing_still_makes_a_page() -> None:
    assert "Shot by shot" in Page(render(report())).text


def test_sounds_have_a_lane_of_their_own_and_are_no_speech() -> None:
    music = Moment("sound-0001", "sound", 0, 9_000, "music")
    said = Moment("speech-0001", "speech", 500, 2_000, "Hello.")
    page = render(report(shot(1, 0, 10_000, music, said)))
    assert '<p class="lane-name">Heard</p><ol class="lane sound">' in page
    assert "<dt>Stretches of speech</dt><dd>1</dd>" in page

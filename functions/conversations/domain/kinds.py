"""What kinds of moments a question is about, and the words that only say how a video tells something."""

from __future__ import annotations

import re

from shared.text.language import terms_of

_WRITING = (
    r"written|captions?|subtitles?|texts?|titles?|signs?|slides?|headings?|headlines?|inscriptions?|labels?|banners?|"
    r"on (?:the )?screen|on-screen|displayed|reads?"
)
_SPEAKING = (
    r"said|say|says|spoken|speaks?|talks?|talked|told|tells?|heard|hear|sung|sings?|sentences?|lines?|words?|phrases?|"
    r"remarks?|statements?|narrat\w+"
)
_SEEING = r"objects?|items?|animals?|vehicles?|seen|visible"
_SOUNDING = r"sounds?|noises?"
_FORMS = (
    (re.compile(rf"\b(?:{_WRITING})\b"), frozenset({"text"})),
    (re.compile(rf"\b(?:{_SPEAKING})\b"), frozenset({"speech"})),
    (re.compile(rf"\b(?:{_SOUNDING})\b"), frozenset({"sound"})),
    (re.compile(rf"\b(?:{_SEEING})\b"), frozenset({"object", "people"})),
)

GENRES = terms_of("""\
    video film movie clip trailer footage recording episode scene lecture report interview documentary story tutorial
    talk presentation broadcast news lesson course class meeting briefing speech review series recipe programme program
    show podcast vlog demo demonstration guide instruction bulletin reportage advert advertisement commercial
    announcement tour webinar workshop cartoon animation portrait feature livestream stream seminar introduction""")

ABOUT_VIDEOS = GENRES | terms_of("""\
    screen part
    speaker narrator presenter host guide lecturer instructor commentator reporter reviewer interviewer teacher voice
    singer person people man woman caption subtitle text title sign slide heading headline inscription label banner
    word phrase sentence line remark statement object item thing sound noise topic
    say said speak spoke tell told talk mention mentioned show shown display displayed appear appears see seen hear
    heard read write written sing sung happen occur come follow visible go next
    whole entire""")


def kinds_named(asked: str) -> frozenset[str]:
    """Of a question in small letters; none when it names none."""
    return next((kinds for form, kinds in _FORMS if form.search(asked)), frozenset())

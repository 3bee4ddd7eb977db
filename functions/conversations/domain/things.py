"""What is seen: moments of things say what there is and how many at once, as `a dog` and `3 cars`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.text.language import term, words

if TYPE_CHECKING:
    from functions.conversations.domain.answering import EvidenceMoment
    from shared.text.language import Word

THING_KINDS = frozenset({"object", "people"})

# COCO's classes as people call them, and as its own superior categories do.
_NAMES = (
    ("bicycle", "bike"),
    ("motorcycle", "motorbike bike"),
    ("airplane", "plane aeroplane aircraft"),
    ("couch", "sofa"),
    ("tv", "television"),
    ("bicycle car motorcycle airplane bus train truck boat", "vehicle"),
    ("bird cat dog horse sheep cow elephant bear zebra giraffe", "animal"),
    ("banana apple sandwich orange broccoli carrot pizza donut cake", "food"),
    ("chair couch bed", "furniture"),
)
_ALSO_CALLED: dict[str, list[Word]] = {}
for _labels, _names in _NAMES:
    for _label in _labels.split():
        _ALSO_CALLED.setdefault(term(_label), []).extend(words(_names))
# A sound that there is plays and is heard: "when does the music start?"
_OF_A_SOUND = words("sound noise heard plays starts begins")


def is_thing(moment: EvidenceMoment) -> bool:
    return moment.kind in THING_KINDS


def words_of(moment: EvidenceMoment) -> tuple[Word, ...]:
    """The words of a moment, and of a thing or a sound what else is said of it."""
    own = words(moment.text)
    if moment.kind == "sound":
        return (*own, *_OF_A_SOUND)
    if not is_thing(moment):
        return tuple(own)
    return (*own, *(other for word in own for other in _ALSO_CALLED.get(word.term, ())))


def how_many(moment: EvidenceMoment) -> int:
    """How many of a thing are seen at once: `3 cars` is three, `a dog` and `scissors` are one."""
    numbers = [int(word.term) for word in words(moment.text) if word.term.isdigit()]
    return numbers[0] if numbers else 1

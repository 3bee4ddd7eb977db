"""Things followed from sample to sample, and what is said about them."""

from collections.abc import Iterable

from functions.analysis.analyzers.tracking import Detection, Track, Tracker, overlap, split, without_repeats
from functions.analysis.things import FoundThings, find_things, thing_moments, with_things
from functions.videos.domain.results import Box, Shot, Transition

STEP = 250


def box(x: float, y: float = 0.2, size: float = 0.2) -> Box:
    return Box(x=x, y=y, width=size, height=size)


def seen(x: float, label: str = "car", score: float = 0.7) -> Detection:
    return Detection(label, score, box(x))


def follow(samples: Iterable[list[Detection]]) -> tuple[Track, ...]:
    tracker = Tracker(STEP)
    for number, detections in enumerate(samples):
        tracker.update(number * STEP, detections)
    return tracker.finish()


def shots(*ends_ms: int) -> tuple[Shot, ...]:
    return tuple(
        Shot(
            segment_id=f"shot-{number:04}",
            start_ms=start,
            end_ms=end,
            start_frame=0,
            end_frame=1,
            transition=Transition.CUT,
            confidence=1,
            keyframe=None,
        )
        for number, (start, end) in enumerate(zip((0, *ends_ms), ends_ms, strict=False), start=1)
    )


def found(samples: Iterable[list[Detection]], *shot_ends_ms: int) -> FoundThings:
    return find_things(follow(samples), shots(*shot_ends_ms), 10_000, ("people", "objects"))


def test_a_thing_that_moves_is_one_thing() -> None:
    (track,) = follow([[seen(0.1 + 0.05 * number)] for number in range(8)])
    assert [sighting.at_ms for sighting in track.sightings] == [number * STEP for number in range(8)]


def test_two_things_of_a_kind_are_two_however_the_detector_orders_them() -> None:
    left, right = seen(0.1), seen(0.6)
    tracks = follow([[left, right], [right, left], [left, right]])
    assert sorted(len(track.sightings) for track in tracks) == [3, 3]
    assert all(len({sighting.box.x for sighting in track.sightings}) == 1 for track in tracks)


def test_a_thing_missed_for_a_moment_is_the_same_afterwards_and_one_gone_for_long_is_another() -> None:
    assert len(follow([[seen(0.1)], [], [], [seen(0.1)]])) == 1
    assert len(follow([[seen(0.1)], [], [], [], [seen(0.1)]])) == 2


def test_different_kinds_in_one_place_are_not_mixed() -> None:
    tracks = follow([[seen(0.1, "car")], [seen(0.1, "dog")]])
    assert sorted(track.label for track in tracks) == ["car", "dog"]


def test_what_is_followed_may_be_seen_less_clearly_than_what_is_new() -> None:
    faint = seen(0.1, score=0.3)
    assert follow([[faint], [faint]]) == ()
    assert len(follow([[seen(0.1)], [faint]])[0].sightings) == 2


def test_a_track_is_cut_where_the_shot_changes() -> None:
    (track,) = follow([[seen(0.1)]] * 6)
    assert [len(part.sightings) for part in split(track, [0, 500, 9000])] == [2, 4]


def test_of_detections_of_one_thing_the_surest_stays() -> None:
    kept = without_repeats([seen(0.1, score=0.5), seen(0.11, score=0.8), seen(0.11, "truck", 0.6)], 0.5, 0.8)
    assert [(detection.label, detection.score) for detection in kept] == [("car", 0.8)]


def test_boxes_that_only_touch_do_not_overlap() -> None:
    assert overlap(box(0.1), box(0.1)) == 1
    assert overlap(box(0.25, size=0.25), box(0.5, size=0.25)) == 0
    assert abs(overlap(box(0.1), box(0.2)) - 1 / 3) < 1e-9


def test_a_thing_lasts_from_the_beginning_of_its_shot_to_the_end() -> None:
    (car,) = found([[seen(0.1)]] * 8, 2100, 4000).objects
    assert (car.segment_id, car.start_ms, car.end_ms) == ("object-0001", 0, 2000)
    (later,) = found([*[[]] * 4, *[[seen(0.1)]] * 5], 900, 2100).objects
    assert (later.start_ms, later.end_ms) == (900, 2100)


def test_what_is_seen_once_or_never_surely_is_left_out() -> None:
    assert found([[seen(0.1)]]).objects == ()
    assert found([[seen(0.1, score=0.4)]] * 3).objects == ()
    assert len(found([[seen(0.1, score=0.4)]] * 6).objects) == 1
    assert found([[seen(0.1, "person", 0.45)]] * 6).people == ()


def test_people_and_faces_are_no_objects() -> None:
    everyone = found([[seen(0.1, "person", 0.6), seen(0.1, "face", 0.9), seen(0.6)]] * 3, 750)
    assert [thing.label for thing in everyone.objects] == ["car"]
    assert [thing.segment_id for thing in everyone.people] == ["person-0001"]
    assert [thing.segment_id for thing in everyone.faces] == ["face-0001"]


def test_shots_name_what_is_in_them() -> None:
    samples = [[seen(0.1), seen(0.6, "person")]] * 4 + [[seen(0.1, "dog")]] * 4
    ends = (1000, 2000)
    first, second = with_things(shots(*ends), found(samples, *ends))
    assert (first.labels, first.people) == (("car",), ("person-0001",))
    assert (second.labels, second.people) == (("dog",), ())


def test_moments_count_what_is_there_at_one_time() -> None:
    pair, one = [seen(0.1), seen(0.6)], [seen(0.1)]
    ends = (1000, 2000)
    things = found([pair] * 4 + [one] * 4, *ends)
    assert [moment.text for moment in thing_moments(things, shots(*ends))] == ["2 cars", "a car"]
    one_after_the_other = [[seen(0.1, "person")]] * 3 + [[]] + [[seen(0.6, "person")]] * 3
    alone = found(one_after_the_other, 5000)
    assert len(alone.people) == 2
    assert [moment.text for moment in thing_moments(alone, shots(5000))] == ["a person"]


def test_without_shots_what_comes_again_later_is_a_moment_of_its_own() -> None:
    things = found([[seen(0.1)]] * 3 + [[]] * 20 + [[seen(0.1)]] * 3)
    assert [moment.text for moment in thing_moments(things, ())] == ["a car", "a car"]

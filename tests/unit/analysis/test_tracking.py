"""Things followed from sample to sample, and what is said about them."""

import tracemalloc
from collections.abc import Iterable
from dataclasses import replace

from functions.analysis.analyzers.tracking import (
    Detection,
    Sighting,
    Sightings,
    Track,
    Tracker,
    overlap,
    split,
    without_repeats,
)
from functions.analysis.checkpoints import read_state, take_snapshot
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
    there = [seen(0.1)]
    assert len(follow([there, there, [], [], there, there])) == 1
    assert len(follow([there, there, [], [], [], there, there])) == 2


def test_different_kinds_in_one_place_are_not_mixed() -> None:
    tracks = follow([[seen(0.1, "car")]] * 2 + [[seen(0.1, "dog")]] * 2)
    assert sorted(track.label for track in tracks) == ["car", "dog"]


def test_what_is_followed_may_be_seen_less_clearly_than_what_is_new() -> None:
    faint = seen(0.1, score=0.3)
    assert follow([[faint], [faint]]) == ()
    assert len(follow([[seen(0.1)], [faint]])[0].sightings) == 2


def test_what_is_seen_once_is_not_remembered() -> None:
    assert follow([[seen(0.1)], [], [], [], [seen(0.6)]]) == ()


def test_sightings_are_remembered_as_they_were() -> None:
    shares = (0.0, 0.1234, 0.0001, 0.5, 0.3765, 0.0, 0.0)
    first = Sighting(0, 0.377, Box(x=0.0, y=0.1234, width=0.9999, height=1.0), shares)
    second = Sighting(4_000_000_000, 1.0, Box(x=0.3, y=0.7, width=0.0, height=0.2))
    sightings = Sightings()
    for sighting in (first, second):
        sightings.append(sighting)
    assert list(sightings) == [first, second]
    assert (sightings[0], sightings[-1]) == (first, second)
    assert (sightings.times, sightings.scores) == ([0, 4_000_000_000], [0.377, 1.0])


def test_an_hour_of_a_crowd_of_a_hundred_takes_less_than_200_mebibytes() -> None:
    """Four times a second, from what a minute's share takes."""
    crowd = [
        Detection("person", 0.7, Box(x=x / 10, y=y / 10, width=0.07, height=0.07)) for x in range(10) for y in range(4)
    ]
    tracker = Tracker(STEP)
    tracker.update(0, crowd)
    tracemalloc.start()
    try:
        for number in range(1, 61):
            tracker.update(number * STEP, [replace(one, box=replace(one.box, y=one.box.y + 0.0001)) for one in crowd])
        grown, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    sightings_an_hour = 3600 * 4 * 100
    assert grown / (60 * len(crowd)) * sightings_an_hour < 200 * 1024 * 1024


def test_a_crowd_that_only_flickers_is_not_remembered() -> None:
    tracker = Tracker(STEP)
    for number in range(400):
        tracker.update(number * STEP, [Detection("car", 0.7, box(number % 5 / 5, size=0.1))])
    assert len(take_snapshot(vars(tracker)).state) < 1_000
    assert tracker.finish() == ()


def test_a_tracker_goes_on_from_a_checkpoint() -> None:
    samples = [[seen(0.1), seen(0.6, "dog")]] * 3 + [[seen(0.12)]] * 4
    whole, first, second = Tracker(STEP), Tracker(STEP), Tracker(STEP)
    for number, detections in enumerate(samples):
        whole.update(number * STEP, detections)
        (first if number < 5 else second).update(number * STEP, detections)
        if number == 4:
            vars(second).update(read_state(take_snapshot(vars(first)).state, {}))
    told = [[(track.label, list(track.sightings)) for track in tracker.finish()] for tracker in (whole, second)]
    assert told[0] == told[1]
    assert {label: len(sightings) for label, sightings in told[0]} == {"car": 7, "dog": 3}


def test_a_track_is_cut_where_the_shot_changes() -> None:
    (track,) = follow([[seen(0.1)]] * 6)
    assert [len(part.sightings) for part in split(track, [0, 500, 9000])] == [2, 4]
    assert [part.sightings.times[0] for part in split(track, [250, 300, 400, 1250])] == [0, 250, 500, 1250]


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


def test_of_a_crowd_fewer_boxes_are_kept_and_all_else_stays() -> None:
    samples = [[seen(0.1), seen(0.4, "dog"), seen(0.7, "person")]] * 9 + [[seen(0.1)]] * 3
    whole = found(samples, 2250, 3000)
    thinned = find_things(follow(samples), shots(2250, 3000), 10_000, ("people", "objects"), most_boxes=10)
    assert [box.at_ms for box in whole.people[0].boxes] == [number * STEP for number in range(9)]
    assert [box.at_ms for box in thinned.people[0].boxes] == [0, 3 * STEP, 6 * STEP]
    for before, after in zip((*whole.objects, *whole.people), (*thinned.objects, *thinned.people), strict=True):
        assert after.model_copy(update={"boxes": before.boxes}) == before
    assert list(thing_moments(thinned, ())) == list(thing_moments(whole, ()))


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

"""The order in which the demo tells what happened."""

from infra.local.event_trail import Happening, Other, lacking, of_analysis, trail


def happening(event_id: str, name: str, cause_id: str, at: int = 0, **data: object) -> Happening:
    return Happening(
        event_id=event_id,
        name=name,
        source="visionscope.billing" if name.startswith("Credit") else "visionscope.videos",
        cause_id=cause_id,
        correlation_id="the-run",
        occurred_at=f"2026-03-01T12:00:{at:02}.000Z",
        data=data,
    )


def test_an_event_stands_behind_what_caused_it_whatever_the_clocks_say() -> None:
    requested = happening("e1", "AnalysisRequested", "request", at=9)
    noted = happening("e2", "AnalysisNoted", "e1", at=1)
    hops = trail([noted, requested])
    assert [(hop.name, hop.message_id, hop.cause) for hop in hops] == [
        ("POST …/analyses", "request", None),
        ("videos.AnalysisRequested", "e1", 1),
        ("videos.AnalysisNoted", "e2", 2),
    ]
    assert [hop.is_event for hop in hops] == [False, True, True]


def test_what_one_message_caused_shares_its_hop() -> None:
    held = happening("e1", "CreditsHeld", "request")
    requested = happening("e2", "AnalysisRequested", "request")
    # The first event alone wouldn't tell what the request was.
    assert [(hop.name, hop.cause) for hop in trail([held, requested])] == [
        ("POST …/analyses", None),
        ("billing.CreditsHeld", 1),
        ("videos.AnalysisRequested", 1),
    ]


def test_jobs_and_queued_commands_link_events_that_do_not_name_each_other() -> None:
    requested = happening("e1", "AnalysisRequested", "request")
    completed = happening("e2", "AnalysisCompleted", "outcome")
    others = {"job": Other("Batch job", "e1"), "outcome": Other("worker's outcome", "job")}
    assert [(hop.name, hop.cause) for hop in trail([requested, completed], others)] == [
        ("POST …/analyses", None),
        ("videos.AnalysisRequested", 1),
        ("Batch job", 2),
        ("worker's outcome", 3),
        ("videos.AnalysisCompleted", 4),
    ]


def test_events_that_cause_each_other_are_still_told_once() -> None:
    hops = trail([happening("e1", "One", "e2"), happening("e2", "Other", "e1")])
    assert sorted(hop.message_id for hop in hops) == ["e1", "e2"]


def test_only_what_names_the_analysis_or_made_its_video_belongs_to_it() -> None:
    mine = [
        happening("e1", "VideoCreated", "r1", video_id="my-video"),
        happening("e2", "CreditConsumed", "r2", usage_id="my-analysis:speech"),
    ]
    foreign = [
        happening("e3", "VideoCreated", "r3", video_id="another"),
        happening("e4", "CreditConsumed", "r4", usage_id="other:speech"),
    ]
    assert of_analysis([*mine, *foreign], "my-video", "my-analysis") == mine


def test_a_story_is_complete_when_every_charge_is_in_it() -> None:
    names = ["VideoCreated", "VideoUploaded", "AnalysisRequested", "CreditsHeld", "AnalysisCompleted", "CreditConsumed"]
    events = [happening(f"e{number}", name, "r") for number, name in enumerate(names)]
    assert lacking(events, charged_features=1) == []
    assert lacking(events, charged_features=3) == ["CreditConsumed", "CreditConsumed"]
    assert lacking(events[1:], charged_features=1) == ["VideoCreated"]

"""A rebuild over the APIs of DynamoDB and S3; what it withstands is in tests/faults."""

from datetime import timedelta

from functions.videos.adapters.projections import VIDEOS
from functions.videos.queries import list_videos
from shared.messaging.projections import read_generations
from shared.messaging.rebuild import GRACE, rebuild
from shared.messaging.rebuild_progress import Phase, read_rebuild
from tests.support.aws import Aws
from tests.support.projecting import log_events, project
from tests.support.videos import Studio


def test_a_read_model_is_rebuilt_from_the_event_log(aws: Aws) -> None:
    studio = Studio(aws)
    for _ in range(5):
        studio.create_video()
    project(aws)
    log_events(aws)
    before = studio.caller.send(list_videos.ENDPOINT, studio.videos_path).json["items"]
    # What the live model lost, the log has.
    dynamodb, table = aws.client("dynamodb"), aws.settings.table("read-models")
    lost = next(item for item in aws.items("read-models") if item["pk"]["S"].startswith("videos#first#"))
    dynamodb.delete_item(TableName=table, Key={"pk": lost["pk"], "sk": lost["sk"]})
    assert len(studio.caller.send(list_videos.ENDPOINT, studio.videos_path).json["items"]) == 4

    def go_on() -> None:
        rebuild(aws.runtime, VIDEOS, "operation-1", until=aws.clock.now() + timedelta(seconds=20))

    go_on()
    progress = read_rebuild(aws.runtime.store, "videos", "operation-1")
    assert progress is not None
    assert (progress.phase, progress.taken, progress.unreadable) == (Phase.VERIFYING, 5, 0)
    aws.clock.advance(seconds=GRACE.total_seconds())
    go_on()
    assert studio.caller.send(list_videos.ENDPOINT, studio.videos_path).json["items"] == before
    aws.clock.advance(seconds=GRACE.total_seconds())
    go_on()
    progress = read_rebuild(aws.runtime.store, "videos", "operation-1")
    assert progress is not None
    assert progress.finished
    assert read_generations(aws.runtime.store, "videos").written == ("operation-1",)
    assert not [item for item in aws.items("read-models") if item["pk"]["S"].startswith("videos#first#")]
    assert studio.caller.send(list_videos.ENDPOINT, studio.videos_path).json["items"] == before

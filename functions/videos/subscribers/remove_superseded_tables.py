"""What the index of moments no longer names goes from S3, so nothing of a deleted video is left there."""

from typing import Any

from functions.entry import queue_function
from functions.resources import RESULTS_DELETE, RESULTS_READ
from functions.videos.adapters.moment_index import list_objects, read_table_key, tables_prefix, version_of
from functions.videos.events import MomentIndexChanged
from shared.aws.grants import READ_MODELS_READ
from shared.kernel.result import Result, Success
from shared.messaging.routing import FunctionNeeds, QueueClass, Subscriber
from shared.persistence.scope import WriteScope


class RemoveSupersededTablesHandler:
    """A search that still reads what is removed here looks again. Tables of a later version than the event's may be
    on their way into the index and stay.
    """

    def __init__(self, scope: WriteScope, s3: Any, bucket: str) -> None:
        self._scope = scope
        self._s3 = s3
        self._bucket = bucket

    def __call__(self, event: MomentIndexChanged) -> Result[None]:
        version = self._scope.context.aggregate_version or 0
        prefix = tables_prefix(event.workspace_id, event.generation, event.table)
        written = list_objects(self._s3, self._bucket, prefix)
        current = read_table_key(self._scope.store, event.workspace_id, event.generation, event.table)
        for key in written:
            if key != current and version_of(key) <= version:
                self._s3.delete_object(Bucket=self._bucket, Key=key)
        return Success(None)


def build(scope: WriteScope) -> RemoveSupersededTablesHandler:
    runtime = scope.runtime
    return RemoveSupersededTablesHandler(scope, runtime.client("s3"), runtime.settings["RESULTS_BUCKET"])


SUBSCRIBER = Subscriber(
    name="remove-superseded-tables",
    message=MomentIndexChanged,
    queue=QueueClass.DEFAULT,
    build=build,
    needs=FunctionNeeds(grants=(RESULTS_READ, RESULTS_DELETE, READ_MODELS_READ)),
)
lambda_handler = queue_function(SUBSCRIBER)

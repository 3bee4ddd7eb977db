"""The sample's Batch job; its one argument says how it ends."""

import os
import sys
import time
from typing import Any

import botocore.exceptions
import botocore.session

mode, attempt = sys.argv[1], int(os.environ["AWS_BATCH_JOB_ATTEMPT"])
session: Any = botocore.session.get_session()
if mode == "forever":
    time.sleep(600)
if mode == "interrupted" and attempt < 3:
    sys.exit(75)
if mode == "crash":
    sys.exit(1)
dynamodb = session.create_client("dynamodb")
dynamodb.put_item(
    TableName=os.environ["TABLE"],
    Item={
        "id": {"S": f"job-{os.environ['AWS_BATCH_JOB_ID']}"},
        "name": {"S": os.environ["JOB_NAME"]},
        "greeting": {"S": os.environ["GREETING"]},
        "attempt": {"N": str(attempt)},
    },
)
try:
    session.create_client("sqs").list_queues()
except botocore.exceptions.ClientError as error:
    sys.exit(0 if error.response["Error"]["Code"].startswith("AccessDenied") else 3)
sys.exit(4)  # the job's role doesn't grant that

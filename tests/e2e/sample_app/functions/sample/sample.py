"""The sample's functions. A record whose id starts with `bad` fails, `reported` is reported, the rest is passed on."""

import json
import os
from typing import Any

import boto3


def read_stream(event: dict[str, Any], _context: object) -> dict[str, Any]:
    sqs = boto3.client("sqs")
    for record in event["Records"]:
        identifier = record["dynamodb"]["Keys"]["id"]["S"]
        if identifier.startswith("bad"):
            raise ValueError(identifier)
        if identifier.startswith("reported"):
            return {"batchItemFailures": [{"itemIdentifier": record["dynamodb"]["SequenceNumber"]}]}
        sqs.send_message(QueueUrl=os.environ["SEEN_QUEUE"], MessageBody=identifier)
    return {"batchItemFailures": []}


def submit(event: dict[str, Any], _context: object) -> dict[str, Any]:
    batch = boto3.client("batch")
    request = json.loads(event["body"])
    job = batch.submit_job(
        jobName=request["name"],
        jobQueue=os.environ["JOB_QUEUE"],
        jobDefinition=os.environ["JOB_DEFINITION"],
        shareIdentifier=request.get("share", "one"),
        parameters={"mode": request["mode"]},
        containerOverrides={"environment": [{"name": "JOB_NAME", "value": request["name"]}]},
    )
    return {"statusCode": 202, "body": json.dumps({"job_id": job["jobId"]})}


def write_without_grant(_event: dict[str, Any], _context: object) -> dict[str, Any]:
    table = boto3.resource("dynamodb").Table(os.environ["TABLE"])
    try:
        table.put_item(Item={"id": "forbidden"})
    except table.meta.client.exceptions.ClientError as error:
        return {"statusCode": 403, "body": error.response["Error"]["Code"]}
    return {"statusCode": 200, "body": "written"}

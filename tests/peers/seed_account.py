"""Builds a small pipeline in somebody else's AWS, so that the console has something to show.

    python3 tests/peers/seed_account.py http://127.0.0.1:4566 [--dead-letters 25] [--region us-east-1]

It makes JobQueue with JobDLQ, a table with a stream, two functions and their mappings, and puts dead
letters into JobDLQ by receiving them too often. It downloads nothing; it needs boto3.
"""

import argparse
import io
import json
import sys
import time
import zipfile

import boto3
from botocore.config import Config

HANDLER = """
def handler(event, context):
    return {"batchItemFailures": []}
"""


def code():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("index.py", HANDLER)
    return buffer.getvalue()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("endpoint")
    parser.add_argument("--dead-letters", type=int, default=25)
    parser.add_argument("--region", default="us-east-1")
    options = parser.parse_args()

    def client(service):
        return boto3.client(
            service,
            endpoint_url=options.endpoint,
            region_name=options.region,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"max_attempts": 1}),
        )

    sqs, lam, dynamodb = client("sqs"), client("lambda"), client("dynamodb")

    def arn(url):
        return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]

    dead = sqs.create_queue(QueueName="JobDLQ", Attributes={"MessageRetentionPeriod": "1209600"})["QueueUrl"]
    policy = json.dumps({"deadLetterTargetArn": arn(dead), "maxReceiveCount": 1})
    jobs = sqs.create_queue(
        QueueName="JobQueue", Attributes={"VisibilityTimeout": "60", "RedrivePolicy": policy}
    )["QueueUrl"]
    print("queues", jobs, dead)

    for start in range(0, options.dead_letters, 10):
        entries = [
            {
                "Id": str(i),
                "MessageBody": json.dumps({"run": f"run-{i:04}", "step": 2, "action": "send"}),
                "MessageAttributes": {"tenant": {"DataType": "String", "StringValue": f"t{i % 3}"}},
            }
            for i in range(start, min(start + 10, options.dead_letters))
        ]
        sqs.send_message_batch(QueueUrl=jobs, Entries=entries)
    idle = 0
    while idle < 3:
        got = sqs.receive_message(QueueUrl=jobs, MaxNumberOfMessages=10, VisibilityTimeout=0).get("Messages", [])
        idle = 0 if got else idle + 1
        time.sleep(0.05)
    count = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["ApproximateNumberOfMessages"])
    print("dead letters", count["Attributes"])

    table = dynamodb.create_table(
        TableName="EventTable",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )["TableDescription"]
    # moto wants a role that exists, of the caller's own account.
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = client("iam").create_role(RoleName="worker", AssumeRolePolicyDocument=policy)["Role"]["Arn"]
    for name in ("JobWorker", "LogWorker"):
        lam.create_function(
            FunctionName=name,
            Runtime="python3.11",
            Role=role,
            Handler="index.handler",
            Code={"ZipFile": code()},
            Timeout=10,
            Environment={"Variables": {"JOB_QUEUE_URL": jobs, "STAGE": "test"}},
        )
    for source, function, extra in (
        (arn(jobs), "JobWorker", {"BatchSize": 10, "Enabled": False}),
        (table["LatestStreamArn"], "LogWorker", {"BatchSize": 100, "StartingPosition": "TRIM_HORIZON"}),
    ):
        mapping = lam.create_event_source_mapping(EventSourceArn=source, FunctionName=function, **extra)
        print("mapping", mapping["UUID"], function, mapping["State"])
    return 0


if __name__ == "__main__":
    sys.exit(main())

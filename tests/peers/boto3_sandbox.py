#!/usr/bin/env python3
"""Somebody else's SDK against the sandbox: works the pipeline through boto3 and plain HTTP.

    redrive sandbox --headless --listen 127.0.0.1:4566 --speed 20 &
    python3 tests/peers/boto3_sandbox.py http://127.0.0.1:4566

Prints what it saw, a line a step; exits 0 if all of it was as it should be, 1 at the first step that
was not. It takes credentials and region from nowhere: the sandbox wants neither.
"""

import base64
import datetime
import email.utils
import json
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

DEADLINE_S = 120


def main(endpoint):
    def client(service):
        return boto3.client(
            service,
            endpoint_url=endpoint,
            region_name="eu-west-1",
            aws_access_key_id="sandbox",
            aws_secret_access_key="sandbox",
            config=Config(retries={"max_attempts": 0}),
        )

    sqs, lam, cloudwatch, sts = (client(name) for name in ("sqs", "lambda", "cloudwatch", "sts"))
    streams = client("dynamodbstreams")

    who = sts.get_caller_identity()
    say("identity", f"account {who['Account']}, {who['Arn']}")

    run = post_an_automation(endpoint)
    mapping = retune(lam)
    # Whatever was behind catches up with the new factor.
    find_its_events(endpoint, run)
    dead = look_at_a_dead_letter(sqs, who["Account"])
    try_by_hand(sqs, lam, dead)
    move_everything(sqs, dead)
    fifo(sqs)
    read_the_stream(streams, lam)
    read_metrics(cloudwatch, endpoint, mapping)
    refusals(sqs, lam, endpoint)
    say("done", "all of it as it should be")


def post_an_automation(endpoint):
    steps = [
        {"action": "send", "recipient": "ada", "template": "welcome"},
        {"action": "update-profile", "recipient_id": "ada", "profile": {"welcomed": True}},
    ]
    status, answer = http("POST", f"{endpoint}/automations", {"automation": {"steps": steps}, "recipient": "ada"})
    check(status == 202, "POST /automations", status, answer)
    run = answer["runId"]
    say("posted", f"202, run {run}")
    bad = {"automation": {"steps": [{"action": "delay", "duration": "soon"}, {"action": "send"}]}}
    status, answer = http("POST", f"{endpoint}/automations", bad)
    check(status == 400 and "automation.steps[0]" in json.dumps(answer), "a faulty automation", status, answer)
    say("refused", f"400, {json.dumps(answer)[:150]}")
    return run


def find_its_events(endpoint, run):
    def found():
        status, answer = http("GET", f"{endpoint}/runs/{urllib.parse.quote(run)}")
        check(status == 200, "GET /runs", status, answer)
        status, events = http("GET", f"{endpoint}/events?q={urllib.parse.quote(run)}")
        check(status == 200, "GET /events", status, events)
        found = events["events"] if isinstance(events, dict) else events
        return (answer, found) if len(found) >= 2 else None

    answer, events = until("the events of the run in the index", found)
    say("run", json.dumps(answer)[:150])
    say("events", f"{len(events)} found, the newest {json.dumps(events[0])[:120]}")


def retune(lam):
    mappings = lam.list_event_source_mappings()["EventSourceMappings"]
    for mapping in mappings:
        say("mapping", f"{mapping['EventSourceArn'].split(':')[5]} → {mapping['FunctionArn'].split(':')[-1]} {mapping['State']}")
    stream = next(m for m in mappings if ":dynamodb:" in m["EventSourceArn"])
    want = 5 if stream["ParallelizationFactor"] != 5 else 4
    answer = lam.update_event_source_mapping(UUID=stream["UUID"], ParallelizationFactor=want)
    check(answer["State"] == "Updating", "the update's answer", answer)
    check(answer["ResponseMetadata"]["HTTPStatusCode"] == 202, "its status", answer["ResponseMetadata"])
    try:
        lam.update_event_source_mapping(UUID=stream["UUID"], BatchSize=50)
        fail("a second update during the first was taken")
    except ClientError as error:
        check(error.response["Error"]["Code"] == "ResourceInUseException", "the second update", error.response)

    def settled():
        mapping = lam.get_event_source_mapping(UUID=stream["UUID"])
        return mapping if mapping["State"] == "Enabled" else None

    mapping = until("the mapping Enabled", settled)
    check(mapping["ParallelizationFactor"] == want, "the factor", mapping)
    say("retuned", f"ParallelizationFactor {stream['ParallelizationFactor']} → {want}: Updating, then Enabled")
    function = lam.get_function_configuration(FunctionName=mapping["FunctionArn"])
    say("function", f"{function['FunctionName']}, time-out {function['Timeout']} s, {function['MemorySize']} MB")
    return mapping


def look_at_a_dead_letter(sqs, account):
    urls = sqs.list_queues()["QueueUrls"]
    dead = sqs.get_queue_url(QueueName="JobDLQ")["QueueUrl"]
    check(dead in urls, "JobDLQ among the queues", urls)
    sources = sqs.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"]
    check(any(url.endswith("/JobQueue") for url in sources), "JobDLQ's sources", sources)

    def received():
        # A host of the caller's own choosing: only the path counts.
        answer = sqs.receive_message(
            QueueUrl=f"http://localhost:1/{account}/JobDLQ",
            MaxNumberOfMessages=1,
            VisibilityTimeout=60,
            WaitTimeSeconds=2,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["All"],
        )
        return answer.get("Messages")

    message = until("a dead letter", received)[0]
    system = message["Attributes"]
    check(int(system["ApproximateReceiveCount"]) > 1, "its receive count", system)
    check(system["DeadLetterQueueSourceArn"].endswith(":JobQueue"), "its origin", system)
    say("received", f"{message['MessageId']}, received {system['ApproximateReceiveCount']} times, {len(message['Body'])} bytes")
    entry = {"Id": "a", "ReceiptHandle": message["ReceiptHandle"], "VisibilityTimeout": 0}
    answer = sqs.change_message_visibility_batch(QueueUrl=dead, Entries=[entry])
    check([one["Id"] for one in answer["Successful"]] == ["a"], "the release", answer)
    say("released", "given back at once")
    return dead


def move_everything(sqs, dead):
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    handle = sqs.start_message_move_task(SourceArn=arn, MaxNumberOfMessagesPerSecond=100)["TaskHandle"]
    say("move task", f"started, handle {handle[:24]}…")

    def ended():
        task = sqs.list_message_move_tasks(SourceArn=arn, MaxResults=1)["Results"][0]
        return task if task["Status"] in ("COMPLETED", "CANCELLED", "FAILED") else None

    task = until("the move task's end", ended)
    check(task["Status"] == "COMPLETED", "the move task", task)
    check("TaskHandle" not in task, "no handle once it has ended", task)
    check(task["ApproximateNumberOfMessagesMoved"] > 0, "what it moved", task)
    say("moved", f"{task['ApproximateNumberOfMessagesMoved']} of about {task['ApproximateNumberOfMessagesToMove']}")


def try_by_hand(sqs, lam, dead):
    """A dead letter through its function: as a queue would deliver it, and in every way there is."""
    message = until(
        "a dead letter to try",
        lambda: sqs.receive_message(
            QueueUrl=dead, MaxNumberOfMessages=1, VisibilityTimeout=30, MessageSystemAttributeNames=["All"]
        ).get("Messages"),
    )[0]
    record = {"messageId": message["MessageId"], "receiptHandle": "none", "body": message["Body"],
              "attributes": message["Attributes"], "messageAttributes": {}, "eventSource": "aws:sqs",
              "eventSourceARN": message["Attributes"]["DeadLetterQueueSourceArn"], "awsRegion": "eu-west-1"}
    event = json.dumps({"Records": [record]}).encode()
    answer = lam.invoke(FunctionName="JobWorker", Payload=event, LogType="Tail")
    said = json.loads(answer["Payload"].read())
    tail = base64.b64decode(answer["LogResult"]).decode()
    check(answer["StatusCode"] == 200 and answer["ExecutedVersion"] == "$LATEST", "the invocation", answer)
    check(answer.get("FunctionError") == "Unhandled" and "errorType" in said, "what killed it kills it again", said)
    check(tail.startswith("START RequestId: ") and "REPORT RequestId: " in tail and len(tail) <= 4096, "its log", tail)
    say("tried", f"{answer['FunctionError']}: {said['errorType']}: {said['errorMessage'][:60]}")
    status = [lam.invoke(FunctionName="JobWorker", Payload=b"{}", InvocationType=kind)["StatusCode"]
              for kind in ("DryRun", "Event")]
    check(status == [204, 202], "DryRun and Event", status)
    for what, payload, code in [("no JSON", b"{", "InvalidRequestContentException"),
                                ("too large", b'"' + b"x" * 6_291_456 + b'"', "RequestTooLargeException")]:
        refused(f"a payload that is {what}", code, lambda: lam.invoke(FunctionName="JobWorker", Payload=payload))
    sqs.change_message_visibility(QueueUrl=dead, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0)


def fifo(sqs):
    """Order, lock and deduplication, binary attributes, sizes."""
    dead = sqs.create_queue(QueueName="peer-dead.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 1})
    attributes = {"FifoQueue": "true", "ContentBasedDeduplication": "true", "RedrivePolicy": policy}
    url = sqs.create_queue(QueueName="peer.fifo", Attributes=attributes)["QueueUrl"]
    refused("FifoQueue without .fifo", "InvalidParameterValue",
            lambda: sqs.create_queue(QueueName="peer", Attributes={"FifoQueue": "true"}))
    refused("a FIFO queue with a standard dead-letter queue", "InvalidParameterValue", lambda: sqs.set_queue_attributes(
        QueueUrl=url, Attributes={"RedrivePolicy": policy.replace("peer-dead.fifo", "JobDLQ")}))

    blob = bytes(range(256))
    binary = {"b": {"DataType": "Binary.x", "BinaryValue": blob}}

    def send(body, group):
        return sqs.send_message(QueueUrl=url, MessageBody=body, MessageGroupId=group, MessageAttributes=binary)

    sent = [send(body, group) for body, group in [("a1", "a"), ("b1", "b"), ("a2", "a")]]
    again = send("a1", "a")
    check(again["MessageId"] == sent[0]["MessageId"], "a repeat within five minutes", again)
    check(again["SequenceNumber"] == sent[0]["SequenceNumber"] < sent[2]["SequenceNumber"], "its number", again)

    def receive(queue, most=10):
        answer = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=most, VisibilityTimeout=600,
                                     MessageSystemAttributeNames=["All"], MessageAttributeNames=["All"])
        return answer.get("Messages", [])

    first = receive(url, 1)
    check([m["Body"] for m in first] == ["a1"], "the oldest", first)
    check(first[0]["MessageAttributes"]["b"]["BinaryValue"] == blob, "binary as it was sent", first)
    system = first[0]["Attributes"]
    check(system["MessageGroupId"] == "a" and len(system["MessageDeduplicationId"]) == 64, "its system attributes", system)
    check([m["Body"] for m in receive(url)] == ["b1"], "a2 waits for a1")
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=first[0]["ReceiptHandle"], VisibilityTimeout=0)
    refused("a handle that has expired", "InvalidParameterValue",
            lambda: sqs.delete_message(QueueUrl=url, ReceiptHandle=first[0]["ReceiptHandle"]))
    check([m["Body"] for m in receive(url)] == ["a2"], "a1 is dead, a2 is next")
    letter = receive(dead)[0]
    check(letter["Attributes"]["MessageDeduplicationId"] == letter["MessageId"], "a dead letter goes by its own id", letter)
    say("fifo", "groups in order and locked, one of a repeat, a dead letter under its own id")

    small = sqs.create_queue(QueueName="peer-small", Attributes={"MaximumMessageSize": "1024"})["QueueUrl"]
    refused("a message over the queue's limit", "InvalidParameterValue",
            lambda: sqs.send_message(QueueUrl=small, MessageBody="x" * 1025))
    refused("a list in an attribute", "AWS.SimpleQueueService.UnsupportedOperation", lambda: sqs.send_message(
        QueueUrl=small, MessageBody="x", MessageAttributes={"l": {"DataType": "String", "StringListValues": ["x"]}}))
    sqs.send_message(QueueUrl=small, MessageBody="x", MessageGroupId="tenant-1")
    tenant = receive(small)[0]["Attributes"]
    check(tenant["MessageGroupId"] == "tenant-1" and "SequenceNumber" not in tenant, "a tenant is no order", tenant)
    say("standard", "a group id is kept, and makes no FIFO queue")
    for queue in (url, dead, small):
        sqs.delete_queue(QueueUrl=queue)


def read_the_stream(streams, lam):
    """Shards, iterators and pages; and the records through their function again."""
    arn = streams.list_streams(TableName="EventTable")["Streams"][0]["StreamArn"]
    description = streams.describe_stream(StreamArn=arn)["StreamDescription"]
    shards = description["Shards"]
    closed = [s for s in shards if "EndingSequenceNumber" in s["SequenceNumberRange"]]
    check(description["StreamStatus"] == "ENABLED" and closed and len(closed) < len(shards), "the shards", description)
    check(any(s.get("ParentShardId") == closed[0]["ShardId"] for s in shards), "a closed shard's child", shards)

    def iterate(shard, kind, limit=1000, **number):
        iterator = streams.get_shard_iterator(StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType=kind, **number)
        at, pages = iterator["ShardIterator"], 0
        while at and pages < 200:
            page = streams.get_records(ShardIterator=at, Limit=limit)
            yield page["Records"]
            at, pages = page.get("NextShardIterator"), pages + 1
        yield None if at is None else []

    pages = list(iterate(closed[0], "TRIM_HORIZON"))
    check(pages[-1] is None, "a closed shard ends", len(pages))
    numbers = [r["dynamodb"]["SequenceNumber"] for page in pages[:-1] for r in page]
    ends = closed[0]["SequenceNumberRange"]
    check([numbers[0], numbers[-1]] == [ends["StartingSequenceNumber"], ends["EndingSequenceNumber"]], "its ends", ends)
    check(all(21 <= len(n) <= 40 for n in numbers) and numbers == sorted(numbers, key=int), "its order", numbers[:3])
    some = numbers[len(numbers) // 2]
    cold = iterate(closed[0], "AT_SEQUENCE_NUMBER", 3, SequenceNumber=some)
    check(next(cold) == [], "an empty page comes first")
    records = next(cold)
    check(records[0]["dynamodb"]["SequenceNumber"] == some and len(records) == 3, "then what was asked for", records)
    say("stream", f"{len(shards)} shards, {len(closed)} closed; {len(numbers)} records of one in {len(pages) - 1} pages")
    refused("an iterator that is none", "ValidationException", lambda: streams.get_records(ShardIterator="x" * 20))
    refused("a stream that is none", "ResourceNotFoundException", lambda: streams.describe_stream(StreamArn=arn + "x"))

    def shown(record):
        body = {**record["dynamodb"], "ApproximateCreationDateTime": int(record["dynamodb"]["ApproximateCreationDateTime"].timestamp())}
        return {**record, "dynamodb": body, "eventSourceARN": arn}

    event = json.dumps({"Records": [shown(record) for record in records]}).encode()
    answer = lam.invoke(FunctionName="LogWorker", Payload=event)
    check("FunctionError" not in answer, "the records through LogWorker again", answer)
    say("replayed", answer["Payload"].read().decode())


def refused(what, code, call):
    try:
        call()
    except ClientError as error:
        check(error.response["Error"]["Code"] == code, what, error.response)
        return
    fail(f"{what} was taken")


def read_metrics(cloudwatch, endpoint, mapping):
    now = sandbox_now(endpoint)
    function = mapping["FunctionArn"].split(":")[-1]

    def query(id, namespace, name, dimension, value, stat):
        metric = {"Namespace": namespace, "MetricName": name, "Dimensions": [{"Name": dimension, "Value": value}]}
        return {"Id": id, "MetricStat": {"Metric": metric, "Period": 60, "Stat": stat}}

    answer = cloudwatch.get_metric_data(
        MetricDataQueries=[
            query("age", "AWS/Lambda", "IteratorAge", "FunctionName", function, "Maximum"),
            query("depth", "AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", "JobQueue", "Maximum"),
            query("none", "AWS/SQS", "NoSuchMetric", "QueueName", "JobQueue", "Sum"),
        ],
        StartTime=now - datetime.timedelta(hours=1),
        EndTime=now,
        ScanBy="TimestampAscending",
    )
    results = {one["Id"]: one for one in answer["MetricDataResults"]}
    for id in ("age", "depth"):
        times, values = results[id]["Timestamps"], results[id]["Values"]
        check(len(values) >= 30, f"an hour of {id}", results[id])
        check(times == sorted(times) and len(set(times)) == len(times), f"{id} ascending", times)
        check(all(isinstance(value, float) for value in values), f"{id} in floats", values[:3])
        say(id, f"{len(values)} minutes, the newest {values[-1]:g} at {times[-1]:%H:%M}")
    check(results["none"]["Values"] == [], "a metric that does not exist", results["none"])


def refusals(sqs, lam, endpoint):
    for what, code, call in [
        ("a queue that is not there", "AWS.SimpleQueueService.NonExistentQueue",
         lambda: sqs.receive_message(QueueUrl="http://x/1/NoSuchQueue")),
        ("a mapping that is not there", "ResourceNotFoundException",
         lambda: lam.get_event_source_mapping(UUID="00000000-0000-0000-0000-000000000000")),
        ("an operation the sandbox has not", None, lambda: lam.list_layers()),
    ]:
        try:
            call()
            fail(f"{what} was answered")
        except ClientError as error:
            got = error.response["Error"]["Code"]
            check(code in (None, got), what, got)
            say("refused", f"{what}: {got}")
    host = urllib.request.Request(f"{endpoint}/events?q=x", headers={"Host": "evil.example"})
    try:
        urllib.request.urlopen(host, timeout=10)
        fail("a foreign Host was served")
    except urllib.error.HTTPError as error:
        check(error.code == 403, "a foreign Host", error.code)
        say("refused", "a foreign Host: 403")


def sandbox_now(endpoint):
    """Every answer is dated with the sandbox's time."""
    with urllib.request.urlopen(f"{endpoint}/events?q=x", timeout=10) as answer:
        return email.utils.parsedate_to_datetime(answer.headers["Date"])


def http(method, url, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, method=method, headers={"content-type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def until(what, look):
    end = time.monotonic() + DEADLINE_S
    while time.monotonic() < end:
        seen = look()
        if seen:
            return seen
        time.sleep(0.2)
    return fail(f"{what}: not within {DEADLINE_S} s")


def check(right, what, *seen):
    if not right:
        fail(f"{what}: {seen}")


def say(what, line):
    print(f"{what:10} {line}", flush=True)


def fail(why):
    print(f"FAILED     {why}", flush=True)
    sys.exit(1)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1].rstrip("/"))

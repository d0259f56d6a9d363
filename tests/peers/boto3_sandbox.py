#!/usr/bin/env python3
"""Somebody else's SDK against the sandbox: works the pipeline through boto3 and plain HTTP.

    redrive sandbox --headless --listen 127.0.0.1:4566 --speed 20 &
    python3 tests/peers/boto3_sandbox.py http://127.0.0.1:4566

Prints what it saw, a line a step; exits 0 if all of it was as it should be, 1 at the first step that
was not. It takes credentials and region from nowhere: the sandbox wants neither.
"""

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

    who = sts.get_caller_identity()
    say("identity", f"account {who['Account']}, {who['Arn']}")

    run = post_an_automation(endpoint)
    mapping = retune(lam)
    # Whatever was behind catches up with the new factor.
    find_its_events(endpoint, run)
    dead = look_at_a_dead_letter(sqs, who["Account"])
    move_everything(sqs, dead)
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

//! `aws` lines, whole: quoted for a shell, with the region of what they act on.

use crate::model::id::{Arn, FunctionName};
use crate::model::mapping::Mapping;
use crate::model::queue::Queue;

/// `aws lambda update-event-source-mapping --uuid … <words> --region …`
pub(super) fn update_mapping(mapping: &Mapping, words: &str) -> String {
    let region = region(&mapping.source);
    format!("aws lambda update-event-source-mapping --uuid {} {words}{region}", mapping.id)
}

/// `aws sqs set-queue-attributes --queue-url … --attributes …`
pub(super) fn set_attribute(queue: &Queue, name: &str, value: &str) -> String {
    let attributes = serde_json::json!({name: value}).to_string();
    let (url, region) = (quoted(queue.url.as_str()), region(&queue.arn));
    format!("aws sqs set-queue-attributes --queue-url {url} --attributes {}{region}", quoted(&attributes))
}

/// The redrive policy as SQS wants it: JSON in a string.
pub(super) fn set_redrive(queue: &Queue, to: &Arn, max_receive_count: u32) -> String {
    let policy =
        serde_json::json!({"deadLetterTargetArn": to.as_str(), "maxReceiveCount": max_receive_count.to_string()});
    set_attribute(queue, "RedrivePolicy", &policy.to_string())
}

/// A queue that keeps what it is given for as long as SQS can.
pub(super) fn create_keeper(name: &str, like: &Arn, fifo: bool) -> String {
    let fifo = if fifo { ",FifoQueue=true" } else { "" };
    let attributes = format!("MessageRetentionPeriod={LONGEST_RETENTION_S}{fifo}");
    format!("aws sqs create-queue --queue-name {} --attributes {attributes}{}", quoted(name), region(like))
}

pub(super) fn function(verb: &str, name: &FunctionName, words: &str, like: &Arn) -> String {
    format!("aws lambda {verb} --function-name {} {words}{}", quoted(name.as_str()), region(like))
}

/// The ARN of a queue beside `like`, in the same partition, region and account.
pub(super) fn queue_arn(name: &str, like: &Arn) -> Arn {
    let mut parts = like.as_str().split(':').skip(1);
    let partition = parts.next().unwrap_or("aws");
    let mut parts = parts.skip(1);
    let (region, account) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    Arn::new(format!("arn:{partition}:sqs:{region}:{account}:{name}"))
}

/// `--destination-config '{"OnFailure":{"Destination":"arn:…"}}'`
pub(super) fn destination(arn: &Arn) -> String {
    let config = serde_json::json!({"OnFailure": {"Destination": arn.as_str()}});
    format!("--destination-config {}", quoted(&config.to_string()))
}

/// An alarm that fires with the first ready message and tells `topic`.
pub(super) fn put_alarm(queue: &Queue, topic: &str) -> String {
    let name = quoted(&format!("{}-not-empty", queue.name));
    let dimension = quoted(&format!("Name=QueueName,Value={}", queue.name));
    format!(
        "aws cloudwatch put-metric-alarm --alarm-name {name} --namespace AWS/SQS \
         --metric-name ApproximateNumberOfMessagesVisible --dimensions {dimension} --statistic Maximum --period 60 \
         --evaluation-periods 1 --threshold 0 --comparison-operator GreaterThanThreshold \
         --treat-missing-data notBreaching --alarm-actions {}{}",
        quoted(topic),
        region(&queue.arn)
    )
}

fn region(arn: &Arn) -> String {
    match arn.as_str().split(':').nth(3) {
        Some(region) if !region.is_empty() => format!(" --region {region}"),
        _ => String::new(),
    }
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// `MessageRetentionPeriod` at most: 14 days (aws-facts §3.1).
pub(super) const LONGEST_RETENTION_S: u32 = 1_209_600;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_survive_a_shell_and_partitions_are_kept() {
        assert_eq!(quoted("it's"), r"'it'\''s'");
        let like = Arn::from("arn:aws-cn:lambda:cn-north-1:123456789012:function:F");
        assert_eq!(queue_arn("q", &like).as_str(), "arn:aws-cn:sqs:cn-north-1:123456789012:q");
        assert_eq!(
            create_keeper("q.fifo", &like, true),
            "aws sqs create-queue --queue-name q.fifo --attributes MessageRetentionPeriod=1209600,FifoQueue=true \
             --region cn-north-1"
        );
    }
}

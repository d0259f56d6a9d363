//! What of AWS this program may be allowed: the two policies of `assets/iam/`, and which action of
//! IAM a call needs, where the two are not called alike. A test compares the policies with the calls
//! that `aws/` makes.

/// Everything that only looks.
pub const READ_ONLY: &str = include_str!("../../assets/iam/read-only.json");
/// What changes something; goes beside [`READ_ONLY`].
pub const OPERATOR: &str = include_str!("../../assets/iam/operator.json");

/// Calls that need no permission: no policy can take them away.
pub const FREE: &[&str] = &["sts:GetCallerIdentity"];

/// Calls whose action has another name. A batch call is its single one to IAM.
const NAMED_OTHERWISE: &[(&str, &str)] = &[
    ("lambda:Invoke", "lambda:InvokeFunction"),
    ("s3:HeadObject", "s3:GetObject"),
    ("s3:ListObjectsV2", "s3:ListBucket"),
    ("sqs:ChangeMessageVisibilityBatch", "sqs:ChangeMessageVisibility"),
    ("sqs:DeleteMessageBatch", "sqs:DeleteMessage"),
    ("sqs:SendMessageBatch", "sqs:SendMessage"),
];

/// Whether an action is allowed, as far as is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    Allowed,
    /// In the service's words.
    Denied(String),
    /// It was tried, and the answer says neither.
    Unclear(String),
    /// Why it was not tried.
    Untried(String),
}

/// What a permission is for, in the words of the screen; what is missing takes only this away.
pub const FEATURES: &[(&str, &[&str])] = &[
    ("what there is", &["lambda:ListEventSourceMappings", "lambda:ListFunctions", "sqs:ListQueues"]),
    ("queues and their counts", &["sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:ListDeadLetterSourceQueues"]),
    ("who invokes a function", &["lambda:GetPolicy"]),
    ("what the logs say", &["logs:FilterLogEvents", "lambda:GetFunctionConfiguration"]),
    ("verdicts and charts", &["cloudwatch:GetMetricData"]),
    ("limits and shards of a rehearsal", &["dynamodb:DescribeStream", "lambda:GetAccountSettings"]),
    ("how long Kinesis keeps records", &["kinesis:DescribeStreamSummary"]),
    ("what paged you", &["cloudwatch:DescribeAlarms"]),
    ("what was deployed by which stack", &["cloudformation:DescribeStacks"]),
    ("watching one stack", &["cloudformation:ListStackResources"]),
    ("move tasks of others", &["sqs:ListMessageMoveTasks"]),
    ("following a change of settings", &["lambda:GetEventSourceMapping"]),
    (
        "posture of functions",
        &["lambda:GetFunctionConcurrency", "lambda:GetFunctionEventInvokeConfig", "lambda:GetFunctionRecursionConfig"],
    ),
    ("tune, stop, start", &["lambda:UpdateEventSourceMapping"]),
    ("reserved concurrency", &["lambda:PutFunctionConcurrency", "lambda:DeleteFunctionConcurrency"]),
    ("scan", &["sqs:ReceiveMessage", "sqs:ChangeMessageVisibility"]),
    ("redrive", &["sqs:SendMessage", "sqs:DeleteMessage"]),
    ("try one, rescue", &["lambda:InvokeFunction", "dynamodb:GetRecords", "dynamodb:GetShardIterator"]),
    ("rescue from a bucket", &["s3:GetObject", "s3:ListBucket"]),
    ("redrive a whole queue", &["sqs:StartMessageMoveTask", "sqs:CancelMessageMoveTask"]),
];

/// What an action is for.
pub fn feature_of(action: &str) -> &'static str {
    let found = FEATURES.iter().find(|(_, actions)| actions.contains(&action));
    found.map_or("more", |(feature, _)| feature)
}

/// The action of IAM that a call (`sqs:SendMessageBatch`) needs; `None` when it needs none.
pub fn action_of(call: &str) -> Option<&str> {
    if FREE.contains(&call) {
        return None;
    }
    Some(NAMED_OTHERWISE.iter().find(|(name, _)| *name == call).map_or(call, |(_, action)| action))
}

/// The least policy that allows these actions, as IAM takes it.
pub fn policy<'a>(sid: &str, actions: impl IntoIterator<Item = &'a str>) -> String {
    let actions: std::collections::BTreeSet<&str> = actions.into_iter().collect();
    let document = serde_json::json!({
        "Version": "2012-10-17",
        "Statement": [{"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": "*"}],
    });
    serde_json::to_string_pretty(&document).unwrap_or_default()
}

/// The actions of a policy of ours, in its order.
pub fn actions_in(document: &str) -> Vec<String> {
    let document: serde_json::Value = serde_json::from_str(document).unwrap_or_default();
    let statements = document["Statement"].as_array().cloned().unwrap_or_default();
    let actions = statements.iter().flat_map(|statement| statement["Action"].as_array().cloned().unwrap_or_default());
    actions.filter_map(|action| action.as_str().map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_of_ours_is_one_that_iam_takes() {
        for document in [READ_ONLY.to_owned(), OPERATOR.to_owned(), policy("X", ["sqs:ListQueues"])] {
            let actions = actions_in(&document);
            assert!(!actions.is_empty() && actions.is_sorted(), "sorted, each once: {actions:?}");
            let parsed: serde_json::Value = serde_json::from_str(&document).expect("JSON");
            assert_eq!(parsed["Version"], "2012-10-17");
            let sid = parsed["Statement"][0]["Sid"].as_str().expect("a statement has a name");
            assert!(sid.chars().all(|c| c.is_ascii_alphanumeric()), "IAM takes letters and digits: {sid}");
        }
        let reads = actions_in(READ_ONLY);
        assert!(actions_in(OPERATOR).iter().all(|action| !reads.contains(action)), "each action is in one of them");
    }

    #[test]
    fn a_batch_call_is_its_single_one_to_iam() {
        assert_eq!(action_of("sqs:SendMessageBatch"), Some("sqs:SendMessage"));
        assert_eq!(action_of("sqs:ListQueues"), Some("sqs:ListQueues"));
        assert_eq!(action_of("sts:GetCallerIdentity"), None);
    }
}

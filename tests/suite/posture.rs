//! The posture on a running sandbox: every rule finds its flaw in the scenario `unprepared`, the very
//! line it gives is carried out through the SDK, and the flaw is gone.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_cloudwatch::types::{ComparisonOperator, Dimension, Statistic};
use aws_sdk_lambda::types::{DestinationConfig, FunctionResponseType, OnFailure, RecursiveLoop, ScalingConfig};
use aws_sdk_sqs::types::QueueAttributeName;
use redrive::aws::Account;
use redrive::driver::sandbox::{ENDPOINT, Sandbox, SandboxOptions};
use redrive::model::finding::Subject;
use redrive::model::observed::Observed;
use redrive::model::picture::Picture;
use redrive::model::posture::Posture;
use redrive::model::scope::Scope;
use redrive::scenario;
use redrive::verdict::posture;

use crate::reach;

/// A sandbox that settles mappings in moments, and everything that asks it.
struct World {
    sandbox: Sandbox,
    account: Account,
    sqs: aws_sdk_sqs::Client,
    lambda: aws_sdk_lambda::Client,
    cloudwatch: aws_sdk_cloudwatch::Client,
}

/// Clients of AWS's own over the in-process door.
macro_rules! client {
    ($sdk:ident, $sandbox:expr) => {{
        let config = $sdk::Config::builder()
            .behavior_version($sdk::config::BehaviorVersion::latest())
            .region($sdk::config::Region::new("eu-west-1"))
            .endpoint_url(ENDPOINT)
            .credentials_provider(Credentials::for_tests())
            .http_client($sandbox.client());
        $sdk::Client::from_conf(config.build())
    }};
}

impl World {
    async fn start() -> Self {
        let scenario = scenario::find("unprepared").expect("it is built in");
        let options = SandboxOptions {
            blueprint: scenario.blueprint(0),
            history_s: 0,
            scenario: scenario.name,
            seed: 7,
            speed: 60.0,
        };
        let sandbox = Sandbox::start(options).expect("it fits together");
        let account = reach::account(sandbox.region(), sandbox.client()).await;
        let (sqs, lambda) = (client!(aws_sdk_sqs, sandbox), client!(aws_sdk_lambda, sandbox));
        let cloudwatch = client!(aws_sdk_cloudwatch, sandbox);
        World { sandbox, account, sqs, lambda, cloudwatch }
    }

    /// Everything the rules look at, as the console reads it.
    async fn posture(&self) -> Posture {
        let survey = self.account.survey(&Scope::Everything).await;
        assert_eq!(survey.missing, Vec::<String>::new());
        let at = self.sandbox.clock().account_now();
        let mut picture = Picture {
            topology: survey.topology.ok().map(|topology| Observed::new(topology, at)),
            ..Picture::default()
        };
        for mapping in survey.mappings.expect("listed") {
            picture.mappings.insert(mapping.id.clone(), Observed::new(mapping, at));
        }
        for function in survey.functions.expect("listed") {
            picture.functions.insert(function.name.clone(), Observed::new(function, at));
        }
        for (_, queue) in survey.queues {
            picture.put_queue(queue.expect("read"), at);
        }
        let alarms = self.account.alarms().await.expect("read").into_iter();
        picture.alarms = Some(Observed::new(alarms.map(|alarm| (alarm.name.clone(), alarm)).collect(), at));
        for (function, question) in posture::questions(&picture) {
            let answer = self.account.function_setting(&function, question).await.expect("answered");
            picture.put_function_setting(&function, question, Ok(answer), at);
        }
        posture::judge(&picture)
    }

    /// Carries out one `aws` line as the CLI would.
    async fn run(&self, line: &str) {
        let words = words(line);
        let (service, verb) = (words[1].as_str(), words[2].as_str());
        let flag = |name: &str| {
            let at = words.iter().position(|word| word == name)?;
            Some(words.get(at + 1).cloned().unwrap_or_default())
        };
        assert_eq!((words[0].as_str(), flag("--region").as_deref()), ("aws", Some("eu-west-1")), "{line}");
        match (service, verb) {
            ("sqs", "create-queue") => {
                let call = self.sqs.create_queue().set_queue_name(flag("--queue-name"));
                call.set_attributes(Some(shorthand(&flag("--attributes").expect(line)))).send().await.expect(line);
            }
            ("sqs", "set-queue-attributes") => {
                let json = flag("--attributes").expect(line);
                let given: BTreeMap<String, String> = serde_json::from_str(&json).expect("a map of strings");
                let attributes = given.iter().map(|(name, value)| (name.as_str().into(), value.clone())).collect();
                let call = self.sqs.set_queue_attributes().set_queue_url(flag("--queue-url"));
                call.set_attributes(Some(attributes)).send().await.expect(line);
            }
            ("cloudwatch", "put-metric-alarm") => self.put_alarm(line, flag).await,
            ("lambda", "update-event-source-mapping") => self.update_mapping(line, flag).await,
            ("lambda", "put-function-event-invoke-config") => {
                let call = self.lambda.put_function_event_invoke_config().set_function_name(flag("--function-name"));
                call.set_destination_config(flag("--destination-config").map(|json| destination(&json)))
                    .send()
                    .await
                    .expect(line);
            }
            ("lambda", "put-function-recursion-config") => {
                let call = self.lambda.put_function_recursion_config().set_function_name(flag("--function-name"));
                let recursive = flag("--recursive-loop").map(|word| RecursiveLoop::from(word.as_str()));
                call.set_recursive_loop(recursive).send().await.expect(line);
            }
            ("lambda", "put-function-concurrency") => {
                let call = self.lambda.put_function_concurrency().set_function_name(flag("--function-name"));
                let limit = flag("--reserved-concurrent-executions").and_then(|word| word.parse().ok());
                call.set_reserved_concurrent_executions(limit).send().await.expect(line);
            }
            other => panic!("no rule gave {other:?} before: {line}"),
        }
    }

    async fn put_alarm(&self, line: &str, flag: impl Fn(&str) -> Option<String>) {
        let number = |name: &str| flag(name).and_then(|word| word.parse::<i32>().ok());
        let dimensions = shorthand_pairs(&flag("--dimensions").expect(line));
        let dimension = Dimension::builder().name(&dimensions["Name"]).value(&dimensions["Value"]).build();
        let call = self.cloudwatch.put_metric_alarm().set_alarm_name(flag("--alarm-name")).dimensions(dimension);
        let call = call.set_namespace(flag("--namespace")).set_metric_name(flag("--metric-name"));
        let call = call.set_statistic(flag("--statistic").map(|word| Statistic::from(word.as_str())));
        let call = call.set_period(number("--period")).set_evaluation_periods(number("--evaluation-periods"));
        let call = call.set_threshold(number("--threshold").map(f64::from));
        let comparison = flag("--comparison-operator").map(|word| ComparisonOperator::from(word.as_str()));
        let call = call.set_comparison_operator(comparison).set_treat_missing_data(flag("--treat-missing-data"));
        call.alarm_actions(flag("--alarm-actions").expect(line)).send().await.expect(line);
    }

    async fn update_mapping(&self, line: &str, flag: impl Fn(&str) -> Option<String>) {
        let id = flag("--uuid").expect(line);
        let mut call = self.lambda.update_event_source_mapping().uuid(&id);
        call = call.set_maximum_retry_attempts(flag("--maximum-retry-attempts").and_then(|word| word.parse().ok()));
        call = call.set_bisect_batch_on_function_error(flag("--bisect-batch-on-function-error").map(|_| true));
        call = call.set_destination_config(flag("--destination-config").map(|json| destination(&json)));
        if let Some(word) = flag("--function-response-types") {
            call = call.function_response_types(FunctionResponseType::from(word.as_str()));
        }
        if let Some(word) = flag("--scaling-config") {
            let limit = word.strip_prefix("MaximumConcurrency=").and_then(|n| n.parse().ok());
            call = call.scaling_config(ScalingConfig::builder().set_maximum_concurrency(limit).build());
        }
        call.send().await.expect(line);
        let settled = async {
            while !self.account.mapping(&id.as_str().into()).await.expect("there").state.is_settled() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), settled).await.expect("settled within a minute");
    }
}

fn destination(json: &str) -> DestinationConfig {
    let value: serde_json::Value = serde_json::from_str(json).expect("JSON");
    let arn = value.pointer("/OnFailure/Destination").and_then(|arn| arn.as_str()).expect("a destination");
    DestinationConfig::builder().on_failure(OnFailure::builder().destination(arn).build()).build()
}

/// `Name=value,Name=value`
fn shorthand_pairs(text: &str) -> BTreeMap<String, String> {
    let pairs = text.split(',').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn shorthand(text: &str) -> std::collections::HashMap<QueueAttributeName, String> {
    shorthand_pairs(text).into_iter().map(|(name, value)| (name.as_str().into(), value)).collect()
}

/// As a shell splits a line whose words are plain or in single quotes.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted, mut begun) = (Vec::new(), String::new(), false, false);
    for c in line.chars() {
        match c {
            '\'' => (quoted, begun) = (!quoted, true),
            ' ' if !quoted => {
                if begun {
                    words.push(std::mem::take(&mut word));
                }
                begun = false;
            }
            c => {
                word.push(c);
                begun = true;
            }
        }
    }
    if begun {
        words.push(word);
    }
    words
}

#[tokio::test]
async fn every_rule_finds_its_flaw_and_its_line_mends_it() {
    let world = World::start().await;
    let before = world.posture().await;
    let found: BTreeSet<&str> = before.advice.iter().map(|advice| advice.rule.as_str()).collect();
    let all: BTreeSet<&str> = before.fine.iter().map(|(rule, _)| rule.as_str()).collect();
    assert_eq!(found, all, "each rule has something to say: {:#?}", before.advice);
    assert_eq!(before.not_known, []);
    let fine: usize = before.fine.iter().map(|(_, fine)| fine).sum();
    assert!(fine > 0, "and something is well kept");
    // What is made on the way wants mending too: a new dead-letter queue has no alarm yet.
    let known: BTreeSet<_> = before.advice.iter().map(|advice| advice.key()).collect();
    let mut mended = BTreeSet::new();
    while let Some(advice) = world.posture().await.advice.first().cloned() {
        for line in &advice.fix {
            world.run(line).await;
        }
        let after = world.posture().await.advice;
        let again = after.iter().find(|other| other.key() == advice.key());
        assert!(again.is_none(), "{:?} did not mend {}", advice.fix, advice.headline);
        assert!(mended.insert(advice.key()), "mending one thing breaks another, round and round: {after:?}");
    }
    // Everything there was, once; and beside it only what mending itself made: dead-letter queues.
    assert!(known.is_subset(&mended), "{:?}", known.difference(&mended).collect::<Vec<_>>());
    let made = |(_, subject): &&(String, Subject)| matches!(subject, Subject::Queue(_));
    let more: Vec<_> = mended.difference(&known).collect();
    assert!(more.iter().all(made) && more.len() <= known.len(), "{more:?}");
}

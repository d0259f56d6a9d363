//! The machine as a whole, in short runs. Longer stories are in `tests/suite/pipeline_story.rs`.

use std::collections::BTreeMap;

use crate::model::id::{FunctionName, MappingId};
use crate::model::mapping::MappingState;
use crate::model::metric::{MetricKey, Stat};
use crate::model::time::Timestamp;
use crate::pipeline::Pipeline;
use crate::pipeline::blueprint::{Blueprint, Fault, PoisonKind, SwitchBlueprint};
use crate::pipeline::distribution::Distribution;
use crate::pipeline::notice::Happening;
use crate::pipeline::request::{
    CloudWatchReply, CloudWatchRequest, GetMetricData, InvokeKind, LambdaReply, LambdaRequest, MappingUpdate, Receive,
    Reply, Request, RequestId, Response, SqsReply, SqsRequest, WebReply, WebRequest,
};
use crate::pipeline::standard::{JOB_DLQ, JOB_QUEUE, JOB_WORKER, LOG_WORKER, standard};

const START: Timestamp = Timestamp::from_s(1_767_225_600);

fn pipeline(change: impl FnOnce(&mut Blueprint)) -> Pipeline {
    let mut blueprint = standard();
    change(&mut blueprint);
    Pipeline::new(blueprint, 7, START).expect("the blueprint is sound")
}

fn switch(name: &str, on: bool, fault: Fault) -> SwitchBlueprint {
    SwitchBlueprint { name: name.to_owned(), what: name.to_owned(), on, fault }
}

fn ask(pipeline: &mut Pipeline, request: Request) -> Response {
    let id = RequestId(1);
    pipeline.handle_request(pipeline.now(), id, request);
    for _ in 0..100 {
        if let Some((_, answer)) = pipeline.poll_response() {
            return answer;
        }
        let next = pipeline.poll_timeout().expect("something is always due");
        pipeline.handle_timeout(next);
    }
    panic!("no answer")
}

fn lambda(pipeline: &mut Pipeline, request: LambdaRequest) -> Result<LambdaReply, String> {
    match ask(pipeline, Request::Lambda(request)) {
        Ok(Reply::Lambda(reply)) => Ok(reply),
        Ok(other) => panic!("{other:?}"),
        Err(error) => Err(error.code),
    }
}

fn mapping_of(pipeline: &mut Pipeline, function: &str) -> crate::model::mapping::Mapping {
    let list = LambdaRequest::ListMappings { source: None, function: Some(function.into()), max: None, marker: None };
    match lambda(pipeline, list) {
        Ok(LambdaReply::Mappings { mut mappings, .. }) => mappings.pop().expect("a mapping"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_arrives_is_done_and_indexed_and_nothing_is_lost() {
    let mut pipeline = pipeline(|_| {});
    pipeline.handle_timeout(START.plus_s(600));
    let summary = pipeline.summary();
    assert!((1_050..1_350).contains(&summary.requests), "{summary:?}");
    assert!(summary.jobs_finished + 50 > summary.requests * 2, "{summary:?}");
    assert!(summary.records_indexed + 60 > summary.requests * 3, "{summary:?}");
    assert!(summary.iterator_age_max_ms.is_some_and(|age| age < 5_000), "{summary:?}");
    let census = &summary.census;
    assert_eq!((census.jobs.lost, census.events.lost, census.jobs.dead), (0, 0, 0), "{census:?}");
    assert_eq!(census.jobs.total(), summary.jobs_started);
    assert_eq!(census.events.total(), summary.events);
}

#[test]
fn equal_seeds_have_equal_histories_however_time_is_cut() {
    let mut whole = pipeline(|_| {});
    let mut cut = pipeline(|_| {});
    whole.handle_timeout(START.plus_s(300));
    for ms in (0..=300_000).step_by(777) {
        cut.handle_timeout(START.plus_ms(ms));
    }
    cut.handle_timeout(START.plus_s(300));
    cut.handle_timeout(START);
    assert_eq!(whole.summary(), cut.summary());
    let other = Pipeline::new(standard(), 8, START).map(|mut other| {
        other.handle_timeout(START.plus_s(300));
        other.history_hash()
    });
    assert_ne!(Ok(whole.history_hash()), other);
}

#[test]
fn a_failing_step_fills_the_dead_letter_queue_and_a_redrive_empties_it() {
    let fault = Fault::FailingStep { action: "send".to_owned(), one_in: 10 };
    let mut pipeline = pipeline(|b| {
        b.switches = vec![switch("failing-step", true, fault)];
        b.load.requests_per_ks = 1_000;
    });
    pipeline.handle_timeout(START.plus_s(1_200));
    let dead = pipeline.summary().census.jobs.dead;
    assert!(dead > 40, "{dead}");
    assert!(pipeline.set_switch(START.plus_s(1_200), "failing-step", false));
    assert!(!pipeline.set_switch(START.plus_s(1_200), "no such", true));
    let arn = "arn:aws:sqs:eu-west-1:123456789012:JobDLQ";
    // Twice: what had its last receive just before the switch dies a little later.
    for end_s in [1_800, 2_400] {
        let start = SqsRequest::StartMessageMoveTask { source: arn.into(), destination: None, max_per_s: None };
        assert!(ask(&mut pipeline, Request::Sqs(start)).is_ok());
        pipeline.handle_timeout(START.plus_s(end_s));
    }
    let summary = pipeline.summary();
    assert_eq!((summary.census.jobs.dead, summary.census.jobs.lost), (0, 0), "{summary:?}");
    assert!(summary.jobs_redriven >= dead && summary.jobs_dead >= dead, "{summary:?}");
}

#[test]
fn a_message_deleted_without_a_copy_is_lost_and_named() {
    let fault = Fault::FailingStep { action: "send".to_owned(), one_in: 3 };
    let mut pipeline = pipeline(|b| b.switches = vec![switch("failing-step", true, fault)]);
    pipeline.handle_timeout(START.plus_s(600));
    let queue = pipeline.queues.url(&JOB_DLQ.into());
    let receive = Receive {
        queue: queue.clone(),
        max: 1,
        visibility_s: None,
        wait_s: None,
        attribute_names: Vec::new(),
        system_names: Vec::new(),
    };
    let Ok(Reply::Sqs(SqsReply::Received { messages, .. })) =
        ask(&mut pipeline, Request::Sqs(SqsRequest::Receive(receive)))
    else {
        panic!("no message")
    };
    let receipt = messages[0].receipt.clone();
    assert_eq!(pipeline.census().jobs.lost, 0);
    assert!(ask(&mut pipeline, Request::Sqs(SqsRequest::Delete { queue, receipt })).is_ok());
    let census = pipeline.census();
    assert_eq!((census.jobs.lost, census.lost.len()), (1, 1));
    assert!(messages[0].body.contains(&census.lost[0]), "{census:?}");
    pipeline.note_dropped([census.lost[0].parse().expect("an identity")]);
    assert_eq!((pipeline.census().jobs.lost, pipeline.census().jobs.dropped), (0, 1));
}

#[test]
fn an_update_is_echoed_old_refused_twice_and_acts_late() {
    let mut pipeline = pipeline(|_| {});
    pipeline.handle_timeout(START.plus_s(60));
    let before = mapping_of(&mut pipeline, LOG_WORKER);
    assert_eq!((before.state.clone(), before.settings.parallelization_factor), (MappingState::Enabled, Some(1)));
    let update = |factor| LambdaRequest::UpdateMapping {
        id: before.id.clone(),
        update: MappingUpdate { parallelization_factor: Some(factor), ..MappingUpdate::default() },
    };
    assert_eq!(lambda(&mut pipeline, update(11)), Err("ValidationException".to_owned()));
    let Ok(LambdaReply::Mapping { mapping, accepted: true }) = lambda(&mut pipeline, update(5)) else {
        panic!("not accepted")
    };
    assert_eq!((mapping.state, mapping.settings.parallelization_factor), (MappingState::Updating, Some(1)));
    assert_eq!(lambda(&mut pipeline, update(6)), Err("ResourceInUseException".to_owned()));
    pipeline.handle_timeout(START.plus_s(90));
    let after = mapping_of(&mut pipeline, LOG_WORKER);
    assert_eq!((after.state, after.settings.parallelization_factor), (MappingState::Enabled, Some(5)));
    let unknown = LambdaRequest::GetMapping(MappingId::from("no"));
    assert_eq!(lambda(&mut pipeline, unknown), Err("ResourceNotFoundException".to_owned()));
    let queue = mapping_of(&mut pipeline, JOB_WORKER);
    assert_eq!((queue.settings.parallelization_factor, queue.last_processing_result), (None, None));
}

#[test]
fn the_control_plane_takes_fifteen_requests_a_second() {
    let mut pipeline = pipeline(|_| {});
    pipeline.handle_timeout(START.plus_s(60));
    let results: Vec<_> = (0..40).map(|_| lambda(&mut pipeline, LambdaRequest::GetAccountSettings)).collect();
    let refused = results.iter().filter(|r| **r == Err("TooManyRequestsException".to_owned())).count();
    assert_eq!(refused, 10);
}

#[test]
fn a_stopped_consumer_leaves_a_gap_and_not_zeros() {
    let stopped = Fault::StoppedConsumer { function: LOG_WORKER.into() };
    let mut pipeline = pipeline(|b| b.switches = vec![switch("stopped", false, stopped)]);
    pipeline.handle_timeout(START.plus_s(600));
    pipeline.set_switch(START.plus_s(600), "stopped", true);
    pipeline.handle_timeout(START.plus_s(1_500));
    assert_eq!(mapping_of(&mut pipeline, LOG_WORKER).state, MappingState::Disabled);
    let key = MetricKey::lambda(&FunctionName::from(LOG_WORKER), "IteratorAge", Stat::Maximum);
    let query = GetMetricData {
        queries: vec![("a".to_owned(), key, 60)],
        from: START,
        to: START.plus_s(1_500),
        ascending: true,
        max_datapoints: None,
        token: None,
    };
    let Ok(Reply::CloudWatch(CloudWatchReply::MetricData { results, .. })) =
        ask(&mut pipeline, Request::CloudWatch(CloudWatchRequest::GetMetricData(query)))
    else {
        panic!("no data")
    };
    let last = results[0].points.last().map(|(at, _)| at.ms_since(START) / 60_000);
    assert!(results[0].points.len() >= 10 && last <= Some(11), "{last:?}");
    pipeline.set_switch(START.plus_s(1_500), "stopped", false);
    pipeline.handle_timeout(START.plus_s(1_800));
    let census = pipeline.census();
    assert!(census.events.waiting < 50 && census.events.lost == 0, "{census:?}");
}

#[test]
fn a_poison_record_is_isolated_and_its_pointers_are_dead_not_lost() {
    for how in [PoisonKind::Exception, PoisonKind::PartialBatch] {
        let mut pipeline = pipeline(|b| {
            b.switches = vec![switch("poison", true, Fault::Poison { one_in: 200, how })];
            let settings = &mut b.mappings[1].settings;
            settings.max_retry_attempts = Some(1);
        });
        pipeline.handle_timeout(START.plus_s(900));
        let census = pipeline.census();
        assert!(census.events.dead >= 5, "{how:?} {census:?}");
        assert_eq!((census.events.lost, census.events.expired), (0, 0), "{how:?} {census:?}");
        assert!(census.events.done > census.events.total() * 3 / 4, "{how:?} {census:?}");
    }
}

#[test]
fn a_chain_of_jobs_is_cut_off_where_recursion_is_guarded() {
    let steps = vec![r#"{"action":"update-profile","recipient_id":"u","profile":{}}"#; 20].join(",");
    let body = format!(r#"{{"automation":{{"steps":[{steps}]}}}}"#);
    let run = |guarded: bool| {
        let mut pipeline = pipeline(|b| {
            b.load.requests_per_ks = 0;
            b.functions[1].allow_recursion = !guarded;
        });
        let post = WebRequest::PostAutomation { body: body.clone() };
        let Ok(Reply::Web(WebReply { status: 202, .. })) = ask(&mut pipeline, Request::Web(post)) else {
            panic!("not accepted")
        };
        pipeline.handle_timeout(START.plus_s(900));
        pipeline.census().jobs
    };
    let allowed = run(false);
    assert_eq!((allowed.done, allowed.dead), (20, 0));
    let guarded = run(true);
    assert_eq!((guarded.done, guarded.dead, guarded.lost), (15, 1, 0));
}

#[test]
fn throttles_alone_push_messages_to_the_dead_letter_queue() {
    let fault = Fault::Throttled { function: JOB_WORKER.into(), concurrency: 0 };
    let mut pipeline = pipeline(|b| {
        b.switches = vec![switch("throttled", true, fault)];
        b.load.requests_per_ks = 100;
    });
    pipeline.handle_timeout(START.plus_s(1_800));
    let census = pipeline.census();
    assert!(census.jobs.dead > 0 && census.jobs.done == 0 && census.jobs.lost == 0, "{census:?}");
}

#[test]
fn the_web_service_says_what_became_of_a_run() {
    let mut pipeline = pipeline(|b| b.load.requests_per_ks = 0);
    let web = |pipeline: &mut Pipeline, request| match ask(pipeline, Request::Web(request)) {
        Ok(Reply::Web(reply)) => reply,
        other => panic!("{other:?}"),
    };
    let body = r#"{"automation":{"steps":[{"action":"send","recipient":"ada","template":"hello"}]},"recipient":"ada"}"#;
    let accepted = web(&mut pipeline, WebRequest::PostAutomation { body: body.to_owned() });
    assert_eq!(accepted.status, 202);
    let id = "run-00000001".to_owned();
    assert!(accepted.body.contains(&id));
    pipeline.handle_timeout(START.plus_s(30));
    let run = web(&mut pipeline, WebRequest::GetRun { id });
    assert!(run.status == 200 && run.body.contains(r#""status":"PROCESSED""#), "{run:?}");
    let found = web(&mut pipeline, WebRequest::SearchEvents { q: "action:send ada".to_owned(), limit: 10 });
    assert!(found.body.contains("run-00000001/0/finished"), "{found:?}");
    let wrong = web(&mut pipeline, WebRequest::PostAutomation { body: "{}".to_owned() });
    assert_eq!(wrong.status, 400);
    assert_eq!(web(&mut pipeline, WebRequest::GetRun { id: "run-x".to_owned() }).status, 404);
}

#[test]
fn a_function_is_invoked_by_hand_with_an_sqs_event() {
    let fault = Fault::FailingStep { action: "send".to_owned(), one_in: 1 };
    let mut pipeline = pipeline(|b| b.switches = vec![switch("failing-step", true, fault)]);
    pipeline.handle_timeout(START.plus_s(30));
    let mut bodies = Vec::new();
    pipeline.queues.each_body(pipeline.now, |queue, body, _, _| {
        if queue.as_str() == JOB_QUEUE {
            bodies.push(body.to_owned());
        }
    });
    let payload = serde_json::json!({"Records": [{"eventSource": "aws:sqs", "body": bodies[0]}]}).to_string();
    let invoke = || LambdaRequest::Invoke {
        function: JOB_WORKER.into(),
        payload: payload.clone(),
        kind: InvokeKind::RequestResponse,
        log_tail: true,
    };
    let Ok(LambdaReply::Invoked { function_error, payload: said, log_tail, .. }) = lambda(&mut pipeline, invoke())
    else {
        panic!("no answer")
    };
    assert_eq!(function_error.as_deref(), Some("Unhandled"));
    assert!(said.contains("ProviderError") && log_tail.is_some_and(|tail| tail.contains("ProviderError")), "{said}");
    pipeline.set_switch(pipeline.now, "failing-step", false);
    let Ok(LambdaReply::Invoked { function_error, .. }) = lambda(&mut pipeline, invoke()) else { panic!("no answer") };
    assert_eq!(function_error, None);
    pipeline.handle_request(pipeline.now, RequestId(2), Request::Lambda(invoke()));
    pipeline.handle_cancel(pipeline.now, RequestId(2));
    pipeline.handle_timeout(pipeline.now.plus_s(30));
    assert_eq!(pipeline.poll_response(), None, "nobody waits for it");
}

#[test]
fn an_external_function_gets_json_and_answers_it() {
    use crate::pipeline::external::Outcome;
    let mut pipeline = pipeline(|b| {
        b.functions[2].external = true;
        b.functions[2].service.per_run_us = Distribution::Fixed(1);
    });
    let mut sizes: BTreeMap<bool, u32> = BTreeMap::new();
    let mut now = START;
    while now < START.plus_s(120) {
        now = pipeline.poll_timeout().map_or(now, |at| at.max(now));
        pipeline.handle_timeout(now);
        while let Some(invocation) = pipeline.poll_invocation() {
            assert!(invocation.payload.contains("\"eventSource\":\"aws:dynamodb\""));
            *sizes.entry(true).or_default() += 1;
            pipeline.handle_outcome(now, invocation.id, Outcome::Returned("{}".to_owned()));
        }
    }
    assert!(sizes[&true] > 50);
    assert!(pipeline.census().events.waiting < 30);
}

#[test]
fn what_the_stream_trims_unread_is_expired_and_the_rest_goes_on() {
    let stopped = Fault::StoppedConsumer { function: LOG_WORKER.into() };
    let mut pipeline = pipeline(|b| {
        b.table.retention_s = 600;
        b.switches = vec![switch("stopped", false, stopped)];
    });
    pipeline.handle_timeout(START.plus_s(300));
    pipeline.set_switch(START.plus_s(300), "stopped", true);
    pipeline.handle_timeout(START.plus_s(1_800));
    let events = pipeline.census().events;
    assert!(events.expired > 3_000 && events.lost == 0 && events.waiting > 3_000, "{events:?}");
    pipeline.set_switch(START.plus_s(1_800), "stopped", false);
    pipeline.handle_timeout(START.plus_s(2_400));
    let after = pipeline.census().events;
    assert!(after.waiting < 50 && after.lost == 0 && after.expired < events.expired + 200, "{after:?}");
    assert_eq!(after.total(), pipeline.summary().events);
}

#[test]
fn an_sqs_mapping_keeps_to_its_window_and_its_maximum_concurrency() {
    let mut pipeline = pipeline(|b| {
        b.load.requests_per_ks = 10_000;
        let settings = &mut b.mappings[0].settings;
        settings.batch_size = Some(100);
        settings.window_s = Some(5);
        settings.max_concurrency = Some(2);
        b.functions[1].timeout_s = 30;
    });
    pipeline.watch(true);
    let mut most = 0;
    for second in 1..=300 {
        pipeline.handle_timeout(START.plus_s(second));
        most = most.max(pipeline.functions.get(1).running);
    }
    assert!((1..=2).contains(&most), "{most}");
    let runs = std::iter::from_fn(|| pipeline.poll_event()).filter(
        |notice| matches!(&notice.what, Happening::RunEnded { function, .. } if function.as_str() == JOB_WORKER),
    );
    let runs = runs.count() as u64;
    let done = pipeline.summary().jobs_finished;
    assert!(done > 1_000 && done / runs > 20, "{done} jobs in {runs} runs");
}

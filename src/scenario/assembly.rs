//! A scenario file laid over the standard pipeline, part by part, each fault said where it is.

use std::ops::Range;

use serde_json::{Map, Value, json};
use toml::Spanned;

use crate::pipeline::blueprint::{Blueprint, Mix, SwitchBlueprint};
use crate::pipeline::standard::standard;
use crate::scenario::Scenario;
use crate::scenario::action::{Action, deployed};
use crate::scenario::error::{ScenarioError, at, of_toml};
use crate::scenario::expect::Expect;
use crate::scenario::file::{self, File};
use crate::scenario::{alarm, fleet, part, switch};

/// The history the console's charts show: three hours.
const HISTORY_S: u32 = 3 * 3600;

/// # Errors
/// The first thing that is wrong: file, line, key and why.
pub(super) fn scenario(name: &str, file: &str, text: &str) -> Result<Scenario, ScenarioError> {
    let read: File = toml::from_str(text).map_err(|error| of_toml(file, text, &error))?;
    let here = |span: Range<usize>, message: String| at(file, text, &span, message);
    let mut base = standard();
    base.switches = switch::standard();
    if let Some(account) = &read.account {
        rename_account(&mut base, account).map_err(|(span, message)| here(span, message))?;
    }
    // Queues first: functions and mappings name them.
    for queue in &read.queues {
        part::queue(&mut base, queue.get_ref()).map_err(|message| here(queue.span(), message))?;
    }
    for function in &read.functions {
        part::function(&mut base, function.get_ref()).map_err(|message| here(function.span(), message))?;
    }
    for mapping in &read.mappings {
        part::mapping(&mut base, mapping.get_ref()).map_err(|message| here(mapping.span(), message))?;
    }
    if let Some(file) = &read.fleet {
        fleet::fill(&mut base, file.get_ref()).map_err(|message| here(file.span(), message))?;
    }
    for one in &read.alarms {
        alarm::alarm(&mut base, one.get_ref()).map_err(|message| here(one.span(), message))?;
    }
    places(&mut base, &read);
    if let Some(load) = &read.load {
        arrivals(&mut base, load);
    }
    for (name, template) in &read.templates {
        let automation = automation(template.cancelation_token.as_deref(), &template.steps);
        base.templates.insert(name.clone(), automation.to_string());
    }
    for switch in &read.switches {
        add_switch(&mut base, switch.get_ref()).map_err(|message| here(switch.span(), message))?;
    }
    let (mut switching, mut actions, mut deploys) = (Vec::new(), Vec::new(), Vec::new());
    for entry in &read.timeline {
        let at_s = entry.get_ref().at_s;
        if let Some(function) = &entry.get_ref().deploy {
            let function = deployed(entry.get_ref(), function, &base).map_err(|message| here(entry.span(), message))?;
            deploys.push((at_s, function));
            continue;
        }
        happening(&base, entry, &mut switching, &mut actions).map_err(|message| here(entry.span(), message))?;
    }
    // Stable: what is written first happens first.
    switching.sort_by_key(|(at_s, _, _)| *at_s);
    actions.sort_by_key(|(at_s, _)| *at_s);
    deploys.sort_by_key(|(at_s, _)| *at_s);
    Ok(Scenario {
        name: name.to_owned(),
        title: read.title,
        history_s: read.history_s.unwrap_or(HISTORY_S),
        base,
        switching,
        deploys,
        actions,
        expect: read.expect.as_ref().map(|expect| Expect::of(expect.get_ref())),
    })
}

/// Gives the pipeline another account or region, wherever their names stand.
fn rename_account(base: &mut Blueprint, file: &file::Account) -> Result<(), (Range<usize>, String)> {
    if let Some(id) = &file.id {
        let right = id.get_ref().len() == 12 && id.get_ref().bytes().all(|b| b.is_ascii_digit());
        if !right {
            return Err((id.span(), "an account id is twelve digits, as text".to_owned()));
        }
        rename(base, &base.account.clone(), id.get_ref());
        base.account = id.get_ref().clone();
    }
    if let Some(region) = &file.region {
        let part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if region.get_ref().is_empty() || !region.get_ref().chars().all(part) {
            return Err((region.span(), "a region looks like eu-west-1".to_owned()));
        }
        rename(base, &base.region.clone(), region.get_ref());
        base.region = region.get_ref().clone();
    }
    Ok(())
}

fn rename(base: &mut Blueprint, old: &str, new: &str) {
    base.sqs_endpoint = base.sqs_endpoint.replace(old, new);
    for function in &mut base.functions {
        for value in function.environment.values_mut() {
            *value = value.replace(old, new);
        }
    }
    for action in base.alarms.iter_mut().flat_map(|alarm| &mut alarm.actions) {
        *action = action.replace(old, new);
    }
    for mapping in &mut base.mappings {
        if let Some(arn) = &mut mapping.settings.on_failure {
            *arn = arn.as_str().replace(old, new).into();
        }
    }
}

/// Table, bucket and limits.
fn places(base: &mut Blueprint, read: &File) {
    if let Some(table) = &read.table {
        base.table.name = table.name.clone().unwrap_or_else(|| base.table.name.clone());
        base.table.shards = table.shards.unwrap_or(base.table.shards);
        base.table.retention_s = table.retention_s.unwrap_or(base.table.retention_s);
        base.table.payload_bucket = table.payload_bucket.clone().unwrap_or_else(|| base.table.payload_bucket.clone());
    }
    if let Some(bucket) = &read.bucket {
        base.bucket.name = bucket.name.clone().unwrap_or_else(|| base.bucket.name.clone());
        if let Some(function) = &bucket.notifies {
            base.bucket.notifies = function.as_str().into();
        }
    }
    if let Some(limits) = &read.limits {
        base.limits.concurrency = limits.concurrency.unwrap_or(base.limits.concurrency);
        base.limits.control_plane_rps = limits.control_plane_rps.unwrap_or(base.limits.control_plane_rps);
        base.limits.documents = limits.documents.unwrap_or(base.limits.documents);
        if let Some(spread) = &limits.transition_ms {
            base.limits.transition_ms = spread.0.clone();
        }
        if let Some(spread) = &limits.linger_ms {
            base.limits.linger_ms = spread.0.clone();
        }
    }
}

fn arrivals(base: &mut Blueprint, load: &file::Load) {
    let to = &mut base.load;
    to.requests_per_ks = load.requests_per_s.as_ref().map_or(to.requests_per_ks, |rate| rate.per_ks);
    to.events_per_ks = load.events_per_s.as_ref().map_or(to.events_per_ks, |rate| rate.per_ks);
    to.recipients = load.recipients.unwrap_or(to.recipients);
    to.event_items = load.event_items.unwrap_or(to.event_items);
    if !load.mix.is_empty() {
        to.mix = load.mix.iter().map(|mix| Mix { weight: mix.weight, body: body(mix) }).collect();
    }
}

/// The body of a `POST /automations`, as a client would write it.
fn body(mix: &file::Mix) -> String {
    let mut body = Map::new();
    body.insert("automation".into(), automation(mix.cancelation_token.as_deref(), &mix.steps));
    for (name, value) in [("data", &mix.data), ("profile", &mix.profile)] {
        if let Some(value) = value {
            body.insert(name.into(), value.clone());
        }
    }
    Value::Object(body).to_string()
}

fn automation(token: Option<&str>, steps: &[Value]) -> Value {
    match token {
        Some(token) => json!({"cancelation_token": token, "steps": steps}),
        None => json!({ "steps": steps }),
    }
}

fn add_switch(base: &mut Blueprint, file: &file::Switch) -> Result<(), String> {
    let fault = file.fault.as_ref().map(switch::fault).transpose()?;
    if let Some(known) = base.switches.iter_mut().find(|s| s.name == file.name) {
        if let Some(fault) = fault {
            known.what = switch::what(&fault);
            known.fault = fault;
        }
        known.what = file.what.clone().unwrap_or_else(|| known.what.clone());
        known.on = file.on.unwrap_or(known.on);
        return Ok(());
    }
    let fault = fault.ok_or_else(|| {
        let names = base.switches.iter().map(|s| s.name.as_str()).collect::<Vec<_>>().join(", ");
        format!("{:?} is new and needs a `fault` (there are {names})", file.name)
    })?;
    let what = file.what.clone().unwrap_or_else(|| switch::what(&fault));
    base.switches.push(SwitchBlueprint { name: file.name.clone(), what, on: file.on.unwrap_or(false), fault });
    Ok(())
}

fn happening(
    base: &Blueprint,
    entry: &Spanned<file::Timeline>,
    switching: &mut Vec<(i64, String, bool)>,
    actions: &mut Vec<(i64, Action)>,
) -> Result<(), String> {
    let entry = entry.get_ref();
    match (&entry.switch, entry.on) {
        (Some(_), _) if entry.tune.is_some() || entry.redrive.is_some() => {
            Err("say one of `switch`, `tune`, `redrive` and `deploy`".to_owned())
        }
        (Some(name), Some(on)) => {
            if !base.switches.iter().any(|s| s.name == *name) {
                let names = base.switches.iter().map(|s| s.name.as_str()).collect::<Vec<_>>().join(", ");
                return Err(format!("there is no switch {name:?} (there are {names})"));
            }
            switching.push((entry.at_s, name.clone(), on));
            Ok(())
        }
        (Some(_), None) => Err("`switch` needs `on`".to_owned()),
        (None, Some(_)) => Err("`on` belongs to `switch`".to_owned()),
        (None, None) => {
            actions.push((entry.at_s, Action::of(entry, base)?));
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::alarm::AlarmKind;
    use crate::model::id::FunctionName;
    use crate::pipeline::blueprint::Fault;
    use crate::pipeline::distribution::Distribution;
    use crate::scenario::parse;

    #[test]
    fn a_file_changes_what_it_names_and_nothing_else() {
        let text = r#"
            title = "t"
            account = { id = "999988887777", region = "us-east-1" }
            [load]
            requests_per_s = 3.67
            [[load.mix]]
            weight = 2
            data = { n = 1 }
            steps = [{ action = "send", recipient = { "$ref" = "recipient" }, template = "t" }]
            [[queues]]
            name = "JobQueue"
            max_receive_count = 3
            [[queues]]
            name = "Other"
            [[functions]]
            name = "LogWorker"
            per_run_us = { uniform = [1, 3] }
            [[mappings]]
            function = "LogWorker"
            parallelization_factor = 2
            on_failure = ""
            [[alarms]]
            name = "iterator-age-high"
            threshold = 1000
            evaluation_periods = 5
            [[alarms]]
            name = "many"
            metric = "ApproximateNumberOfMessagesVisible"
            queue = "Other"
            threshold = 10
            [[switches]]
            name = "failing-step"
            on = true
            fault.failing-step = { action = "fetch-data", one_in = 7 }
        "#;
        let scenario = parse("t", "t.toml", text).expect("right");
        let blueprint = scenario.blueprint(0);
        let plain = standard();
        assert_eq!((blueprint.account.as_str(), blueprint.region.as_str()), ("999988887777", "us-east-1"));
        let environment = &blueprint.functions[1].environment["JOB_QUEUE_URL"];
        assert_eq!(environment, "https://sqs.us-east-1.amazonaws.com/999988887777/JobQueue");
        assert_eq!(blueprint.load.requests_per_ks, 3670);
        assert!(blueprint.load.mix[0].body.contains(r#""data":{"n":1}"#));
        let queue = &blueprint.queues[0];
        assert_eq!(queue.redrive, Some(("JobDLQ".into(), 3)));
        assert_eq!(queue.visibility_s, plain.queues[0].visibility_s);
        assert!(blueprint.has_queue(&"Other".into()));
        let log_worker = blueprint.function(&FunctionName::from("LogWorker")).expect("standard");
        assert_eq!(log_worker.service.per_run_us, Distribution::Uniform(1, 3));
        let settings = &blueprint.mappings[1].settings;
        assert_eq!((settings.parallelization_factor, &settings.on_failure), (Some(2), &None));
        assert_eq!(settings.bisect, plain.mappings[1].settings.bisect);
        let find = |name: &str| blueprint.alarms.iter().find(|alarm| alarm.name.as_str() == name).expect("there");
        let AlarmKind::Metric(age) = &find("iterator-age-high").kind else { panic!("a metric alarm") };
        assert_eq!((age.threshold, age.evaluation_periods, age.datapoints_to_alarm), (Some(1000.0), 5, None));
        assert_eq!(age.metrics[0].dimension("FunctionName"), Some("LogWorker"));
        assert_eq!(find("iterator-age-high").actions, ["arn:aws:sns:us-east-1:999988887777:on-call"]);
        let AlarmKind::Metric(many) = &find("many").kind else { panic!("a metric alarm") };
        assert_eq!(
            (many.metrics[0].namespace.as_str(), many.metrics[0].dimension("QueueName")),
            ("AWS/SQS", Some("Other"))
        );
        let switch = blueprint.switches.iter().find(|s| s.name == "failing-step").expect("standard");
        assert!(switch.on && switch.what.contains("fetch-data"));
        assert_eq!(switch.fault, Fault::FailingStep { action: "fetch-data".into(), one_in: 7 });
    }

    #[test]
    fn what_is_wrong_is_said_with_file_line_and_key() {
        let cases = [
            ("title = 3", "t.toml:1: title: "),
            ("title = 't'\nhistroy_s = 3", "t.toml:2: histroy_s: unknown field `histroy_s`"),
            ("title = 't'\n[load]\nrequests_per_s = -1", "t.toml:3: load.requests_per_s: a rate"),
            ("title = 't'\n[[functions]]\nname = 'New'", "t.toml:2: functions: \"New\" is new"),
            (
                "title = 't'\n[[functions]]\nname = 'LogWorker'\nper_run_us = { even = 3 }",
                "t.toml:4: functions.per_run_us: ",
            ),
            (
                "title = 't'\n[[queues]]\nname = 'JobQueue'\nvisibility_s = 50000",
                "t.toml:2: queues: `visibility_s` must be",
            ),
            (
                "title = 't'\n[[queues]]\nname = 'JobQueue'\ndead_letter_queue = 'No'",
                "t.toml:4: queues.dead_letter_queue: ",
            ),
            (
                "title = 't'\n[[mappings]]\nfunction = 'JobWorker'\nbisect = true",
                "t.toml:2: mappings: `bisect` is for streams",
            ),
            ("title = 't'\n[[timeline]]\nat_s = 1\nswitch = 'surge'", "t.toml:2: timeline: `switch` needs `on`"),
            (
                "title = 't'\n[[timeline]]\nat_s = 1\nswitch = 'x'\non = true",
                "t.toml:2: timeline: there is no switch \"x\"",
            ),
            ("title = 't'\n[[timeline]]\nat_s = 1\ntune = 'LogWorker'", "t.toml:2: timeline: `tune` changes nothing"),
            ("title = 't'\n[[timeline]]\nat_s = 1\ndeploy = 'No'", "t.toml:2: timeline: there is no function No"),
            (
                "title = 't'\n[[timeline]]\nat_s = 1\ndeploy = 'LogWorker'\nbatch_size = 3",
                "t.toml:2: timeline: `deploy` stands alone",
            ),
            ("title = 't'\n[[timeline]]\nat_s = 1\nredrive = 'No'", "t.toml:2: timeline: there is no queue No"),
            (
                "title = 't'\n[[switches]]\nname = 'surge'\nfault.surge = { percent = 3, x = 1 }",
                "t.toml:4: switches.fault.surge: ",
            ),
            ("title = 't'\n[[load.mix]]\nweight = 1\nsteps = [{ action = 'delay' }]", "t.toml:2: load.mix: "),
            ("title = 't'\n[templates.x]\nsteps = []", "t.toml:2: templates.x: the automation template x is not valid"),
            ("title = 't'\n[expect]\nrun_s = 60\nlost = [3, 1]", "t.toml:4: expect.lost: needs two numbers"),
            ("title = 't'\n[[alarms]]\nname = 'new'", "t.toml:2: alarms: a new alarm needs"),
            (
                "title = 't'\n[[alarms]]\nname = 'iterator-age-high'\nqueue = 'No'",
                "t.toml:2: alarms: there is no queue No",
            ),
            (
                "title = 't'\n[[alarms]]\nname = 'iterator-age-high'\ncomparison = '>'",
                "t.toml:2: alarms: \">\" is no comparison",
            ),
            (
                "title = 't'\n[[alarms]]\nname = 'c'\nrule = 'ALARM(no)'",
                "t.toml:3: alarms.name: the alarm c is not valid: its rule names the alarm no",
            ),
            ("title = 't'\n[account]\nid = '12'", "t.toml:3: account.id: an account id is"),
            ("title = 't", "t.toml:1: title: "),
        ];
        for (text, said) in cases {
            let error = parse("t", "t.toml", text).expect_err(text).to_string();
            assert!(error.starts_with(said), "{text}\n  said: {error}\n  not:  {said}");
        }
    }
}

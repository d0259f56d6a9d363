//! What the command line named, opened as soon as it is known: an alarm, a queue, a function, a
//! mapping, a stream or a table, by name, URL or ARN.

use crate::console::screen::Screen;
use crate::console::update::navigation::{push, screen_of};
use crate::console::{Asked, Console};
use crate::model::alarm::Alarm;
use crate::model::alarm_rule::name_of;
use crate::model::finding::{Severity, Subject};
use crate::model::id::{AlarmName, Arn, FunctionName, MappingId, QueueName};
use crate::model::topology::{Node, NodeKind};
use crate::verdict::alarm::{about, rule_of};

pub(super) fn open_wanted(console: &mut Console) {
    let Some(wanted) = console.open_wanted.take() else { return };
    if let Some(name) = queue(console, &wanted) {
        push(console, Screen::Triage(name));
    } else if let Some(id) = mapping(console, &wanted) {
        push(console, Screen::ConsumerDetail(id));
    } else if let Some(alarm) = alarm(console, &wanted) {
        // What the alarm is about may still be on its way.
        if !open_alarm(console, &alarm) {
            console.open_wanted = Some(wanted);
        }
    } else if let Some(node) = drawn(console, &wanted) {
        let (kind, name) = (node.kind, node.name.clone());
        if kind == NodeKind::Function {
            open_log(console, FunctionName::from(name));
        } else {
            console.say(Severity::Note, format!("{name} is drawn below: no event source mapping reads it"));
        }
    } else if let Some(name) = listed(console, &wanted) {
        open_log(console, name);
    } else if is_discovered(console) {
        let advice = match console.troubles.get(&Asked::Alarms) {
            Some(_) => "; alarms could not be read",
            None => "",
        };
        console.say(Severity::Warning, format!("{wanted} is not on the map: opened the map instead{advice}"));
    } else {
        console.open_wanted = Some(wanted);
    }
}

/// Everything that could hold a name has been read once, or refused.
fn is_discovered(console: &Console) -> bool {
    let topology = console.picture.topology.is_some() && !console.from_cache;
    topology && (console.picture.alarms.is_some() || console.troubles.contains_key(&Asked::Alarms))
}

fn queue(console: &Console, wanted: &str) -> Option<QueueName> {
    let queues = console.picture.queues.values().map(|observed| &observed.value);
    let is = |name: &str, arn: &str, url: &str| [name, arn, url].contains(&wanted);
    queues
        .filter(|queue| is(queue.name.as_str(), queue.arn.as_str(), queue.url.as_str()))
        .map(|queue| queue.name.clone())
        .next()
}

/// By its own id or ARN, by its function's name or ARN (with or without version), by its stream's or
/// table's ARN, or by the table's name.
fn mapping(console: &Console, wanted: &str) -> Option<MappingId> {
    let arn = Arn::from(wanted);
    let is_arn = !arn.service().is_empty();
    let uuid = wanted.split_once(":event-source-mapping:").map_or(wanted, |(_, uuid)| uuid);
    let mappings = || console.picture.mappings.values().map(|observed| &observed.value);
    let function = |mapping: &&crate::model::mapping::Mapping| {
        let own = mapping.function_arn.as_str();
        let version = wanted.strip_prefix(own).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'));
        mapping.function.as_str() == wanted || (is_arn && version)
    };
    let source = |mapping: &&crate::model::mapping::Mapping| {
        let table = mapping.source.table().is_some_and(|table| table == wanted || arn.table() == Some(table));
        mapping.source.as_str() == wanted || table
    };
    let found = mappings().find(|mapping| mapping.id.as_str() == uuid);
    found.or_else(|| mappings().find(function)).or_else(|| mappings().find(source)).map(|mapping| mapping.id.clone())
}

/// A function that no mapping feeds has no screen but its log.
fn open_log(console: &mut Console, name: FunctionName) {
    console.say(Severity::Note, format!("no event source mapping feeds {name}: this is its log"));
    push(console, Screen::Logs(name));
}

/// A function that is there although nothing says yet how it hangs together with the rest.
fn listed(console: &Console, wanted: &str) -> Option<FunctionName> {
    let mut functions = console.picture.functions.values().map(|seen| &seen.value).filter(|_| is_discovered(console));
    let version = |arn: &str| wanted.strip_prefix(arn).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'));
    functions.find(|one| one.name.as_str() == wanted || version(one.arn.as_str())).map(|one| one.name.clone())
}

/// Something of the map that no mapping feeds or reads. A function may be named by a version's ARN.
fn drawn<'a>(console: &'a Console, wanted: &str) -> Option<&'a Node> {
    let mut nodes =
        console.picture.topology.iter().filter(|_| is_discovered(console)).flat_map(|seen| &seen.value.nodes);
    nodes.find(|node| {
        let version = |rest: &str| node.kind == NodeKind::Function && rest.starts_with(':');
        let arn = wanted.strip_prefix(node.arn.as_str()).is_some_and(|rest| rest.is_empty() || version(rest));
        node.name == wanted || arn
    })
}

fn alarm(console: &Console, wanted: &str) -> Option<Alarm> {
    let alarms = console.picture.alarms.as_ref()?;
    alarms.value.get(&name_of(wanted)).cloned()
}

/// At its finding when it fires; at what it is about when not. False while that is not known yet.
fn open_alarm(console: &mut Console, alarm: &Alarm) -> bool {
    let subject = about(&console.picture, alarm).into_iter().next();
    let (name, state) = (&alarm.name, alarm.state.as_str());
    let since = alarm.since.map(|at| format!(" since {}", at.clock())).unwrap_or_default();
    let Some(subject) = subject else {
        if !is_discovered(console) {
            return false;
        }
        let text = format!("alarm {name} ({state}{since}) is about nothing on the map: opened the map instead");
        console.say(Severity::Warning, text);
        return true;
    };
    if alarm.fires() {
        console.judge();
        if let Some(key) = told_by(console, name).or_else(|| told_within(console, alarm)) {
            console.cursors.findings.set(key);
            return true;
        }
    }
    if let Some(screen) = screen_of(console, &subject) {
        push(console, screen);
    }
    console.say(Severity::Note, format!("alarm {name} is {state}{since}"));
    true
}

/// The finding of the alarm itself.
fn told_by(console: &Console, name: &AlarmName) -> Option<(String, Subject)> {
    let rule = rule_of(name);
    console.finding_keys().into_iter().find(|(other, _)| *other == rule)
}

/// The finding of a composite alarm that tells of this one.
fn told_within(console: &Console, alarm: &Alarm) -> Option<(String, Subject)> {
    let alarms = &console.picture.alarms.as_ref()?.value;
    let parents = alarms.values().filter(|parent| parent.fires() && parent.children().contains(&alarm.name));
    parents.filter_map(|parent| told_by(console, &parent.name)).next()
}

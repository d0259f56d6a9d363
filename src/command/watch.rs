//! `watch`: reads on until a consumer has drained, a queue is empty, or nothing is wrong. It writes
//! nothing and asks no oftener than the console: queues every few seconds, mappings and metrics once a
//! minute, of what is waited for and nothing else.

use std::collections::BTreeSet;
use std::io::{IsTerminal, Write};
use std::time::Duration;

use crate::command::failure::Failure;
use crate::command::look::{self, Look, Names};
use crate::command::{Here, print, say, style};
use crate::config::{Goal, Output, Watch, exit};
use crate::driver::clock::Clock;
use crate::model::finding::Subject;
use crate::model::id::{MappingId, QueueName};
use crate::model::mapping::Mapping;
use crate::report::watch::{Item, Read, end, lines};
use crate::report::{self, Style};
use crate::shell;
use crate::verdict::{self, goal};

/// Metrics are published once a minute: read no oftener, by whichever clock runs faster.
const METRICS_MS: i64 = 60_000;
/// But where account time runs fast (a sandbox), never oftener than this in local time.
const METRICS_FLOOR_MS: u64 = 5_000;
/// Reads that fail in a row before the wait says that the account cannot be reached.
const PATIENCE: u32 = 3;

/// What is waited for, resolved once.
enum Target {
    Consumers(Vec<MappingId>),
    Queue(QueueName),
    /// Findings about these, or (`None`) all of them.
    Findings(Option<Vec<Subject>>),
}

pub async fn run(here: &Here, asked: &Watch) -> Result<u8, Failure> {
    let mut look = look::look(here).await?;
    look::tell_missing(&look.missing);
    let target = resolve(&look, asked)?;
    let clock = Clock::aws();
    let began = clock.mono_now();
    let mut read = None;
    tokio::select! {
        () = shell::asked_to_stop() => {}
        answer = wait(&mut look, &target, asked, &clock, &mut read) => answer?,
    }
    let waited_ms = i64::try_from(clock.mono_now().ms_since(began)).unwrap_or(i64::MAX);
    let Some(read) = read else {
        say("redrive: stopped before anything was read");
        return Ok(exit::TROUBLE);
    };
    if read.reached && std::io::stderr().is_terminal() {
        let _ = std::io::stderr().lock().write_all(b"\x07");
    }
    match style(asked.output) {
        Style::Lines => {}
        style => print(&report::one(style, &read, |read| end(read, waited_ms)))?,
    }
    Ok(if read.reached { exit::FINE } else { exit::TROUBLE })
}

/// Until it is reached or the time is over; the newest read is left in `last`.
async fn wait(
    look: &mut Look,
    target: &Target,
    asked: &Watch,
    clock: &Clock,
    last: &mut Option<Read>,
) -> Result<(), Failure> {
    let began = clock.mono_now();
    let mut metrics_at = None;
    let mut failures = 0;
    loop {
        let local = clock.mono_now();
        let due = metrics_at.is_none_or(|(mono, account)| {
            let local_ms = local.ms_since(mono);
            let account_ms = look.now.ms_since(account);
            local_ms >= METRICS_MS.unsigned_abs() || (account_ms >= METRICS_MS && local_ms >= METRICS_FLOOR_MS)
        });
        let refreshed = look.refresh(&queues(look, target), due.then(|| names(look, target)).as_ref()).await;
        if due {
            metrics_at = Some((local, look.now));
        }
        match refreshed {
            Ok(()) => {
                failures = 0;
                let read = judge(look, target, asked.goal);
                tell(&read, asked.output)?;
                let reached = read.reached;
                *last = Some(read);
                if reached {
                    return Ok(());
                }
            }
            Err(error) => {
                failures += 1;
                say(&format!("redrive: {error}"));
                let over = clock.mono_now().ms_since(began) >= asked.timeout_s * 1000;
                if failures >= PATIENCE && (over || last.is_none()) {
                    return Err(error.into());
                }
            }
        }
        // Slower after errors, never past the end.
        let pause_ms = (asked.interval_s * 1000) << failures.min(4);
        let left_ms = (asked.timeout_s * 1000).saturating_sub(clock.mono_now().ms_since(began));
        if left_ms == 0 {
            say("redrive: the time is over");
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(pause_ms.min(left_ms))).await;
    }
}

/// Queues that are read at each round: the sources of what is waited for.
fn queues(look: &Look, target: &Target) -> Vec<QueueName> {
    let picture = &look.picture;
    let sources = |ids: &[MappingId]| {
        let mappings = ids.iter().filter_map(|id| picture.mappings.get(id));
        let queues = mappings.filter_map(|mapping| picture.queue_by_arn(&mapping.value.source));
        queues.map(|queue| queue.value.name.clone()).collect()
    };
    match target {
        Target::Consumers(ids) => sources(ids),
        Target::Queue(name) => vec![name.clone()],
        Target::Findings(_) => picture.queues.keys().cloned().collect(),
    }
}

/// Whose metrics the goal is judged from.
fn names(look: &Look, target: &Target) -> Names {
    match target {
        Target::Findings(_) => Names::All,
        // Counts alone.
        Target::Queue(_) => Names::Only(BTreeSet::new()),
        Target::Consumers(ids) => {
            let mappings = ids.iter().filter_map(|id| look.picture.mappings.get(id)).map(|mapping| &mapping.value);
            let of = |mapping: &Mapping| {
                let source = mapping.source.table().unwrap_or_else(|| mapping.source.resource());
                [mapping.function.to_string(), mapping.id.to_string(), source.to_owned()]
            };
            Names::Only(mappings.flat_map(of).collect())
        }
    }
}

fn judge(look: &Look, target: &Target, until: Goal) -> Read {
    let (picture, now) = (&look.picture, look.now);
    let waiting_for: Vec<Item> = match target {
        Target::Consumers(ids) => ids
            .iter()
            .map(|id| match picture.mappings.get(id) {
                Some(mapping) => {
                    Item::new(mapping.value.function.to_string(), goal::drained(picture, now, &mapping.value))
                }
                None => Item::new(id.to_string(), gone()),
            })
            .collect(),
        Target::Queue(name) => vec![match picture.queues.get(name) {
            Some(queue) => Item::new(name.to_string(), goal::empty(picture, now, &queue.value)),
            None => Item::new(name.to_string(), gone()),
        }],
        Target::Findings(subjects) => {
            let findings = verdict::judge(picture, now);
            let about =
                findings.iter().filter(|finding| subjects.as_ref().is_none_or(|all| all.contains(&finding.subject)));
            vec![Item::new("pipeline".to_owned(), goal::ok(&about.collect::<Vec<_>>()))]
        }
    };
    let reached = !waiting_for.is_empty() && waiting_for.iter().all(|item| item.reached);
    Read { at: now.to_string(), until: until.name(), reached, waiting_for }
}

fn gone() -> goal::Distance {
    goal::Distance { why: "it does not exist any more".to_owned(), ..goal::Distance::default() }
}

fn tell(read: &Read, output: Output) -> Result<(), Failure> {
    if output == Output::Ndjson {
        return print(&report::one(Style::Lines, read, |_| String::new()));
    }
    lines(read).iter().for_each(|line| say(line));
    Ok(())
}

fn resolve(look: &Look, asked: &Watch) -> Result<Target, Failure> {
    let picture = &look.picture;
    let Some(name) = asked.target.as_deref() else {
        return match asked.goal {
            Goal::Ok => Ok(Target::Findings(None)),
            _ if picture.mappings.is_empty() => {
                Err(Failure::Usage("no event source mapping was found: nothing can drain".to_owned()))
            }
            _ => Ok(Target::Consumers(picture.mappings.keys().cloned().collect())),
        };
    };
    let queue = picture
        .queues
        .values()
        .map(|queue| &queue.value)
        .find(|queue| [queue.name.as_str(), queue.arn.as_str(), queue.url.as_str()].contains(&name));
    let mappings = picture.mappings.values().map(|mapping| &mapping.value).filter(|mapping| {
        let names =
            [mapping.id.as_str(), mapping.function.as_str(), mapping.function_arn.as_str(), mapping.source.as_str()];
        names.contains(&name) || queue.is_some_and(|queue| queue.arn == mapping.source)
    });
    let mappings: Vec<_> = mappings.collect();
    match (asked.goal, queue) {
        (Goal::Ok, _) if queue.is_some() || !mappings.is_empty() => {
            let consumers = mappings.iter().flat_map(|mapping| {
                [Subject::Mapping(mapping.id.clone()), Subject::Function(mapping.function.clone())]
            });
            let queue = queue.map(|queue| Subject::Queue(queue.name.clone()));
            Ok(Target::Findings(Some(consumers.chain(queue).collect())))
        }
        (Goal::Drained, _) if !mappings.is_empty() => {
            Ok(Target::Consumers(mappings.iter().map(|mapping| mapping.id.clone()).collect()))
        }
        (Goal::Drained, Some(_)) => {
            Err(Failure::Usage(format!("{name} has no consumer to drain it; wait with --until empty")))
        }
        (Goal::Empty, Some(queue)) => Ok(Target::Queue(queue.name.clone())),
        (Goal::Empty, None) if !mappings.is_empty() => {
            Err(Failure::Usage(format!("{name} is no queue; --until empty waits for a queue")))
        }
        _ => Err(Failure::Usage(format!(
            "no queue, function or mapping {name:?} was found; see redrive queues, redrive consumers"
        ))),
    }
}

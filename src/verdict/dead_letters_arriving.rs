//! Dead letters coming in now. Told from depths, ours or CloudWatch's: what SQS moves by itself is
//! not in `NumberOfMessagesSent` (aws-facts §2.4).

use std::collections::BTreeSet;

use crate::model::finding::{Finding, Severity, Subject};
use crate::model::id::Arn;
use crate::model::metric::{MetricKey, Stat};
use crate::model::picture::Picture;
use crate::model::queue::Queue;
use crate::model::time::Timestamp;
use crate::verdict::bound::Bound;
use crate::verdict::window::{STALE_S, rising_since};
use crate::verdict::wording::{count, exact, rate, remedy, span};

/// Seconds of depths looked at; an arrival in the newest half of them is "now".
const WINDOW_S: i64 = 600;
/// Our own polls tell a rate only over this many seconds.
const LEAST_S: i64 = 45;

/// How soon it speaks.
pub const BOUND: Bound = Bound::SUDDEN;

pub fn check(picture: &Picture, now: Timestamp, queue: &Queue) -> Option<Finding> {
    if !takes_dead_letters(picture, queue) {
        return None;
    }
    let (per_min, source) = polled(picture, now, queue).or_else(|| published(picture, now, queue))?;
    let here = exact(queue.counts.total());
    let key = visible(queue);
    let since = picture.metrics.get(&key).and_then(|series| rising_since(series, 0.0));
    let mut evidence = vec![format!("~{} here, {source}", count(here))];
    let consumers = consumers(picture, queue);
    if !consumers.is_empty() {
        evidence.push(format!("from {}", consumers.join(", ")));
    }
    let mut remedies = vec![remedy("scan", format!("scan {}", queue.name))];
    remedies.extend(functions(picture, queue).into_iter().map(|name| remedy("logs", format!("logs of {name}"))));
    Some(Finding {
        rule: "dead-letters-arriving".to_owned(),
        severity: Severity::Harm,
        subject: Subject::Queue(queue.name.clone()),
        headline: format!("{}: dead letters arriving, {}/min", queue.name, rate(per_min)),
        since,
        evidence,
        remedies,
    })
}

/// A redrive policy or an on-failure destination leads here.
pub fn takes_dead_letters(picture: &Picture, queue: &Queue) -> bool {
    queue.is_dead_letter() || is_failure_destination(picture, queue)
}

pub fn is_failure_destination(picture: &Picture, queue: &Queue) -> bool {
    picture.mappings.values().any(|observed| observed.value.settings.on_failure.as_ref() == Some(&queue.arn))
}

/// Messages a minute that came in, by our own polls: what it grew by between polls, since others may
/// be taking out. `None` without an arrival in the newest half of the window.
fn polled(picture: &Picture, now: Timestamp, queue: &Queue) -> Option<(f64, String)> {
    let depths = picture.depths.get(&queue.name)?;
    let recent: Vec<_> = depths.iter().filter(|(at, _)| now.ms_since(*at) <= WINDOW_S * 1000).collect();
    let (first, last) = (recent.first()?, recent.last()?);
    let ms = last.0.ms_since(first.0);
    if ms < LEAST_S * 1000 {
        return None;
    }
    let mut came = 0;
    let mut newest = None;
    for pair in recent.windows(2) {
        let [(_, before), (at, after)] = pair else { continue };
        let more = after.total().saturating_sub(before.total());
        came += more;
        newest = if more > 0 { Some(*at) } else { newest };
    }
    newest.filter(|at| now.ms_since(*at) <= WINDOW_S * 1000 / 2)?;
    Some((exact(came) * 60_000.0 / span(ms), format!("by our own polls until {}", last.0.clock_s())))
}

/// The same from CloudWatch, while our polls do not reach back far enough.
fn published(picture: &Picture, now: Timestamp, queue: &Queue) -> Option<(f64, String)> {
    let polls = picture.depths.get(&queue.name);
    let reach_s = polls.and_then(|depths| depths.front()).map_or(0, |(at, _)| now.ms_since(*at) / 1000);
    if reach_s >= WINDOW_S / 2 {
        return None;
    }
    let series = picture.metrics.get(&visible(queue))?;
    let points: Vec<_> = series.between(now.plus_s(-WINDOW_S - STALE_S / 2), now).collect();
    let (first, last) = (points.first()?, points.last()?);
    let ms = last.0.ms_since(first.0);
    if ms < LEAST_S * 1000 || last.1 <= first.1 {
        return None;
    }
    Some(((last.1 - first.1) * 60_000.0 / span(ms), format!("by CloudWatch until {}", last.0.clock())))
}

fn visible(queue: &Queue) -> MetricKey {
    MetricKey::sqs(&queue.name, "ApproximateNumberOfMessagesVisible", Stat::Maximum)
}

/// Queues and mappings that lead here, by name.
fn consumers(picture: &Picture, queue: &Queue) -> Vec<String> {
    let sources = queue.sources.iter().map(|arn| arn.resource().to_owned());
    let mappings = picture.mappings.values().map(|observed| &observed.value);
    let failing = mappings.filter(|mapping| mapping.settings.on_failure.as_ref() == Some(&queue.arn));
    sources.chain(failing.map(|mapping| mapping.function.to_string())).collect()
}

/// Functions whose logs may tell why.
pub fn functions(picture: &Picture, queue: &Queue) -> Vec<String> {
    let reads = |source: &Arn| queue.sources.contains(source);
    let mappings = picture.mappings.values().map(|observed| &observed.value);
    // Mappings come by their ids: two of one function need not be neighbours.
    let names: BTreeSet<String> = mappings
        .filter(|mapping| reads(&mapping.source) || mapping.settings.on_failure.as_ref() == Some(&queue.arn))
        .map(|mapping| mapping.function.to_string())
        .collect();
    names.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::observed::Observed;
    use crate::verdict::examples;

    #[test]
    fn a_function_of_several_mappings_is_named_once() {
        let mut picture = examples::queue();
        let first = examples::mapping(&mut picture).clone();
        // Between the two of JobWorker, by its id, lies one of somebody else.
        for (id, function) in [("b8a3c5a0-2", "Mailer"), ("b8a3c5a0-3", "JobWorker")] {
            let mapping = crate::model::mapping::Mapping { id: id.into(), function: function.into(), ..first.clone() };
            picture.mappings.insert(id.into(), Observed::new(mapping, examples::now()));
        }
        let dead = picture.queues[&"JobDLQ".into()].value.clone();
        assert_eq!(functions(&picture, &dead), ["JobWorker", "Mailer"]);
    }
}

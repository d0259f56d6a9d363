//! A retune after Lambda calls it settled: `Enabled` is not effective (aws-facts §1.3), so the
//! metrics of periods begun since have to show it.

use crate::console::Console;
use crate::console::running::{Effectiveness, Follow};
use crate::model::finding::Severity;
use crate::model::id::{FunctionName, QueueName};
use crate::model::mapping::{Mapping, MappingState};
use crate::model::metric::{MetricKey, Stat};
use crate::model::time::Timestamp;
use crate::verdict::foretold::{self, Standing};

/// What counts as on: settled or on its way there.
pub(super) fn is_enabled(mapping: &Mapping) -> bool {
    !matches!(mapping.state, MappingState::Disabled | MappingState::Disabling | MappingState::Deleting)
}

/// Looks at what the metrics say of each retune that is still awaited.
pub(super) fn look(console: &mut Console) {
    let mut news = Vec::new();
    let mut follows = std::mem::take(&mut console.follows);
    for follow in follows.iter_mut().filter(|follow| follow.state == Effectiveness::Awaited) {
        if let Some(seen) = effect(console, follow) {
            follow.state = Effectiveness::Seen(seen);
            news.push((Severity::Good, follow.line()));
        } else if console.now.ms_since(follow.settled_at) > Follow::PATIENCE_MS {
            follow.state = Effectiveness::NotSeen;
            news.push((Severity::Note, follow.line()));
        }
    }
    for follow in &mut follows {
        if console.now.ms_since(follow.settled_at) > Follow::GUARDED_MS {
            continue;
        }
        let standing = foretold::standing(&console.picture, console.now, &follow.retuned());
        if kind(&standing) != kind(&follow.standing) {
            follow.standing = standing;
            news.extend(standing.words(follow.foreseen.as_ref()).map(|words| {
                let worse = matches!(standing, Standing::Worse { .. });
                let severity = if worse { Severity::Warning } else { Severity::Good };
                (severity, format!("{} {}: {words}", follow.function, follow.what))
            }));
        }
        follow.standing = standing;
    }
    console.follows = follows;
    for (severity, line) in news {
        console.say(severity, line);
    }
}

/// Which of them it is: figures change with every datapoint, and are no news.
fn kind(standing: &Standing) -> std::mem::Discriminant<Standing> {
    std::mem::discriminant(standing)
}

/// `effective: …` when the age falls, or concurrency moved, in periods begun after the settings
/// were settled.
fn effect(console: &Console, follow: &Follow) -> Option<String> {
    let mapping = &console.picture.mappings.get(&follow.mapping)?.value;
    let function = &mapping.function;
    let from = follow.settled_at.floor_to(60).plus_s(60);
    if let Some(seen) = of_reserve(console, follow, function, from) {
        return Some(seen);
    }
    let series = |name| console.picture.metrics.get(&MetricKey::lambda(function, name, Stat::Maximum));
    let age = if mapping.kind().is_queue() {
        let queue = QueueName::new(mapping.source.resource());
        console.picture.metrics.get(&MetricKey::sqs(&queue, "ApproximateAgeOfOldestMessage", Stat::Maximum))
    } else {
        series("IteratorAge")
    };
    if let Some(age) = age {
        let ages: Vec<_> = age.between(from, console.now).collect();
        if let Some(since) = falling(&ages) {
            return Some(format!("effective: age falling since {}", since.clock()));
        }
    }
    let concurrency = series("ConcurrentExecutions")?;
    let top = |from, to| concurrency.between(from, to).map(|(_, value)| value).reduce(f64::max);
    let before = top(from.plus_s(-BEFORE_S), follow.settled_at.floor_to(60))?;
    let since = concurrency.between(from, console.now).count();
    let after = top(from, console.now)?;
    let capped = matches!(follow.reserve, Some(Some(cap)) if before > f64::from(cap) && after <= f64::from(cap));
    (since >= PERIODS && (after > before || capped))
        .then(|| format!("effective: concurrency {before:.0}→{after:.0} since {}", from.clock()))
}

/// What only a reserve does: of 0, every run is refused; of more than before, none is any more.
fn of_reserve(console: &Console, follow: &Follow, function: &FunctionName, from: Timestamp) -> Option<String> {
    let to = follow.reserve?;
    let throttles = console.picture.metrics.get(&MetricKey::lambda(function, "Throttles", Stat::Sum))?;
    let refused = |(_, count): &(Timestamp, f64)| *count > 0.0;
    if to == Some(0) {
        let (at, _) = throttles.between(from, console.now).find(refused)?;
        return Some(format!("effective: runs are refused since {}", at.clock()));
    }
    let before = throttles.between(from.plus_s(-BEFORE_S), follow.settled_at.floor_to(60)).any(|point| refused(&point));
    let since: Vec<_> = throttles.between(from, console.now).collect();
    (before && since.len() >= PERIODS && !since.iter().any(refused))
        .then(|| format!("effective: no run refused since {}", from.clock()))
}

/// Since when the values fall: the highest of them, when at least two lower ones, each lower than
/// the one before, come last.
fn falling(points: &[(Timestamp, f64)]) -> Option<Timestamp> {
    let falls = points.windows(2).rev().take_while(|pair| pair[1].1 < pair[0].1).count();
    let start = points.len().checked_sub(falls + 1)?;
    (falls + 1 >= PERIODS).then(|| points[start].0)
}

/// Periods that must agree.
const PERIODS: usize = 3;
/// What concurrency is compared with: the quarter of an hour before.
const BEFORE_S: i64 = 15 * 60;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn falling_takes_three_periods_in_a_row() {
        let points = |values: &[f64]| -> Vec<(Timestamp, f64)> {
            values.iter().enumerate().map(|(i, value)| (Timestamp::from_s(i as i64 * 60), *value)).collect()
        };
        assert_eq!(falling(&points(&[5.0, 9.0, 7.0, 3.0])), Some(Timestamp::from_s(60)));
        assert_eq!(falling(&points(&[5.0, 9.0, 7.0])), None);
        assert_eq!(falling(&points(&[9.0, 7.0, 8.0])), None);
        assert_eq!(falling(&points(&[3.0, 3.0, 3.0])), None);
        assert_eq!(falling(&[]), None);
    }
}

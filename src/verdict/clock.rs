//! How long until a consumer has drained, and until data is lost. A word instead of a number where
//! the trend does not allow one; what is only known at best says so.

use crate::model::mapping::Mapping;
use crate::model::metric::{MetricKey, Stat};
use crate::model::picture::Picture;
use crate::model::time::Timestamp;
use crate::verdict::behind::{GIVEN_UP, LEAST_RISE, NOISE_MS, loss_age};
use crate::verdict::is_running;
use crate::verdict::wanted::age_max;
use crate::verdict::window::{STALE_S, Trend, trend};
use crate::verdict::wording::span;

/// Milliseconds from now: the least, the likeliest, the most.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    pub least_ms: f64,
    pub likely_ms: f64,
    pub most_ms: f64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Drain {
    /// Nothing to speak of waits.
    Drained,
    In(Spread),
    /// The age neither falls nor rises.
    Holds,
    Grows,
    /// The consumer is switched off.
    Stopped,
    /// No recent datapoint says how it moves.
    Unknown,
}

impl Drain {
    pub fn word(self) -> &'static str {
        match self {
            Drain::Drained => "drained",
            Drain::In(_) => "draining",
            Drain::Holds => "holds",
            Drain::Grows => "grows",
            Drain::Stopped => "stopped",
            Drain::Unknown => "unknown",
        }
    }
}

/// When the first piece of work is gone for good.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Loss {
    /// Milliseconds from now, at least: what comes may slow the clock, nothing makes it run faster than
    /// time does. `None` where nothing is known of the age.
    pub at_least_ms: Option<f64>,
    /// What happens to it then: `lost`, `dropped`, `given up` (to the on-failure destination).
    pub how: &'static str,
}

/// How it goes, in a sentence: where to is said, too.
pub fn told(how: &str) -> &str {
    if how == GIVEN_UP { "given up to the on-failure destination" } else { how }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Clocks {
    pub drain: Drain,
    pub loss: Loss,
}

pub fn of(picture: &Picture, now: Timestamp, mapping: &Mapping) -> Clocks {
    if mapping.kind().is_queue() { of_queue(picture, now, mapping) } else { of_stream(picture, now, mapping) }
}

fn of_stream(picture: &Picture, now: Timestamp, mapping: &Mapping) -> Clocks {
    let key = age_max(&mapping.function);
    let age = trend(picture, now, &key);
    let (lost_at_ms, how) = loss_age(picture, mapping);
    let newest = picture.metrics.get(&key).and_then(|series| series.newest());
    // What was that old then has aged since: by time itself, while nobody reads.
    let oldest_ms = newest.map(|(at, age_ms)| age_ms + span(now.ms_since(at)));
    let at_least_ms = oldest_ms.map(|age_ms| (lost_at_ms - age_ms).max(0.0));
    Clocks { drain: drain(mapping, age, NOISE_MS, 1.0), loss: Loss { at_least_ms, how } }
}

fn of_queue(picture: &Picture, now: Timestamp, mapping: &Mapping) -> Clocks {
    let Some(queue) = picture.queue_by_arn(&mapping.source).map(|seen| &seen.value) else {
        return Clocks { drain: Drain::Unknown, loss: Loss { at_least_ms: None, how: "lost" } };
    };
    let key = MetricKey::sqs(&queue.name, "ApproximateAgeOfOldestMessage", Stat::Maximum);
    let newest = picture.metrics.get(&key).and_then(|series| series.newest());
    let oldest_s = newest
        .filter(|(at, _)| now.ms_since(*at) <= STALE_S * 1000)
        .map(|(at, age_s)| age_s + span(now.ms_since(at)) / 1000.0);
    let at_least_ms = oldest_s.map(|age_s| (f64::from(queue.retention_s) - age_s).max(0.0) * 1000.0);
    let waits = queue.counts.visible > 0;
    let drain =
        if waits { drain(mapping, trend(picture, now, &key), NOISE_MS / 1000.0, 1000.0) } else { Drain::Drained };
    let drain = if is_running(mapping) { drain } else { Drain::Stopped };
    Clocks { drain, loss: Loss { at_least_ms, how: "lost" } }
}

/// `noise` in the series' own unit, of which there are `per` milliseconds each.
fn drain(mapping: &Mapping, age: Option<Trend>, noise: f64, per: f64) -> Drain {
    if !is_running(mapping) {
        return Drain::Stopped;
    }
    let Some(age) = age else { return Drain::Unknown };
    let least = LEAST_RISE / per;
    if age.newest <= noise {
        return Drain::Drained;
    }
    if age.is_falling(least) {
        // It fell by this much over ten minutes, and over the last five: between the two, and a fifth
        // either way, lies what it does next.
        let falls = [-age.short, -age.long].map(|fall| fall.max(least));
        let (slow, fast) = (falls[0].min(falls[1]) * 0.8, falls[0].max(falls[1]) * 1.2);
        return Drain::In(Spread {
            least_ms: age.newest / fast,
            likely_ms: age.newest / -age.short,
            most_ms: age.newest / slow,
        });
    }
    if age.is_rising(least) { Drain::Grows } else { Drain::Holds }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::mapping::MappingState;
    use crate::model::observed::Observed;
    use crate::model::stream::StreamSummary;
    use crate::verdict::examples::{FUNCTION, lambda, mapping, now, stream};

    fn clocks(age: impl Fn(f64) -> f64) -> Clocks {
        let mut picture = stream();
        lambda(&mut picture, FUNCTION, "IteratorAge", Stat::Maximum, age);
        let mapping = mapping(&mut picture).clone();
        of(&picture, now(), &mapping)
    }

    #[test]
    fn a_word_stands_where_the_trend_allows_no_number() {
        assert_eq!(clocks(|_| 900.0).drain, Drain::Drained);
        assert_eq!(clocks(|_| 600_000.0).drain, Drain::Holds);
        assert_eq!(clocks(|m| m * 30_000.0).drain, Drain::Grows);
        let Drain::In(spread) = clocks(|m| 3_600_000.0 - m * 30_000.0).drain else { panic!("it falls") };
        // 1,800 s left and more, falling by half a second a second.
        assert!((3_500_000.0..3_800_000.0).contains(&spread.likely_ms), "{spread:?}");
        assert!(spread.least_ms < spread.likely_ms && spread.likely_ms < spread.most_ms);
    }

    #[test]
    fn what_nobody_reads_ages_with_time_and_the_loss_is_a_lower_bound() {
        let mut picture = stream();
        lambda(&mut picture, FUNCTION, "IteratorAge", Stat::Maximum, |_| 3_600_000.0);
        let mut stopped = mapping(&mut picture).clone();
        stopped.state = MappingState::Disabled;
        let at = now().plus_s(3 * 3600);
        let clocks = of(&picture, at, &stopped);
        assert_eq!(clocks.drain, Drain::Stopped);
        let left = clocks.loss.at_least_ms.expect("an age was published");
        // An hour old three hours and some minutes ago, of 24.
        assert!((19.9 * 3_600_000.0..20.0 * 3_600_000.0).contains(&left), "{left}");
        stopped.settings.max_record_age_s = Some(7_200);
        assert_eq!(of(&picture, at, &stopped).loss, Loss { at_least_ms: Some(0.0), how: "dropped" });
        assert_eq!(of(&stream(), at, &stopped).drain, Drain::Stopped);
    }

    #[test]
    fn a_kinesis_stream_keeps_what_it_says_and_at_least_a_day_where_it_could_not_be_asked() {
        let mut picture = stream();
        lambda(&mut picture, FUNCTION, "IteratorAge", Stat::Maximum, |_| 3_600_000.0);
        let mut mapping = mapping(&mut picture).clone();
        mapping.source = "arn:aws:kinesis:eu-west-1:123456789012:stream/orders".into();
        let hours = |picture: &Picture, mapping: &Mapping| {
            let loss = of(picture, now(), mapping).loss;
            ((loss.at_least_ms.expect("an age") / 3_600_000.0).round(), loss.how)
        };
        assert_eq!(hours(&picture, &mapping), (23.0, "lost, at the shortest retention,"));
        let summary = StreamSummary { retention_h: 168, open_shards: 2 };
        picture.streams.insert(mapping.source.clone(), Observed::new(summary, now()));
        assert_eq!(hours(&picture, &mapping), (167.0, "lost"));
        mapping.settings.max_record_age_s = Some(2 * 86_400);
        assert_eq!(hours(&picture, &mapping), (47.0, "dropped"), "what gives up first");
    }
}

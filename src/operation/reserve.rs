//! Reserved concurrency before it is changed: what Lambda would refuse, and what the new value does to
//! everything that shares it. From the picture and what was read for it; it asks nothing.

use crate::model::function::AccountLimits;
use crate::model::id::{Arn, FunctionName};
use crate::model::mapping::Mapping;
use crate::model::metric::{MetricKey, Stat};
use crate::model::picture::Picture;
use crate::model::reserve::{LEAST_UNRESERVED, ReserveChange, ReserveReading};
use crate::model::time::Timestamp;
use crate::operation::progress::grouped;

/// Why Lambda would refuse it; `None` when it would not, as far as the account's limits are known.
pub fn fault(change: &ReserveChange, limits: Option<AccountLimits>) -> Option<String> {
    let (to, before) = (change.to?, change.before.unwrap_or(0));
    let AccountLimits { concurrent, unreserved } = limits?;
    // Less than before takes nothing from anybody.
    if to <= before {
        return None;
    }
    let most = (unreserved + before).saturating_sub(LEAST_UNRESERVED).max(before);
    (to > most).then(|| {
        format!(
            "the account leaves at most {} to {}: {} runs at a time, {} of them unreserved, and AWS keeps \
             {LEAST_UNRESERVED}; not {to}",
            grouped(most.into()),
            change.function,
            grouped(concurrent.into()),
            grouped(unreserved.into())
        )
    })
}

/// What it does to others and to what feeds the function, a line each.
pub fn effects(picture: &Picture, change: &ReserveChange, reading: &ReserveReading, now: Timestamp) -> Vec<String> {
    let mut lines = vec![pool(change, reading.limits)];
    let mappings: Vec<&Mapping> = picture.mappings_of(&change.function).map(|seen| &seen.value).collect();
    if let [_, _, ..] = mappings.as_slice() {
        let names: Vec<&str> = mappings.iter().map(|mapping| name_of(&mapping.source)).collect();
        lines.push(format!("{} mappings feed it and share that: {}", mappings.len(), names.join(", ")));
    }
    // Of 0 everything is refused, whatever it asks for: the card says that once.
    if let Some(to) = change.to.filter(|to| *to > 0) {
        lines.extend(ran(picture, &change.function, to, now));
        lines.extend(mappings.iter().filter_map(|mapping| of_mapping(mapping, to, reading)));
    }
    lines
}

/// What the other functions of the account have left.
fn pool(change: &ReserveChange, limits: Option<AccountLimits>) -> String {
    let Some(limits) = limits else {
        return format!(
            "what it leaves to other functions is not known; AWS keeps at least {LEAST_UNRESERVED} for them"
        );
    };
    let (was, is) = (i64::from(change.before.unwrap_or(0)), i64::from(change.to.unwrap_or(0)));
    let after = (i64::from(limits.unreserved) + was - is).max(0);
    let share = match change.to {
        Some(_) => format!("; AWS keeps at least {LEAST_UNRESERVED} for them"),
        None => ", and it is one of them".to_owned(),
    };
    let (after, now) = (grouped(u64::try_from(after).unwrap_or(0)), grouped(limits.unreserved.into()));
    format!("functions without a reserve then share {after} runs at a time, {now} now{share}")
}

/// The most that ran at a time lately, where the new value is less.
fn ran(picture: &Picture, function: &FunctionName, to: u32, now: Timestamp) -> Option<String> {
    let series = picture.metrics.get(&MetricKey::lambda(function, "ConcurrentExecutions", Stat::Maximum))?;
    let most = series.between(now.plus_s(-HOUR_S), now).map(|(_, value)| value).reduce(f64::max)?;
    (most > f64::from(to)).then(|| {
        format!("{most:.0} ran at a time in the last hour (ConcurrentExecutions): some of them would be throttled")
    })
}

/// Where a mapping asks for more runs than there will be.
fn of_mapping(mapping: &Mapping, to: u32, reading: &ReserveReading) -> Option<String> {
    let source = name_of(&mapping.source);
    if mapping.kind().is_stream() {
        let lanes = mapping.settings.parallelization_factor.unwrap_or(1);
        let Some(shards) = reading.shards.filter(|_| reading.source.as_ref() == Some(&mapping.source)) else {
            return Some(format!(
                "{source} runs {lanes} at once per shard: less than that, shards times {lanes}, throttles it"
            ));
        };
        let most = shards.saturating_mul(lanes);
        return (to < most).then(|| {
            format!(
                "{source} runs up to {shards} shards × {lanes} = {most} at once: with {to} the rest is throttled and \
                 waits, and more lanes add nothing"
            )
        });
    }
    if !mapping.kind().is_queue() {
        return None;
    }
    let throttled = "throttled messages come back received once more, and in the end are dead letters";
    match mapping.settings.max_concurrency {
        Some(limit) => (to < limit).then(|| format!("{source} runs up to {limit} at once: {throttled}")),
        None => Some(format!("{source} has no MaximumConcurrency and may ask for more than {to}: {throttled}")),
    }
}

/// The table's, stream's or queue's name.
fn name_of(source: &Arn) -> &str {
    source.table().unwrap_or_else(|| source.resource().trim_start_matches("stream/"))
}

const HOUR_S: i64 = 3_600;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::mapping::{MappingSettings, MappingState};
    use crate::model::observed::Observed;

    const STREAM: &str = "arn:aws:dynamodb:r:1:table/EventTable/stream/2026";
    const QUEUE: &str = "arn:aws:sqs:r:1:JobQueue";

    fn change(before: Option<u32>, to: Option<u32>) -> ReserveChange {
        ReserveChange { function: "LogWorker".into(), before, to }
    }

    fn reading(shards: Option<u32>) -> ReserveReading {
        ReserveReading {
            function: "LogWorker".into(),
            reserve: Ok(None),
            limits: Some(AccountLimits { concurrent: 1_000, unreserved: 900 }),
            shards,
            source: Some(STREAM.into()),
        }
    }

    fn picture(sources: &[(&str, MappingSettings)]) -> Picture {
        let mut picture = Picture::default();
        for (n, (source, settings)) in sources.iter().enumerate() {
            let mapping = Mapping {
                id: format!("u-{n}").as_str().into(),
                source: (*source).into(),
                function: "LogWorker".into(),
                function_arn: "arn:aws:lambda:r:1:function:LogWorker".into(),
                state: MappingState::Enabled,
                state_reason: None,
                settings: settings.clone(),
                last_processing_result: None,
                last_modified: None,
            };
            picture.mappings.insert(mapping.id.clone(), Observed::new(mapping, NOW));
        }
        picture
    }

    const NOW: Timestamp = Timestamp::from_s(100_000);

    fn lanes(n: u32) -> MappingSettings {
        MappingSettings { parallelization_factor: Some(n), ..MappingSettings::default() }
    }

    #[test]
    fn what_the_account_does_not_leave_is_refused_and_less_never_is() {
        let limits = Some(AccountLimits { concurrent: 1_000, unreserved: 900 });
        for (before, to, refused) in [
            (None, Some(800), false),
            (None, Some(801), true),
            (Some(50), Some(850), false),
            (Some(50), Some(851), true),
            (Some(50), Some(0), false),
            (Some(50), None, false),
        ] {
            assert_eq!(fault(&change(before, to), limits).is_some(), refused, "{before:?} → {to:?}");
        }
        let said = fault(&change(None, Some(950)), limits).expect("refused");
        assert!(said.starts_with("the account leaves at most 800 to LogWorker"), "{said}");
        let small = Some(AccountLimits { concurrent: 10, unreserved: 10 });
        assert_eq!(fault(&change(None, Some(0)), small), None, "0 takes nothing");
        assert!(fault(&change(None, Some(1)), small).is_some_and(|why| why.contains("at most 0")));
        assert_eq!(fault(&change(None, Some(9_999)), None), None, "Lambda says so then");
    }

    #[test]
    fn a_stream_below_its_shards_times_lanes_is_throttled_and_a_queue_makes_dead_letters() {
        let stream = picture(&[(STREAM, lanes(5))]);
        let said =
            |picture: &Picture, to, shards| effects(picture, &change(None, to), &reading(shards), NOW).join("; ");
        assert!(
            said(&stream, Some(19), Some(4))
                .contains("EventTable runs up to 4 shards × 5 = 20 at once: with 19 the rest is throttled")
        );
        assert!(!said(&stream, Some(20), Some(4)).contains("throttled"), "{}", said(&stream, Some(20), Some(4)));
        assert!(said(&stream, Some(20), None).contains("5 at once per shard"));
        assert!(said(&stream, Some(20), Some(4)).contains("share 880 runs at a time, 900 now; AWS keeps at least 100"));
        assert!(said(&stream, None, Some(4)).contains("and it is one of them"));
        assert!(!said(&stream, Some(0), Some(4)).contains("at once"), "said once, on the card");
        let limited = MappingSettings { max_concurrency: Some(30), ..MappingSettings::default() };
        let both = picture(&[(STREAM, lanes(1)), (QUEUE, limited)]);
        let text = said(&both, Some(20), Some(4));
        assert!(text.contains("2 mappings feed it and share that: "), "{text}");
        assert!(text.contains("JobQueue runs up to 30 at once: throttled messages come back"), "{text}");
        let open = picture(&[(QUEUE, MappingSettings::default())]);
        assert!(said(&open, Some(20), None).contains("no MaximumConcurrency"));
        assert!(!said(&both, Some(30), Some(4)).contains("come back"));
    }

    #[test]
    fn what_ran_lately_is_held_against_it() {
        let mut picture = picture(&[(STREAM, lanes(1))]);
        let key = MetricKey::lambda(&"LogWorker".into(), "ConcurrentExecutions", Stat::Maximum);
        picture.metrics.merge(&key, NOW, [(NOW.plus_s(-600), 12.0), (NOW.plus_s(-7_200), 40.0)]);
        let said = |to| effects(&picture, &change(None, Some(to)), &reading(Some(1)), NOW).join("; ");
        assert!(said(10).contains("12 ran at a time in the last hour"), "{}", said(10));
        assert!(!said(12).contains("ran at a time in the last hour"));
    }
}

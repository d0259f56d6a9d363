//! What a change of a consumer's settings does to the work that waits now: what it gives up at once, and how
//! long what waits keeps while nobody reads it. Lines for the card, from the picture alone.

use crate::model::mapping::Mapping;
use crate::model::metric::{MetricKey, Stat};
use crate::model::picture::Picture;
use crate::model::plan::RetunePlan;
use crate::model::time::{Timestamp, spoken};
use crate::verdict::clock;

pub fn effects(picture: &Picture, now: Timestamp, plan: &RetunePlan) -> Vec<String> {
    let Some(mapping) = picture.mappings.get(&plan.mapping).map(|seen| &seen.value) else { return Vec::new() };
    let stops = (plan.change.enabled == Some(false)).then(|| kept_while_stopped(picture, now, mapping));
    given_up_at_once(picture, mapping, plan).into_iter().chain(stops).collect()
}

/// A greatest age that is less than the age there is gives up what waits, as soon as it acts.
fn given_up_at_once(picture: &Picture, mapping: &Mapping, plan: &RetunePlan) -> Option<String> {
    let least_ms = plan.change.max_record_age_s.filter(|s| *s > 0).map(|s| i64::from(s) * 1000)?;
    let key = MetricKey::lambda(&mapping.function, "IteratorAge", Stat::Maximum);
    let (at, age_ms) = picture.metrics.get(&key)?.newest()?;
    let age_ms = age_ms as i64;
    (age_ms > least_ms).then(|| {
        format!(
            "what waits is {} old ({}): all that is older than {} is given up as soon as this acts",
            spoken(age_ms),
            at.clock(),
            spoken(least_ms)
        )
    })
}

/// Stopped, the clock of loss runs as fast as time does.
fn kept_while_stopped(picture: &Picture, now: Timestamp, mapping: &Mapping) -> String {
    let loss = clock::of(picture, now, mapping).loss;
    let how = clock::told(loss.how);
    match loss.at_least_ms {
        Some(ms) => format!("while it is stopped: work is {how} in {} at least", spoken(ms as i64)),
        None => format!("while it is stopped work is {how}, in how long is not known: no metric says how old it is"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::mapping::MappingChange;
    use crate::model::metric::Metrics;
    use crate::verdict::examples::{FUNCTION, lambda, mapping, now, stream};

    fn told(picture: &mut Picture, change: MappingChange) -> Vec<String> {
        let mapping = mapping(picture).clone();
        let plan = RetunePlan {
            mapping: mapping.id.clone(),
            before: mapping.settings,
            enabled_before: true,
            change,
            reason: None,
            revert_after_s: None,
            reserve: None,
        };
        effects(picture, now(), &plan)
    }

    #[test]
    fn a_stop_says_how_long_what_waits_keeps() {
        let stop = || MappingChange { enabled: Some(false), ..MappingChange::default() };
        let mut picture = stream();
        picture.metrics = Metrics::default();
        assert_eq!(
            told(&mut picture, stop()),
            ["while it is stopped work is lost, in how long is not known: no metric says how old it is"]
        );
        lambda(&mut picture, FUNCTION, "IteratorAge", Stat::Maximum, |_| 3_600_000.0);
        assert_eq!(told(&mut picture, stop()), ["while it is stopped: work is lost in 22 h 57 m at least"]);
        mapping(&mut picture).settings.max_record_age_s = Some(7_200);
        assert_eq!(told(&mut picture, stop()), ["while it is stopped: work is dropped in 57 m at least"]);
        mapping(&mut picture).settings.on_failure = Some("arn:aws:sqs:r:1:F".into());
        let given = "while it is stopped: work is given up to the on-failure destination in 57 m at least";
        assert_eq!(told(&mut picture, stop()), [given]);
    }

    #[test]
    fn a_greatest_age_below_what_waits_says_what_it_gives_up() {
        let age = |s| MappingChange { max_record_age_s: Some(s), ..MappingChange::default() };
        let mut picture = stream();
        picture.metrics = Metrics::default();
        assert!(told(&mut picture, age(600)).is_empty(), "nothing is known of what waits");
        lambda(&mut picture, FUNCTION, "IteratorAge", Stat::Maximum, |_| 3_600_000.0);
        assert!(told(&mut picture, age(600))[0].ends_with("older than 10 m is given up as soon as this acts"));
        assert!(told(&mut picture, age(7_200)).is_empty(), "nothing is that old");
        assert!(told(&mut picture, age(-1)).is_empty(), "no limit gives nothing up");
    }
}

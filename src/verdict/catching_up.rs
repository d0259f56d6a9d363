//! A stream consumer that was late and gets earlier.

use crate::model::finding::{Finding, Severity, Subject};
use crate::model::mapping::Mapping;
use crate::model::picture::Picture;
use crate::model::time::{Timestamp, spoken};
use crate::verdict::behind::{NOISE_MS, falls, measured, throughput};
use crate::verdict::bound::Bound;
use crate::verdict::wanted::age_max;
use crate::verdict::window::trend;
use crate::verdict::wording::{about, rate, whole_ms};

/// How soon it speaks.
pub const BOUND: Bound = Bound::TREND;

pub fn check(picture: &Picture, now: Timestamp, mapping: &Mapping) -> Option<Finding> {
    let age = trend(picture, now, &age_max(&mapping.function))
        .filter(|age| age.newest > NOISE_MS && falls(picture, now, mapping, age))?;
    let fall = -age.short;
    let mut evidence = vec![
        format!("age {} ↓ {} s/s", spoken(whole_ms(age.newest)), rate(fall)),
        format!("caught up in about {} est", about(age.newest / fall)),
    ];
    evidence.extend(throughput(picture, now, mapping, None));
    evidence.push(measured(age.newest_at));
    Some(Finding {
        rule: "catching-up".to_owned(),
        severity: Severity::Note,
        subject: Subject::Mapping(mapping.id.clone()),
        headline: format!("{} is catching up", mapping.function),
        since: None,
        evidence,
        remedies: Vec::new(),
    })
}

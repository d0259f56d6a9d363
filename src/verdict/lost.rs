//! Whether an object that should have started a run did. Nobody keeps that anywhere, so it is concluded, and
//! each conclusion says from what; where nothing can be concluded, that is said.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::object::Object;
use crate::model::time::{Timestamp, spoken};
use crate::verdict::log::{Mention, can_be_named};

/// What is known of an object's run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "sign")]
pub enum Sign {
    /// A run that the log names and does not call failed.
    Ran {
        at: Timestamp,
    },
    /// Its event lies where the function's lost events go.
    GivenUp {
        at: Timestamp,
        place: String,
    },
    /// Runs that named it failed, as often as Lambda tries, and none came after.
    Failed {
        times: usize,
        at: Timestamp,
    },
    /// The log names every run that came through, and not this object.
    Unseen {
        named: usize,
    },
    /// Its run may still come, and why.
    MayCome {
        why: String,
    },
    Unknown {
        why: String,
    },
}

/// What was read of the consumer since the oldest of the objects.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    pub now: Timestamp,
    /// By the object's place among the objects.
    pub mentions: BTreeMap<usize, Vec<Mention>>,
    /// From when on the lines that name objects were all read; or why they were not.
    pub log: Result<Timestamp, String>,
    /// By key: when, and where its event lies.
    pub given_up: BTreeMap<String, (Timestamp, String)>,
    /// Sums over the same time; `None` where they could not be read.
    pub invocations: Option<f64>,
    pub errors: Option<f64>,
    pub throttles: Option<f64>,
}

/// Times Lambda runs an asynchronous event that fails (aws-facts §5.1).
const ATTEMPTS: usize = 3;
/// Until an event that failed, or is new, has surely been tried again: one and two minutes and some more.
const SETTLED_MS: i64 = 10 * 60_000;
/// How long Lambda keeps an event that is throttled, and a little.
const KEPT_MS: i64 = 6 * 3_600_000 + SETTLED_MS;
/// Of the runs that came through, the share that the log must name: the rest is other objects' or in progress.
const NAMED_SHARE: f64 = 0.95;

impl Sign {
    /// It is taken for lost, and chosen unless somebody says otherwise.
    pub fn is_lost(&self) -> bool {
        matches!(self, Sign::GivenUp { .. } | Sign::Failed { .. } | Sign::Unseen { .. })
    }

    pub fn has_run(&self) -> bool {
        matches!(self, Sign::Ran { .. })
    }

    /// `lost`, `ran`, `may come`, `cannot tell`
    pub fn word(&self) -> &'static str {
        match self {
            Sign::Ran { .. } => "ran",
            Sign::MayCome { .. } => "may come",
            Sign::Unknown { .. } => "cannot tell",
            _ => "lost",
        }
    }

    /// How that is known.
    pub fn reason(&self) -> String {
        match self {
            Sign::Ran { at } => format!("the log names it at {} and calls no failure", at.clock_s()),
            Sign::GivenUp { at, place } => format!("given up at {}: its event lies in {place}", at.clock_s()),
            Sign::Failed { times, at } => {
                format!("{times} runs of it failed, the last at {}; none came after", at.clock_s())
            }
            Sign::Unseen { named } => format!("the log names the {named} that came through, and not this one"),
            Sign::MayCome { why } | Sign::Unknown { why } => why.clone(),
        }
    }
}

/// One sign an object, in their order.
pub fn judge(objects: &[Object], evidence: &Evidence) -> Vec<Sign> {
    let ran = |mentions: &Vec<Mention>| mentions.iter().any(|mention| !mention.failed);
    let came_through = evidence.mentions.values().filter(|mentions| ran(mentions)).count();
    let sign = |(index, object): (usize, &Object)| {
        let mentions = evidence.mentions.get(&index).map_or(&[][..], Vec::as_slice);
        if let Some(mention) = mentions.iter().rev().find(|mention| !mention.failed) {
            return Sign::Ran { at: mention.at };
        }
        if let Some((at, place)) = evidence.given_up.get(&object.key) {
            return Sign::GivenUp { at: *at, place: place.clone() };
        }
        match mentions.last() {
            Some(last) => failed(mentions.len(), last.at, evidence.now),
            None => unseen(object, came_through, evidence),
        }
    };
    objects.iter().enumerate().map(sign).collect()
}

fn failed(times: usize, at: Timestamp, now: Timestamp) -> Sign {
    let quiet_ms = now.ms_since(at);
    if quiet_ms > KEPT_MS || (times >= ATTEMPTS && quiet_ms > SETTLED_MS) {
        return Sign::Failed { times, at };
    }
    let noun = if times == 1 { "run" } else { "runs" };
    Sign::MayCome {
        why: format!("{times} {noun} of it failed, the last {} ago: Lambda may try again", spoken(quiet_ms)),
    }
}

fn unseen(object: &Object, came_through: usize, evidence: &Evidence) -> Sign {
    let unknown = |why: String| Sign::Unknown { why };
    let age_ms = evidence.now.ms_since(object.modified_at);
    if age_ms < SETTLED_MS {
        return Sign::MayCome { why: format!("it is {} old: its event may be on its way", spoken(age_ms)) };
    }
    match &evidence.log {
        Err(why) => return unknown(why.clone()),
        Ok(from) if *from > object.modified_at => {
            return unknown(format!("the log was read back to {} only", from.clock_s()));
        }
        Ok(_) if came_through == 0 => return unknown("the log names no object that came through".to_owned()),
        Ok(_) if !can_be_named(object) => return unknown("its key could not be found in a log".to_owned()),
        Ok(_) => {}
    }
    let (Some(invocations), Some(errors)) = (evidence.invocations, evidence.errors) else {
        return unknown("whether the log names every run is not known: Invocations were not read".to_owned());
    };
    let passed = (invocations - errors).max(0.0);
    if (came_through as f64) < passed * NAMED_SHARE {
        return unknown(format!("the log names {came_through} of about {passed:.0} runs that came through"));
    }
    match evidence.throttles {
        None => unknown("whether Lambda still holds events is not known: Throttles were not read".to_owned()),
        Some(throttles) if throttles > 0.0 && age_ms < KEPT_MS => {
            let why = format!("throttled {throttles:.0} times since: Lambda holds such events up to 6 h");
            Sign::MayCome { why }
        }
        Some(_) => Sign::Unseen { named: came_through },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600;

    fn object(n: usize, age_s: i64) -> Object {
        let modified_at = Timestamp::from_s(100 * HOUR - age_s);
        Object { key: format!("a/run-{n:08}.json"), size: 1, modified_at, etag: String::new() }
    }

    fn mention(age_s: i64, failed: bool) -> Mention {
        Mention { at: Timestamp::from_s(100 * HOUR - age_s), failed }
    }

    fn evidence() -> Evidence {
        Evidence {
            now: Timestamp::from_s(100 * HOUR),
            mentions: BTreeMap::from([(0, vec![mention(HOUR, false)])]),
            log: Ok(Timestamp::from_s(97 * HOUR)),
            given_up: BTreeMap::new(),
            invocations: Some(4.0),
            errors: Some(3.0),
            throttles: Some(0.0),
        }
    }

    fn second(evidence: &Evidence, age_s: i64) -> Sign {
        judge(&[object(0, HOUR), object(1, age_s)], evidence).remove(1)
    }

    #[test]
    fn a_run_that_came_through_is_never_taken_for_lost() {
        let mut given = evidence();
        given.given_up.insert("a/run-00000000.json".into(), (given.now, "F".into()));
        given.mentions.insert(0, vec![mention(HOUR, true), mention(HOUR, false), mention(60, true)]);
        let sign = judge(&[object(0, HOUR)], &given).remove(0);
        assert!(sign.has_run() && !sign.is_lost(), "{sign:?}");
    }

    #[test]
    fn what_the_log_leaves_out_is_lost_only_where_it_names_every_run() {
        let whole = evidence();
        assert_eq!(second(&whole, HOUR), Sign::Unseen { named: 1 });
        let unknown = |change: fn(&mut Evidence), age_s: i64| {
            let mut given = evidence();
            change(&mut given);
            let sign = second(&given, age_s);
            assert!(!sign.is_lost() && !sign.has_run(), "{sign:?}");
            sign.word()
        };
        assert_eq!(unknown(|e| e.invocations = Some(5.0), HOUR), "cannot tell", "two came through, one is named");
        assert_eq!(unknown(|e| e.invocations = None, HOUR), "cannot tell");
        assert_eq!(unknown(|e| e.throttles = None, HOUR), "cannot tell");
        assert_eq!(unknown(|e| e.throttles = Some(2.0), HOUR), "may come");
        assert_eq!(unknown(|e| e.log = Err("denied".into()), HOUR), "cannot tell");
        assert_eq!(unknown(|_| {}, 4 * HOUR), "cannot tell", "older than what was read");
        assert_eq!(unknown(|_| {}, 60), "may come", "too new");
        assert_eq!(unknown(|e| drop(e.mentions.insert(0, vec![mention(9, true)])), HOUR), "cannot tell");
        let mut old = evidence();
        (old.throttles, old.log) = (Some(2.0), Ok(Timestamp::ZERO));
        assert!(second(&old, 7 * HOUR).is_lost(), "no event is held so long");
    }

    #[test]
    fn failures_are_a_loss_when_lambda_has_tried_as_often_as_it_does() {
        let failing = |ages: &[i64]| {
            let mut given = evidence();
            given.mentions.insert(1, ages.iter().map(|age| mention(*age, true)).collect());
            second(&given, HOUR)
        };
        assert!(failing(&[3_400, 3_340, 3_200]).is_lost());
        assert_eq!(failing(&[3_400, 3_340]).word(), "may come");
        assert_eq!(failing(&[400, 340, 200]).word(), "may come", "an answer may be on its way");
        let mut given = evidence();
        given.given_up.insert("a/run-00000001.json".into(), (given.now, "RequestFailures".into()));
        assert!(second(&given, 60).reason().contains("RequestFailures"));
    }
}

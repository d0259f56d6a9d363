//! Who a job or an event is: a run, a step and a kind, small enough to be copied and kept by the
//! million. Identities stand in the bodies, so a census can be taken of the containers themselves.

use std::fmt;
use std::str::FromStr;

/// One run of an automation. Numbers are given out by the web service; the number of a run that
/// another run invoked is computed ([`RunId::child`]), so a job delivered twice starts it once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(u64);

impl RunId {
    pub const fn new(number: u64) -> Self {
        RunId(number)
    }

    pub const fn number(self) -> u64 {
        self.0
    }

    /// The run that the step `step` of this run invokes. The top bit is set, so it never meets a
    /// number given out in order.
    #[must_use]
    pub const fn child(self, step: u16) -> RunId {
        RunId(mix(mix(self.0) ^ step as u64) | 1 << 63)
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "run-{:08x}", self.0)
    }
}

impl FromStr for RunId {
    type Err = NotAnIdentity;

    fn from_str(text: &str) -> Result<Self, NotAnIdentity> {
        let digits = text.strip_prefix("run-").filter(|d| (8..=16).contains(&d.len()));
        let number = digits
            .filter(|d| d.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)))
            .and_then(|d| u64::from_str_radix(d, 16).ok())
            .map(RunId);
        // Only the spelling that Display writes is taken: one run has one name.
        number.filter(|run| run.to_string() == text).ok_or_else(|| NotAnIdentity(text.chars().take(64).collect()))
    }
}

/// What an identity stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The job that runs one step.
    Job,
    /// The event "RequestWorker has taken the run up".
    Requested,
    /// The event "the step waits" of a delay or a batch.
    Waiting,
    /// The event "the step has ended". Recorded, it is also the receipt of the step's effect.
    Finished,
    /// An event another service wrote into the table: `run` is the item, `step` its revision.
    External,
}

const KINDS: [Kind; 5] = [Kind::Job, Kind::Requested, Kind::Waiting, Kind::Finished, Kind::External];

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Kind::Job => "job",
            Kind::Requested => "requested",
            Kind::Waiting => "waiting",
            Kind::Finished => "finished",
            Kind::External => "external",
        }
    }
}

/// The identity of one job or one event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity {
    pub run: RunId,
    /// Index of the step, from 0 (as in `automation.steps[0]`); 0 for `Requested`.
    pub step: u16,
    pub kind: Kind,
}

impl Identity {
    pub const fn job(run: RunId, step: u16) -> Self {
        Identity { run, step, kind: Kind::Job }
    }

    pub const fn requested(run: RunId) -> Self {
        Identity { run, step: 0, kind: Kind::Requested }
    }

    pub const fn waiting(run: RunId, step: u16) -> Self {
        Identity { run, step, kind: Kind::Waiting }
    }

    pub const fn finished(run: RunId, step: u16) -> Self {
        Identity { run, step, kind: Kind::Finished }
    }

    pub const fn external(item: RunId, revision: u16) -> Self {
        Identity { run: item, step: revision, kind: Kind::External }
    }

    /// The key of the table item an event is written to.
    pub const fn item_key(self) -> ItemKey {
        let sort = match self.kind {
            Kind::Requested | Kind::External => 0,
            Kind::Job | Kind::Waiting | Kind::Finished => self.step.saturating_add(1),
        };
        ItemKey { run: self.run, sort }
    }
}

impl fmt::Display for Identity {
    /// `run-0000002a/1/job`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.run, self.step, self.kind.word())
    }
}

impl FromStr for Identity {
    type Err = NotAnIdentity;

    fn from_str(text: &str) -> Result<Self, NotAnIdentity> {
        let parse = || {
            let mut parts = text.split('/');
            let (run, step, word) = (parts.next()?, parts.next()?, parts.next()?);
            let identity = Identity {
                run: run.parse().ok()?,
                step: step.parse().ok()?,
                kind: KINDS.into_iter().find(|k| k.word() == word)?,
            };
            (parts.next().is_none() && identity.to_string() == text).then_some(identity)
        };
        parse().ok_or_else(|| NotAnIdentity(text.chars().take(64).collect()))
    }
}

/// The key of an item of EventTable: partition key the run, sort key 0 for the request and step + 1
/// for a step. A DynamoDB mapping keeps order per item (aws-facts §1.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemKey {
    pub run: RunId,
    pub sort: u16,
}

impl ItemKey {
    /// Places the item in a shard: by partition key only.
    pub const fn partition_hash(self) -> u64 {
        mix(self.run.0)
    }

    /// Places the item in a lane of its shard: by partition and sort key.
    pub const fn item_hash(self) -> u64 {
        mix(mix(self.run.0) ^ (self.sort as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }
}

impl fmt::Display for ItemKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{:05}", self.run, self.sort)
    }
}

/// The text names no run and no identity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no run or identity (expected run-0000002a, or run-0000002a/1/job)")]
pub struct NotAnIdentity(pub String);

/// splitmix64's finaliser: spreads counted numbers evenly, the same on every machine.
const fn mix(n: u64) -> u64 {
    let n = n.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let n = (n ^ (n >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    n ^ (n >> 31)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_identity_survives_its_text(run: u64, step: u16, kind in 0..KINDS.len()) {
            let identity = Identity { run: RunId::new(run), step, kind: KINDS[kind] };
            prop_assert_eq!(identity.to_string().parse(), Ok(identity));
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in ".{0,40}") {
            if let Ok(identity) = text.parse::<Identity>() {
                prop_assert_eq!(identity.to_string(), text);
            }
        }
    }

    #[test]
    fn one_run_has_one_spelling() {
        for text in ["run-2a", "run-000000000002a", "run-0000002A", "run-+000002a", "0000002a", "run-"] {
            assert!(text.parse::<RunId>().is_err(), "{text}");
        }
        assert_eq!("run-0000002a".parse(), Ok(RunId::new(42)));
    }

    #[test]
    fn items_spread_over_shards_and_lanes() {
        let mut shards = [0u32; 4];
        for run in 0..4000 {
            let key = Identity::finished(RunId::new(run), 1).item_key();
            shards[(key.partition_hash() % 4) as usize] += 1;
        }
        assert!(shards.iter().all(|&n| (900..1100).contains(&n)), "{shards:?}");
        let run = RunId::new(7);
        let lanes: std::collections::BTreeSet<u64> =
            (0..20).map(|s| Identity::finished(run, s).item_key().item_hash() % 10).collect();
        assert!(lanes.len() > 5, "steps of one run stay in one lane: {lanes:?}");
    }
}

//! How long a backlog takes to drain, and what parallelism drains it. Estimates: they assume that
//! throughput grows with the number of lanes and that arrivals stay as they are.

use crate::model::mapping::MappingSettings;
use crate::model::rehearsal::SOON_S;

/// Batches of one shard at a time, at most (aws-facts §1.1).
const MAX_PARALLEL: u32 = 10;

/// A proposed parallelization factor and how long draining takes with it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Proposal {
    pub parallel: u32,
    /// Milliseconds; `None` when even this many lanes do not keep up.
    pub drain_ms: Option<f64>,
}

/// Arrivals over throughput of a consumer that works without pause while its age grows by `slope`
/// a second each second: in = out ÷ (1 − slope).
pub fn load(slope: f64) -> f64 {
    1.0 / (1.0 - slope.min(0.99))
}

/// The least parallelization factor that drains `age_ms` soon; `None` at the maximum already.
pub fn propose(age_ms: f64, slope: f64, settings: &MappingSettings) -> Option<Proposal> {
    let current = settings.parallelization_factor.unwrap_or(1).max(1);
    let with = |parallel: u32| {
        // Throughput over arrivals with so many lanes.
        let ratio = f64::from(parallel) / f64::from(current) / load(slope);
        Proposal { parallel, drain_ms: (ratio > 1.0).then(|| age_ms / (ratio - 1.0)) }
    };
    let mut more = (current + 1..=MAX_PARALLEL).map(with);
    let soon = more.clone().find(|proposal| proposal.drain_ms.is_some_and(|ms| ms <= SOON_S * 1000.0));
    soon.or_else(|| more.next_back())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(parallel: u32) -> MappingSettings {
        MappingSettings { parallelization_factor: Some(parallel), ..MappingSettings::default() }
    }

    #[test]
    fn the_least_factor_that_drains_soon_is_proposed() {
        // 984 s behind, 0.4 s/s: arrivals are 1.67 of what is done; with 3 lanes 1.8 of arrivals.
        let proposal = propose(984_000.0, 0.4, &at(1)).expect("room");
        assert_eq!(proposal.parallel, 4);
        assert!((proposal.drain_ms.expect("drains") - 984_000.0 / 1.4).abs() < 1.0);
        assert_eq!(propose(60_000.0, 0.1, &at(1)).map(|p| p.parallel), Some(2));
    }

    #[test]
    fn what_cannot_keep_up_is_said_and_the_maximum_has_no_more() {
        assert_eq!(propose(1e6, 0.95, &at(1)), Some(Proposal { parallel: 10, drain_ms: None }));
        assert_eq!(propose(1e6, 0.4, &at(10)), None);
    }
}

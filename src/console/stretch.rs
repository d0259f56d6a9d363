//! How often to ask within a budget: what is unhealthy at full pace whatever it costs, what is in view
//! and the rest as often as what is left of the budget allows. Arithmetic only.

use crate::model::usage::{METRIC_DOLLARS, SQS_REQUEST_DOLLARS};

/// How many of a kind there are to ask about, and their full pace.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Demand {
    pub metrics: u64,
    pub queues: u64,
    pub metrics_every_ms: u64,
    pub queues_every_ms: u64,
}

impl Demand {
    fn dollars_per_hour(&self) -> f64 {
        let an_hour = |count: u64, every_ms: u64| count as f64 * HOUR_MS / (every_ms.max(1) as f64);
        an_hour(self.metrics, self.metrics_every_ms) * METRIC_DOLLARS
            + an_hour(self.queues, self.queues_every_ms) * SQS_REQUEST_DOLLARS
    }
}

/// What the paces of things in view and of the rest are multiplied by, at least 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stretch {
    pub view: f64,
    pub rest: f64,
}

impl Default for Stretch {
    fn default() -> Self {
        Stretch { view: 1.0, rest: 1.0 }
    }
}

/// The stretch that keeps all three within `budget` dollars an hour. `spent_by` is how much more is
/// really spent than these polls alone would (repeats, discovery): at least 1.
pub fn stretch(unhealthy: Demand, view: Demand, rest: Demand, budget: f64, spent_by: f64) -> Stretch {
    // Something always remains for the rest: a consumer that is never looked at is never found ill.
    let left = (budget * HEADROOM / spent_by.max(1.0) - unhealthy.dollars_per_hour()).max(budget * LEAST);
    let (view, rest) = (view.dollars_per_hour(), rest.dollars_per_hour());
    if view + rest <= left {
        return Stretch::default();
    }
    // The rest gives way first, up to its longest; what is in view has what remains.
    let rest_by = (rest / (left - view).max(left / 2.0)).clamp(1.0, LONGEST_REST);
    let view_by = (view / (left - rest / rest_by).max(left / 4.0)).clamp(1.0, LONGEST_VIEW);
    Stretch { view: view_by, rest: rest_by }
}

const HOUR_MS: f64 = 3_600_000.0;
/// What is kept back for discovery and repeats.
const HEADROOM: f64 = 0.8;
const LEAST: f64 = 0.2;
/// From five minutes to an hour.
const LONGEST_REST: f64 = 12.0;
/// From a minute to ten.
const LONGEST_VIEW: f64 = 10.0;

#[cfg(test)]
mod tests {
    use super::*;

    fn demand(metrics: u64, queues: u64, metrics_s: u64, queues_s: u64) -> Demand {
        Demand { metrics, queues, metrics_every_ms: metrics_s * 1000, queues_every_ms: queues_s * 1000 }
    }

    fn cost(unhealthy: Demand, view: Demand, rest: Demand, by: Stretch) -> f64 {
        unhealthy.dollars_per_hour() + view.dollars_per_hour() / by.view + rest.dollars_per_hour() / by.rest
    }

    #[test]
    fn a_small_account_is_asked_at_full_pace() {
        let by = stretch(demand(16, 2, 60, 5), demand(20, 3, 60, 5), demand(0, 0, 300, 30), 0.05, 1.0);
        assert_eq!(by, Stretch::default());
    }

    #[test]
    fn a_large_one_stays_within_its_budget_and_what_is_ill_is_not_stretched() {
        let ill = demand(24, 6, 60, 5);
        let (view, rest) = (demand(0, 0, 60, 5), demand(620, 294, 300, 30));
        let by = stretch(ill, view, rest, 0.05, 1.0);
        assert!(by.rest > 2.0 && cost(ill, view, rest, by) <= 0.0401, "{by:?}");
        let view = demand(160, 20, 60, 5);
        let both = stretch(ill, view, rest, 0.05, 1.0);
        assert!(both.rest >= by.rest && cost(ill, view, rest, both) <= 0.0401, "{both:?}");
        let dearer = stretch(ill, view, rest, 0.05, 1.3);
        assert!(dearer.view >= both.view && dearer.rest >= both.rest);
    }
}

//! How soon a rule speaks. Each rule declares it beside its check; the table of all of them is what
//! tests and people compare with.

use crate::verdict::{
    async_events, backlog, behind, blind, catching_up, dead_letters_arriving, dead_letters_standing, failing, idle,
    lane_stuck, near_time_out, oldest_too_old, retries_burning, slow_handler, stalled, stopped, throttled, unbalanced,
};

/// Seconds from the moment at which what was published, or what our own polls read, shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    /// Until the rule speaks.
    pub fires_s: u32,
    /// Until it is silent again, once nothing shows it any more.
    pub clears_s: u32,
}

impl Bound {
    /// Something that is there or not: within three minutes of the first datapoint that shows it.
    /// A sum looks back over a quarter of an hour, and over the three incomplete periods.
    pub(in crate::verdict) const SUDDEN: Bound = Bound { fires_s: 180, clears_s: 1_200 };
    /// Something that has to move for a while before it is a movement.
    pub(in crate::verdict) const TREND: Bound = Bound { fires_s: 900, clears_s: 1_200 };
}

/// Rules by name, and their bounds.
pub const BOUNDS: &[(&str, Bound)] = &[
    ("stopped", stopped::BOUND),
    ("stalled", stalled::BOUND),
    ("falling-behind", behind::BOUND),
    ("behind", behind::BOUND),
    ("catching-up", catching_up::BOUND),
    ("lane-stuck", lane_stuck::BOUND),
    ("throttled", throttled::BOUND),
    ("failing", failing::BOUND),
    ("slow-handler", slow_handler::BOUND),
    ("backlog-growing", backlog::BOUND),
    ("oldest-too-old", oldest_too_old::BOUND),
    ("retries-burning", retries_burning::BOUND),
    ("dead-letters-arriving", dead_letters_arriving::BOUND),
    ("dead-letters-standing", dead_letters_standing::BOUND),
    ("near-time-out", near_time_out::BOUND),
    ("events-dropped", async_events::BOUND),
    ("events-ageing", Bound::TREND),
    ("unbalanced", unbalanced::BOUND),
    ("idle", idle::BOUND),
    ("blind", blind::BOUND),
];

pub fn bound_of(rule: &str) -> Option<Bound> {
    BOUNDS.iter().find(|(name, _)| *name == rule).map(|(_, bound)| *bound)
}

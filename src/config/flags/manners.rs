//! How far away and how strict the sandbox is: what an account's network and rate limits do to whoever
//! asks it.

use clap::Args;

use crate::config::{Manners, duration, number};

#[derive(Debug, Args)]
pub(in crate::config) struct MannersFlags {
    /// Answer every request so much later, as over a network: 60ms
    #[arg(long, value_name = "DURATION", value_parser = duration::parse_ms, allow_hyphen_values = true)]
    latency: Option<u64>,

    /// Refuse what is over AWS's request rates: Lambda 15/s, GetMetricData 50/s
    #[arg(long)]
    limits: bool,

    /// Answer every Nth request "slower"
    #[arg(long, value_name = "N", value_parser = every, allow_negative_numbers = true)]
    throttle_every: Option<u64>,
}

fn every(text: &str) -> Result<u64, String> {
    number::within(text, 1..=u64::MAX)
}

impl MannersFlags {
    pub(in crate::config) fn manners(&self) -> Manners {
        Manners { latency_ms: self.latency.unwrap_or(0), limits: self.limits, throttle_every: self.throttle_every }
    }
}

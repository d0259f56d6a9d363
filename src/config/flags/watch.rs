//! `redrive watch`.

use clap::{Args, ValueEnum};

use crate::config::{Goal, Output, duration};

#[derive(Debug, Args)]
pub struct WatchFlags {
    /// A queue, function, mapping or ARN; without one every consumer (empty needs a queue)
    pub target: Option<String>,

    /// What to wait for
    #[arg(long, value_enum)]
    pub until: GoalName,

    /// How long to wait at most: 90s, 10m, 2h
    #[arg(long, default_value = "2h", value_name = "DURATION", value_parser = duration::parse, allow_hyphen_values = true)]
    pub timeout: u64,

    /// How often to read queues, 5s to 10m; metrics are read once a minute
    #[arg(long, default_value = "10s", value_name = "DURATION", value_parser = duration::parse, allow_hyphen_values = true)]
    pub interval: u64,

    /// How to print the end; ndjson prints a line a read too
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Output,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum GoalName {
    /// The lag is within its objective (5 min) and the backlog gone
    Drained,
    /// Nothing visible, in flight or delayed for a minute (the counts are approximate)
    Empty,
    /// Nothing that says ✖
    Ok,
}

impl From<GoalName> for Goal {
    fn from(name: GoalName) -> Goal {
        match name {
            GoalName::Drained => Goal::Drained,
            GoalName::Empty => Goal::Empty,
            GoalName::Ok => Goal::Ok,
        }
    }
}

pub const EXAMPLES: &str = "\
Examples:
  redrive watch --until drained LogWorker && echo 'caught up' | mail -s LogWorker oncall
  redrive watch --until empty JobDLQ --timeout 30m
  redrive watch --until ok -o ndjson

Progress goes to stderr, the end to stdout, with a bell. Exit codes: 0 reached, 1 not reached in time,
3 could not reach the account.";

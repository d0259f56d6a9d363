//! `redrive logs`.

use clap::Args;

use crate::config::duration;
use crate::config::flags::OutputFlags;

#[derive(Debug, Args)]
pub struct LogsFlags {
    /// The function: name or ARN
    pub function: String,

    /// How far back: 15m, 1h, at most 7d
    #[arg(long, default_value = "15m", value_name = "DURATION", value_parser = duration::parse, allow_hyphen_values = true)]
    pub since: u64,

    /// Stay, and print lines as they come; ctrl-c ends it
    #[arg(long, short)]
    pub follow: bool,

    /// Only lines that hold this text; case counts
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub grep: Option<String>,

    /// Show whole what the context redacts
    #[arg(long)]
    pub reveal: bool,

    #[command(flatten)]
    pub output: OutputFlags,
}

pub const EXAMPLES: &str = "\
Examples:
  redrive logs LogWorker
  redrive logs JobWorker --since 1h --grep ProviderError -o json
  redrive logs JobWorker --follow
  redrive logs JobWorker --follow -o ndjson | jq -r .text

It prints the kinds of trouble, worst first, each with its count and its newest line (with --grep the
kinds of the lines found, and the lines); with --follow the lines themselves that look like trouble, or
that --grep finds, those of --since first. A log too busy to be read whole is asked for trouble alone,
the newest first, within 12 pages. Requests and bytes are printed on stderr.
Exit codes: 0 read; 2 there is no such function; 3 could not reach or not allowed; 5 read in part: it
says from when on it is complete.";

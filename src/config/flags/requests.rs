//! `rescue requests`.

use clap::Args;

use crate::config::duration;
use crate::config::flags::{ConsentFlags, OutputFlags};
use crate::config::number;

#[derive(Debug, Args)]
pub(in crate::config) struct RequestsFlags {
    /// Objects put since then: 30m, 2h, at most 14d
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, allow_hyphen_values = true)]
    pub(in crate::config) since: u64,

    /// The bucket; needed where more than one invokes a function
    #[arg(long, value_name = "BUCKET|s3://BUCKET/PREFIX")]
    pub(in crate::config) bucket: Option<String>,

    /// The function the bucket tells of its objects; needed where that cannot be read
    #[arg(long, value_name = "FUNCTION")]
    pub(in crate::config) function: Option<String>,

    /// This object, whatever is known of its run; may be repeated, and then no other
    #[arg(long = "id", value_name = "KEY")]
    pub(in crate::config) ids: Vec<String>,

    /// Also those of which it cannot be told whether they ran
    #[arg(long)]
    pub(in crate::config) unclear: bool,

    /// Look into the queue of the function's lost events too, which receives its messages
    #[arg(long)]
    pub(in crate::config) scan: bool,

    /// Most objects to list
    #[arg(long, default_value_t = 200_000, value_name = "N", value_parser = number::whole::<u32>, allow_negative_numbers = true)]
    pub(in crate::config) max: u32,

    /// Why, for the journal
    #[arg(long, value_name = "TEXT")]
    pub(in crate::config) reason: Option<String>,

    #[command(flatten)]
    pub(in crate::config) output: OutputFlags,

    #[command(flatten)]
    pub(in crate::config) consent: ConsentFlags,
}

pub(in crate::config) const EXAMPLES: &str = "\
Examples:
  redrive rescue requests --since 2h --dry-run           which have no run, and how that is known
  redrive rescue requests --since 2h --yes               run those again that are lost
  redrive rescue requests --since 2h -o ndjson --dry-run | jq -r 'select(.sign == \"unknown\").key'

Nobody keeps a list of runs, so it is concluded: from the function's log where that names keys or ids, from
the queue its lost events go to (--scan), from its Invocations, Errors and Throttles. Only what is lost by
that is chosen; what may still come and what cannot be told is shown and left alone. What this machine's
journal says ran again before, or may have, is left out unless --id names it.
Exit codes: 0 done, or nothing is lost; 4 not confirmed; 5 done in part, or not everything was looked at.";

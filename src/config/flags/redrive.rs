//! `dlq redrive`.

use clap::Args;

use crate::config::flags::{ConsentFlags, OutputFlags};
use crate::config::number;

#[derive(Debug, Args)]
pub(in crate::config) struct RedriveFlags {
    /// The dead-letter queue: name, ARN or URL
    pub(in crate::config) queue: String,
    /// One message, by its id; may be repeated. Without, the queue is scanned first
    #[arg(long, value_name = "ID", conflicts_with = "all")]
    pub(in crate::config) id: Vec<String>,
    /// Everything in the queue, shown or not, and what still arrives (a message move task)
    #[arg(long, conflicts_with_all = ["limit", "lanes", "canary", "no_canary", "no_mark"])]
    pub(in crate::config) all: bool,
    /// Only what matches: words, qualifiers, jq, as in the console
    #[arg(long = "where", value_name = "EXPR", conflicts_with_all = ["id", "all"])]
    pub(in crate::config) expression: Option<String>,
    /// Send them with another body: a jq program that yields the message with it, .body.to = "a@b.c".
    /// What would change is shown, redacted as the context says; more than one go in rungs
    #[arg(long, value_name = "JQ", conflicts_with_all = ["all", "no_canary"])]
    pub(in crate::config) edit: Option<String>,
    /// Show whole, in what an edit would change, what the context redacts
    #[arg(long, requires = "edit")]
    pub(in crate::config) reveal: bool,
    /// At most so many of the messages found
    #[arg(long, value_name = "N", conflicts_with = "id", value_parser = number::whole::<u32>, allow_negative_numbers = true)]
    pub(in crate::config) limit: Option<u32>,
    /// Also work older than the context's stale_after (24 h), which is left out otherwise
    #[arg(long, conflicts_with_all = ["id", "all"])]
    pub(in crate::config) stale: bool,
    /// Messages a second, or off for no limit; otherwise a fifth of what the consumer finishes
    #[arg(long, value_name = "N|off", allow_negative_numbers = true)]
    pub(in crate::config) rate: Option<String>,
    /// Requests outstanding at once of each kind, 1 to 16
    #[arg(long, value_name = "N", value_parser = number::whole::<u32>, allow_negative_numbers = true)]
    pub(in crate::config) lanes: Option<u32>,
    /// Messages that go first, a rung at a time, each watched for bounces: 1,5,20,100
    #[arg(long, value_name = "N,N,…", value_delimiter = ',', conflicts_with = "no_canary")]
    #[arg(value_parser = number::whole::<u64>, allow_negative_numbers = true)]
    pub(in crate::config) canary: Vec<u64>,
    /// All at once; otherwise more than 26 go by the rungs 1,5,20,100
    #[arg(long)]
    pub(in crate::config) no_canary: bool,
    /// Leave out the attribute redrive-from=OLD-ID
    #[arg(long)]
    pub(in crate::config) no_mark: bool,
    /// Why, for the journal
    #[arg(long, value_name = "TEXT")]
    pub(in crate::config) reason: Option<String>,
    #[command(flatten)]
    pub(in crate::config) output: OutputFlags,
    #[command(flatten)]
    pub(in crate::config) consent: ConsentFlags,
}

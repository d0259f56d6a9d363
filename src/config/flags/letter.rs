//! Flags of the commands that look into a dead-letter queue, take messages out of it and put copies
//! back.

use std::path::PathBuf;

use clap::Args;

use crate::config::flags::{ConsentFlags, OutputFlags};
use crate::config::number;
use crate::model::qualifier;

/// Which messages of a queue.
#[derive(Debug, Args)]
pub(in crate::config) struct PickFlags {
    /// The queue: name, ARN or URL
    pub(in crate::config) queue: String,

    /// Only what matches: words, qualifiers, jq (see below)
    #[arg(long = "where", value_name = "EXPR", allow_hyphen_values = true)]
    pub(in crate::config) expression: Option<String>,

    /// One message, by its id; may be repeated
    #[arg(long, value_name = "ID")]
    pub(in crate::config) id: Vec<String>,

    /// At most so many of those that match
    #[arg(long, value_name = "N", value_parser = number::whole::<usize>, allow_negative_numbers = true)]
    pub(in crate::config) limit: Option<usize>,

    /// Most messages to look at
    #[arg(long, default_value_t = 10_000, value_name = "N", value_parser = number::whole::<u32>, allow_negative_numbers = true)]
    pub(in crate::config) max: u32,

    #[command(flatten)]
    pub(in crate::config) consent: ConsentFlags,
}

/// What kinds of failure a queue holds; with --id, those messages whole
#[derive(Debug, Args)]
#[command(after_help = with_language(SHOW_EXAMPLES))]
pub(in crate::config) struct ShowFlags {
    #[command(flatten)]
    pub(in crate::config) pick: PickFlags,
    /// Show whole what the context redacts
    #[arg(long)]
    pub(in crate::config) reveal: bool,
    #[command(flatten)]
    pub(in crate::config) output: OutputFlags,
}

/// Write messages to a file, byte for byte and never redacted, one JSON object a line; they stay in the queue
#[derive(Debug, Args)]
#[command(after_help = with_language(EXPORT_EXAMPLES))]
pub(in crate::config) struct ExportFlags {
    #[command(flatten)]
    pub(in crate::config) pick: PickFlags,
    /// The file, which must not exist; - is standard output
    #[arg(long, value_name = "FILE", default_value = "-")]
    pub(in crate::config) to: PathBuf,
}

/// Delete messages, each after its copy is in the journal; never a purge
#[derive(Debug, Args)]
#[command(after_help = with_language(DROP_EXAMPLES))]
pub(in crate::config) struct DropFlags {
    #[command(flatten)]
    pub(in crate::config) pick: PickFlags,
    /// Why, for the journal
    #[arg(long, value_name = "TEXT")]
    pub(in crate::config) reason: Option<String>,
    #[command(flatten)]
    pub(in crate::config) output: OutputFlags,
}

/// Put copies back: of dropped messages from the journal, or from an export
#[derive(Debug, Args)]
#[command(after_help = RESTORE_EXAMPLES)]
pub(in crate::config) struct RestoreFlags {
    /// The queue to put them into: name, ARN or URL
    pub(in crate::config) queue: String,

    /// A file that `dlq export` wrote
    #[arg(long, value_name = "FILE", conflicts_with = "operation", required_unless_present = "operation")]
    pub(in crate::config) file: Option<PathBuf>,

    /// The drop whose copies are meant, as `journal list` calls it
    #[arg(long, value_name = "OPERATION")]
    pub(in crate::config) operation: Option<String>,

    /// Of an operation's copies also those that were, or may have been, put back before, and those of
    /// messages it did not delete: they are there twice then
    #[arg(long, requires = "operation")]
    pub(in crate::config) again: bool,

    /// Only what matches
    #[arg(long = "where", value_name = "EXPR", allow_hyphen_values = true)]
    pub(in crate::config) expression: Option<String>,

    /// One message, by the id it had; may be repeated
    #[arg(long, value_name = "ID")]
    pub(in crate::config) id: Vec<String>,

    /// At most so many
    #[arg(long, value_name = "N", value_parser = number::whole::<usize>, allow_negative_numbers = true)]
    pub(in crate::config) limit: Option<usize>,

    /// Each to the queue it died in instead, where that is known
    #[arg(long)]
    pub(in crate::config) to_origin: bool,

    /// Why, for the journal
    #[arg(long, value_name = "TEXT")]
    pub(in crate::config) reason: Option<String>,

    #[command(flatten)]
    pub(in crate::config) consent: ConsentFlags,
    #[command(flatten)]
    pub(in crate::config) output: OutputFlags,
}

/// What `--where` understands, and examples.
fn with_language(examples: &str) -> String {
    format!("{}\n\n{examples}", qualifier::help())
}

const RESTORE_EXAMPLES: &str = "\
Examples:
  redrive dlq restore JobDLQ --operation op-6747f2c1-1a2b --yes
  redrive dlq restore JobDLQ --file JobDLQ.ndjson --where step:send --yes
  redrive dlq restore JobDLQ --file JobDLQ.ndjson --to-origin --dry-run";

const SHOW_EXAMPLES: &str = "\
Examples:
  redrive dlq show JobDLQ --yes
  redrive dlq show JobDLQ --id 5fea7756-0ea4-451a-a703-a558b933e274 --yes";

const EXPORT_EXAMPLES: &str = "\
Examples:
  redrive dlq export JobDLQ --where step:send --to send.ndjson --yes";

const DROP_EXAMPLES: &str = "\
Examples:
  redrive dlq drop JobDLQ --where 'step:send age>3d' --reason 'sent by hand' --yes
  redrive journal undo op-6747f2c1-1a2b --yes      puts them back";

//! `dlq rescue`.

use std::path::PathBuf;

use clap::Args;

use crate::config::flags::{ConsentFlags, OutputFlags};
use crate::config::number;

#[derive(Debug, Args)]
pub(in crate::config) struct RescueFlags {
    /// The on-failure destination of a mapping: a queue (name, ARN or URL), a bucket (s3://BUCKET[/PREFIX]),
    /// or the function whose mapping has one
    pub(in crate::config) queue: String,

    /// Only this pointer, by its message id, or this document, by its key; may be repeated
    #[arg(long, value_name = "ID")]
    pub(in crate::config) id: Vec<String>,

    /// Write the records to a new file, one JSON value a line, whole and never redacted
    #[arg(long, value_name = "FILE")]
    pub(in crate::config) save: Option<PathBuf>,

    /// Run the records through the function again, and delete each pointer whose records came through; what
    /// lies in a bucket stays there
    #[arg(long)]
    pub(in crate::config) replay: bool,

    /// Most messages or documents to look at
    #[arg(long, default_value_t = 1_000, value_name = "N", value_parser = number::whole::<u32>, allow_negative_numbers = true)]
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
  redrive dlq rescue LogFailures --yes                       what the pointers name, and until when
  redrive dlq rescue LogFailures --save records.ndjson --yes
  redrive dlq rescue LogFailures --replay --dry-run
  redrive dlq rescue LogFailures --save records.ndjson --replay --yes
  redrive dlq rescue s3://log-failures                       the same of a bucket, which needs no --yes
  redrive dlq rescue LogWorker --replay --yes                wherever its mapping puts them

A stream keeps its records for 24 hours; a pointer in the queue says where they are and does not hold
them. Looking receives the messages and gives them back, so it needs --yes too. A document in a bucket
holds the event itself: it can be run again when the stream has long forgotten the records. What this
machine's journal says ran again before, or may have, is left out unless --id names it.";

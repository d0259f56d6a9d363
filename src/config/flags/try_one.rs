//! `dlq try`.

use clap::Args;

use crate::config::flags::{ConsentFlags, OutputFlags};

#[derive(Debug, Args)]
pub(in crate::config) struct TryFlags {
    /// The dead-letter queue: name, ARN or URL
    pub(in crate::config) queue: String,

    /// The message, by its id; otherwise the first that is found
    #[arg(long, value_name = "ID")]
    pub(in crate::config) id: Option<String>,

    /// The function to run it through, when several read the queue it came from
    #[arg(long, value_name = "NAME")]
    pub(in crate::config) function: Option<String>,

    /// Run it with another body: a jq program that yields the message with it, .body.to = "a@b.c"
    #[arg(long, value_name = "JQ")]
    pub(in crate::config) edit: Option<String>,

    /// Why, for the journal
    #[arg(long, value_name = "TEXT")]
    pub(in crate::config) reason: Option<String>,

    /// Show whole what the context redacts
    #[arg(long)]
    pub(in crate::config) reveal: bool,

    #[command(flatten)]
    pub(in crate::config) output: OutputFlags,

    #[command(flatten)]
    pub(in crate::config) consent: ConsentFlags,
}

pub(in crate::config) const EXAMPLES: &str = "\
Examples:
  redrive dlq try JobDLQ --dry-run
  redrive dlq try JobDLQ --id 5fea7756-0ea4-451a-a703-a558b933e274 --yes
  redrive dlq try JobDLQ --yes -o json
  redrive dlq try JobDLQ --edit '.body.template = \"welcome-2\"' --yes

The function really runs: what it sends, writes or charges is sent, written, charged.
An edited message runs with its new body; both bodies are in the journal first, and only if that came
through is the message deleted.
Exit codes: 0 it came through and the message is deleted; 5 the function failed, or may have run,
and the message stays; 4 it was not run.";

//! `journal`.

use clap::Subcommand;

use crate::config::flags::{ConsentFlags, OutputFlags, examples as ex};

#[derive(Debug, Subcommand)]
pub(in crate::config) enum JournalCommand {
    /// Every operation, newest first
    #[command(after_help = ex::JOURNAL_LIST)]
    List(OutputFlags),
    /// One operation: what came of it, and of each message
    #[command(after_help = ex::JOURNAL_SHOW)]
    Show {
        /// The operation, as `journal list` calls it
        operation: String,
        /// Show whole what any context of config.toml redacts
        #[arg(long)]
        reveal: bool,
        #[command(flatten)]
        output: OutputFlags,
    },
    /// Finish what was cut off: one operation, or all that are open and whose owner is dead
    #[command(after_help = ex::JOURNAL_RESUME)]
    Resume {
        /// One operation, as `journal list` calls it; without, all that were cut off
        operation: Option<String>,
        #[command(flatten)]
        output: OutputFlags,
        #[command(flatten)]
        consent: ConsentFlags,
    },
    /// Put the settings of a tune back, or what a drop deleted (its copies are kept for 7 days)
    #[command(after_help = ex::JOURNAL_UNDO)]
    Undo {
        /// The tune or drop to undo, as `journal list` calls it
        operation: String,
        #[command(flatten)]
        consent: ConsentFlags,
    },
    /// What was done, as a document for the incident: Markdown, or ndjson with -o; it holds no bodies
    #[command(after_help = ex::JOURNAL_EXPORT)]
    Export {
        /// One operation; without, all of them
        operation: Option<String>,
        #[command(flatten)]
        output: OutputFlags,
    },
}

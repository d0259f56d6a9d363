//! The command line as clap sees it: names, help, examples. What the flags mean together is judged in
//! `validate`.

pub(super) mod context;
pub(super) mod doctor;
mod examples;
pub(super) mod journal;
pub(super) mod letter;
pub(super) mod logs;
mod posture;
pub(super) mod redrive;
pub(super) mod rehearse;
pub(super) mod requests;
pub(super) mod rescue;
pub(super) mod try_one;
pub(super) mod tune;
pub mod watch;

use clap::{Args, Parser, Subcommand};

use crate::config::flags::context::{CONTEXT_EXAMPLES, ContextCommand};
use crate::config::flags::doctor::DoctorFlags;
use crate::config::flags::examples as ex;
use crate::config::flags::journal::JournalCommand;
use crate::config::flags::letter::{DropFlags, ExportFlags, RestoreFlags, ShowFlags};
use crate::config::flags::redrive::RedriveFlags;
use crate::config::flags::rehearse::RehearseFlags;
use crate::config::{Output, duration, number};

mod manners;

pub(super) use manners::MannersFlags;

/// The console an on-call engineer opens when a serverless pipeline on AWS hurts.
///
/// Shows where work is stuck, why, and how long until data is lost; retunes stream consumers and
/// redrives dead letters. Without a command it opens the console.
#[derive(Debug, Parser)]
#[command(name = "redrive", version, max_term_width = 100, after_help = ex::EXAMPLES, after_long_help = ex::LONG_EXAMPLES)]
pub(super) struct Cli {
    /// Open the console at this queue, function or ARN
    pub(super) target: Option<String>,

    #[command(flatten)]
    pub(super) place: PlaceFlags,

    /// Start with writes armed (asks for the account's last four digits)
    #[arg(long, conflicts_with = "read_only")]
    pub(super) write: bool,

    /// Never write, whatever is pressed
    #[arg(long)]
    pub(super) read_only: bool,

    #[command(subcommand)]
    pub(super) command: Option<Command>,
}

#[derive(Debug, Args, Default)]
pub(super) struct PlaceFlags {
    /// A context of config.toml; otherwise REDRIVE_CONTEXT or the current one
    #[arg(long, global = true, value_name = "NAME")]
    pub(super) context: Option<String>,

    /// AWS region; otherwise AWS_REGION or the profile's
    #[arg(long, global = true, value_name = "REGION")]
    pub(super) region: Option<String>,

    /// Profile of ~/.aws/config; otherwise AWS_PROFILE or the default chain
    #[arg(long, global = true, value_name = "NAME")]
    pub(super) profile: Option<String>,

    /// Somebody else's AWS, or a listening sandbox: http://127.0.0.1:4566
    #[arg(long, global = true, value_name = "URL")]
    pub(super) endpoint_url: Option<String>,

    /// Only what is called so, and what hangs together with it
    #[arg(long, global = true, value_name = "TEXT")]
    pub(super) prefix: Option<String>,

    /// Only what this CloudFormation stack made, and what hangs together with it
    #[arg(long, global = true, value_name = "NAME", conflicts_with = "prefix")]
    pub(super) stack: Option<String>,

    /// No colours; NO_COLOR does the same
    #[arg(long, global = true)]
    pub(super) no_color: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Open the console on an embedded pipeline; needs no AWS account
    #[command(after_help = ex::SANDBOX_EXAMPLES)]
    Sandbox(SandboxFlags),
    /// What is wrong; exit code 1 when something is
    #[command(after_help = ex::STATUS)]
    Status(OutputFlags),
    /// What there is and what leads where
    #[command(after_help = ex::TOPOLOGY)]
    Topology(OutputFlags),
    /// The event source mappings, their settings and iterator age
    #[command(after_help = ex::CONSUMERS)]
    Consumers(OutputFlags),
    /// The queues, their counts and dead-letter queues
    #[command(after_help = ex::QUEUES)]
    Queues(OutputFlags),
    /// What to mend while it is calm, each with the line that mends it
    #[command(after_help = posture::EXAMPLES)]
    Posture(posture::PostureFlags),
    /// Wait until a consumer has drained, a queue is empty, or nothing is wrong
    #[command(after_help = watch::EXAMPLES)]
    Watch(watch::WatchFlags),
    /// What a function's log says: kinds of trouble with counts, or its lines as they come
    #[command(after_help = logs::EXAMPLES)]
    Logs(logs::LogsFlags),
    /// Change a consumer's settings, or stop or start it
    #[command(after_help = tune::EXAMPLES)]
    Tune(tune::TuneFlags),
    /// What each setting of a stream's or a queue's consumer would do, before anything is changed
    Rehearse(RehearseFlags),
    /// Dead letters: look at them, move them back
    #[command(subcommand, after_help = ex::DLQ_EXAMPLES)]
    Dlq(DlqCommand),
    /// Work that was lost on its way, found and run again
    #[command(subcommand)]
    Rescue(RescueCommand),
    /// What was done, by whom, and what came of it
    #[command(subcommand, after_help = ex::JOURNAL_EXAMPLES)]
    Journal(JournalCommand),
    /// Named places to work in: account, region, prefix, and how careful to be there
    #[command(subcommand, after_help = CONTEXT_EXAMPLES)]
    Context(ContextCommand),
    /// Check what redrive needs: credentials, clock, endpoint, terminal, permissions
    #[command(after_help = ex::DOCTOR)]
    Doctor(DoctorFlags),
    /// Print the JSON Schema of what a command prints with -o json
    #[command(after_help = ex::SCHEMA)]
    Schema {
        /// Which command's
        #[arg(value_enum)]
        name: Option<SchemaName>,
    },
    /// Print a completion script: redrive completions bash
    #[command(after_help = ex::COMPLETIONS)]
    Completions {
        /// For which shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page, for `man -l -`
    #[command(after_help = ex::MAN)]
    Man,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(super) enum SchemaName {
    Status,
    Posture,
    Topology,
    Consumers,
    Queues,
    Rehearse,
    Watch,
    Logs,
    /// A line of `redrive logs --follow`
    LogsLine,
}

#[derive(Debug, Args)]
pub(super) struct OutputFlags {
    /// How to print
    #[arg(short, long, value_enum, default_value_t)]
    pub(super) output: Output,
}

#[derive(Debug, Args)]
pub(super) struct SandboxFlags {
    /// A built-in scenario (see --list) or a scenario file
    #[arg(long, default_value = "night-shift", value_name = "NAME|PATH")]
    pub(super) scenario: String,

    /// Chance, repeatable; otherwise the scenario's own
    #[arg(long, value_name = "N", value_parser = number::whole::<u64>, allow_negative_numbers = true)]
    pub(super) seed: Option<u64>,

    /// No screen: run, then print a summary
    #[arg(long)]
    pub(super) headless: bool,

    /// How long to run in sandbox time: 10m, 90s, 2h (with --headless)
    #[arg(long = "for", value_name = "DURATION", value_parser = duration::parse, allow_hyphen_values = true, requires = "headless")]
    pub(super) for_s: Option<u64>,

    /// Serve the same pipeline to AWS's own tools on this loopback address: 127.0.0.1:4566
    #[arg(long, value_name = "ADDR:PORT")]
    pub(super) listen: Option<String>,

    /// Sandbox seconds per real second, 1 to 600
    #[arg(long, default_value_t = 1.0, value_name = "N", value_parser = number::any, allow_negative_numbers = true)]
    pub(super) speed: f64,

    #[command(flatten)]
    pub(super) manners: MannersFlags,

    /// How to print the summary (with --headless)
    #[arg(short, long, value_enum, default_value_t)]
    pub(super) output: Output,

    /// List the built-in scenarios
    #[arg(long)]
    pub(super) list: bool,
}

#[derive(Debug, Args)]
pub(super) struct ConsentFlags {
    /// Print what would be done and stop
    #[arg(long, conflicts_with = "yes")]
    pub(super) dry_run: bool,

    /// Do it; without this the card is printed and nothing is changed
    #[arg(long)]
    pub(super) yes: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum RescueCommand {
    /// Requests in a bucket whose run was lost: which, how that is known, and run again
    #[command(after_help = requests::EXAMPLES)]
    Requests(requests::RequestsFlags),
}

#[derive(Debug, Subcommand)]
pub(super) enum DlqCommand {
    /// The dead-letter queues; with QUEUE its messages (which receives them, so it needs --yes)
    #[command(after_help = ex::list())]
    List {
        /// The queue: name, ARN or URL
        queue: Option<String>,
        /// Only what matches: words, qualifiers, jq (see below)
        #[arg(long = "where", value_name = "EXPR", requires = "queue", allow_hyphen_values = true)]
        expression: Option<String>,
        /// At most so many of those that match
        #[arg(long, value_name = "N", requires = "queue", value_parser = number::whole::<usize>, allow_negative_numbers = true)]
        limit: Option<usize>,
        /// Most messages to look at
        #[arg(long, default_value_t = 1_000, value_name = "N", requires = "queue", value_parser = number::whole::<u32>, allow_negative_numbers = true)]
        max: u32,
        /// Show whole what the context redacts
        #[arg(long, requires = "queue")]
        reveal: bool,
        #[command(flatten)]
        output: OutputFlags,
        #[command(flatten)]
        consent: ConsentFlags,
    },
    /// Run one dead letter through its function and look at the answer; deleted only if it came through
    #[command(after_help = try_one::EXAMPLES)]
    Try(try_one::TryFlags),
    /// Stream records that a mapping gave up: how long they exist still, save them, run them again
    #[command(after_help = rescue::EXAMPLES)]
    Rescue(rescue::RescueFlags),
    Show(ShowFlags),
    Export(ExportFlags),
    Drop(DropFlags),
    Restore(RestoreFlags),
    /// Move dead letters back to where they came from
    #[command(after_help = ex::REDRIVE_EXAMPLES)]
    Redrive(RedriveFlags),
}

//! `tune`.

use clap::Args;

use crate::config::flags::ConsentFlags;
use crate::config::number;
use crate::model::duration;

#[derive(Debug, Args)]
pub(in crate::config) struct TuneFlags {
    /// A mapping's id, or a function that one mapping feeds
    #[arg(value_name = "MAPPING|FUNCTION")]
    pub(in crate::config) target: String,

    /// Concurrent batches per shard, 1 to 10 (streams)
    #[arg(long, value_name = "N", value_parser = number::whole::<u32>, allow_negative_numbers = true)]
    pub(in crate::config) parallelization_factor: Option<u32>,

    /// Most records or messages in a batch
    #[arg(long, value_name = "N", value_parser = number::whole::<u32>, allow_negative_numbers = true)]
    pub(in crate::config) batch_size: Option<u32>,

    /// Longest wait for a batch to fill, 0s to 300s
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, allow_hyphen_values = true)]
    pub(in crate::config) window: Option<u64>,

    /// Most concurrent runs, 2 to 1000, or none (queues)
    #[arg(long, value_name = "N|none", allow_negative_numbers = true)]
    pub(in crate::config) max_concurrency: Option<String>,

    /// Retries of a batch that fails before it is given up, 0 to 10000, or forever (streams)
    #[arg(long, value_name = "N|forever", allow_negative_numbers = true)]
    pub(in crate::config) max_retry_attempts: Option<String>,

    /// Age from which on a record is given up unread, 60s to 7d, or forever (streams)
    #[arg(long, value_name = "DURATION|forever", allow_hyphen_values = true)]
    pub(in crate::config) max_record_age: Option<String>,

    /// Halve a batch whose run fails, and try the halves (streams)
    #[arg(long, value_name = "on|off", value_parser = switch)]
    pub(in crate::config) bisect: Option<bool>,

    /// Where pointers to what is given up go: an ARN of a queue, a topic or a bucket, or none (streams)
    #[arg(long, value_name = "ARN|none")]
    pub(in crate::config) on_failure: Option<String>,

    /// Most runs at a time of the whole function, kept for it alone: 0 (stops it) upwards, or none
    #[arg(long, value_name = "N|none", allow_negative_numbers = true)]
    pub(in crate::config) reserved_concurrency: Option<String>,

    /// Stop the consumer
    #[arg(long, conflicts_with = "start")]
    pub(in crate::config) stop: bool,

    /// Start the consumer
    #[arg(long)]
    pub(in crate::config) start: bool,

    /// Put it back after so long, 15m or more: by this process, and only while it runs (ctrl-c keeps it)
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, allow_hyphen_values = true)]
    pub(in crate::config) revert_after: Option<u64>,

    /// Why, for the journal
    #[arg(long, value_name = "TEXT")]
    pub(in crate::config) reason: Option<String>,

    #[command(flatten)]
    pub(in crate::config) consent: ConsentFlags,
}

fn switch(text: &str) -> Result<bool, String> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err("write on or off".to_owned()),
    }
}

pub(in crate::config) const EXAMPLES: &str = "\
Examples:
  redrive tune LogWorker --parallelization-factor 5 --dry-run
  redrive tune LogWorker --parallelization-factor 5 --revert-after 30m --yes
  redrive tune LogWorker --batch-size 500 --window 5s --yes
  redrive tune JobWorker --max-concurrency none --yes
  redrive tune LogWorker --max-retry-attempts 5 --bisect on --dry-run
  redrive tune LogWorker --on-failure arn:aws:sqs:eu-west-1:123456789012:LogFailures --yes
  redrive tune JobWorker --reserved-concurrency 50 --dry-run
  redrive tune JobWorker --stop --reason 'bad deploy' --yes";

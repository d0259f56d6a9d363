//! `rehearse`: what each setting of a consumer would do.

use clap::Args;

use crate::config::AskedSetting;
use crate::config::flags::OutputFlags;
use crate::config::number;

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(in crate::config) struct RehearseFlags {
    /// A mapping's id, or a function that one mapping feeds
    #[arg(value_name = "MAPPING|FUNCTION")]
    pub(in crate::config) target: String,

    /// Settings to rehearse. Of a stream: parallel, or parallel x batch size; otherwise parallel 1 to 10. Of
    /// a queue: MaximumConcurrency, 2 to 1000, or none; otherwise some around what is needed
    #[arg(long, value_name = "N[xBATCH]|none", value_delimiter = ',', value_parser = candidate)]
    #[arg(allow_negative_numbers = true)]
    pub(in crate::config) candidates: Vec<AskedSetting>,

    /// Runs of each setting: more make the bands steadier, 1 to 200; otherwise 30 of a stream's, whose items fall
    /// to lanes by chance, 15 of a queue's
    #[arg(long, value_name = "N", value_parser = samples)]
    #[arg(allow_negative_numbers = true)]
    pub(in crate::config) samples: Option<u32>,

    /// Chance, repeatable
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = number::whole::<u64>, allow_negative_numbers = true)]
    pub(in crate::config) seed: u64,

    #[command(flatten)]
    pub(in crate::config) output: OutputFlags,
}

fn samples(text: &str) -> Result<u32, String> {
    number::within(text, 1..=200)
}

/// `5`, `5x200` or `none`. Which of them a mapping has is known once it is read.
fn candidate(text: &str) -> Result<AskedSetting, String> {
    let wrong = || format!("{text:?} is no setting; write 5, 5x200 for batches of 200, or none for no limit");
    if text.trim() == "none" {
        return Ok(AskedSetting { width: None, batch: None });
    }
    let (width, batch) = match text.split_once(['x', '×']) {
        Some((width, batch)) => (width, Some(batch.trim().parse().map_err(|_| wrong())?)),
        None => (text, None),
    };
    let width: u32 = width.trim().parse().map_err(|_| wrong())?;
    match (width, batch) {
        (1..=1_000, None | Some(1..=10_000)) => Ok(AskedSetting { width: Some(width), batch }),
        (1..=1_000, _) => Err(format!("{text:?}: a batch holds 1 to 10000 records")),
        _ => Err(format!("{text:?}: parallel is 1 to 10 (streams), MaximumConcurrency 2 to 1000 (queues)")),
    }
}

const EXAMPLES: &str = "\
Examples:
  redrive rehearse LogWorker
  redrive rehearse LogWorker --candidates 2,5,5x200 -o json
  redrive rehearse JobWorker --candidates 5,20,none

Nothing is changed: the embedded pipeline is calibrated from the consumer's own metrics and run in
virtual time. Every figure it prints is an estimate.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_a_number_one_by_batch_or_none() {
        let asked = |width, batch| Ok(AskedSetting { width, batch });
        assert_eq!(candidate("5"), asked(Some(5), None));
        assert_eq!(candidate("5x200"), asked(Some(5), Some(200)));
        assert_eq!(candidate("none"), asked(None, None));
        assert_eq!(candidate("5×200").map(|asked| asked.to_string()), Ok("5x200".to_owned()));
        for wrong in ["", "x", "0", "1001", "5x", "5x0", "5x10001", "five", "nonex5"] {
            assert!(candidate(wrong).is_err(), "{wrong}");
        }
    }
}

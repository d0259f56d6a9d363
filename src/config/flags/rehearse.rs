//! `rehearse`: what each setting of a consumer would do.

use clap::Args;

use crate::config::flags::OutputFlags;

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(in crate::config) struct RehearseFlags {
    /// A mapping's id, or a function that one mapping feeds
    #[arg(value_name = "MAPPING|FUNCTION")]
    pub(in crate::config) target: String,

    /// Settings to rehearse: parallel, or parallel x batch size; otherwise parallel 1 to 10
    #[arg(long, value_name = "N[xBATCH]", value_delimiter = ',', value_parser = candidate)]
    pub(in crate::config) candidates: Vec<(u32, Option<u32>)>,

    /// Runs of each setting: more make the bands steadier, 1 to 200
    #[arg(long, default_value_t = 15, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=200))]
    pub(in crate::config) samples: u32,

    /// Chance, repeatable
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub(in crate::config) seed: u64,

    #[command(flatten)]
    pub(in crate::config) output: OutputFlags,
}

/// `5` or `5x200`.
fn candidate(text: &str) -> Result<(u32, Option<u32>), String> {
    let wrong = || format!("{text:?} is no setting; write 5, or 5x200 for batches of 200");
    let (lanes, batch) = match text.split_once(['x', '×']) {
        Some((lanes, batch)) => (lanes, Some(batch.trim().parse().map_err(|_| wrong())?)),
        None => (text, None),
    };
    let lanes: u32 = lanes.trim().parse().map_err(|_| wrong())?;
    match (lanes, batch) {
        (1..=10, None | Some(1..=10_000)) => Ok((lanes, batch)),
        (1..=10, _) => Err(format!("{text:?}: a batch holds 1 to 10000 records")),
        _ => Err(format!("{text:?}: parallel is 1 to 10")),
    }
}

const EXAMPLES: &str = "\
Examples:
  redrive rehearse LogWorker
  redrive rehearse LogWorker --candidates 2,5,5x200 -o json

Nothing is changed: the embedded pipeline is calibrated from the consumer's own metrics and run in
virtual time. Every figure it prints is an estimate.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_lanes_or_lanes_by_batch() {
        assert_eq!(candidate("5"), Ok((5, None)));
        assert_eq!(candidate("5x200"), Ok((5, Some(200))));
        for wrong in ["", "x", "0", "11", "5x", "5x0", "5x10001", "five"] {
            assert!(candidate(wrong).is_err(), "{wrong}");
        }
    }
}

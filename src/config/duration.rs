//! Durations on the command line, as clap asks for them.

use crate::model::duration;

/// Whole seconds.
///
/// # Errors
/// Why the text is no duration, with one that is.
pub fn parse(text: &str) -> Result<u64, String> {
    duration::parse(text)
}

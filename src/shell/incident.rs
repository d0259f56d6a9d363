//! Writes an incident up: two files beside the journal, where a sandbox has none in the temporary
//! directory, readable by their owner alone.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::console::effect;
use crate::journal::Journal;
use crate::report::incident::{self, Incident};
use crate::report::redacted;

/// Answers the path of the Markdown file; the other ends in `.ndjson`.
pub fn write(journal: &Journal, incident: effect::Incident) -> Result<String, String> {
    let mut outline = journal.outline().map_err(|error| error.to_string())?;
    let effect::Incident { at, account, region, findings, changes, redaction } = incident;
    redacted::entries(&mut outline.entries, &redaction);
    let incident = Incident { at, account, region, findings, changes };
    let directory = journal.path().and_then(Path::parent).map_or_else(std::env::temp_dir, Path::to_owned);
    let name = format!("incident-{}", at.to_string().replace([':', '-'], ""));
    let file = |ending: &str| directory.join(format!("{name}.{ending}"));
    keep(&file("ndjson"), &incident::ndjson(&incident, &outline))?;
    let readable = file("md");
    keep(&readable, &incident::markdown(&incident, &outline))?;
    Ok(readable.display().to_string())
}

fn keep(path: &PathBuf, text: &str) -> Result<(), String> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| format!("{}: {error}", path.display()))
}

//! What is wrong with a scenario, and where: file, line and key, so that it can be put right without
//! reading this program.

use std::ops::Range;

use crate::pipeline::blueprint::BlueprintError;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScenarioError {
    #[error("there is no scenario {name:?} (built in: {known}; or give the path of a .toml file)")]
    Unknown { name: String, known: String },
    #[error("cannot read the scenario {file}: {why}")]
    Unreadable { file: String, why: String },
    #[error("{file}:{line}: {key}: {message}")]
    At { file: String, line: usize, key: String, message: String },
    #[error("{file}: {message}")]
    Whole { file: String, message: String },
}

/// An error of the bytes `span` of the text.
pub(super) fn at(file: &str, text: &str, span: &Range<usize>, message: impl Into<String>) -> ScenarioError {
    let before = text.get(..span.start).unwrap_or(text);
    let line = before.bytes().filter(|b| *b == b'\n').count() + 1;
    ScenarioError::At { file: file.to_owned(), line, key: key_at(text, line), message: message.into() }
}

/// An error of the TOML itself or of the shape of what it says.
pub(super) fn of_toml(file: &str, text: &str, error: &toml::de::Error) -> ScenarioError {
    match error.span() {
        Some(span) => {
            // A text that ends too early is faulted at its end: its last line with something on it.
            let start = span.start.min(text.trim_end().len());
            at(file, text, &(start..start), error.message())
        }
        None => ScenarioError::Whole { file: file.to_owned(), message: error.message().to_owned() },
    }
}

/// An error of the pipeline as a whole: the line is the last that names what it is about.
pub(super) fn of_blueprint(file: &str, text: &str, error: &BlueprintError) -> ScenarioError {
    let named = match error {
        BlueprintError::NoQueue { name, .. } => Some(name.to_string()),
        BlueprintError::NoFunction { name, .. } => Some(name.to_string()),
        BlueprintError::Twice { name, .. } => Some(name.clone()),
        BlueprintError::Alarm { name, .. } => Some(name.to_string()),
        BlueprintError::Template { name, .. } => {
            let header = text.find(&format!("[templates.{name}]"));
            if let Some(start) = header {
                return at(file, text, &(start..start), error.to_string());
            }
            None
        }
        BlueprintError::NoSwitch(name) => Some(name.clone()),
        BlueprintError::Mix { index, .. } => {
            let start = text.match_indices("[[load.mix]]").nth(*index).map(|(start, _)| start);
            if let Some(start) = start {
                return at(file, text, &(start..start), error.to_string());
            }
            None
        }
        BlueprintError::OtherKind { queue, .. } | BlueprintError::FifoDestination(queue) => Some(queue.to_string()),
        BlueprintError::Range { .. } => None,
    };
    let start = named.and_then(|name| {
        let quoted = [format!("\"{name}\""), format!("'{name}'")];
        quoted.iter().filter_map(|quoted| text.rfind(quoted.as_str())).max()
    });
    match start {
        Some(start) => at(file, text, &(start..start), error.to_string()),
        None => ScenarioError::Whole { file: file.to_owned(), message: error.to_string() },
    }
}

/// The key of a line under the last table header above it: `load.requests_per_s`.
fn key_at(text: &str, line: usize) -> String {
    let header = |l: &str| {
        let name = l.trim().strip_prefix('[')?.trim_start_matches('[');
        name.split(']').next().map(|name| name.trim().to_owned())
    };
    let mut table = String::new();
    let mut own = "";
    for (number, content) in text.lines().enumerate() {
        if let Some(name) = header(content) {
            table = name;
        }
        if number + 1 == line {
            own = content;
            break;
        }
    }
    if header(own).is_some() {
        return table;
    }
    let key = own.split_once('=').map_or("", |(key, _)| key).trim();
    match (table.is_empty(), key.is_empty()) {
        (true, _) => key.to_owned(),
        (false, true) => table,
        (false, false) => format!("{table}.{key}"),
    }
}

//! What a headless run of the sandbox came to. The caller hands the figures over as data, so that
//! this layer need not know the pipeline.

use serde::Serialize;
use serde_json::Value;

use crate::report::table::{Table, clean};

/// The summary of a run, whatever its fields, with what was run.
#[derive(Debug, Serialize)]
pub struct Run {
    pub scenario: String,
    pub seed: u64,
    #[serde(flatten)]
    pub figures: serde_json::Map<String, Value>,
}

pub fn text(run: &Run) -> String {
    let mut table = Table::new(&["scenario", &clean(&run.scenario)]);
    table.row(["seed".to_owned(), run.seed.to_string()]);
    for (name, value) in &run.figures {
        match value {
            Value::Object(inner) => {
                for (part, value) in inner {
                    table.row([format!("{name} {part}"), said(value)]);
                }
            }
            value => table.row([name.replace('_', " "), said(value)]),
        }
    }
    table.text()
}

/// Counts that are zero are left out of a table's cell; JSON has them all.
fn said(value: &Value) -> String {
    match value {
        Value::Null => "–".to_owned(),
        Value::String(text) => text.clone(),
        Value::Object(counts) => {
            let some: Vec<String> =
                counts.iter().filter(|(_, n)| n.as_u64() != Some(0)).map(|(name, n)| format!("{name} {n}")).collect();
            if some.is_empty() { "none".to_owned() } else { some.join(", ") }
        }
        Value::Array(items) if items.is_empty() => "none".to_owned(),
        other => other.to_string(),
    }
}

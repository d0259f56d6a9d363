//! The topology as lines: what leads where, and how that is known.

use serde::Serialize;

use crate::model::observed::Observed;
use crate::model::topology::{EdgeKind, Topology};
use crate::report::table::Table;

#[derive(Debug, Serialize)]
pub struct Row {
    pub from: String,
    pub to: String,
    pub from_arn: String,
    pub to_arn: String,
    /// `mapping`, `dead-letter`, `on-failure`, `invokes`, `inferred-write`.
    pub kind: &'static str,
    pub mapping: Option<String>,
    /// When the account was surveyed.
    pub at: String,
}

pub fn rows(observed: &Observed<Topology>) -> Vec<Row> {
    let topology = &observed.value;
    let name = |arn| topology.node(arn).map_or_else(|| arn.resource().to_owned(), |node| node.name.clone());
    let mut rows: Vec<Row> = topology
        .edges
        .iter()
        .map(|edge| Row {
            from: name(&edge.from),
            to: name(&edge.to),
            from_arn: edge.from.to_string(),
            to_arn: edge.to.to_string(),
            kind: match edge.kind {
                EdgeKind::Mapping(_) => "mapping",
                EdgeKind::DeadLetter => "dead-letter",
                EdgeKind::OnFailure => "on-failure",
                EdgeKind::Invokes => "invokes",
                EdgeKind::InferredWrite => "inferred-write",
            },
            mapping: match &edge.kind {
                EdgeKind::Mapping(id) => Some(id.to_string()),
                _ => None,
            },
            at: observed.at.to_string(),
        })
        .collect();
    rows.sort_by(|a, b| (&a.from, &a.to, a.kind).cmp(&(&b.from, &b.to, b.kind)));
    rows
}

pub fn table(rows: &[Row]) -> String {
    let mut table = Table::new(&["FROM", "", "TO", "KNOWN BY"]);
    for row in rows {
        let (arrow, known) = match row.kind {
            "mapping" => ("──▶", format!("event source mapping {}", row.mapping.as_deref().unwrap_or(""))),
            "dead-letter" => ("─▶", "redrive policy".to_owned()),
            "on-failure" => ("─▶", "on-failure destination".to_owned()),
            "invokes" => ("──▶", "the function's resource policy".to_owned()),
            _ => ("╌╌▶", "inferred from the function's environment".to_owned()),
        };
        table.row([row.from.clone(), arrow.to_owned(), row.to.clone(), known]);
    }
    table.text()
}

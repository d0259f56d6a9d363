//! The JSON Schemas of what is printed with `-o json`: what a script may count on. Fields are added,
//! never renamed or taken away. A test holds real output to them.

/// By the command's name.
const SCHEMAS: [(&str, &str); 9] = [
    ("status", include_str!("../../assets/schema/status.json")),
    ("posture", include_str!("../../assets/schema/posture.json")),
    ("topology", include_str!("../../assets/schema/topology.json")),
    ("consumers", include_str!("../../assets/schema/consumers.json")),
    ("queues", include_str!("../../assets/schema/queues.json")),
    ("rehearse", include_str!("../../assets/schema/rehearse.json")),
    ("watch", include_str!("../../assets/schema/watch.json")),
    ("logs", include_str!("../../assets/schema/logs.json")),
    ("logs-line", include_str!("../../assets/schema/logs-line.json")),
];

/// One schema, or the names of all, a line each.
pub fn text(name: Option<&str>) -> String {
    let found = SCHEMAS.iter().find(|(known, _)| name == Some(*known));
    found.map_or_else(|| SCHEMAS.iter().map(|(name, _)| format!("{name}\n")).collect(), |(_, text)| (*text).to_owned())
}

//! The scenarios that are built in.

/// Name and text; the default first, then in the order they are listed to people.
pub(super) const FILES: &[(&str, &str)] = &[
    ("night-shift", include_str!("../../assets/scenarios/night-shift.toml")),
    ("steady", include_str!("../../assets/scenarios/steady.toml")),
    ("surge", include_str!("../../assets/scenarios/surge.toml")),
    ("poison", include_str!("../../assets/scenarios/poison.toml")),
    ("poison-partial", include_str!("../../assets/scenarios/poison-partial.toml")),
    ("slow-index", include_str!("../../assets/scenarios/slow-index.toml")),
    ("recursion", include_str!("../../assets/scenarios/recursion.toml")),
    ("log-failures", include_str!("../../assets/scenarios/log-failures.toml")),
    ("failure-store", include_str!("../../assets/scenarios/failure-store.toml")),
    ("lost-requests", include_str!("../../assets/scenarios/lost-requests.toml")),
    ("narrow-gate", include_str!("../../assets/scenarios/narrow-gate.toml")),
    ("narrow-chain", include_str!("../../assets/scenarios/narrow-chain.toml")),
    ("fifo", include_str!("../../assets/scenarios/fifo.toml")),
    ("retune", include_str!("../../assets/scenarios/retune.toml")),
    ("fleet", include_str!("../../assets/scenarios/fleet.toml")),
    ("unprepared", include_str!("../../assets/scenarios/unprepared.toml")),
];

/// The title, which is the first line of a built-in file.
pub(super) fn title(text: &'static str) -> &'static str {
    let line = text.lines().find(|line| line.starts_with("title = ")).unwrap_or("");
    line.trim_start_matches("title = ").trim_matches('"')
}

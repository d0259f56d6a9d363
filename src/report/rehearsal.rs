//! A rehearsal as a table: a row a setting, what it rests on below. Every figure is an estimate, and
//! says so.

use std::fmt::Write;

use serde::Serialize;

use crate::model::mapping::Mapping;
use crate::model::rehearsal::{Backtest, Band, Candidate, Rehearsal};
use crate::model::time::spoken;
use crate::report::table::{MISSING, Table};

/// For JSON: of which consumer it is, and times as the other commands write them.
#[derive(Debug, Serialize)]
pub struct Told<'a> {
    mapping: &'a str,
    function: &'a str,
    source: &'a str,
    at: String,
    order: Option<&'static str>,
    assumptions: &'a [String],
    backtest: Option<Backtest>,
    candidates: &'a [Candidate],
    recommended: Option<usize>,
    declined: Option<&'a str>,
}

impl<'a> Told<'a> {
    pub fn new(rehearsal: &'a Rehearsal, mapping: &'a Mapping) -> Self {
        Told {
            mapping: rehearsal.mapping.as_str(),
            function: mapping.function.as_str(),
            source: source(mapping),
            at: rehearsal.at.to_string(),
            order: rehearsal.candidates.first().map(|today| today.setting.order()),
            assumptions: &rehearsal.assumptions,
            backtest: rehearsal.backtest,
            candidates: &rehearsal.candidates,
            recommended: rehearsal.recommended,
            declined: rehearsal.declined.as_deref(),
        }
    }
}

fn source(mapping: &Mapping) -> &str {
    mapping.source.table().unwrap_or(mapping.source.resource())
}

pub fn text(rehearsal: &Rehearsal, mapping: &Mapping) -> String {
    let mut out = format!(
        "{} · {} · figures of {} · all forecasts are estimates\n",
        mapping.function,
        source(mapping),
        rehearsal.at.clock_s()
    );
    if !rehearsal.candidates.is_empty() {
        out.push_str(&table(rehearsal));
    }
    let _ = match (rehearsal.recommended.and_then(|index| rehearsal.candidates.get(index)), &rehearsal.declined) {
        (Some(candidate), _) => writeln!(out, "recommended: {}", candidate.setting),
        (None, Some(why)) => writeln!(out, "nothing is recommended: {why}"),
        (None, None) => Ok(()),
    };
    for refused in rehearsal.candidates.iter().filter(|candidate| candidate.refused.is_some()) {
        let why = refused.refused.as_deref().unwrap_or_default();
        let _ = writeln!(out, "not rehearsed: {}: {why}", refused.setting);
    }
    if let Some(backtest) = &rehearsal.backtest {
        let verdict = if backtest.good { "good" } else { "bad" };
        let _ = writeln!(
            out,
            "backtest: {} m ago the model would have foretold an age of {} for now; {} was seen: {verdict}",
            backtest.minutes,
            whole(backtest.foretold_ms),
            whole(backtest.seen_ms),
        );
    } else if !rehearsal.candidates.is_empty() {
        out.push_str("backtest: none; the present settings are too young for one\n");
    }
    for line in &rehearsal.assumptions {
        let _ = writeln!(out, "assumes: {line}");
    }
    if let Some(today) = rehearsal.candidates.first() {
        let _ = writeln!(out, "order: {}, whatever the setting", today.setting.order());
    }
    out
}

fn table(rehearsal: &Rehearsal) -> String {
    let first = rehearsal.candidates.first().map_or("", |today| today.setting.head()).to_uppercase();
    let heads = [
        "",
        first.as_str(),
        "BATCH",
        "LOAD",
        "DRAINED AFTER",
        "AGE 5 M",
        "15 M",
        "60 M",
        "RUNS AT A TIME",
        "RUNS/H",
        "$/H",
        "OUT/S",
    ];
    let mut table = Table::new(&heads);
    for (index, candidate) in rehearsal.candidates.iter().enumerate() {
        let sign = match index {
            _ if Some(index) == rehearsal.recommended => "→",
            0 => "now",
            _ => "",
        };
        table.row(row(sign, candidate));
    }
    table.text()
}

fn row(sign: &str, candidate: &Candidate) -> Vec<String> {
    let mut cells = vec![sign.to_owned(), candidate.setting.width(), candidate.setting.batch_size().to_string()];
    let Some(forecast) = &candidate.forecast else {
        cells.extend((0..9).map(|_| MISSING.to_owned()));
        return cells;
    };
    let drained = match forecast.drain_s {
        Some(drain) if drain.p90 < 60.0 => "at once".to_owned(),
        Some(drain) if drain.p90.is_infinite() => format!("{} or never", seconds(drain.p50)),
        Some(drain) => format!("{} ({}–{})", seconds(drain.p50), seconds(drain.p10), seconds(drain.p90)),
        None => "never".to_owned(),
    };
    let age = |band: Option<Band>| band.map_or(MISSING.to_owned(), |band| whole(band.p50));
    let throttles = if forecast.throttles { " throttled" } else { "" };
    cells.extend([
        format!("{:.0} %", forecast.load * 100.0),
        drained,
        age(forecast.age_ms[0]),
        age(forecast.age_ms[1]),
        age(forecast.age_ms[2]),
        format!("{} of {}{throttles}", forecast.concurrency_peak, forecast.concurrency_limit),
        format!("{:.0}", forecast.invocations_per_hour),
        forecast.dollars_per_hour.map_or(MISSING.to_owned(), |dollars| format!("{dollars:.3}")),
        format!("{:.0}, then {:.0}", forecast.out_per_s_peak, forecast.out_per_s),
    ]);
    cells
}

fn seconds(s: f64) -> String {
    spoken((s * 1000.0) as i64)
}

/// Ages are published in milliseconds of a stream and in seconds of a queue, and none is known so well.
fn whole(ms: f64) -> String {
    seconds((ms / 1000.0).round())
}

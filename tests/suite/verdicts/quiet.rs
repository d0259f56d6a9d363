//! Quiet weeks: a daily shape that peaks at four fifths of what the consumers can do, a burst every
//! hour, idle nights, deploys with cold starts. Metrics come five minutes late at times, and some
//! minutes never. Nothing in them is wrong, so nothing may page anybody.

use redrive::model::finding::Severity;
use redrive::model::time::Timestamp;
use redrive::pipeline::distribution::below;
use redrive::pipeline::rng::rng;

use super::observer::{Observer, START};

const LOOK_S: i64 = 60;

/// What paged although nothing was wrong, a line each.
pub fn week(seed: u64, days: i64) -> Vec<String> {
    let scenario = redrive::scenario::parse("quiet", "quiet.toml", &text(seed, days)).expect("a sound scenario");
    let mut observer = Observer::new(scenario.blueprint(0), seed);
    observer.gaps = Some(seed);
    let mut chance = rng(seed, "quiet/reader");
    let mut alarms = Vec::new();
    let mut standing: Vec<String> = Vec::new();
    let (mut at, end) = (START.plus_s(17), START.plus_s(days * 86_400));
    while at < end {
        // A metric that is five minutes late at times, and a reader that is held up as long.
        observer.late_s = if below(&mut chance, 10) == 0 { 300 } else { 0 };
        let late = below(&mut chance, 50) == 0;
        let findings = observer.look(at);
        let harm: Vec<String> =
            findings.iter().filter(|f| f.severity == Severity::Harm).map(|f| f.rule.clone()).collect();
        for finding in findings.iter().filter(|f| f.severity == Severity::Harm && !standing.contains(&f.rule)) {
            let said = finding.evidence.first().map_or("", String::as_str);
            alarms.push(format!("seed {seed} {}: {} · {said}", stamp(at), finding.headline));
        }
        standing = harm;
        at = at.plus_s(if late { 5 * LOOK_S } else { LOOK_S });
    }
    alarms
}

fn stamp(at: Timestamp) -> String {
    let s = at.ms_since(START) / 1000;
    format!("day {} {}", s / 86_400 + 1, at.clock())
}

/// LogWorker handles about 8 records a second here; a request writes about three, so that 2 requests a
/// second are four fifths of it.
fn text(seed: u64, days: i64) -> String {
    let mut draws = rng(seed, "quiet/shape");
    let mut out = String::from(
        "title = 'quiet'\nhistory_s = 0\n[load]\nrequests_per_s = 2\nrecipients = 5000\n\
         [[load.mix]]\nweight = 1\nsteps = [{ action = 'update-profile', profile = { a = 1 }, merge = 'overwrite' }]\n\
         [[functions]]\nname = 'LogWorker'\ntimeout_s = 60\nper_run_us = { uniform = [750000, 1250000] }\n\
         per_record_us = { uniform = [300000, 500000] }\n\
         [[mappings]]\nfunction = 'LogWorker'\nbatch_size = 10\nparallelization_factor = 1\n\
         [[switches]]\nname = 'night'\nfault.surge = { percent = 1 }\n\
         [[switches]]\nname = 'morning'\nfault.surge = { percent = 50 }\n\
         [[switches]]\nname = 'burst'\nfault.surge = { percent = 200 }\n\
         [[switches]]\nname = 'cold'\nfault.slow = { function = 'JobWorker', percent = 400 }\n",
    );
    let mut entry = |at_s: i64, switch: &str, on: bool| {
        out.push_str(&format!("[[timeline]]\nat_s = {at_s}\nswitch = '{switch}'\non = {on}\n"));
    };
    for day in 0..days {
        let at = day * 86_400;
        entry(at, "night", true);
        entry(at + 6 * 3_600, "night", false);
        entry(at + 6 * 3_600, "morning", true);
        entry(at + 9 * 3_600, "morning", false);
        entry(at + 19 * 3_600, "morning", true);
        entry(at + 23 * 3_600, "morning", false);
        entry(at + 23 * 3_600, "night", true);
        for hour in 9..19 {
            let from = at + hour * 3_600 + below(&mut draws, 3_000) as i64;
            entry(from, "burst", true);
            entry(from + 60 + below(&mut draws, 60) as i64, "burst", false);
        }
        let deploy = at + 10 * 3_600 + below(&mut draws, 20_000) as i64;
        entry(deploy, "cold", true);
        entry(deploy + 45, "cold", false);
    }
    out
}

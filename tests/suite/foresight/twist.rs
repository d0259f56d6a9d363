//! Cases that are mis-specified: the world has a property, or something happens in it, that the model of
//! a rehearsal does not have. A property (runs that take longer the more of them there are, a stream that
//! belongs to a few hot items, records that are refused downstream) is of the world all along, so that
//! its history shows it as far as metrics do. An event (a pause of three minutes, a third more arrivals)
//! comes at any moment from twenty minutes before the change to forty minutes after it.
//!
//! Each such case has a morning before it: arrivals rise over an hour from a few percent. So have the
//! `morning` cases, which are not twisted and say what the caution of the twisted ones costs.

use redrive::pipeline::blueprint::{Fault, PoisonKind, SwitchBlueprint, TimelineEntry};
use redrive::pipeline::distribution::below;
use redrive::pipeline::rng::rng;

use super::case::{Case, LOG_WORKER_MAPPING};

const TWISTS: [&str; 5] = ["slower in a crowd", "hot items", "a pause", "a step", "refused downstream"];

/// Percent of the later arrivals, ten minutes each.
const MORNING: [u32; 6] = [4, 8, 16, 30, 50, 75];
const STEP_S: u64 = 600;

/// The same case after a morning.
pub fn after_a_morning(case: &mut Case) {
    for (number, percent) in (0u64..).zip(MORNING) {
        let name = format!("morning {number}");
        let entry = |after_s: u64, on| TimelineEntry { after_s, switch: name.clone(), on };
        case.blueprint.timeline.push(entry((number + 1) * STEP_S, false));
        if number > 0 {
            case.blueprint.timeline.push(entry(number * STEP_S, true));
        }
        let fault = Fault::Surge { percent };
        case.blueprint.switches.push(SwitchBlueprint { name, what: "morning".into(), on: number == 0, fault });
    }
    case.history_s += i64::try_from(MORNING.len() as u64 * STEP_S).unwrap_or(0);
}

/// The same case in a world that is not the model's.
pub fn twist(case: &mut Case, base: u64, number: usize) {
    after_a_morning(case);
    let name = TWISTS[number % TWISTS.len()];
    case.twist = Some(name);
    let mut draws = rng(base, &format!("forecast/twist/{number}"));
    let mut draw = |low: u64, high: u64| low + below(&mut draws, high - low + 1);
    let at_s = case.history_s.unsigned_abs() + draw(0, 3_600) - 1_200;
    let function = || "LogWorker".into();
    let (fault, from_s, to_s) = match name {
        "slower in a crowd" => {
            // With all lanes of the new setting busy, runs take 1.2 to 4 times as long as one alone; at most
            // as long as if they took turns at what they share.
            let runs = u64::from(case.blueprint.table.shards * case.lanes);
            let per_mille = (draw(200, 3_000) / (runs - 1)).clamp(1, 1_000) as u32;
            case.load *= 1.0 + (runs - 1) as f64 * f64::from(per_mille) / 1000.0;
            (Fault::Crowded { function: function(), per_mille }, None, None)
        }
        "hot items" => {
            case.blueprint.load.event_items = (case.blueprint.table.shards * draw(15, 80) as u32 / 10).max(2);
            return;
        }
        "a pause" => (Fault::StoppedConsumer { function: function() }, Some(at_s), Some(at_s + 180)),
        "a step" => (Fault::Surge { percent: 130 }, Some(at_s), None),
        _ => {
            let settings = &mut case.blueprint.mappings[LOG_WORKER_MAPPING].settings;
            (settings.max_retry_attempts, settings.bisect) = (Some(2), Some(true));
            let how = if draw(0, 1) == 0 { PoisonKind::Exception } else { PoisonKind::PartialBatch };
            (Fault::Poison { one_in: draw(100, 1_000) as u32, how }, None, None)
        }
    };
    let on = from_s.is_none();
    case.blueprint.switches.push(SwitchBlueprint { name: "twist".into(), what: name.into(), on, fault });
    let entry = |after_s: u64, on| TimelineEntry { after_s, switch: "twist".into(), on };
    case.blueprint.timeline.extend(from_s.map(|from_s| entry(from_s, true)));
    case.blueprint.timeline.extend(to_s.map(|to_s| entry(to_s, false)));
}

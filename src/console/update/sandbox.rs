//! The sandbox: its switches and its speed. The only file of the console that knows what a bench is.

use crate::console::Console;
use crate::console::command::Action;
use crate::console::effect::Effect;
use crate::model::bench::{Bench, BenchCommand};

/// Sandbox seconds per real second that `+` and `-` go through.
const SPEEDS: [f64; 9] = [1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0];

pub(super) fn arrived(console: &mut Console, bench: Bench) -> Vec<Effect> {
    let was_preparing = console.bench.as_ref().is_some_and(|bench| bench.preparing);
    if was_preparing && !bench.preparing {
        // What was asked before the history was there is asked again, from the start.
        console.generation += 1;
        console.picture.metrics = Default::default();
        // Its answer is of the older generation and will be dropped.
        console.schedule.metrics.answered(true);
        console.schedule.hurry();
    }
    console.bench = Some(bench);
    Vec::new()
}

/// While a lease or a mover is open the speed is held at 10× or less (design, two kinds of time).
pub(super) fn hold_speed(console: &mut Console) -> Option<Effect> {
    let hold = console.running().any(|operation| operation.holds_speed());
    if console.bench.is_none() || hold == console.speed_held {
        return None;
    }
    console.speed_held = hold;
    Some(Effect::Bench(BenchCommand::HoldSpeed(hold)))
}

/// Names of the switches, in the order they are shown.
pub fn switch_keys(console: &Console) -> Vec<String> {
    let switches = console.bench.as_ref().map_or(&[][..], |bench| &bench.switches);
    switches.iter().map(|switch| switch.name.clone()).collect()
}

pub(super) fn step(console: &mut Console, step: isize) {
    let keys = switch_keys(console);
    console.cursors.sandbox.step(&keys, step);
}

pub(super) fn act(console: &mut Console, action: Action) -> Vec<Effect> {
    let keys = switch_keys(console);
    let row = console.cursors.sandbox.row(&keys);
    let Some(bench) = &mut console.bench else { return Vec::new() };
    // What was asked for is shown at once, so that a key pressed twice means twice; the next bench
    // says what came of it.
    let command = match action {
        Action::Switch => row.and_then(|row| bench.switches.get_mut(row)).map(|switch| {
            switch.on = !switch.on;
            BenchCommand::Set { switch: switch.name.clone(), on: switch.on }
        }),
        Action::Faster => {
            SPEEDS.iter().find(|speed| **speed > bench.speed_wanted).map(|speed| BenchCommand::Speed(*speed))
        }
        Action::Slower => {
            SPEEDS.iter().rev().find(|speed| **speed < bench.speed_wanted).map(|speed| BenchCommand::Speed(*speed))
        }
        _ => None,
    };
    if let Some(BenchCommand::Speed(speed)) = &command {
        bench.speed_wanted = *speed;
    }
    command.map(Effect::Bench).into_iter().collect()
}

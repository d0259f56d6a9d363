//! `sandbox`: the embedded pipeline with the console, headless in virtual time, or headless and
//! served.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};

use crate::command::failure::Failure;
use crate::command::{print, runtime, say, style};
use crate::config::{self, Headless, Output, exit};
use crate::console::ConsoleOptions;
use crate::console::keymap::Keymap;
use crate::driver::sandbox::{Sandbox, SandboxOptions};
use crate::driver::traffic::Traffic;
use crate::driver::virtual_time::VirtualTime;
use crate::model::time::Timestamp;
use crate::pipeline::summary::Summary;
use crate::report;
use crate::report::summary::Run;
use crate::report::table::Table;
use crate::scenario::{self, Scenario};
use crate::shell::{self, Opening, Scene, ShellOptions};

pub fn list() -> Result<u8, Failure> {
    let mut table = Table::new(&["SCENARIO", "WHAT HAPPENS"]);
    for (name, title) in scenario::built_in() {
        table.row([name.to_owned(), title.to_owned()]);
    }
    print(&table.text())?;
    Ok(exit::FINE)
}

pub fn headless(asked: &Headless) -> Result<u8, Failure> {
    let scenario = scenario::find(&asked.sandbox.scenario)?;
    let seed = asked.sandbox.seed.unwrap_or(DEFAULT_SEED);
    match (asked.sandbox.listen, asked.for_s) {
        (Some(address), _) => runtime()?.block_on(serve(scenario, seed, asked, address)),
        (None, for_s) => run_through(scenario, seed, for_s.unwrap_or(DEFAULT_SPAN_S), asked.output),
    }
}

/// Virtual time, at full speed, from 2026-01-01T00:00Z: the same arguments give the same bytes. What
/// the scenario's operator does is done at its time.
fn run_through(scenario: Scenario, seed: u64, span_s: u64, output: Output) -> Result<u8, Failure> {
    let mut run = VirtualTime::start(scenario.blueprint(0), seed)
        .map_err(|error| Failure::Usage(format!("scenario {}: {error}", scenario.name)))?;
    let mut at_s = 0;
    for (due_s, request) in scenario.operations(0) {
        if due_s > span_s {
            break;
        }
        run.run_for(ms(due_s - at_s), |_| true);
        at_s = due_s;
        if let Some(Err(error)) = run.ask(request) {
            say(&format!("redrive: at {due_s} s the scenario's operator was refused: {error}"));
        }
    }
    run.run_for(ms(span_s - at_s), |_| true);
    report_run(scenario.name, seed, &run.pipeline().summary(), output)
}

fn ms(span_s: u64) -> i64 {
    i64::try_from(span_s).unwrap_or(i64::MAX).min(i64::MAX / 1000) * 1000
}

fn report_run(scenario: String, seed: u64, summary: &Summary, output: Output) -> Result<u8, Failure> {
    let lost = summary.census.jobs.lost + summary.census.events.lost;
    let figures = match serde_json::to_value(summary) {
        Ok(Value::Object(figures)) => figures,
        _ => serde_json::Map::new(),
    };
    let run = Run { scenario, seed, figures };
    print(&report::one(style(output), &run, report::summary::text))?;
    if lost > 0 {
        say(&format!("redrive: {lost} identities are lost: {}", summary.census.lost.join(", ")));
        return Ok(exit::TROUBLE);
    }
    Ok(exit::FINE)
}

/// Serves until `--for` is over or a signal comes; one line of JSON on standard output says where.
async fn serve(scenario: Scenario, seed: u64, asked: &Headless, address: SocketAddr) -> Result<u8, Failure> {
    let name = scenario.name.clone();
    let sandbox = Sandbox::behind(options(scenario, seed, &asked.sandbox), traffic(asked.sandbox.manners))?;
    let listener = sandbox.listen(address).await.map_err(|error| Failure::Usage(error.to_string()))?;
    sandbox.ready().await.map_err(|error| Failure::Unreachable(error.to_string()))?;
    let ready = json!({
        "endpoint": format!("http://{}", listener.address()),
        "region": sandbox.region(),
        "scenario": name,
        "seed": seed,
    });
    print(&format!("{ready}\n"))?;
    let until = asked.for_s.map(|span_s| {
        let span_s = i64::try_from(span_s).unwrap_or(i64::MAX / 1000);
        sandbox.clock().account_now().plus_s(span_s)
    });
    let pace = shell::Pace(sandbox.clock());
    let over = async {
        match until {
            Some(until) => crate::runner::Clock::sleep_until(&pace, until).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = over => {}
        () = shell::asked_to_stop() => say("redrive: stopping"),
    }
    let summary = sandbox.summary().await.map_err(|error| Failure::Unreachable(error.to_string()))?;
    listener.stop().await;
    sandbox.stop().await;
    if asked.for_s.is_some() { report_run(name, seed, &summary, asked.output) } else { Ok(exit::FINE) }
}

pub fn open(asked: &config::Sandbox, keymap: Keymap, colour: bool) -> Result<u8, Failure> {
    let scenario = scenario::find(&asked.scenario)?;
    let seed = asked.seed.unwrap_or(DEFAULT_SEED);
    let console = ConsoleOptions {
        sandbox: true,
        pick: true,
        keymap,
        session: shell::session(),
        utc_offset_s: shell::utc_offset_s(),
        ..ConsoleOptions::default()
    };
    let (options, traffic) = (Box::new(options(scenario, seed, asked)), traffic(asked.manners));
    let scene = Scene::Sandbox { options, listen: asked.listen, traffic };
    // The sandbox ends with the process, and so does the journal of what was done in it.
    let opening = Opening { scene, console };
    Ok(shell::run(ShellOptions { opening, elsewhere: None, state_dir: None, colour })?)
}

fn options(scenario: Scenario, seed: u64, asked: &config::Sandbox) -> SandboxOptions {
    SandboxOptions {
        blueprint: scenario.blueprint(scenario.history_s),
        history_s: scenario.history_s,
        scenario: scenario.name,
        seed,
        speed: asked.speed,
    }
}

/// What stands before the sandbox's doors, as asked for.
fn traffic(manners: config::Manners) -> Traffic {
    let traffic = Traffic::default();
    traffic.set_latency(Duration::from_millis(manners.latency_ms));
    traffic.throttle_every(manners.throttle_every);
    if manners.limits {
        traffic.enforce_limits(Timestamp::ZERO);
    }
    traffic
}

/// Headless without `--for`: an hour of sandbox time.
const DEFAULT_SPAN_S: u64 = 3600;
/// Without `--seed`: any number would do, and everybody sees the same history.
const DEFAULT_SEED: u64 = 1;

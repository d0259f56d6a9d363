//! What the console does to a large account over a real socket: `cargo bench --bench fleet [seconds]`.
//! Prints when the picker, the first verdict and the picture from cache stood, and what was asked.

#![allow(clippy::print_stdout)]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use redrive::aws::Account;
use redrive::aws::connect::ConnectOptions;
use redrive::console::{Console, ConsoleOptions};
use redrive::driver::clock::Clock;
use redrive::driver::sandbox::{Sandbox, SandboxOptions};
use redrive::journal::Journal;
use redrive::model::scope::Scope;
use redrive::scenario;
use redrive::shell::{self, Cache, Ground, Unseen};

#[tokio::main]
async fn main() {
    let run_s = std::env::args().filter_map(|text| text.parse().ok()).next().unwrap_or(120_u64);
    let scenario = scenario::find("fleet").expect("built in");
    let options = SandboxOptions {
        blueprint: scenario.blueprint(scenario.history_s),
        history_s: scenario.history_s,
        scenario: scenario.name,
        seed: 1,
        speed: 1.0,
    };
    let sandbox = Sandbox::start(options).expect("it runs");
    sandbox.ready().await.expect("it runs");
    let traffic = sandbox.traffic();
    traffic.set_latency(Duration::from_millis(60));
    traffic.enforce_limits(sandbox.clock().account_now());
    let listener = sandbox.listen("127.0.0.1:0".parse().expect("an address")).await.expect("it listens");
    let endpoint = format!("http://{}", listener.address());
    let state = std::env::temp_dir().join(format!("redrive-bench-{}", std::process::id()));
    let mut seen = open(&endpoint, sandbox.region(), &state).await;
    println!("drawn    {:>6} ms after the start", ms(seen.until(30_000, drawn).await));
    println!("judged   {:>6} ms after that", ms(seen.until(30_000, judged).await));
    seen.until(run_s * 1000, |_| false).await;
    let (tally, console) = (traffic.tally(), &seen.console);
    let usage = console.cost.usage();
    println!(
        "cost     ${:.4}/h, ${:.4} in all",
        console.cost.dollars_per_hour(console.now).unwrap_or(0.0),
        usage.dollars()
    );
    println!("meter    {usage:?}");
    println!("server   {} metrics, {} throttled, {:?}", tally.metrics, tally.throttled, tally.calls);
    println!("lambda   {} control calls in the busiest ten seconds", tally.most_control_within(10_000));
    let mut again = open(&endpoint, sandbox.region(), &state).await;
    println!("cache    {:>6} ms until the last picture is drawn", ms(again.until(30_000, |c| c.from_cache).await));
    let _ = std::fs::remove_dir_all(&state);
}

async fn open(endpoint: &str, region: &str, state: &Path) -> Unseen {
    let account = Account::connect(ConnectOptions {
        region: Some(region.to_owned()),
        endpoint_url: Some(endpoint.to_owned()),
        test_credentials: true,
        ..ConnectOptions::default()
    });
    let ground = Ground {
        account: Arc::new(account.await.expect("connected")),
        sandbox: None,
        journal: Arc::new(Journal::open(None, shell::local_now).expect("in memory")),
        clock: Clock::aws(),
        scope: Some(Scope::Everything),
        cache: Some(Cache::new(state)),
    };
    let options = ConsoleOptions { scope: Some(Scope::Everything), ..ConsoleOptions::default() };
    Unseen::new(ground, options, (120, 36))
}

fn drawn(console: &Console) -> bool {
    console.picture.topology.is_some() && !console.from_cache
}

fn judged(console: &Console) -> bool {
    console.findings.iter().any(|finding| finding.headline.contains(" is stopped"))
        && console.picture.metrics.newest_at().is_some()
}

fn ms(after: Option<u64>) -> String {
    after.map_or("never".to_owned(), |ms| ms.to_string())
}

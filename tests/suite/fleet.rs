//! The console on a large account, 60 ms away: what it shows when, what it costs, and how it behaves
//! towards AWS's limits. In simulated time, so that a second is the same second every time.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use redrive::aws::Account;
use redrive::aws::connect::ConnectOptions;
use redrive::console::key::{Code, Key};
use redrive::console::overlay::Overlay;
use redrive::console::{Console, ConsoleOptions};
use redrive::driver::sandbox::{ENDPOINT, Sandbox, SandboxOptions};
use redrive::driver::simulated::Simulated;
use redrive::journal::Journal;
use redrive::model::finding::{Finding, Severity};
use redrive::model::metric::{MetricKey, Stat};
use redrive::model::scope::Scope;
use redrive::scenario;
use redrive::shell::{self, Cache, Ground, Unseen};

const STOPPED: &str = "billing-prod-orders-worker";
const MINUTE_MS: u64 = 60_000;

/// 200 functions, 300 queues, 60 mappings, an hour old.
fn fleet() -> Simulated {
    let scenario = scenario::find("fleet").expect("built in");
    let site = Simulated::start(scenario.blueprint(3_600), 1, 3_600).expect("it fits together");
    site.traffic().set_latency(Duration::from_millis(60));
    site
}

async fn open(site: &Simulated, state: Option<&Path>, options: ConsoleOptions) -> Unseen {
    let account = Account::connect(ConnectOptions {
        region: Some(site.region().to_owned()),
        endpoint_url: Some(ENDPOINT.to_owned()),
        http_client: Some(site.client()),
        test_credentials: true,
        as_remote: true,
        ..ConnectOptions::default()
    });
    let ground = Ground {
        account: Arc::new(account.await.expect("connected")),
        sandbox: None,
        journal: Arc::new(Journal::open(None, shell::local_now).expect("in memory")),
        clock: site.clock(),
        scope: options.scope.clone(),
        cache: state.map(Cache::new),
    };
    Unseen::new(ground, options, (120, 36))
}

fn everything() -> ConsoleOptions {
    ConsoleOptions { scope: Some(Scope::Everything), ..ConsoleOptions::default() }
}

/// What a person would act on: a stopped consumer, judged with its metrics at hand.
fn judged(console: &Console) -> bool {
    let said = |words: &str| console.findings.iter().any(|finding| finding.headline.contains(words));
    said(&format!("{STOPPED} is stopped")) && said("-dlq") && console.picture.metrics.newest_at().is_some()
}

fn findings(console: &Console) -> Vec<(Severity, String)> {
    let shown = console.findings.iter().filter(|finding| finding.severity <= Severity::Warning);
    let mut shown: Vec<_> = shown.map(|finding| (finding.severity, finding.headline.clone())).collect();
    shown.sort();
    shown
}

#[tokio::test(start_paused = true)]
async fn a_large_account_is_asked_about_first_judged_soon_and_watched_for_cents() {
    let site = fleet();
    let traffic = site.traffic();
    traffic.enforce_limits(site.clock().account_now());
    let mut seen = open(&site, None, ConsoleOptions { pick: true, ..ConsoleOptions::default() }).await;
    let picking = |console: &Console| matches!(console.overlay(), Some(Overlay::Picker(_)));
    let asked_ms = seen.until(5_000, picking).await.expect("the picker");
    assert_eq!(traffic.tally().calls.get("sqs:GetQueueAttributes"), None, "nothing is read before the choice");
    "everything".chars().for_each(|c| seen.press(Key::char(c)));
    seen.press(Key::plain(Code::Enter));
    let judged_ms = seen.until(5_000, judged).await.expect("the first verdict");
    assert!(asked_ms + judged_ms <= 5_000, "{asked_ms} + {judged_ms} ms");

    assert_eq!(seen.until(12 * MINUTE_MS, |_| false).await, None);
    let console = &seen.console;
    assert!(console.troubles.is_empty(), "{:?}", console.troubles);
    assert!(judged(console));
    let (tally, usage) = (traffic.tally(), console.cost.usage());
    assert_eq!(tally.throttled, 0, "{tally:?}");
    let counted = (tally.of("sqs"), tally.metrics, tally.of("lambda"));
    assert_eq!((usage.sqs, usage.metrics, usage.lambda), counted, "the meter and the server agree");
    let dollars = console.cost.dollars_per_hour(console.now).expect("asked");
    assert!(dollars <= 0.05, "${dollars}/h, {:?}", tally.calls);
    assert!(tally.most_control_within(60_000) <= 60 && tally.most_control_within(10_000) <= 10, "{:?}", tally.calls);

    // What is ill is asked every minute; what is well is asked too.
    let asked_s = |function: &str| {
        let key = MetricKey::lambda(&function.into(), "Invocations", Stat::Sum);
        console.now.ms_since(console.picture.metrics.asked_at(&key).expect("asked")) / 1000
    };
    assert!(asked_s(STOPPED) <= 90, "{} s", asked_s(STOPPED));
    assert!(asked_s("mail-prod-stock-worker") <= 3_600);
}

#[tokio::test(start_paused = true)]
async fn a_scope_stays_narrow_when_everything_is_asked_again() {
    let site = fleet();
    let scope = Some(Scope::Prefix("billing-prod-".into()));
    let mut seen = open(&site, None, ConsoleOptions { scope, ..ConsoleOptions::default() }).await;
    let first = |console: &Console| console.findings.iter().any(|finding| finding.headline.contains(STOPPED));
    seen.until(5_000, first).await.expect("judged");
    let (mappings, judged) = (seen.console.picture.mappings.len(), findings(&seen.console));
    let asked = |site: &Simulated| site.traffic().tally().calls.get("lambda:ListEventSourceMappings").copied();
    let before = asked(&site);
    seen.until(5 * MINUTE_MS, |_| false).await;
    assert!(asked(&site) > before, "nothing was asked again");
    let console = &seen.console;
    assert_eq!((console.picture.mappings.len(), findings(console)), (mappings, judged));
    // What is said of many names them below its headline.
    let names = |finding: &Finding| {
        let lines = finding.evidence.first().into_iter().chain([&finding.headline]);
        finding.headline.contains("while it is calm") || lines.clone().any(|line| line.contains("billing-prod-"))
    };
    let strange = console.findings.iter().find(|finding| !names(finding));
    assert_eq!(strange, None);
}

#[tokio::test(start_paused = true)]
async fn the_last_picture_is_drawn_from_cache_and_the_account_corrects_it() {
    let (site, dir) = (fleet(), tempfile::tempdir().expect("a directory"));
    let mut first = open(&site, Some(dir.path()), everything()).await;
    first.until(5_000, judged).await.expect("the first session");
    drop(first);
    let mut second = open(&site, Some(dir.path()), everything()).await;
    let drawn_ms = second.until(5_000, |console| console.picture.topology.is_some()).await.expect("drawn");
    assert!(second.console.from_cache && drawn_ms <= 200, "{drawn_ms} ms");
    assert_eq!(second.console.picture.queues.len(), 300);
    assert!(second.until(5_000, |console| !console.from_cache && judged(console)).await.is_some());
}

#[tokio::test(start_paused = true)]
async fn being_throttled_changes_nothing_but_freshness() {
    let (calm, strict) = (fleet(), fleet());
    strict.traffic().throttle_every(Some(3));
    let mut shown = Vec::new();
    for site in [&calm, &strict] {
        let mut seen = open(site, None, everything()).await;
        seen.until(MINUTE_MS, judged).await.expect("judged all the same");
        seen.until(3 * MINUTE_MS, |_| false).await;
        let console = &seen.console;
        let names: Vec<_> = console.picture.queues.keys().cloned().collect();
        shown.push((findings(console), names, console.picture.mappings.len(), console.picture.topology.is_some()));
        let throttled = console.cost.throttled_lately(console.now) > 0;
        assert_eq!(throttled, site.traffic().tally().throttled > 0, "and it is said");
    }
    assert_eq!(shown[0], shown[1]);
}

#[tokio::test]
async fn over_a_socket_too_the_meter_is_the_servers_count() {
    let scenario = scenario::find("steady").expect("built in");
    let options = SandboxOptions {
        blueprint: scenario.blueprint(600),
        scenario: scenario.name,
        seed: 1,
        speed: 1.0,
        history_s: 600,
    };
    let sandbox = Sandbox::start(options).expect("it runs");
    let listener = sandbox.listen("127.0.0.1:0".parse().expect("an address")).await.expect("it listens");
    let account = Account::connect(ConnectOptions {
        region: Some(sandbox.region().to_owned()),
        endpoint_url: Some(format!("http://{}", listener.address())),
        test_credentials: true,
        ..ConnectOptions::default()
    });
    let account = account.await.expect("connected");
    // The second answer is "slower", and the SDK asks again.
    sandbox.traffic().throttle_every(Some(2));
    let survey = account.survey(&Scope::Everything).await;
    assert!(survey.topology.is_ok() && survey.missing.is_empty(), "{:?}", survey.missing);
    let now = sandbox.clock().account_now().floor_to(60);
    let keys = [MetricKey::lambda(&"JobWorker".into(), "Invocations", Stat::Sum)];
    account.metrics(&keys, now.plus_s(-600), now).await.expect("answered in the end");
    let (usage, tally) = (account.usage(), sandbox.traffic().tally());
    assert_eq!((usage.sqs, usage.lambda, usage.metrics), (tally.of("sqs"), tally.of("lambda"), tally.metrics));
    assert_eq!(usage.throttled, tally.throttled, "{tally:?}");
    assert!(tally.throttled > 0);
    listener.stop().await;
    sandbox.stop().await;
}

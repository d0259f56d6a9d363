//! The mover: how fast over a real socket with the real journal, how gentle with 10,000 dead letters, and
//! what a hundred thousand listed messages take of memory. `cargo bench --bench mover [fast|gentle|memory]`.

#![allow(clippy::print_stdout, clippy::disallowed_methods)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use redrive::aws::Account;
use redrive::aws::connect::ConnectOptions;
use redrive::console::key::{Code, Key};
use redrive::console::{Console, ConsoleOptions};
use redrive::driver::clock::Clock;
use redrive::driver::sandbox::{Sandbox, SandboxOptions};
use redrive::journal::Journal;
use redrive::model::id::{MessageId, QueueUrl};
use redrive::model::message::Outgoing;
use redrive::model::plan::RedrivePlan;
use redrive::model::service_error::Outcome;
use redrive::operation::card::Facts;
use redrive::operation::confirm::{Consent, Preflight};
use redrive::operation::order::{Answer, Calls, JournalEntry, JournalSink, Lease, Order, OrderResult};
use redrive::operation::progress::{Progress, RedriveReport, Report};
use redrive::operation::{Owner, Undertaking};
use redrive::pipeline::standard::standard;
use redrive::runner::{self, Split};
use redrive::shell::{self, Ground, Pace, Unseen};
use tokio::sync::mpsc::unbounded_channel;

#[path = "../suite/mover/gentle.rs"]
mod gentle;

#[tokio::main]
async fn main() {
    let asked: Vec<String> = std::env::args().skip(1).collect();
    let wants = |name: &str| asked.iter().all(|word| word.starts_with('-')) || asked.iter().any(|word| word == name);
    if wants("fast") {
        fast().await;
    }
    if wants("gentle") {
        for seed in 1..=2 {
            let seen = gentle::redriven(10_000, seed);
            println!(
                "gentle   seed {seed}: live jobs' p95 wait {} ms, {} ms while 10,000 were redriven in {} min; {}",
                seen.before_ms,
                seen.during_ms,
                seen.report.took_ms / 60_000,
                seen.why
            );
        }
    }
    if wants("memory") {
        memory().await;
    }
}

const AWAY: Duration = Duration::from_millis(20);

fn url(queue: &str) -> QueueUrl {
    let blueprint = standard();
    format!("{}/{}/{queue}", blueprint.sqs_endpoint, blueprint.account).into()
}

/// A served sandbox where nobody consumes, and an account over its socket.
async fn served() -> (Sandbox, redrive::driver::listen::Listener, Account) {
    let mut blueprint = standard();
    blueprint.load.requests_per_ks = 0;
    blueprint.load.events_per_ks = 0;
    blueprint.mappings.iter_mut().for_each(|mapping| mapping.enabled = false);
    let options = SandboxOptions { scenario: "mover".into(), blueprint, seed: 1, speed: 1.0, history_s: 0 };
    let sandbox = Sandbox::start(options).expect("it fits together");
    sandbox.ready().await.expect("it runs");
    let listener = sandbox.listen("127.0.0.1:0".parse().expect("an address")).await.expect("a free port");
    let account = Account::connect(ConnectOptions {
        region: Some(sandbox.region().to_owned()),
        endpoint_url: Some(format!("http://{}", listener.address())),
        test_credentials: true,
        ..ConnectOptions::default()
    });
    let account = account.await.expect("connected");
    (sandbox, listener, account)
}

async fn fill(account: &Account, messages: usize) -> Vec<MessageId> {
    let pad = "x".repeat(200);
    let mut ids = Vec::with_capacity(messages);
    for first in (0..messages).step_by(10) {
        let body = |n: usize| Outgoing {
            body: format!("{{\"action\":\"send\",\"n\":{n},\"pad\":\"{pad}\"}}"),
            ..Outgoing::default()
        };
        let entries = (first..first + 10).map(body).collect();
        match account.perform(Order::Send { queue: url("JobDLQ"), entries }).await {
            Outcome::Done(Answer::Sent(sent)) => ids.extend(sent.into_iter().flatten()),
            other => panic!("sent: {other:?}"),
        }
    }
    ids
}

async fn fast() {
    let serial = by_hand(300).await;
    println!("fast     by hand, one call after the other: {serial:.0} a second");
    for (lanes, messages) in [(1, 2_000), (4, 8_000), (16, 32_000)] {
        let report = moved(lanes, messages).await;
        let (seen, goal) = (per_s(messages, report.took_ms), f64::from(lanes) * 10.0 / AWAY.as_secs_f64());
        println!(
            "fast     {lanes:>2} lanes, 20 ms away, journal on: {seen:.0} a second, {:.0} % of {goal}, {:.0} × by hand",
            seen / goal * 100.0,
            seen / serial
        );
    }
}

async fn moved(lanes: u32, messages: usize) -> RedriveReport {
    let (sandbox, _listener, account) = served().await;
    let ids = fill(&account, messages).await;
    sandbox.traffic().set_latency(AWAY);
    let state = std::env::temp_dir().join(format!("redrive-mover-{}-{lanes}", std::process::id()));
    let journal = Journal::open(Some(&state), shell::local_now).expect("a journal");
    let plan = RedrivePlan {
        fallback: Some(url("JobQueue")),
        lanes,
        ..RedrivePlan::new(url("JobDLQ"), "arn:aws:sqs:eu-west-1:123456789012:JobDLQ".into(), ids, Vec::new())
    };
    let consent = Consent::Count(messages.to_string());
    let Ok(confirmed) = Preflight::new(plan, &Facts::default()).accept(&consent) else { panic!("it was counted") };
    let owner = Owner { operation: "fast".into(), who: "me".into(), account: "1".into(), region: "r".into() };
    let clock = Clock::aws();
    let machine = Undertaking::Redrive(confirmed).begin(owner, 1, clock.account_now());
    let seen = Arc::new(Seen::new());
    let watch = |seen: &Arc<Seen>| Arc::clone(seen);
    let performer = Split {
        calls: Watched { inner: account, seen: watch(&seen) },
        journal: Watched { inner: journal, seen: watch(&seen) },
        clock: Pace(clock),
    };
    let (_commander, commands) = unbounded_channel();
    let (outbox, mut told) = unbounded_channel::<Progress>();
    let run = runner::run(machine, performer, commands, move |progress| drop(outbox.send(progress)));
    let (began, used) = (Instant::now(), cpu_ms());
    tokio::spawn(run).await.expect("it does not break");
    println!(
        "{}; {} % of one core",
        seen.line(began.elapsed()),
        (cpu_ms() - used) * 100 / began.elapsed().as_millis().max(1) as u64
    );
    let _ = std::fs::remove_dir_all(&state);
    let mut report = None;
    while let Ok(progress) = told.try_recv() {
        report = progress.report.or(report);
    }
    let Some(Report::Redrive(report)) = report else { panic!("a redrive reports itself") };
    report
}

/// What was asked, when, how long it took, and how many were under way on the average.
#[derive(Debug)]
struct Seen {
    since: Instant,
    kinds: std::sync::Mutex<std::collections::BTreeMap<&'static str, Vec<Request>>>,
}

#[derive(Debug, Clone, Copy)]
struct Request {
    /// Since the run began.
    began: Duration,
    took: Duration,
    entries: usize,
}

impl Seen {
    fn new() -> Self {
        Seen { since: Instant::now(), kinds: std::sync::Mutex::default() }
    }

    fn note(&self, kind: &'static str, began: Instant, entries: usize) {
        let request = Request { began: began - self.since, took: began.elapsed(), entries };
        self.kinds.lock().expect("no panic").entry(kind).or_default().push(request);
    }

    /// `receive 800 of 10.0 in 22.5 (20.1–26.0) ms, 3.7 under way, from 31 to 4,210 ms`
    fn line(&self, over: Duration) -> String {
        let mut kinds = self.kinds.lock().expect("no panic");
        let said = kinds.iter_mut().map(|(kind, all)| {
            let first = all.iter().map(|one| one.began).min().unwrap_or_default();
            let last = all.iter().map(|one| one.began + one.took).max().unwrap_or_default();
            all.sort_by_key(|one| one.took);
            let sum: Duration = all.iter().map(|one| one.took).sum();
            let entries: usize = all.iter().map(|one| one.entries).sum();
            let at = |percent: usize| all[(all.len() - 1) * percent / 100].took.as_secs_f64() * 1000.0;
            let (n, busy) = (all.len(), sum.as_secs_f64() / (last - first).as_secs_f64().max(0.001));
            let many = entries as f64 / n as f64;
            format!(
                "{kind} {n} of {many:.1} in {:.1} ({:.1}–{:.1}–{:.1}) ms, {busy:.1} under way, from {} to {} ms",
                at(50),
                at(5),
                at(80),
                at(95),
                first.as_millis(),
                last.as_millis()
            )
        });
        format!("{}; over at {} ms", said.collect::<Vec<_>>().join("; "), over.as_millis())
    }
}

struct Watched<T> {
    inner: T,
    seen: Arc<Seen>,
}

impl Calls for Watched<Account> {
    async fn call(&self, order: Order) -> OrderResult {
        let (kind, entries) = match &order {
            Order::Receive { max, .. } => ("receive", *max as usize),
            Order::Send { entries, .. } => ("send", entries.len()),
            Order::Delete { entries, .. } => ("delete", entries.len()),
            Order::Extend { entries, .. } => ("extend", entries.len()),
            _ => ("other", 1),
        };
        let began = Instant::now();
        let result = self.inner.call(order).await;
        self.seen.note(kind, began, entries);
        result
    }
}

impl JournalSink for Watched<Journal> {
    async fn record(&self, entries: Vec<JournalEntry>) -> OrderResult {
        let (began, many) = (Instant::now(), entries.len());
        let result = self.inner.record(entries).await;
        self.seen.note("record", began, many);
        result
    }
}

/// Of this process, so far.
fn cpu_ms() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let rest = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let of = |n: usize| rest.split_whitespace().nth(n).and_then(|ticks| ticks.parse::<u64>().ok()).unwrap_or(0);
    (of(11) + of(12)) * 10
}

async fn by_hand(messages: usize) -> f64 {
    let (sandbox, _listener, account) = served().await;
    fill(&account, messages).await;
    sandbox.traffic().set_latency(AWAY);
    let clock = Clock::aws();
    let began = clock.account_now();
    for _ in (0..messages).step_by(10) {
        let order = Order::Receive { queue: url("JobDLQ"), max: 10, visibility_s: 60, wait_s: 0 };
        let Outcome::Done(Answer::Received(found)) = account.perform(order).await else { panic!("received") };
        let entries = found.iter().map(|m| Outgoing { body: m.body.clone(), ..Outgoing::default() }).collect();
        account.perform(Order::Send { queue: url("JobQueue"), entries }).await;
        let entries = found.iter().map(|m| Lease { id: m.id.clone(), receipt: m.receipt.clone() }).collect();
        account.perform(Order::Delete { queue: url("JobDLQ"), entries }).await;
    }
    per_s(messages, clock.account_now().ms_since(began))
}

fn per_s(messages: usize, ms: i64) -> f64 {
    messages as f64 * 1000.0 / ms.max(1) as f64
}

/// The sandbox is a process of its own; this one is the console alone.
async fn memory() {
    let me = std::env::current_exe().expect("a program");
    if let Some(endpoint) = std::env::var_os("REDRIVE_BENCH_ENDPOINT") {
        return listed(&endpoint.to_string_lossy()).await;
    }
    let (_sandbox, listener, account) = served().await;
    fill(&account, LISTED).await;
    let endpoint = format!("http://{}", listener.address());
    let console = tokio::task::spawn_blocking(move || {
        std::process::Command::new(me).arg("memory").env("REDRIVE_BENCH_ENDPOINT", endpoint).status()
    });
    let status = console.await.expect("no panic").expect("it starts");
    assert!(status.success(), "{status}");
}

async fn listed(endpoint: &str) {
    let account = Account::connect(ConnectOptions {
        region: Some(standard().region),
        endpoint_url: Some(endpoint.to_owned()),
        test_credentials: true,
        ..ConnectOptions::default()
    });
    let ground = Ground {
        account: Arc::new(account.await.expect("connected")),
        sandbox: None,
        journal: Arc::new(Journal::open(None, shell::local_now).expect("in memory")),
        clock: Clock::aws(),
        scope: None,
        cache: None,
    };
    let options = ConsoleOptions { sandbox: true, ..ConsoleOptions::default() };
    let mut seen = Unseen::new(ground, options, (120, 36));
    seen.until(20_000, |console| console.picture.queues.contains_key(&"JobDLQ".into())).await.expect("the queues");
    println!("memory   {} before the scan", resident());
    seen.press(Key::char('3'));
    for _ in 0..10 {
        if seen.console.queue_here().is_some_and(|name| name.as_str() == "JobDLQ") {
            break;
        }
        seen.press(Key::plain(Code::Down));
    }
    seen.press(Key::char('s'));
    let held = |console: &Console| console.snapshots.get(&"JobDLQ".into()).map_or(0, |snapshot| snapshot.len());
    seen.until(90_000, |console| held(console) > 0 && console.running().next().is_none()).await;
    println!("memory   {} with {} messages listed", resident(), held(&seen.console));
}

const LISTED: usize = 100_000;

/// Of this process, now and at most.
fn resident() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let of = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap_or("");
        line.split_whitespace().nth(1).and_then(|kb| kb.parse::<u64>().ok()).unwrap_or(0) / 1024
    };
    format!("{} MB resident, {} MB at most", of("VmRSS:"), of("VmHWM:"))
}

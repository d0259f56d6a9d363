//! As fast as its lanes allow: a request of each kind outstanding in every lane, all the time, with
//! every request 20 ms away and every write of the journal 4 ms.

use std::time::Duration;

use redrive::aws::Account;
use redrive::aws::connect::ConnectOptions;
use redrive::driver::sandbox::ENDPOINT;
use redrive::driver::simulated::Simulated;
use redrive::journal::Journal;
use redrive::model::id::{MessageId, QueueUrl};
use redrive::model::message::Outgoing;
use redrive::model::plan::RedrivePlan;
use redrive::model::service_error::Outcome;
use redrive::operation::card::Facts;
use redrive::operation::confirm::{Consent, Preflight};
use redrive::operation::order::{Answer, EndState, JournalEntry, JournalSink, Lease, Order, OrderResult};
use redrive::operation::progress::{Progress, RedriveReport, Report};
use redrive::operation::{Owner, Undertaking};
use redrive::pipeline::standard::standard;
use redrive::runner::{self, Split};
use redrive::shell::{self, Pace};
use tokio::sync::mpsc::unbounded_channel;

const AWAY: Duration = Duration::from_millis(20);
const SYNC: Duration = Duration::from_millis(4);

fn url(queue: &str) -> QueueUrl {
    let blueprint = standard();
    format!("{}/{}/{queue}", blueprint.sqs_endpoint, blueprint.account).into()
}

/// The real journal, on disk. While its thread writes, simulated time stands still; then it takes as
/// long as a disk does.
struct Disk(Journal);

impl JournalSink for Disk {
    async fn record(&self, entries: Vec<JournalEntry>) -> OrderResult {
        let (journal, runtime) = (self.0.clone(), tokio::runtime::Handle::current());
        let written = tokio::task::spawn_blocking(move || runtime.block_on(journal.record(entries))).await;
        tokio::time::sleep(SYNC).await;
        written.expect("the journal does not panic")
    }
}

/// A dead-letter queue nobody else is at, 20 ms away, with so many messages.
async fn site(messages: usize) -> (Simulated, Account, Vec<MessageId>) {
    let mut blueprint = standard();
    blueprint.load.requests_per_ks = 0;
    blueprint.load.events_per_ks = 0;
    blueprint.mappings.iter_mut().for_each(|mapping| mapping.enabled = false);
    let site = Simulated::start(blueprint, 1, 0).expect("it fits together");
    let account = Account::connect(ConnectOptions {
        region: Some(site.region().to_owned()),
        endpoint_url: Some(ENDPOINT.to_owned()),
        http_client: Some(site.client()),
        test_credentials: true,
        ..ConnectOptions::default()
    });
    let account = account.await.expect("in process");
    let mut ids = Vec::with_capacity(messages);
    for first in (0..messages).step_by(10) {
        let body = |n: usize| Outgoing { body: format!("{{\"n\":{n}}}"), ..Outgoing::default() };
        let entries = (first..first + 10).map(body).collect();
        match account.perform(Order::Send { queue: url("JobDLQ"), entries }).await {
            Outcome::Done(Answer::Sent(sent)) => ids.extend(sent.into_iter().map(|id| id.expect("taken"))),
            other => panic!("sent: {other:?}"),
        }
    }
    site.traffic().set_latency(AWAY);
    (site, account, ids)
}

/// All of them by the mover, with the limiter off.
async fn moved(lanes: u32, messages: usize) -> RedriveReport {
    let (site, account, ids) = site(messages).await;
    let state = tempfile::tempdir().expect("a directory");
    let journal = Journal::open(Some(state.path()), shell::local_now).expect("a journal");
    let plan = RedrivePlan {
        fallback: Some(url("JobQueue")),
        lanes,
        ..RedrivePlan::new(url("JobDLQ"), "arn:aws:sqs:eu-west-1:000000000000:JobDLQ".into(), ids, Vec::new())
    };
    let consent = Consent::Count(messages.to_string());
    let Ok(confirmed) = Preflight::new(plan, &Facts::default()).accept(&consent) else { panic!("it was counted") };
    let owner = Owner { operation: "fast".into(), who: "me".into(), account: "1".into(), region: "r".into() };
    let machine = Undertaking::Redrive(confirmed).begin(owner, 1, site.clock().account_now());
    let performer = Split { calls: account, journal: Disk(journal), clock: Pace(site.clock()) };
    let (_commander, commands) = unbounded_channel();
    let (outbox, mut told) = unbounded_channel::<Progress>();
    runner::run(machine, performer, commands, move |progress| drop(outbox.send(progress))).await;
    let mut report = None;
    while let Ok(progress) = told.try_recv() {
        report = progress.report.or(report);
    }
    match report {
        Some(Report::Redrive(report)) => report,
        other => panic!("no report: {other:?}"),
    }
}

/// The same by hand: receive, write down, send, write down, delete, one after the other.
async fn by_hand(messages: usize) -> f64 {
    let (site, account, _) = site(messages).await;
    let began = site.clock().account_now();
    for _ in (0..messages).step_by(10) {
        let order = Order::Receive { queue: url("JobDLQ"), max: 10, visibility_s: 60, wait_s: 0 };
        let Outcome::Done(Answer::Received(found)) = account.perform(order).await else { panic!("received") };
        tokio::time::sleep(SYNC).await;
        let body = |body: &String| Outgoing { body: body.clone(), ..Outgoing::default() };
        let entries = found.iter().map(|message| body(&message.body)).collect();
        account.perform(Order::Send { queue: url("JobQueue"), entries }).await;
        tokio::time::sleep(SYNC).await;
        let lease = |message: &redrive::model::message::Message| Lease {
            id: message.id.clone(),
            receipt: message.receipt.clone(),
        };
        let entries = found.iter().map(lease).collect();
        account.perform(Order::Delete { queue: url("JobDLQ"), entries }).await;
    }
    per_s(messages, site.clock().account_now().ms_since(began))
}

fn per_s(messages: usize, ms: i64) -> f64 {
    messages as f64 * 1000.0 / ms as f64
}

#[tokio::test(start_paused = true)]
async fn every_lane_keeps_a_request_of_each_kind_under_way() {
    let serial = by_hand(200).await;
    for (lanes, messages) in [(1, 600), (4, 2_400), (16, 16_000)] {
        let report = moved(lanes, messages).await;
        assert_eq!((report.state, report.moved), (EndState::Done, messages as u64), "{report:?}");
        let (seen, goal) = (per_s(messages, report.took_ms), f64::from(lanes) * 10.0 / AWAY.as_secs_f64());
        assert!(seen >= 0.9 * goal, "{lanes} lanes moved {seen:.0} a second, {goal} is what they could");
        assert!(lanes < 16 || seen >= 10.0 * serial, "{seen:.0} against {serial:.0} by hand");
    }
}

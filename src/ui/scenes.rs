//! Test only: consoles in the states a person meets at night, most of them reached by pressing keys.

use std::sync::Arc;

use crate::console::armed::Armed;
use crate::console::key::{Code, Key, Line};
use crate::console::msg::Msg;
use crate::console::notice::Toast;
use crate::console::overlay::{Overlay, Tried};
use crate::console::running::{About, Effectiveness, Follow, Running};
use crate::console::screen::{Place, Screen};
use crate::console::snapshot::Snapshot;
use crate::console::update::update;
use crate::console::{Asked, Console, ConsoleOptions};
use crate::model::bench::{Bench, Switch};
use crate::model::census::{Census, Count};
use crate::model::finding::Severity;
use crate::model::id::MessageId;
use crate::model::mapping::{MappingChange, MappingSettings};
use crate::model::message::{Attribute, Attributes, Message, SystemAttributes};
use crate::model::plan::RetunePlan;
use crate::model::time::Mono;
use crate::model::trial::Verdict;
use crate::model::usage::Usage;
use crate::operation::order::EndState;
use crate::operation::progress::{Kind, Limit, Phase, Progress, SaidBy, TrialReport};
use crate::ui::{
    alarm_scenes, fixture, journal_scene, log_scene, posture_scenes, redaction_scenes, rescue_scenes, tune_scenes,
};
use crate::verdict::foretold::Standing;

/// On the account, read-only, everything read.
pub fn account() -> Console {
    let mut console = Console::new(ConsoleOptions { utc_offset_s: Some(7200), ..ConsoleOptions::default() });
    console.now = fixture::now();
    console.mono = Mono::from_ms(3_600_000);
    console.picture = fixture::picture();
    console.findings = fixture::findings();
    console.cost.took(console.now.plus_s(-1_800), Usage::default());
    console.cost.took(console.now, Usage { metrics: 180, ..Usage::default() });
    console
}

/// The same with writes armed.
pub fn armed() -> Console {
    let mut console = account();
    console.armed = Armed::Until(console.mono.plus_ms(41 * 60_000));
    console
}

pub fn sandbox() -> Console {
    let mut console = Console::new(ConsoleOptions { sandbox: true, ..ConsoleOptions::default() });
    let base = account();
    (console.now, console.mono, console.findings) = (base.now, base.mono, base.findings);
    console.picture = base.picture;
    let switch = |name: &str, what: &str, on| Switch { name: name.into(), what: what.into(), on };
    console.bench = Some(Bench {
        scenario: "night-shift".to_owned(),
        seed: 7,
        speed: 10.0,
        speed_wanted: 60.0,
        switches: vec![
            switch("surge", "three times the arrivals", false),
            switch("poison", "the index refuses one event in 5,000; LogWorker throws on a batch that has it", false),
            switch("slow-index", "the index answers in 2 s instead of 80 ms", false),
            switch("throttled", "LogWorker is given one run at a time", false),
            switch("failing-step", "the step send fails for one run in 25", true),
            switch("stopped-consumer", "the mapping of EventTable is disabled", false),
        ],
        preparing: false,
        now: console.now,
        census: Census {
            jobs: Count {
                waiting: 412,
                in_flight: 18,
                delayed: 7,
                dead: 312,
                done: 128_412,
                cancelled: 31,
                ..Count::default()
            },
            events: Count { waiting: 71_204, in_flight: 100, done: 512_001, ..Count::default() },
            lost: Vec::new(),
        },
    });
    console
}

pub fn type_keys(console: &mut Console, keys: &str) {
    for c in keys.chars() {
        let key = if c == '\n' { Key::plain(Code::Enter) } else { Key::char(c) };
        update(console, Msg::Key(key));
    }
}

/// A second passes, so that a card listens.
pub fn wait(console: &mut Console) {
    console.mono = console.mono.plus_ms(1000);
}

pub fn letter(n: u64, body: String, minutes: i64) -> Arc<Message> {
    let sent_at = fixture::now().plus_s(-60 * minutes);
    let mut attributes = Attributes::new();
    attributes.insert("tenant".to_owned(), Attribute::text(format!("t-{}", n % 7)));
    if !n.is_multiple_of(3) {
        let error = if n.is_multiple_of(2) { "TimeoutError: smtp after 10 s" } else { "ValidationError: no address" };
        attributes.insert("ErrorMessage".to_owned(), Attribute::text(error));
    }
    Arc::new(Message {
        id: MessageId::new(format!("{:08x}-3333-4444-8555-{n:012}", n.wrapping_mul(2_654_435_761) % 0xffff_ffff)),
        receipt: "receipt".into(),
        body,
        attributes,
        system: SystemAttributes {
            sent_at,
            receive_count: 6,
            first_received_at: Some(sent_at.plus_s(2)),
            dead_letter_source: (n % 11 != 10).then(|| fixture::sqs("JobQueue")),
            trace_header: Some("Root=1-67e1f1aa-0123456789abcdef01234567".to_owned()),
            ..SystemAttributes::default()
        },
    })
}

pub fn job(n: u64) -> String {
    let action = ["send", "update-profile", "invoke"][n as usize % 3];
    format!(
        r#"{{"run":"run-{n:06}","step":{},"action":"{action}","profile":{{"id":"p-{}","locale":"de-DE"}},"template":"welcome","attempt":1,"tags":[]}}"#,
        n % 4,
        n * 31 % 997
    )
}

/// JobDLQ scanned: `n` messages copied.
pub fn scanned(mut console: Console, n: u64) -> Console {
    let mut snapshot = Snapshot::new("JobDLQ".into(), "op-1".into(), fixture::now());
    snapshot.add((0..n).map(|n| letter(n, job(n), 3 + n as i64 % 170)));
    snapshot.line = format!("{n} of ~312 scanned at 03:12Z");
    console.snapshots.insert("JobDLQ".into(), snapshot);
    console.screens.push(Screen::Triage("JobDLQ".into()));
    console
}

/// A message that wants to take over the terminal.
pub fn hostile() -> Console {
    let mut console = scanned(armed(), 0);
    let snapshot = console.snapshots.get_mut(&"JobDLQ".into()).expect("just scanned");
    let body = "\u{1b}]0;owned\u{7}\u{1b}[2J\u{1b}[31mred\u{9b}31m \u{202e}txt.exe\u{202c} nul\u{0} bs\u{8}\u{8} tab\tend\r\nline two \u{200b}\u{feff}zero width, e\u{301}\u{301}\u{301}\u{301}\u{301}\u{301} tower, 日本語, \u{1f468}\u{200d}\u{1f469}";
    let mut message = Message::clone(&letter(1, body.to_owned(), 9));
    message.attributes.insert("evil\u{1b}[7m".to_owned(), Attribute::text("\u{1b}[5mblink\u{202e}"));
    snapshot.add([Arc::new(message)]);
    console
}

/// A message that was tried and failed; what its function wrote is as hostile as a body.
pub fn tried() -> Console {
    let mut console = scanned(armed(), 312);
    let report = TrialReport {
        operation: "op-9".into(),
        state: EndState::Partly,
        queue: "JobDLQ".into(),
        id: "5fea7756-0ea4-451a-a703-a558b933e274".into(),
        function: "JobWorker".into(),
        verdict: Verdict::Failed("ProviderError: the provider refused to send: 503 unavailable".to_owned()),
        deleted: false,
        doubtful: false,
        answer: Some(r#"{"errorType":"ProviderError","errorMessage":"503 \u001b[2J","trace":[]}"#.to_owned()),
        log_tail: Some(
            "START RequestId: 8f1c Version: $LATEST\nERROR 8f1c ProviderError: 503 \u{1b}[31munavailable\u{202e}\n\
             END RequestId: 8f1c\nREPORT RequestId: 8f1c\tDuration: 812.00 ms\n"
                .to_owned(),
        ),
        took_ms: Some(1_840),
        problem: None,
        cause: None,
    };
    console.overlays.push(Overlay::Tried(Tried { report, scroll: 0 }));
    console
}

pub fn retune() -> RetunePlan {
    RetunePlan {
        mapping: fixture::log_mapping(),
        before: MappingSettings {
            batch_size: Some(100),
            parallelization_factor: Some(1),
            ..MappingSettings::default()
        },
        enabled_before: true,
        change: MappingChange { parallelization_factor: Some(5), ..MappingChange::default() },
        reason: Some("behind since the deploy".to_owned()),
        revert_after_s: None,
        reserve: None,
    }
}

/// After a retune: settled, not proven yet, and what was before can be put back.
pub fn retuned() -> Console {
    let mut console = armed();
    let plan = retune();
    console.follows.push(Follow {
        mapping: plan.mapping.clone(),
        function: "LogWorker".into(),
        what: "parallel 1→5".to_owned(),
        reserve: None,
        settled_at: console.now.plus_s(-100),
        state: Effectiveness::Awaited,
        foreseen: None,
        standing: Standing::NotYet,
    });
    let mut back = plan.clone();
    back.before.parallelization_factor = Some(5);
    back.change.parallelization_factor = Some(1);
    console.saved.insert(plan.mapping.clone(), back);
    console.screens.push(Screen::ConsumerDetail(plan.mapping));
    console
}

/// A redrive and a move task run; a toast says that something ended; metrics could not be read.
pub fn busy() -> Console {
    let mut console = scanned(armed(), 40);
    let progress = |kind, done, left| Progress {
        operation: "op".into(),
        kind,
        phase: Phase::Running,
        line: "4,000 of ~12,000 moved".to_owned(),
        done,
        failed: 2,
        left: Some(left),
        unsure: 0,
        rate_per_s: Some(21.0),
        limit: (kind == Kind::Redrive).then_some(Limit { per_s: Some(25.0), by: SaidBy::GaveWay, gives_way: true }),
        eta_ms: Some(14_000),
        rung: None,
        held: 30,
        held_until: Some(fixture::now().plus_s(48)),
        found: Vec::new(),
        report: None,
    };
    let mut running = |id: &str, kind, title: &str, about, done, left| {
        console.operations.push(Running {
            id: id.into(),
            kind,
            title: title.to_owned(),
            about,
            started_at: fixture::now().plus_s(-9),
            progress: Some(progress(kind, done, left)),
            ended: None,
        });
    };
    running("op-7", Kind::MoveAll, "Move everything in OldDLQ", About::MoveAll("OldDLQ".into()), 4_000, 8_000);
    let about = About::Redrive { queue: "JobDLQ".into(), ids: Vec::new() };
    running("op-8", Kind::Redrive, "Redrive 312 messages from JobDLQ", about, 12, 300);
    console.troubles.insert(Asked::Metrics, "metrics unavailable: cloudwatch:GetMetricData: AccessDenied".to_owned());
    let toast = |severity, text: &str| Toast { severity, text: text.to_owned(), shown_at: console.mono };
    let toasts = [
        toast(Severity::Good, "Tune LogWorker: parallel 1→5 settled at 03:11Z"),
        toast(
            Severity::Warning,
            "2 of 312 failed: AWS.SimpleQueueService.NonExistentQueue; each is named in the journal",
        ),
    ];
    console.toasts.extend(toasts);
    console
}

/// Every scene there is.
pub fn all() -> Vec<(&'static str, Console)> {
    let mut all = of_the_night();
    all.extend([
        ("consumers-fresh", fresh(Screen::Consumers)),
        ("queues-fresh", fresh(Screen::Queues)),
        ("logs", log_scene::read()),
        ("logs-busy", log_scene::busy()),
        ("logs-denied", log_scene::denied()),
        ("map-posture", posture_scenes::map()),
        ("posture", posture_scenes::list()),
        ("posture-scrolled", posture_scenes::scrolled()),
        ("triage-redacted", redaction_scenes::list()),
        ("message-redacted", redaction_scenes::message("\n")),
        ("message-revealed", redaction_scenes::message("\nv")),
        ("triage-pointers", rescue_scenes::triage()),
        ("triage-pointers-refused", rescue_scenes::refused()),
        ("card-rescue", rescue_scenes::card()),
        ("alarms", alarm_scenes::paged()),
        ("alarms-denied", alarm_scenes::denied()),
    ]);
    all.extend(tune_scenes::all());
    all
}

/// Nothing was answered yet.
fn fresh(screen: Screen) -> Console {
    let mut console = Console::new(ConsoleOptions::default());
    console.now = fixture::now();
    console.screens = vec![screen];
    console
}

/// Name and console of everything that is snapshotted.
fn of_the_night() -> Vec<(&'static str, Console)> {
    let open = |mut console: Console, keys: &str| {
        type_keys(&mut console, keys);
        wait(&mut console);
        console
    };
    let at = |mut console: Console, screen: Screen| {
        console.screens.push(screen);
        console
    };
    let mut preparing = sandbox();
    (preparing.picture, preparing.findings) = Default::default();
    if let Some(bench) = &mut preparing.bench {
        bench.preparing = true;
    }
    let mut fine = account();
    fine.findings.clear();
    let mut frozen = at(account(), Screen::Queues);
    frozen.frozen_at = Some(frozen.now.plus_s(-95));
    frozen.filtering = true;
    frozen.filters.insert(Place::Queues, Line::new("job"));
    let mut chosen = scanned(armed(), 312);
    type_keys(&mut chosen, "  j ");
    let mut card = chosen_card(scanned(armed(), 312), "*R");
    type_keys(&mut card, "31\n");
    let mut stale = at(account(), Screen::Consumers);
    for seen in stale.picture.mappings.values_mut() {
        seen.stale = Some("lambda:ListEventSourceMappings: throttled".to_owned());
    }
    let mut acknowledged = account();
    type_keys(&mut acknowledged, "jja");
    vec![
        ("map", account()),
        ("tried", tried()),
        ("card-try", chosen_card(scanned(armed(), 312), "c")),
        ("map-sandbox", sandbox()),
        ("map-fresh", fresh(Screen::Map)),
        ("map-preparing", preparing),
        ("map-fine", fine),
        ("consumers", at(account(), Screen::Consumers)),
        ("consumers-stale", stale),
        ("consumer-stream", retuned()),
        ("consumer-queue", at(account(), Screen::ConsumerDetail(fixture::job_mapping()))),
        ("queues", at(armed(), Screen::Queues)),
        ("queues-frozen-filter", frozen),
        ("triage-unscanned", at(account(), Screen::Triage("JobDLQ".into()))),
        ("triage", chosen),
        ("triage-hostile", hostile()),
        ("triage-busy", busy()),
        ("journal", journal_scene::journal()),
        ("sandbox", open(at(sandbox(), Screen::Sandbox), "j")),
        ("help", open(account(), "?")),
        ("palette", open(account(), ":re")),
        ("tune", open(armed(), "t5")),
        ("tune-refused", open(armed(), "t50")),
        ("card-tune", open(armed(), "t5\n")),
        ("card-redrive", card),
        ("card-move-all", chosen_card(at(armed(), Screen::Triage("JobDLQ".into())), "R3")),
        ("choice", open(scanned(armed(), 40), "R")),
        ("arm", open(account(), "W12")),
        ("message", open(scanned(armed(), 40), "\n")),
        ("triage-deaths", log_scene::deaths(scanned(armed(), 40))),
        ("editor", edited(&[Key::plain(Code::Backspace)])),
        ("edited", edited(&[Key::plain(Code::Left), Key::char('7')])),
        ("leave", leaving()),
        ("acknowledge", acknowledged),
    ]
}

/// These keys pressed behind the first number of a body, and then `ctrl-s`.
fn edited(typed: &[Key]) -> Console {
    let mut console = scanned(armed(), 40);
    type_keys(&mut console, "e");
    let keys = [Key::plain(Code::Down), Key::plain(Code::Down), Key::plain(Code::End), Key::plain(Code::Left)];
    for key in keys.into_iter().chain(typed.iter().copied()).chain([Key::ctrl('s')]) {
        update(&mut console, Msg::Key(key));
    }
    console
}

fn leaving() -> Console {
    let mut console = busy();
    console.toasts.clear();
    update(&mut console, Msg::Key(Key::ctrl('c')));
    console
}

fn chosen_card(mut console: Console, keys: &str) -> Console {
    type_keys(&mut console, keys);
    wait(&mut console);
    console
}

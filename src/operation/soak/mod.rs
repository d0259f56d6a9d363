//! The machines in virtual time against queues with faults drawn from a seed: nothing is lost, what
//! exists twice is named, and without faults nothing is named. A failing seed prints itself.

mod drive;
mod drop;
mod ladder;
pub(in crate::operation) mod play;
mod rate;
mod suspicion;
mod world;

use crate::model::id::MessageId;
use crate::model::message::{Attributes, Message, SystemAttributes};
use crate::model::plan::{RedrivePlan, ScanPlan};
use crate::model::queue::QueueCounts;
use crate::model::service_error::Outcome;
use crate::model::time::Timestamp;
use crate::operation::card::Facts;
use crate::operation::confirm::{Confirmed, Consent, Level, Planned, Preflight};
use crate::operation::order::{Answer, EndState, JournalEntry, Order};
use crate::operation::progress::{RedriveReport, Report, ScanReport};
use crate::operation::record::Record;
use crate::operation::redrive::Redrive;
use crate::operation::resume::ResumePlan;
use crate::operation::scan::Scan;
use crate::operation::soak::drive::{Drive, Stop};
use crate::operation::soak::play::{play, refused};
use crate::operation::soak::world::{DLQ, Faults, ORIGINS, SIZE_LIMIT, World, id_of};
use crate::operation::{Command, Operation, Owner, Undertaking};

pub(in crate::operation) const START: Timestamp = Timestamp::from_s(1_767_225_600);

pub(in crate::operation) fn owner() -> Owner {
    Owner { operation: "op-1".into(), who: "tester".into(), account: "1".into(), region: "r".into() }
}

pub(in crate::operation) fn confirm<T: Planned>(plan: T) -> Confirmed<T> {
    let preflight = Preflight::new(plan, &Facts::default());
    let consent = match preflight.level() {
        Level::Button | Level::Account { .. } => Consent::Enter,
        Level::Count(count) | Level::Irreversible { count, .. } => Consent::Count(count.to_string()),
    };
    preflight.accept(&consent).map_err(|(_, why)| why).expect("what the level asks for was given")
}

/// Also what cannot be undone.
fn confirm_in<T: Planned>(plan: T, account: &str) -> Confirmed<T> {
    let preflight = Preflight::new(plan, &Facts { account: account.to_owned(), ..Facts::default() });
    let consent = match preflight.level() {
        Level::Button | Level::Account { .. } => Consent::Enter,
        Level::Count(count) => Consent::Count(count.to_string()),
        Level::Irreversible { count, account_last4 } => {
            Consent::CountAndAccount { count: count.to_string(), account_last4: account_last4.clone() }
        }
    };
    preflight.accept(&consent).map_err(|(_, why)| why).expect("what the level asks for was given")
}

fn redrive_plan(ids: impl Iterator<Item = usize>, rate_per_s: Option<f64>) -> RedrivePlan {
    let origins = ORIGINS.iter().map(|(arn, url)| ((*arn).into(), (*url).into())).collect();
    RedrivePlan {
        max_message_bytes: SIZE_LIMIT as u64,
        rate_per_s,
        ..RedrivePlan::new(DLQ.into(), "arn:aws:sqs:r:1:dlq".into(), ids.map(id_of).collect(), origins)
    }
}

fn redriven(report: Option<Report>) -> RedriveReport {
    match report {
        Some(Report::Redrive(report)) => report,
        other => panic!("a redrive ends with its report, not {other:?}"),
    }
}

fn scanned(report: Option<Report>) -> ScanReport {
    match report {
        Some(Report::Scan(report)) => report,
        other => panic!("a scan ends with its report, not {other:?}"),
    }
}

/// One seed's story: how many messages, which faults, what the operator does meanwhile.
struct Story {
    messages: usize,
    asked: usize,
    lanes: usize,
    rate_per_s: Option<f64>,
    faults: Faults,
    /// The process dies after so many steps, and the operation is resumed.
    dies_after: Option<u64>,
    commands: Vec<(i64, Command)>,
}

fn story(seed: u64) -> Story {
    let mut chance = World::new(seed ^ 0x5eed, Faults::default(), 0);
    let messages = 1 + chance.draw(120) as usize;
    let asked = 1 + chance.draw(messages as u64) as usize;
    let mut faults = Faults::default();
    if !seed.is_multiple_of(4) {
        let mut rate = |most: u64| if chance.draw(2) == 0 { 0 } else { chance.draw(most) };
        faults = Faults {
            throttle: rate(200),
            lost_before: rate(60),
            lost_after: rate(60),
            entry: rate(100),
            redeliver: rate(20),
            slow: rate(60),
            rival: rate(1_000),
            journal: rate(10),
            task: rate(2),
            empty: 0,
        };
        // A message handed to two at once and moved by both: no mover can know.
        if faults.rival > 0 || faults.task > 0 {
            faults.redeliver = 0;
        }
    }
    let mut commands = Vec::new();
    if seed % 4 == 2 {
        let at = chance.draw(4_000) as i64;
        commands = match chance.draw(3) {
            0 => vec![(at, Command::Pause), (at + 70_000, Command::Resume)],
            1 => vec![(at, Command::Cancel)],
            _ => vec![(at, Command::Rate(Some(20.0)))],
        };
    }
    Story {
        messages,
        asked,
        lanes: 1 + chance.draw(6) as usize,
        rate_per_s: (chance.draw(3) == 0).then(|| 0.5 + chance.draw(30) as f64),
        faults,
        dies_after: (seed % 4 == 3).then(|| 1 + chance.draw(300)),
        commands,
    }
}

fn run_story(seed: u64) {
    let story = story(seed);
    let asked = story.asked;
    let mut drive = Drive::new(World::new(seed, story.faults, story.messages), START);
    drive.commands = story.commands.iter().map(|(ms, command)| (START.plus_ms(*ms), *command)).collect();
    let plan = redrive_plan(0..asked, story.rate_per_s);
    let mut machine = Redrive::new(confirm(RedrivePlan { lanes: story.lanes as u32, ..plan }), owner(), seed, START);
    let mut report = drive.run(&mut machine, story.dies_after);
    if report == Err(Stop::Died) {
        report = resume(&mut drive, seed, story.lanes, asked, story.rate_per_s);
    }
    let report = redriven(report.unwrap_or_else(|stop| panic!("seed {seed}: {stop:?}")));
    let world = &drive.world;
    assert_eq!(world.breaches, Vec::<String>::new(), "seed {seed}: {report:?}");
    let early = report.problem.is_some() || report.state == EndState::Cancelled;
    for identity in 0..story.messages {
        let copies = world.copies(identity);
        assert!(copies > 0, "seed {seed}: identity {identity} is lost: {report:?}");
        let named = report.duplicates_possible.contains(&id_of(identity));
        assert!(copies == 1 || named, "seed {seed}: identity {identity} exists {copies} times, unnamed: {report:?}");
        assert!(
            identity < asked || !world.delivered.contains(&identity) || story.faults.rival > 0 || story.faults.task > 0,
            "seed {seed}: {identity} was not asked for"
        );
    }
    let named = report.duplicates_possible.iter();
    let wrongly: Vec<&MessageId> = named.filter(|id| !drive.suspicion.allows(id, early)).collect();
    assert_eq!(wrongly, Vec::<&MessageId>::new(), "seed {seed}: named without a reason: {report:?}");
    assert!(drive.suspicion.hasty.is_empty(), "seed {seed}: sent with too little of a lease left: {report:?}");
    let sum = report.moved + report.failed + report.skipped + report.gone + report.returned;
    assert_eq!(sum, report.asked, "seed {seed}: every id ends in one way: {report:?}");
    if seed.is_multiple_of(4) {
        assert_eq!((report.state, report.moved), (EndState::Done, asked as u64), "seed {seed}: {report:?}");
        assert!(report.duplicates_possible.is_empty(), "seed {seed}: {report:?}");
        assert_eq!(world.dlq.len(), story.messages - asked, "seed {seed}: the others stay");
        let hidden = world.dlq.iter().filter(|copy| copy.visible_at > drive.now).count();
        assert_eq!(hidden, 0, "seed {seed}: what was not asked for was given back");
        keeps_its_rate(seed, &story, world);
    }
    let longest = world.dlq.iter().map(|copy| copy.visible_at.ms_since(drive.now)).max().unwrap_or(0);
    assert!(longest <= 60_000, "seed {seed}: hidden for {longest} ms after the end");
}

/// The next morning: what the journal holds is all that is left of the first try.
fn resume(drive: &mut Drive, seed: u64, lanes: usize, asked: usize, rate: Option<f64>) -> Result<Option<Report>, Stop> {
    drive.now = drive.now.plus_s(100);
    let mut machine: Box<dyn Operation> = match Record::read(&drive.world.journal) {
        Some(record) => {
            let plan =
                Preflight::new(ResumePlan { record: Box::new(record) }, &Facts::default()).accept(&Consent::Enter);
            let confirmed = plan.map_err(|(_, why)| why).expect("it was confirmed before");
            Undertaking::Resume(confirmed).begin(owner(), seed + 1, drive.now)
        }
        None => {
            let plan = RedrivePlan { lanes: lanes as u32, ..redrive_plan(0..asked, rate) };
            Box::new(Redrive::new(confirm(plan), owner(), seed + 1, drive.now))
        }
    };
    drive.run(machine.as_mut(), None)
}

fn keeps_its_rate(seed: u64, story: &Story, world: &World) {
    let Some(rate) = story.rate_per_s else { return };
    let (Some(first), Some(last)) = (world.sends.first(), world.sends.last()) else { return };
    let allowed = rate * (last.0.ms_since(first.0) as f64 / 1000.0) + 2.0 * rate.max(1.0) + 1.0;
    assert!(world.sends.len() as f64 <= allowed, "seed {seed}: {} sent, {allowed} allowed", world.sends.len());
}

/// Seeds a test runs; `REDRIVE_SEEDS` runs more.
const SEEDS: u64 = 500;
/// Once found a mistake: an extension answered at the very moment its lease ended was taken for one.
const FOUND: [u64; 1] = [2_551];

#[test]
fn a_redrive_loses_nothing_and_names_what_may_exist_twice() {
    let one = std::env::var("REDRIVE_SEED").ok().and_then(|text| text.parse().ok());
    let seeds = std::env::var("REDRIVE_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(SEEDS);
    let found = FOUND.iter().filter(|_| one.is_none());
    for seed in one.map_or(0..seeds, |seed| seed..seed + 1).chain(found.copied()) {
        let replay = format!("REDRIVE_SEED={seed} cargo test --lib a_redrive_loses_nothing");
        let failed = std::panic::catch_unwind(|| run_story(seed)).is_err();
        assert!(!failed, "seed {seed} failed; it is replayed by: {replay}");
    }
}

#[test]
fn a_scan_gives_everything_back_whatever_happens() {
    for seed in 0..SEEDS {
        let story = story(seed);
        let plan = ScanPlan {
            queue: DLQ.into(),
            own_max_receive_count: None,
            max_messages: 50,
            max_bytes: 1 << 30,
            lease_s: 60,
        };
        let faults = story.faults;
        let mut drive = Drive::new(World::new(seed, faults, story.messages), START);
        drive.commands = story.commands.iter().map(|(ms, command)| (START.plus_ms(ms / 20), *command)).collect();
        let mut machine = Scan::new(confirm(plan), owner(), seed, START);
        let report = drive.run(&mut machine, None).unwrap_or_else(|stop| panic!("seed {seed}: {stop:?}"));
        let report = scanned(report);
        assert_eq!(report.scanned, drive.found, "seed {seed}: what was counted was shown");
        // What a colleague moved meanwhile is where they moved it.
        let copies = (0..story.messages).map(|identity| drive.world.copies(identity));
        assert!(copies.into_iter().all(|copies| copies == 1), "seed {seed}");
        let moved = drive.world.delivered.len();
        assert!(moved == 0 || faults.rival > 0 || faults.task > 0, "seed {seed}: {moved} moved by a scan");
        let hidden = drive.world.hidden(drive.now);
        let excused = report.hidden > 0 || report.hidden_until.is_some() || faults.redeliver > 0 || faults.slow > 0;
        assert!(hidden == 0 || excused, "seed {seed}: {hidden} hidden, unsaid: {report:?}");
        if seed.is_multiple_of(4) {
            assert_eq!(report.scanned, story.messages.min(50) as u64, "seed {seed}: {report:?}");
            assert_eq!(report.complete, story.messages < 50, "seed {seed}: {report:?}");
            assert!(drive.world.dlq.iter().all(|copy| copy.receives() <= 1), "seed {seed}: one look each");
        }
    }
}

#[test]
fn a_queue_that_dead_letters_by_itself_is_not_scanned() {
    let plan = ScanPlan {
        queue: DLQ.into(),
        own_max_receive_count: Some(5),
        max_messages: 50,
        max_bytes: 1 << 30,
        lease_s: 60,
    };
    let mut drive = Drive::new(World::new(1, Faults::default(), 10), START);
    let report = scanned(drive.run(&mut Scan::new(confirm(plan), owner(), 1, START), None).expect("it ends"));
    assert_eq!((report.state, report.scanned, drive.world.receives), (EndState::Failed, 0, 0));
    assert!(report.problem.is_some_and(|why| why.contains("maxReceiveCount 5")));
}

#[test]
fn leaving_gives_back_and_keeps_the_operation_open() {
    let mut drive = Drive::new(World::new(3, Faults::default(), 100), START);
    drive.commands = vec![(START.plus_s(3), Command::Leave)];
    let plan = redrive_plan(0..100, Some(5.0));
    let mut machine = Redrive::new(confirm(plan), owner(), 3, START);
    let report = redriven(drive.run(&mut machine, None).expect("it ends"));
    assert!(report.moved > 0 && report.returned > 0 && report.duplicates_possible.is_empty(), "{report:?}");
    assert!(drive.now.ms_since(START) < 13_000, "leaving takes at most ten seconds");
    assert!(drive.world.dlq.iter().all(|copy| copy.visible_at <= drive.now), "nothing stays hidden");
    let ended = drive.world.journal.iter().any(|entry| matches!(entry, JournalEntry::Ended { .. }));
    assert!(!ended, "it can be taken up again");
    let report = redriven(resume(&mut drive, 3, 4, 100, None).expect("it ends"));
    assert_eq!((report.moved, report.state, drive.world.dlq.len()), (100, EndState::Done, 0), "{report:?}");
}

#[test]
fn an_empty_answer_is_not_an_empty_queue() {
    for seed in 0..50 {
        let faults = Faults { empty: 400, ..Faults::default() };
        let mut drive = Drive::new(World::new(seed, faults, 80), START);
        let mut machine = Redrive::new(confirm(redrive_plan(0..80, None)), owner(), seed, START);
        let report = redriven(drive.run(&mut machine, None).unwrap_or_else(|stop| panic!("seed {seed}: {stop:?}")));
        assert_eq!((report.moved, report.gone), (80, 0), "seed {seed}: {report:?}");
    }
}

#[test]
fn what_waits_for_a_slow_rate_is_kept_by_extending_not_by_receiving_again() {
    let mut drive = Drive::new(World::new(1, Faults::default(), 150), START);
    let mut machine = Redrive::new(confirm(redrive_plan(0..150, Some(1.0))), owner(), 1, START);
    let report = redriven(drive.run(&mut machine, None).expect("it ends"));
    assert_eq!((report.moved, report.state), (150, EndState::Done));
    assert!((140_000..160_000).contains(&report.took_ms), "{report:?}");
    assert!(drive.world.receives < 40, "{} receives for 150 messages", drive.world.receives);
}

#[test]
fn what_is_refused_or_too_large_or_of_unknown_origin_stays_and_is_named() {
    let mut plan = redrive_plan(0..20, None);
    plan.origins.truncate(1);
    plan.max_message_bytes = 400;
    let mut drive = Drive::new(World::new(5, Faults::default(), 20), START);
    let mut machine = Redrive::new(confirm(plan), owner(), 5, START);
    let report = redriven(drive.run(&mut machine, None).expect("it ends"));
    assert_eq!(report.skipped, 10, "those from the queue that is not in the plan: {report:?}");
    assert!(report.failed > 0 && report.moved > 0 && report.moved + report.failed == 10, "{report:?}");
    assert_eq!(report.faults.len() as u64, report.skipped + report.failed);
    assert_eq!((report.state, drive.world.dlq.len() as u64), (EndState::Partly, report.skipped + report.failed));
    assert!(drive.world.dlq.iter().all(|copy| copy.visible_at <= drive.now), "what stays is visible");
}

#[test]
fn a_throttled_batch_for_a_fifo_queue_keeps_its_order() {
    let to = "https://sqs/1/jobs.fifo";
    let ids: Vec<MessageId> = (0..5).map(id_of).collect();
    let mut waiting: Vec<Message> = ids.iter().cloned().map(dead_of_fifo).collect();
    let mut sends: Vec<Vec<String>> = Vec::new();
    let all_well = |entries: usize| Outcome::Done(Answer::Entries(vec![Ok(()); entries]));
    let answer = |_, order: &Order| match order {
        Order::Record(_) => Outcome::Done(Answer::Recorded),
        Order::Receive { .. } => Outcome::Done(Answer::Received(std::mem::take(&mut waiting))),
        Order::Send { entries, .. } => {
            sends.push(entries.iter().map(|entry| entry.body.clone()).collect());
            match sends.len() {
                1 => refused("ThrottlingException", "slower"),
                _ => Outcome::Done(Answer::Sent(entries.iter().map(|_| Ok("new".into())).collect())),
            }
        }
        Order::Delete { entries, .. } | Order::Release { entries, .. } | Order::Extend { entries, .. } => {
            all_well(entries.len())
        }
        Order::QueueCounts { .. } => Outcome::Done(Answer::Counts(QueueCounts::default())),
        other => panic!("a redrive does not order {other:?}"),
    };
    let origins = vec![("arn:aws:sqs:r:1:jobs.fifo".into(), to.into())];
    let plan = RedrivePlan { ids, origins, ..redrive_plan(0..0, None) };
    let played = play(&mut Redrive::new(confirm(plan), owner(), 1, START), START, Vec::new(), answer);
    assert_eq!(redriven(Some(played.report)).moved, 5);
    assert_eq!((sends.len(), &sends[0]), (2, &sends[1]), "what waits again waits as it was");
}

fn dead_of_fifo(id: MessageId) -> Message {
    let system = SystemAttributes {
        dead_letter_source: Some("arn:aws:sqs:r:1:jobs.fifo".into()),
        group_id: Some("one".to_owned()),
        ..SystemAttributes::default()
    };
    Message { body: id.to_string(), id, receipt: "r".into(), attributes: Attributes::new(), system }
}

#[test]
fn what_could_not_be_given_back_is_named() {
    let plan =
        ScanPlan { queue: DLQ.into(), own_max_receive_count: None, max_messages: 5, max_bytes: 1 << 30, lease_s: 60 };
    let answer = |_, order: &Order| match order {
        Order::Record(_) => Outcome::Done(Answer::Recorded),
        Order::Receive { .. } => Outcome::Done(Answer::Received((0..5).map(id_of).map(dead_of_fifo).collect())),
        Order::QueueCounts { .. } => Outcome::Done(Answer::Counts(QueueCounts::default())),
        _ => refused("AccessDenied", "no"),
    };
    let played = play(&mut Scan::new(confirm(plan), owner(), 1, START), START, Vec::new(), answer);
    let problem = scanned(Some(played.report)).problem.expect("five stay hidden");
    assert!(problem.starts_with("5 messages could not be given back, hidden until 00:01:"), "{problem}");
}

//! A redrive whose rate somebody changes while it runs: what leaves follows, giving way stops where it was
//! made faster, the journal says so, and a resume goes on at the rate that was set.

use crate::model::message::{Attributes, Message, SystemAttributes};
use crate::model::plan::{Gentle, RedrivePlan};
use crate::model::queue::QueueCounts;
use crate::model::service_error::Outcome;
use crate::model::time::Timestamp;
use crate::operation::card::Facts;
use crate::operation::confirm::Planned;
use crate::operation::order::{Answer, EndState, JournalEntry, MessageState, Order, Vitals};
use crate::operation::record::Record;
use crate::operation::redrive::Redrive;
use crate::operation::resume::ResumePlan;
use crate::operation::soak::drive::Drive;
use crate::operation::soak::play::play;
use crate::operation::soak::world::{Faults, World, id_of};
use crate::operation::soak::{START, confirm, owner, redrive_plan, redriven, resume};
use crate::operation::{Command, Operation};

const MESSAGES: usize = 600;

fn plan(rate_per_s: Option<f64>) -> RedrivePlan {
    RedrivePlan { lanes: 4, ..redrive_plan(0..MESSAGES, rate_per_s) }
}

fn sent_between(drive: &Drive, from_s: i64, to_s: i64) -> usize {
    let within = |at: Timestamp| (START.plus_s(from_s)..START.plus_s(to_s)).contains(&at);
    drive.world.sends.iter().filter(|(at, ..)| within(*at)).count()
}

fn notes(drive: &Drive) -> Vec<&str> {
    let notes = drive.world.journal.iter().filter_map(|entry| match entry {
        JournalEntry::Noted { text, .. } => Some(text.as_str()),
        _ => None,
    });
    notes.collect()
}

#[test]
fn what_is_sent_follows_the_rate_that_was_set() {
    for seed in 0..20 {
        let mut drive = Drive::new(World::new(seed, Faults::default(), MESSAGES), START);
        let at = |s, rate| (START.plus_s(s), Command::Rate(rate));
        drive.commands = vec![at(20, Some(10.0)), at(40, Some(1.0)), at(60, None)];
        let mut machine = Redrive::new(confirm(plan(Some(2.0))), owner(), seed, START);
        let report = redriven(drive.run(&mut machine, None).unwrap_or_else(|stop| panic!("seed {seed}: {stop:?}")));
        assert_eq!((report.moved, report.state), (MESSAGES as u64, EndState::Done), "seed {seed}: {report:?}");
        // A second's worth may have been saved up, and what was on its way arrives after the change.
        for (from_s, to_s, least, most) in [(5, 20, 28, 32), (22, 40, 170, 200), (42, 60, 17, 30), (60, 90, 300, 600)] {
            let sent = sent_between(&drive, from_s, to_s);
            assert!((least..=most).contains(&sent), "seed {seed}: {sent} sent from {from_s} s to {to_s} s");
        }
        let said: Vec<&str> = notes(&drive).into_iter().filter(|text| text.starts_with("rate set to ")).collect();
        assert_eq!(said, ["rate set to 10 a second", "rate set to 1 a second", "rate set to off"]);
    }
}

#[test]
fn what_was_set_counts_after_a_death_too() {
    for seed in 0..20 {
        let mut drive = Drive::new(World::new(seed, Faults::default(), MESSAGES), START);
        drive.commands = vec![(START.plus_ms(500), Command::Rate(Some(3.0)))];
        let mut machine = Redrive::new(confirm(plan(Some(50.0))), owner(), seed, START);
        let stopped = drive.run(&mut machine, Some(400));
        let before = drive.world.sends.len();
        assert!(stopped.is_err() && drive.commands.is_empty(), "seed {seed}: it died after it was told");
        let record = Record::read(&drive.world.journal).expect("it had begun");
        let resume_card = ResumePlan { record: Box::new(record) }.card(&Facts::default());
        let paced = resume_card.scope.iter().find(|line| line.contains(" a second: about ")).expect("it says how fast");
        assert!(paced.starts_with("3 a second"), "seed {seed}: {paced}");
        let report = redriven(resume(&mut drive, seed, 4, MESSAGES, Some(50.0)).expect("it ends"));
        let (first, last) = (drive.world.sends[before].0, drive.world.sends[drive.world.sends.len() - 1].0);
        let per_s = (drive.world.sends.len() - before) as f64 * 1000.0 / last.ms_since(first) as f64;
        assert!((2.9..3.2).contains(&per_s), "seed {seed}: {per_s} a second after the resume: {report:?}");
    }
}

#[test]
fn taken_up_again_it_says_what_an_earlier_life_deleted_and_is_looked_for() {
    let mut drive = Drive::new(World::new(1, Faults::default(), MESSAGES), START);
    let mut first = Redrive::new(confirm(plan(Some(50.0))), owner(), 1, START);
    assert!(drive.run(&mut first, Some(200)).is_err(), "it died");
    let record = Record::read(&drive.world.journal).expect("it had begun");
    let sure =
        |state: &&MessageState| matches!(state, MessageState::Deleted { .. } | MessageState::Acknowledged { .. });
    let before = record.states.values().filter(sure).count() as u64;
    assert!((1..MESSAGES as u64).contains(&before), "{before}");
    let mut again = Redrive::resume(confirm(plan(Some(50.0))), owner(), 2, START.plus_s(600), &record);
    let told = again.poll_progress().expect("it tells at once");
    assert_eq!((told.done, told.unsure), (0, before));
    let line = format!("0 of {MESSAGES} moved, {before} more are being made sure of");
    assert!(told.line.starts_with(&line), "{}", told.line);
}

/// What a redrive noted whose consumers suffer more from minute to minute, and how often it asked about them;
/// somebody sets its rate after a minute and a half.
fn suffered(rate_per_s: f64) -> (Vec<String>, usize) {
    let gentle = Gentle { queues: vec!["jobs".into()], functions: Vec::new() };
    let plan = RedrivePlan { gentle: Some(gentle), ..plan(Some(4.0)) };
    let (mut waiting, mut asked, mut noted) = ((0..MESSAGES).map(dead), 0, Vec::new());
    let answer = |_, order: &Order| {
        Outcome::Done(match order {
            Order::Record(entries) => {
                noted.extend(entries.iter().filter_map(|entry| match entry {
                    JournalEntry::Noted { text, .. } => Some(text.clone()),
                    _ => None,
                }));
                Answer::Recorded
            }
            Order::Receive { .. } => Answer::Received(waiting.by_ref().take(10).collect()),
            Order::Send { entries, .. } => Answer::Sent(entries.iter().map(|_| Ok("new".into())).collect()),
            Order::Delete { entries, .. } | Order::Release { entries, .. } | Order::Extend { entries, .. } => {
                Answer::Entries(vec![Ok(()); entries.len()])
            }
            Order::QueueCounts { .. } => Answer::Counts(QueueCounts::default()),
            Order::Vitals { .. } => {
                asked += 1;
                Answer::Vitals(Vitals { oldest_age_s: Some(f64::from(asked * asked) * 100.0), throttles: None })
            }
            other => panic!("a redrive does not order {other:?}"),
        })
    };
    let mut machine = Redrive::new(confirm(plan), owner(), 1, START);
    play(&mut machine, START, vec![(START.plus_s(90), Command::Rate(Some(rate_per_s)))], answer);
    (noted.into_iter().filter(|text: &String| text.starts_with("rate ")).collect(), asked as usize)
}

fn dead(identity: usize) -> Message {
    let from = super::ORIGINS[identity % super::ORIGINS.len()].0;
    let system = SystemAttributes { dead_letter_source: Some(from.into()), ..SystemAttributes::default() };
    Message {
        id: id_of(identity),
        receipt: "r".into(),
        body: identity.to_string(),
        attributes: Attributes::new(),
        system,
    }
}

#[test]
fn made_slower_it_still_gives_way_and_made_faster_it_does_no_more() {
    let (slower, asked) = suffered(1.0);
    let halved = |text: &String, to: &str| text.starts_with(&format!("rate halved to {to} a second: the oldest"));
    assert!(halved(&slower[0], "2") && halved(&slower[2], "0.5") && asked > 4, "{slower:?}, {asked} times");
    assert_eq!(slower[1], "rate set to 1 a second");
    let (faster, asked) = suffered(10.0);
    assert!(halved(&faster[0], "2"), "{faster:?}");
    assert_eq!(faster[1..], ["rate set to 10 a second; it no longer gives way by itself"]);
    assert_eq!(asked, 2, "nobody is asked any more");
}

//! Test only: the journal's screen with what was done, done in part, and cut off.

use crate::console::Console;
use crate::console::rows::JournalRow;
use crate::console::screen::Screen;
use crate::model::id::MessageId;
use crate::model::plan::Plan;
use crate::model::time::Timestamp;
use crate::operation::order::{EndState, JournalEntry};
use crate::operation::record::{Holder, Outline, Tally};
use crate::ui::fixture;
use crate::ui::scenes::{armed, retune};

pub fn journal() -> Console {
    let mut console = armed();
    let at = |minutes: i64| fixture::now().plus_s(-60 * minutes);
    let who = "oncall@laptop (arn:aws:iam::123456789012:user/oncall)";
    let began = |id: &str, minutes, plan| JournalEntry::Began {
        operation: id.into(),
        at: at(minutes),
        plan: Box::new(plan),
        who: who.to_owned(),
        account: fixture::ACCOUNT.to_owned(),
        region: "eu-west-1".to_owned(),
    };
    let ended = |id: &str, at: Timestamp, state, summary: &str| JournalEntry::Ended {
        operation: id.into(),
        at,
        state,
        summary: summary.to_owned(),
    };
    let queue = fixture::queue("JobDLQ", Default::default());
    let redrive = Plan::Redrive(crate::model::plan::RedrivePlan {
        mark: false,
        ..crate::model::plan::RedrivePlan::new(
            queue.url.clone(),
            queue.arn,
            (0..40).map(|n| MessageId::new(format!("m-{n}"))).collect(),
            Vec::new(),
        )
    });
    let scan = crate::model::plan::ScanPlan {
        queue: queue.url,
        own_max_receive_count: None,
        max_messages: 100_000,
        max_bytes: 1024 * 1024 * 1024,
        lease_s: 60,
    };
    let entries = [
        began("op-1", 70, Plan::Retune(retune())),
        ended("op-1", at(69), EndState::Done, "parallel 1→5: Enabled after 64 s"),
        began("op-2", 40, Plan::Scan(scan)),
        ended("op-2", at(40), EndState::Done, "312 scanned at 02:32Z"),
        began("op-3", 20, redrive.clone()),
        ended("op-3", at(19), EndState::Partly, "39 of 40 moved; 1 perhaps twice"),
        began("op-4", 5, redrive),
    ];
    let left = Holder::Dead { who: "laptop, pid 4711".to_owned(), why: "its process is gone".to_owned() };
    let outline = Outline {
        entries: entries.into(),
        tallies: [("op-3".into(), Tally { moved: 1, failed: 1, open: 0 })].into(),
        holders: [("op-4".into(), left)].into(),
    };
    console.journal = Ok(JournalRow::fold(&outline));
    console.screens.push(Screen::Journal);
    console
}

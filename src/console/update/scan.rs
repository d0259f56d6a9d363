//! Scanning a queue into a snapshot. Receiving counts and hides messages for a while, so it is a
//! write, though one that puts everything back.

use crate::console::Console;
use crate::console::armed::Armed;
use crate::console::effect::Effect;
use crate::console::overlay::Planned;
use crate::console::screen::Screen;
use crate::console::update::{card, operations};
use crate::model::finding::{Finding, Severity, Subject};
use crate::model::plan::ScanPlan;
use crate::model::queue::Queue;
use crate::operation::confirm::Preflight;
use crate::operation::scan::refusal;

/// Seconds a message is held at most (ux.md: nobody's alarm goes quiet because you are reading).
const LEASE_S: u32 = 60;
/// Messages a snapshot takes at most, and bytes: most of those on disk.
const MAX_MESSAGES: u32 = 100_000;
const MAX_BYTES: u64 = 1024 * 1024 * 1024;

/// Says that the cursor is on no queue, and where one is that it could be on.
pub(super) fn no_queue(console: &mut Console, takes: fn(&Queue) -> bool) {
    let queue = |finding: &Finding| match &finding.subject {
        Subject::Queue(name) => {
            let queue = console.picture.queues.get(name).filter(|queue| takes(&queue.value));
            queue.map(|queue| queue.value.name.clone())
        }
        _ => None,
    };
    let known = console.findings.iter().find_map(queue);
    let queues = console.key_of("queues");
    let line = match (console.screen(), known) {
        (Screen::Map, Some(name)) => {
            format!("this line is about no queue: move to one that is, {name}'s, or {queues} lists them")
        }
        (Screen::Map, None) => format!("this line is about no queue: {queues} lists them"),
        _ => "no queue under the cursor".to_owned(),
    };
    console.say(Severity::Note, line);
}

pub(super) fn scan(console: &mut Console) -> Vec<Effect> {
    let Some(queue) = console.queue_here().and_then(|name| console.picture.queues.get(&name)) else {
        no_queue(console, |_| true);
        return Vec::new();
    };
    let queue = queue.value.clone();
    if operations::is_at_work(console, &queue.name) {
        return Vec::new();
    }
    let plan = ScanPlan {
        queue: queue.url.clone(),
        own_max_receive_count: queue.redrive.as_ref().map(|policy| policy.max_receive_count),
        max_messages: MAX_MESSAGES,
        max_bytes: MAX_BYTES,
        lease_s: LEASE_S,
    };
    if let Some(why) = refusal(&plan) {
        console.say(Severity::Warning, why);
        return Vec::new();
    }
    let title = format!("Scan {}", queue.name);
    let planned = Planned::Scan(Preflight::new(plan, &card::facts(console, queue.name.to_string())));
    // Receiving is a write, and a write has a card; only where nothing real can be harmed it needs none.
    if console.armed != Armed::Always {
        card::show(console, planned, None);
        return Vec::new();
    }
    let Some((undertaking, about)) = card::without_card(planned) else { return Vec::new() };
    operations::start(console, undertaking, about, title)
}

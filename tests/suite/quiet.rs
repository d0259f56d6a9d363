//! Reading dead letters in the console for ten minutes: hardly anything is hidden by it, nothing is left
//! hidden, and a move task ordered from the same screen moves all of them. In simulated time.

use std::sync::Arc;
use std::time::Duration;

use redrive::console::key::{Code, Key};
use redrive::console::overlay::Overlay;
use redrive::console::{Console, ConsoleOptions};
use redrive::driver::simulated::Simulated;
use redrive::journal::Journal;
use redrive::operation::confirm::Level;
use redrive::shell::{self, Unseen};

use crate::reach;
use crate::storm::door::Ground;
use crate::storm::scene::{self, STANDARD};

const LETTERS: usize = 5_000;
const MINUTE_MS: u64 = 60_000;
/// Between two looks at what is visible.
const LOOK_MS: u64 = 250;

async fn site() -> Arc<Simulated> {
    let site = Arc::new(Simulated::start(scene::blueprint(), 1, 0).expect("the blueprint fits together"));
    let mut ground = Ground(Arc::clone(&site));
    let begun = scene::begin(&mut ground, STANDARD, LETTERS);
    tokio::time::sleep(Duration::from_secs(300)).await;
    scene::let_die(&mut ground, STANDARD, begun, LETTERS);
    site.traffic().set_latency(Duration::from_millis(20));
    site
}

/// The console at the dead-letter queue, allowed to write.
async fn open(site: &Arc<Simulated>) -> Unseen {
    let account = reach::account(site.region(), site.client()).await;
    let ground = shell::Ground {
        account: Arc::new(account),
        sandbox: None,
        journal: Arc::new(Journal::open(None, shell::local_now).expect("in memory")),
        clock: site.clock(),
        scope: None,
        cache: None,
    };
    let options = ConsoleOptions { write: true, open: Some(STANDARD.dead.to_owned()), ..ConsoleOptions::default() };
    let mut seen = Unseen::new(ground, options, (120, 36));
    seen.until(MINUTE_MS, |console| console.overlay().is_some()).await.expect("it asks for the account's digits");
    keys(&mut seen, "9012");
    seen.press(Key::plain(Code::Enter));
    let there = |console: &Console| console.may_write() && console.queue_here().is_some();
    seen.until(MINUTE_MS, there).await.expect("the queue's screen");
    seen
}

fn keys(seen: &mut Unseen, text: &str) {
    text.chars().for_each(|c| seen.press(Key::char(c)));
}

/// Waits for a card that listens.
async fn card(seen: &mut Unseen) -> Level {
    let shown =
        |console: &Console| matches!(console.overlay(), Some(Overlay::Card(card)) if card.listens(console.mono));
    seen.until(MINUTE_MS, shown).await.expect("a card");
    match seen.console.overlay() {
        Some(Overlay::Card(card)) => card.planned.level().clone(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn ten_minutes_of_triage_hide_little_and_a_move_task_from_there_moves_all() {
    let site = site().await;
    let mut ground = Ground(Arc::clone(&site));
    let mut seen = open(&site).await;
    seen.press(Key::char('s'));
    card(&mut seen).await;
    seen.press(Key::plain(Code::Enter));
    let (mut passed_ms, mut below_ms, mut least) = (0, 0, LETTERS as u64);
    while passed_ms < 10 * MINUTE_MS {
        seen.until(LOOK_MS, |_| false).await;
        passed_ms += LOOK_MS;
        let visible = scene::dead_letters(&mut ground, STANDARD).visible;
        least = least.min(visible);
        if visible * 100 < LETTERS as u64 * 95 {
            below_ms += LOOK_MS;
        }
        if passed_ms.is_multiple_of(MINUTE_MS) {
            // Somebody reads.
            seen.press(Key::plain(Code::Down));
        }
    }
    let snapshot = &seen.console.snapshots[&STANDARD.dead.into()];
    assert_eq!(snapshot.messages().count(), LETTERS, "{}", snapshot.line);
    assert!(least < LETTERS as u64, "the test sees what is hidden");
    assert!(below_ms <= MINUTE_MS, "below 95 % for {below_ms} ms; {least} at the least");
    let counts = scene::dead_letters(&mut ground, STANDARD);
    assert_eq!((counts.visible, counts.in_flight), (LETTERS as u64, 0), "all is given back");

    seen.press(Key::char('R'));
    seen.until(MINUTE_MS, |console| matches!(console.overlay(), Some(Overlay::Choice(_)))).await.expect("a choice");
    seen.press(Key::plain(Code::Down));
    seen.press(Key::plain(Code::Down));
    seen.press(Key::plain(Code::Enter));
    let Level::Count(count) = card(&mut seen).await else { panic!("a move task asks for the count") };
    keys(&mut seen, &count.to_string());
    seen.press(Key::plain(Code::Enter));
    let moved = seen.until(30 * MINUTE_MS, |_| scene::dead_letters(&mut ground, STANDARD).total() == 0).await;
    assert!(moved.is_some(), "{} are left", scene::dead_letters(&mut ground, STANDARD).total());
    drop(seen);
    // Whatever the console still asked ends with its leases.
    tokio::time::sleep(Duration::from_secs(61)).await;
    let copies = scene::count(&mut ground, STANDARD);
    assert_eq!((copies.moved.len(), copies.dead.len()), (LETTERS, 0));
    assert!(copies.moved.values().all(|copies| *copies == 1), "each once");
}

//! While a move task runs: do more dead letters arrive than before it began? Then what it moves comes
//! back, and the console asks whether to cancel it. Asked once a task.

use crate::console::Console;
use crate::console::overlay::{Choice, ChoiceOption, Overlay, Pick};
use crate::console::running::About;
use crate::model::finding::Severity;
use crate::model::id::{OperationId, QueueName};
use crate::model::time::Timestamp;

/// A queue's counts arrived: asks when they say so.
pub(super) fn watch(console: &mut Console) {
    let found = console.operations.iter().find_map(|operation| match &operation.about {
        About::MoveAll(queue) if operation.is_running() && !console.asked_to_cancel.contains(&operation.id) => {
            let moved = operation.progress.as_ref().map_or(0, |progress| progress.done);
            let rates = arrivals(console, queue, operation.started_at, moved)?;
            Some((operation.id.clone(), queue.clone(), rates))
        }
        _ => None,
    });
    let Some((id, queue, (before, during))) = found else { return };
    if during <= before * RISE + NOISE_PER_MIN {
        return;
    }
    console.asked_to_cancel.insert(id.clone());
    let line = format!("{queue}: {during:.0} dead letters a minute arrive, {before:.0} before the task began");
    if console.overlays.is_empty() {
        console.overlays.push(Overlay::Choice(question(id, line)));
    } else {
        console.say(Severity::Warning, format!("{line}: {} cancels the task", console.key_of("cancel")));
    }
}

fn question(id: OperationId, line: String) -> Choice {
    let option = |label: &str, detail: &str, pick| ChoiceOption {
        label: label.to_owned(),
        detail: detail.to_owned(),
        off: None,
        pick,
    };
    Choice {
        title: line,
        row: 0,
        options: vec![
            option("cancel the move task", "what was moved stays moved; some more may follow", Pick::Cancel(id)),
            option("let it go on", "this is not asked again", Pick::Nothing),
        ],
    }
}

/// Dead letters a minute before the task began and since, by our own polls; `None` while that is too
/// short to tell. What the task took out is added: its counter is late, which errs on the quiet side.
fn arrivals(console: &Console, queue: &QueueName, started_at: Timestamp, moved: u64) -> Option<(f64, f64)> {
    let depths = console.picture.depths.get(queue)?;
    let (last_at, last) = depths.back()?;
    let (start_at, start) = depths.iter().rev().find(|(at, _)| *at <= started_at)?;
    let (first_at, first) = depths.iter().find(|(at, _)| *at >= start_at.plus_ms(-BEFORE_MS))?;
    let span_ms = last_at.ms_since(*start_at);
    if span_ms < SINCE_LEAST_MS {
        return None;
    }
    let per_min = |arrived: f64, ms: i64| arrived.max(0.0) * 60_000.0 / ms.max(1) as f64;
    let before_ms = start_at.ms_since(*first_at);
    let before = if before_ms > 0 { per_min(start.total() as f64 - first.total() as f64, before_ms) } else { 0.0 };
    Some((before, per_min(last.total() as f64 + moved as f64 - start.total() as f64, span_ms)))
}

/// So much more than before counts as more …
const RISE: f64 = 1.5;
/// … beyond this.
const NOISE_PER_MIN: f64 = 2.0;
const BEFORE_MS: i64 = 10 * 60_000;
const SINCE_LEAST_MS: i64 = 60_000;

#[cfg(test)]
mod tests {
    use crate::console::effect::Effect;
    use crate::console::overlay::Overlay;
    use crate::console::running::{About, Running};
    use crate::console::update::trial::{NOW, Trial, progress, queue};
    use crate::model::queue::{Queue, QueueCounts};
    use crate::operation::Command;
    use crate::operation::progress::Kind;

    fn dead(visible: u64) -> Queue {
        Queue { counts: QueueCounts { visible, ..QueueCounts::default() }, ..queue("JobDLQ") }
    }

    #[test]
    fn more_dead_letters_than_before_ask_to_cancel_the_task_once() {
        let mut trial = Trial::sandbox();
        let console = &mut trial.console;
        for (s, visible) in [(-300, 100), (-1, 100), (90, 80)] {
            console.picture.put_queue(dead(visible), NOW.plus_s(s));
        }
        console.operations.push(Running {
            id: "op-9".into(),
            kind: Kind::MoveAll,
            title: "Move everything in JobDLQ".to_owned(),
            about: About::MoveAll("JobDLQ".into()),
            started_at: NOW,
            progress: Some(progress(&"op-9".into(), Kind::MoveAll)),
            ended: None,
        });
        let moved = |console: &mut crate::console::Console, done| {
            console.operations.iter_mut().filter_map(|op| op.progress.as_mut()).for_each(|p| p.done = done);
            super::watch(console);
        };
        moved(console, 20);
        assert!(console.overlays.is_empty(), "what was moved is all that is gone: nothing arrived");
        moved(console, 60);
        assert!(matches!(console.overlay(), Some(Overlay::Choice(choice)) if choice.title.contains("0 before")));
        let effects = trial.types("1");
        assert!(effects.contains(&Effect::Command("op-9".into(), Command::Cancel)), "{effects:?}");
        super::watch(&mut trial.console);
        assert!(trial.console.overlays.is_empty(), "asked once");
    }
}

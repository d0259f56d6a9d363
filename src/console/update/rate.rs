//! `>` and `<`: how fast a redrive may send, changed while it runs, in steps of 1, 2 and 5. The new rate is
//! reckoned from the one shown, so that a press asks for what the screen leads to expect.

use crate::console::Console;
use crate::console::effect::Effect;
use crate::console::update::operations;
use crate::model::finding::Severity;
use crate::operation::Command;
use crate::operation::progress::{Kind, Limit, SaidBy};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Up,
    Down,
}

pub(super) fn change(console: &mut Console, way: Way) -> Vec<Effect> {
    let Some(operation) = operations::redrive_meant(console) else {
        console.say(Severity::Note, "nothing runs");
        return Vec::new();
    };
    let (id, title) = (operation.id.clone(), operation.title.clone());
    let limit = operation.progress.as_ref().and_then(|progress| progress.limit);
    let (to, limit) = match (operation.kind, limit) {
        (Kind::Redrive, Some(limit)) => match stepped(limit.per_s, way) {
            Some(to) => (to, limit),
            None if way == Way::Up => return said(console, "it has no limit already".to_owned()),
            None => {
                let line = format!("it goes no slower than that; {} pauses it", console.key_of("pause"));
                return said(console, line);
            }
        },
        (Kind::Redrive, None) => return said(console, format!("{title}: it is only starting")),
        (Kind::MoveAll, _) => {
            let line = "AWS fixes a move task's rate when it starts: there is no call that changes it";
            return said(console, line.to_owned());
        }
        _ => return said(console, format!("{title}: it has no rate to change")),
    };
    let alone = limit.gives_way && way == Way::Up;
    let words = |rate: Option<f64>| rate.map_or_else(|| "no limit".to_owned(), |rate| format!("{rate}/s"));
    let warning = if alone { "; it no longer gives way by itself" } else { "" };
    console.say(Severity::Note, format!("{title}: {} → {}{warning}", words(limit.per_s), words(to)));
    // The next press steps on from here, whether its news came by then or not.
    if let Some(progress) =
        console.operations.iter_mut().find(|known| known.id == id).and_then(|it| it.progress.as_mut())
    {
        progress.limit = Some(Limit { per_s: to, by: SaidBy::Person, gives_way: limit.gives_way && !alone });
    }
    vec![Effect::Command(id, Command::Rate(to))]
}

fn said(console: &mut Console, line: String) -> Vec<Effect> {
    console.say(Severity::Note, line);
    Vec::new()
}

/// The next step of that way; `None` where there is none, `Some(None)` is no limit.
fn stepped(per_s: Option<f64>, way: Way) -> Option<Option<f64>> {
    match (per_s, way) {
        (None, Way::Up) => None,
        (None, Way::Down) => STEPS.last().map(|step| Some(*step)),
        (Some(rate), Way::Up) => Some(STEPS.iter().copied().find(|step| *step > rate)),
        (Some(rate), Way::Down) => STEPS.iter().copied().rfind(|step| *step < rate).map(Some),
    }
}

/// Messages a second. The last is what one lane does to a near region; above it there is no limit.
const STEPS: [f64; 10] = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::ConsoleOptions;
    use crate::console::armed::Armed;
    use crate::console::effect::Effect;
    use crate::console::msg::Msg;
    use crate::console::overlay::Card;
    use crate::console::update::trial::{Trial, progress};
    use crate::model::id::OperationId;
    use crate::operation::progress::Progress;

    /// A redrive of one message runs, at 25 a second.
    fn running(trial: &mut Trial) -> OperationId {
        trial.scanned(1);
        trial.types("R1");
        trial.wait_ms(Card::DEAF_MS);
        let effects = trial.types("\n");
        let [Effect::Start { id, .. }] = effects.as_slice() else { panic!("{effects:?}") };
        id.clone()
    }

    fn at(id: &OperationId, per_s: Option<f64>, gives_way: bool) -> Msg {
        let limit = Some(Limit { per_s, by: SaidBy::Plan, gives_way });
        Msg::OperationProgressed(Progress { limit, ..progress(id, Kind::Redrive) })
    }

    #[test]
    fn each_press_asks_for_the_next_step_from_the_rate_shown_and_says_that_it_gives_way_no_more() {
        let mut trial = Trial::sandbox();
        assert_eq!(trial.types(">"), []);
        assert_eq!(trial.said(), "nothing runs");
        let id = running(&mut trial);
        assert_eq!(trial.types(">"), [], "its rate is not known yet: {}", trial.said());
        trial.tell(at(&id, Some(25.0), true));
        let rate = |rate| Effect::Command(id.clone(), Command::Rate(rate));
        assert_eq!(trial.types("<"), [rate(Some(20.0))]);
        assert!(trial.said().ends_with("25/s → 20/s"), "slower it still gives way: {}", trial.said());
        assert_eq!(trial.types(">>"), [rate(Some(50.0)), rate(Some(100.0))], "before any news of it came");
        trial.tell(at(&id, Some(500.0), true));
        assert_eq!(trial.types(">"), [rate(Some(1000.0))]);
        assert!(trial.said().ends_with("500/s → 1000/s; it no longer gives way by itself"), "{}", trial.said());
        assert_eq!(trial.types(">>"), [rate(None)], "no limit, and nothing beyond");
        assert!(trial.said().contains("no limit already"), "{}", trial.said());
        trial.tell(at(&id, Some(1.0), false));
        assert_eq!(trial.types("<"), []);
        assert!(trial.said().contains("p pauses it"), "{}", trial.said());
    }

    #[test]
    fn slower_is_always_allowed_and_faster_is_a_write() {
        let mut trial = Trial::new(ConsoleOptions::default());
        trial.types("W9012\n");
        let id = running(&mut trial);
        trial.tell(at(&id, Some(25.0), true));
        trial.wait_ms(Armed::FOR_MS);
        assert_eq!(trial.types(">"), [], "the hour is over");
        assert_eq!(trial.types("<"), [Effect::Command(id, Command::Rate(Some(20.0)))]);
    }

    #[test]
    fn a_move_task_says_why_its_rate_stays() {
        let mut trial = Trial::sandbox();
        let id = running(&mut trial);
        trial.console.operations.iter_mut().for_each(|operation| operation.kind = Kind::MoveAll);
        trial.tell(Msg::OperationProgressed(progress(&id, Kind::MoveAll)));
        assert_eq!(trial.types("<>"), []);
        assert!(trial.said().contains("AWS fixes a move task's rate when it starts"), "{}", trial.said());
    }

    #[test]
    fn steps_go_by_1_2_5_from_whatever_it_was_and_beyond_the_last_there_is_no_limit() {
        let up = |rate| stepped(rate, Way::Up);
        let down = |rate| stepped(rate, Way::Down);
        assert_eq!(
            (up(Some(1.0)), up(Some(13.4)), up(Some(500.0))),
            (Some(Some(2.0)), Some(Some(20.0)), Some(Some(1000.0)))
        );
        assert_eq!((up(Some(1000.0)), up(Some(1500.0)), up(None)), (Some(None), Some(None), None));
        assert_eq!((down(None), down(Some(1500.0))), (Some(Some(1000.0)), Some(Some(1000.0))));
        assert_eq!(
            (down(Some(13.4)), down(Some(10.0)), down(Some(1.0)), down(Some(0.5))),
            (Some(Some(10.0)), Some(Some(5.0)), None, None)
        );
        let mut rate = Some(1.0);
        while let Some(next) = up(rate) {
            assert!(next.is_none() || down(next) == Some(rate), "there and back: {rate:?} {next:?}");
            rate = next;
        }
    }
}

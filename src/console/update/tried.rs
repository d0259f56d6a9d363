//! Stories of `c`: from a message to its function's answer.

use crate::console::effect::Effect;
use crate::console::msg::Msg;
use crate::console::overlay::{Card, Overlay};
use crate::console::update::trial::{Trial, progress};
use crate::model::id::OperationId;
use crate::model::trial::Verdict;
use crate::operation::Undertaking;
use crate::operation::order::EndState;
use crate::operation::progress::{Kind, Progress, Report, TrialReport};

fn tried(id: &OperationId, verdict: Verdict, deleted: bool) -> Msg {
    let report = TrialReport {
        operation: id.clone(),
        state: if deleted { EndState::Done } else { EndState::Partly },
        queue: "JobDLQ".into(),
        id: "m-1".into(),
        function: "JobWorker".into(),
        verdict,
        deleted,
        doubtful: false,
        answer: Some("null".to_owned()),
        log_tail: None,
        took_ms: Some(900),
        problem: None,
        cause: None,
    };
    Msg::OperationProgressed(Progress { report: Some(Report::Trial(report)), ..progress(id, Kind::Trial) })
}

/// `c` on the second message, and yes.
fn begun(trial: &mut Trial) -> OperationId {
    trial.scanned(4);
    trial.types("jc");
    let Some(Overlay::Card(card)) = trial.console.overlay() else { panic!("no card: {}", trial.said()) };
    let text = card.planned.card();
    assert_eq!(text.title, "Try m-1 of JobDLQ on JobWorker");
    assert!(text.scope.iter().any(|line| line.contains("effects are real")), "{:?}", text.scope);
    assert!(text.unchecked.iter().any(|line| line.contains("receipt handle")), "{:?}", text.unchecked);
    trial.wait_ms(Card::DEAF_MS);
    let effects = trial.types("\n");
    let [Effect::Start { id, undertaking: Undertaking::Trial(confirmed) }] = effects.as_slice() else {
        panic!("{effects:?}")
    };
    let plan = confirmed.plan();
    assert_eq!((plan.id.as_str(), plan.source.resource(), plan.region.as_str()), ("m-1", "JobQueue", "eu-west-1"));
    id.clone()
}

#[test]
fn a_message_is_tried_and_what_came_through_leaves_the_list() {
    let mut trial = Trial::sandbox();
    let id = begun(&mut trial);
    trial.types("c");
    assert!(trial.said().contains("is at work"), "one at a time: {}", trial.said());
    trial.tell(tried(&id, Verdict::Succeeded, true));
    assert!(matches!(trial.console.overlay(), Some(Overlay::Tried(_))));
    assert!(trial.console.snapshot().is_some_and(|snapshot| snapshot.get(&"m-1".into()).is_none()));
    trial.types("q");
    assert!(trial.console.overlays.is_empty());
}

#[test]
fn what_failed_stays_listed_and_its_answer_does_not_cover_a_card() {
    let mut trial = Trial::sandbox();
    let id = begun(&mut trial);
    let card = trial.console.overlays.len();
    assert_eq!(card, 0);
    trial.types("3");
    trial.types("?");
    trial.tell(tried(&id, Verdict::Failed("503".to_owned()), false));
    assert!(matches!(trial.console.overlay(), Some(Overlay::Tried(_))), "over help");
    let kept = trial.console.snapshots.get(&"JobDLQ".into()).is_some_and(|s| s.get(&"m-1".into()).is_some());
    assert!(kept, "it is still in the queue");
}

#[test]
fn without_a_message_or_a_reader_it_says_why() {
    let mut trial = Trial::sandbox();
    trial.types("3");
    trial.scanned(2);
    trial.console.picture.mappings.clear();
    trial.types("c");
    assert!(trial.said().contains("no function is known that reads the queue"), "{}", trial.said());
}

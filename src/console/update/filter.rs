//! The filter line: typed, completed, taken. On triage it speaks the language of `--where`; what the
//! snapshot cannot tell by itself is asked of the shell once the line is finished.

use crate::console::Console;
use crate::console::command::Action;
use crate::console::effect::Effect;
use crate::console::key::{Code, Key, Line};
use crate::console::msg::Sifted;
use crate::console::screen::Screen;
use crate::console::update::navigation;
use crate::model::id::{MessageId, QueueName};
use crate::query::search::complete;

pub(super) fn key(console: &mut Console, key: Key) -> Vec<Effect> {
    let place = console.place();
    let mut line = Line::new(console.filter());
    if let Some(kept) = console.filters.get(&place).filter(|kept| kept.text() == line.text()) {
        line = kept.clone();
    }
    let triage = match console.screen() {
        Screen::Triage(queue) => Some(queue.clone()),
        _ => None,
    };
    match key.code {
        Code::Enter => console.filtering = false,
        Code::Esc => {
            console.filtering = false;
            line = Line::default();
        }
        Code::Tab if triage.is_some() => {
            if let Some(completed) = complete(line.text()) {
                line = Line::new(completed);
            }
        }
        Code::Up => navigation::step(console, Action::Up),
        Code::Down => navigation::step(console, Action::Down),
        _ => drop(line.edit(key)),
    }
    let now = console.now;
    if let Some(snapshot) = triage.as_ref().and_then(|queue| console.snapshots.get_mut(queue)) {
        snapshot.set_filter(&line, now);
        if key.code == Code::Enter {
            snapshot.commit_filter();
        }
    }
    console.filters.insert(place, line);
    triage.map(|queue| ask(console, &queue)).unwrap_or_default()
}

/// The next question of a queue's filter, if it has one.
pub(super) fn ask(console: &mut Console, queue: &QueueName) -> Vec<Effect> {
    let question = console.snapshots.get_mut(queue).and_then(|snapshot| snapshot.question());
    question.map(|question| Effect::Sift { queue: queue.clone(), question }).into_iter().collect()
}

pub(super) fn sifted(
    console: &mut Console,
    queue: &QueueName,
    expression: &str,
    ids: &[MessageId],
    result: Result<Sifted, String>,
) -> Vec<Effect> {
    let Some(snapshot) = console.snapshots.get_mut(queue) else { return Vec::new() };
    match result {
        Ok(sifted) => {
            snapshot.could_not(expression, sifted.reason);
            snapshot.answered(expression, ids, Ok(sifted.verdicts));
        }
        Err(why) => snapshot.answered(expression, ids, Err(why)),
    }
    ask(console, queue)
}

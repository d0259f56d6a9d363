//! Answers what the console cannot tell by itself: which messages an expression takes when it asks
//! jq, or when bodies lie on disk.

use std::sync::{Arc, Mutex};

use crate::console::msg::{Msg, Sifted};
use crate::console::snapshot::Question;
use crate::model::id::{MessageId, QueueName};
use crate::model::message::Message;
use crate::query::edit;
use crate::query::edits::Edits;
use crate::query::jq::document;
use crate::query::kind::kind_of;
use crate::query::search::Search;
use crate::shell::hoard::Hoard;
use crate::shell::jq::{self, Want};

/// Blocks.
pub fn answer(hoard: &Mutex<Hoard>, queue: QueueName, question: Question) -> Msg {
    let ids: Vec<MessageId> = question.messages.iter().map(|message| message.id.clone()).collect();
    let result = whole(hoard, &queue, &question.messages)
        .and_then(|messages| sift(&question, messages).map_err(|why| why.to_string()));
    Msg::Sifted { queue, expression: question.expression, ids, result }
}

/// The messages with their bodies, wherever those lie.
pub fn whole(hoard: &Mutex<Hoard>, queue: &QueueName, messages: &[Arc<Message>]) -> Result<Vec<Arc<Message>>, String> {
    let mut hoard = hoard.lock().map_err(|_| "the bodies on disk are lost".to_owned())?;
    messages.iter().map(|message| hoard.whole(queue, message).map_err(|why| why.to_string())).collect()
}

/// What a jq program makes of these. Blocks.
pub fn edit(
    hoard: &Mutex<Hoard>,
    queue: &QueueName,
    program: &str,
    messages: &[Arc<Message>],
    most: u64,
) -> Result<Edits, String> {
    let messages = whole(hoard, queue, messages)?;
    let inputs: Vec<String> = messages.iter().map(|message| edit::input(message)).collect();
    let answers = jq::ask(&edit::program(program), Want::Value, inputs.into_iter())?;
    Ok(Edits::of(&messages, answers, most))
}

fn sift(question: &Question, messages: Vec<Arc<Message>>) -> Result<Sifted, String> {
    let Some(search) = Search::new(&question.expression).map_err(|fault| fault.to_string())? else {
        return Ok(Sifted { verdicts: vec![Some(true); messages.len()], reason: None });
    };
    let mut verdicts: Vec<Option<bool>> =
        messages.iter().map(|message| Some(search.takes_one(message, &kind_of(message), question.now))).collect();
    let Some(program) = search.jq() else { return Ok(Sifted { verdicts, reason: None }) };
    let open: Vec<usize> = (0..verdicts.len()).filter(|index| verdicts[*index] == Some(true)).collect();
    let asked: Vec<Arc<Message>> = open.iter().map(|index| Arc::clone(&messages[*index])).collect();
    drop(messages);
    let answers = jq::ask(program, Want::Verdict, asked.into_iter().map(|message| document(&message)))?;
    let mut reason = None;
    for (index, answer) in open.into_iter().zip(answers) {
        verdicts[index] = match answer {
            Ok(taken) => Some(taken == "true"),
            Err(why) => {
                reason.get_or_insert(why);
                None
            }
        };
    }
    Ok(Sifted { verdicts, reason })
}

//! Taking a restore up where it was cut off.

use crate::model::message::Message;
use crate::model::plan::RestorePlan;
use crate::model::time::Timestamp;
use crate::operation::Owner;
use crate::operation::confirm::Confirmed;
use crate::operation::order::MessageState;
use crate::operation::progress::{Cause, grouped};
use crate::operation::record::Record;
use crate::operation::restore::Restore;

impl Restore {
    /// Takes up what was cut off. One that was recorded and not acknowledged may be back: it is named and
    /// not sent again. What has no copy any more is not sent.
    pub fn resume(confirmed: Confirmed<RestorePlan>, owner: Owner, seed: u64, now: Timestamp, record: &Record) -> Self {
        let resumed = owner.resumed(now);
        let open =
            |message: &&Message| matches!(record.states.get(&message.id), None | Some(MessageState::NotSent { .. }));
        let copies: Vec<Message> = record.copies.iter().filter(open).cloned().collect();
        let mut restore = Self::start(confirmed.into_plan(), copies, owner, seed, now, resumed);
        for (id, state) in &record.states {
            match state {
                MessageState::Acknowledged { .. } => restore.restored += 1,
                MessageState::Recorded { .. } | MessageState::PossibleDuplicate { .. } => {
                    restore.faults.push((id.clone(), "may have been sent before it was cut off".to_owned()));
                    restore.duplicates.push(id.clone());
                }
                MessageState::Failed { why } => restore.faults.push((id.clone(), why.clone())),
                _ => {}
            }
        }
        let known = restore.restored + restore.faults.len() as u64 + restore.left_to_send();
        let asked = restore.plan.messages.len() as u64;
        let lost = asked.saturating_sub(known);
        if lost > 0 {
            restore.returned = lost;
            let why = match &record.copies_lost {
                Some(why) => format!("{} of {} were not sent: {why}", grouped(lost), grouped(asked)),
                None => {
                    format!("{} have no copy in the journal: put them back from where they are kept", grouped(lost))
                }
            };
            restore.course.wrong(Some(Cause::Refused), why);
        }
        restore
    }
}

//! Deleting what is kept, by the newest receipt, until it is certain; what is not is looked for again.

use crate::model::id::MessageId;
use crate::model::service_error::Outcome;
use crate::model::time::Timestamp;
use crate::operation::drop::Drop;
use crate::operation::order::{Answer, OrderResult};
use crate::operation::progress::Cause;
use crate::operation::returns::{Found, is_lapsed};

impl Drop {
    /// A lease that ran out before the delete: looked for again.
    pub(super) fn again(&mut self, id: MessageId) {
        let tries = self.tries.entry(id.clone()).or_default();
        *tries += 1;
        if *tries >= TRIES_MOST || !self.sweep.want_again(id.clone()) {
            self.fail(&id, "its lease ran out before it was deleted".to_owned());
        }
    }

    pub(super) fn handle_deleted(&mut self, now: Timestamp, batch: Vec<Found>, result: OrderResult) {
        self.deleting -= batch.len();
        let results = match result {
            Outcome::Done(Answer::Entries(results)) => results,
            Outcome::Refused(error) if !error.is_throttle() => {
                self.course.wrong(Some(Cause::of(&error)), error.to_string());
                batch.into_iter().for_each(|found| self.sweep.give_back(found.held()));
                return self.stop();
            }
            // Deleting twice is deleting once.
            _ => {
                self.backoff.fail(now);
                let batch: Vec<Found> = batch.into_iter().filter(|found| self.is_newest(found)).collect();
                self.perhaps.extend(batch.iter().map(|found| found.message.id.clone()));
                return batch.into_iter().for_each(|found| self.try_again(found, "the delete had no answer"));
            }
        };
        let mut slower = false;
        let mut results = results.into_iter();
        for found in batch {
            let (id, result) = (found.message.id.clone(), results.next());
            if !self.is_newest(&found) {
                // Void, or it came before the newer receipt was given out.
                if result == Some(Ok(())) && self.open.contains(&id) {
                    self.perhaps.insert(id);
                }
                continue;
            }
            match result {
                Some(Ok(())) if found.until > now => {
                    if self.open.remove(&id) {
                        self.perhaps.remove(&id);
                        self.doubts.deleted(&id, now);
                        self.note_dropped(&id);
                        self.dropped.insert(id);
                    }
                }
                Some(Ok(())) => {
                    self.perhaps.insert(id.clone());
                    self.again(id);
                }
                Some(Err(error)) if is_lapsed(&error) => self.again(id),
                Some(Err(error)) if error.sender_fault => {
                    self.sweep.give_back(found.held());
                    self.fail(&id, format!("{}: {}", error.code, error.message));
                }
                Some(Err(_)) | None => {
                    slower = true;
                    self.try_again(found, "the delete was refused");
                }
            }
        }
        if slower { self.backoff.fail(now) } else { self.backoff.succeed() }
    }

    fn try_again(&mut self, found: Found, why: &str) {
        let id = found.message.id.clone();
        let tries = self.tries.entry(id.clone()).or_default();
        *tries += 1;
        if *tries >= TRIES_MOST {
            self.sweep.give_back(found.held());
            self.fail(&id, why.to_owned());
        } else if self.course.is_running() {
            self.kept.push_back(found);
        } else {
            self.sweep.give_back(found.held());
        }
    }
}

const TRIES_MOST: u32 = 12;

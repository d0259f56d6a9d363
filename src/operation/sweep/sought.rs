//! The messages a sweep looks for by id: what is known of each, in one place, since every copy that comes is
//! asked about.

use std::collections::BTreeMap;

use crate::model::id::MessageId;

#[derive(Debug, Clone, PartialEq, Default)]
pub(in crate::operation) struct Sought {
    of: BTreeMap<MessageId, One>,
    missing: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct One {
    missing: bool,
    /// Receive count of the newest copy found.
    newest: Option<u32>,
}

impl FromIterator<MessageId> for Sought {
    fn from_iter<T: IntoIterator<Item = MessageId>>(ids: T) -> Self {
        let of: BTreeMap<_, _> = ids.into_iter().map(|id| (id, One { missing: true, newest: None })).collect();
        Sought { missing: of.len(), of }
    }
}

/// What a copy is to a sweep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Copy {
    Unwanted,
    /// Answers may overtake each other. An older copy tells nothing of where its message is, and its receipt
    /// is void: it was handed out again since.
    Older,
    /// Of a message that was missing.
    Found,
    /// Of one found before.
    Again,
}

impl Sought {
    /// Not found yet, or wanted again.
    pub(super) fn missing(&self) -> usize {
        self.missing
    }

    pub(super) fn meet(&mut self, id: &MessageId, receive_count: u32) -> Copy {
        let Some(one) = self.of.get_mut(id) else { return Copy::Unwanted };
        if one.newest.is_some_and(|newest| newest > receive_count) {
            return Copy::Older;
        }
        one.newest = Some(receive_count);
        if !std::mem::take(&mut one.missing) {
            return Copy::Again;
        }
        self.missing -= 1;
        Copy::Found
    }

    pub(super) fn want_again(&mut self, id: MessageId) {
        let one = self.of.entry(id).or_default();
        if !std::mem::replace(&mut one.missing, true) {
            self.missing += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_missing_once_until_it_is_found_and_once_more_when_it_is_wanted_again() {
        let mut sought: Sought = ["a".into(), "b".into(), "a".into()].into_iter().collect();
        assert_eq!(sought.missing(), 2);
        let mut meet = |id: &str, count| (sought.meet(&id.into(), count), sought.missing());
        assert_eq!(meet("c", 1), (Copy::Unwanted, 2));
        assert_eq!(meet("a", 2), (Copy::Found, 1));
        assert_eq!(meet("a", 3), (Copy::Again, 1));
        assert_eq!(meet("a", 2), (Copy::Older, 1));
        (0..2).for_each(|_| sought.want_again("a".into()));
        assert_eq!((sought.missing(), sought.meet(&"a".into(), 2), sought.missing()), (2, Copy::Older, 2));
        assert_eq!((sought.meet(&"a".into(), 3), sought.missing()), (Copy::Found, 1));
    }
}

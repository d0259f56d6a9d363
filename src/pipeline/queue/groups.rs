//! The message groups of a FIFO queue: in each, messages go in the order they came, and while one of
//! them is in flight no other receive gets a later one (aws-facts §3.8).

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::pipeline::queue::store::Place;

/// Every operation is O(log n).
#[derive(Debug, Default)]
pub struct Groups {
    of: BTreeMap<String, Group>,
    /// First message → group, for groups that can be received from.
    open: BTreeMap<u64, String>,
}

#[derive(Debug, Default)]
struct Group {
    members: BTreeMap<u64, Place>,
    in_flight: usize,
}

impl Groups {
    /// A message stands at `place` now; `None`: it is gone.
    pub fn set(&mut self, group: &str, number: u64, place: Option<Place>) {
        let entry = self.of.entry(group.to_owned()).or_default();
        let before = entry.head();
        let was = match place {
            Some(place) => entry.members.insert(number, place),
            None => entry.members.remove(&number),
        };
        entry.in_flight += usize::from(place == Some(Place::InFlight));
        entry.in_flight -= usize::from(was == Some(Place::InFlight));
        let after = entry.head();
        if entry.members.is_empty() {
            self.of.remove(group);
        }
        if before != after {
            before.and_then(|number| self.open.remove(&number));
            after.map(|number| self.open.insert(number, group.to_owned()));
        }
    }

    /// The oldest message that can be received.
    pub fn first(&self) -> Option<u64> {
        self.open.first_key_value().map(|(number, _)| *number)
    }

    /// The message behind `number` in its group, for the receive that has just taken `number`.
    pub fn behind(&self, group: &str, number: u64) -> Option<u64> {
        let members = &self.of.get(group)?.members;
        let (next, place) = members.range((Bound::Excluded(number), Bound::Unbounded)).next()?;
        (*place == Place::Waiting).then_some(*next)
    }

    /// Groups that can be received from.
    pub fn open(&self) -> usize {
        self.open.len()
    }
}

impl Group {
    /// Its first message, if that can be received: nothing is in flight, and it is not delayed.
    fn head(&self) -> Option<u64> {
        let (number, place) = self.members.first_key_value().filter(|_| self.in_flight == 0)?;
        (*place == Place::Waiting).then_some(*number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_locked_while_one_of_its_messages_is_in_flight() {
        let mut groups = Groups::default();
        for (group, number) in [("a", 1), ("a", 2), ("b", 3), ("a", 4)] {
            groups.set(group, number, Some(Place::Waiting));
        }
        assert_eq!((groups.first(), groups.open()), (Some(1), 2));
        groups.set("a", 1, Some(Place::InFlight));
        assert_eq!((groups.first(), groups.open()), (Some(3), 1), "2 waits for 1");
        assert_eq!(groups.behind("a", 1), Some(2), "but the same receive may have it");
        groups.set("a", 2, Some(Place::InFlight));
        groups.set("a", 1, None);
        assert_eq!(groups.first(), Some(3), "2 is in flight still");
        groups.set("a", 2, Some(Place::Waiting));
        assert_eq!(groups.first(), Some(2));
        groups.set("a", 2, None);
        assert_eq!(groups.behind("a", 2), Some(4));
        groups.set("a", 4, None);
        groups.set("b", 3, None);
        assert_eq!((groups.first(), groups.open(), groups.of.len()), (None, 0, 0));
    }

    #[test]
    fn a_delayed_message_holds_up_what_came_after_it() {
        let mut groups = Groups::default();
        groups.set("a", 1, Some(Place::Delayed));
        groups.set("a", 2, Some(Place::Waiting));
        assert_eq!(groups.first(), None);
        groups.set("a", 1, Some(Place::Waiting));
        assert_eq!(groups.first(), Some(1));
    }
}

//! SearchIndex: the newest documents, to be found; of older ones only that they were indexed, which
//! the ledger knows.

use std::collections::BTreeMap;

use crate::automation::event::Document;
use crate::automation::identity::ItemKey;

#[derive(Debug)]
pub struct SearchIndex {
    documents: BTreeMap<u64, Document>,
    newest: BTreeMap<ItemKey, u64>,
    next: u64,
    limit: usize,
}

impl SearchIndex {
    pub fn new(limit: usize) -> Self {
        SearchIndex { documents: BTreeMap::new(), newest: BTreeMap::new(), next: 0, limit }
    }

    /// Writes a document under its version: an older one that comes late changes nothing.
    pub fn put(&mut self, document: Document) {
        let key = document.event.key();
        if let Some(number) = self.newest.get(&key) {
            if self.documents.get(number).is_some_and(|there| there.version >= document.version) {
                return;
            }
            self.documents.remove(number);
        }
        self.newest.insert(key, self.next);
        self.documents.insert(self.next, document);
        self.next += 1;
        while self.documents.len() > self.limit {
            let Some((_, oldest)) = self.documents.pop_first() else { break };
            self.newest.remove(&oldest.event.key());
        }
    }

    /// Documents that match, newest first.
    pub fn search<'a>(&'a self, q: &'a str, limit: usize) -> impl Iterator<Item = &'a Document> {
        self.documents.values().rev().filter(move |document| document.matches(q)).take(limit)
    }

    pub fn len(&self) -> usize {
        self.documents.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::automation::event::{ActionName, EventItem, Payload, Status};
    use crate::automation::identity::{Identity, RunId};
    use crate::model::time::Timestamp;

    fn document(run: u64, status: Status, version: u64) -> Document {
        let event = EventItem {
            identity: Identity::finished(RunId::new(run), 0),
            at: Timestamp::ZERO,
            action: ActionName::Send,
            status,
            recipient: None,
            payload: Payload::None,
        };
        Document { event, version }
    }

    #[test]
    fn newer_versions_win_and_old_documents_go() {
        let mut index = SearchIndex::new(3);
        index.put(document(1, Status::Processed, 5));
        index.put(document(1, Status::Waiting, 4));
        let found: Vec<Status> = index.search("run:run-00000001", 9).map(|d| d.event.status).collect();
        assert_eq!(found, [Status::Processed]);
        (2..10).for_each(|run| index.put(document(run, Status::Processed, run)));
        assert_eq!(index.len(), 3);
        assert_eq!(index.search("", 9).next().map(|d| d.event.identity.run), Some(RunId::new(9)));
    }
}

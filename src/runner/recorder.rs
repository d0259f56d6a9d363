//! Has a machine's records kept one after the other, in the order given; those that wait while one is
//! written go together into the next (one `fsync` for many).

use std::sync::Arc;

use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

use crate::operation::order::{JournalEntry, Order, OrderId, OrderResult};
use crate::runner::Performer;

type Record = (OrderId, Vec<JournalEntry>);

pub(super) struct Recorder {
    records: UnboundedSender<Record>,
}

impl Recorder {
    pub(super) fn start<P: Performer>(performer: Arc<P>, recorded: UnboundedSender<(OrderId, OrderResult)>) -> Self {
        let (records, waiting) = mpsc::unbounded_channel();
        tokio::spawn(write(performer, waiting, recorded));
        Recorder { records }
    }

    pub(super) fn record(&self, id: OrderId, entries: Vec<JournalEntry>) {
        // The task ends only when this sender is gone, or by a panic of the performer's, after which
        // nothing is answered and nothing that needs a record is done.
        let _ = self.records.send((id, entries));
    }
}

async fn write<P: Performer>(
    performer: Arc<P>,
    mut waiting: UnboundedReceiver<Record>,
    recorded: UnboundedSender<(OrderId, OrderResult)>,
) {
    while let Some((id, mut entries)) = waiting.recv().await {
        let mut ids = vec![id];
        while entries.len() < ENTRIES_MOST
            && let Ok((id, more)) = waiting.try_recv()
        {
            ids.push(id);
            entries.extend(more);
        }
        let result = performer.perform(Order::Record(entries)).await;
        for id in ids {
            if recorded.send((id, result.clone())).is_err() {
                return;
            }
        }
    }
}

/// Entries in one write.
const ENTRIES_MOST: usize = 1_000;

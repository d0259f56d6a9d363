//! A stream and the reading of it, written over what it carries ([`Load`]): real records, or counts
//! in a rehearsal. Batches, lanes, retries and bisecting exist once, here. Nothing here invokes a
//! function or knows a mapping's state.

pub mod batch;
pub mod count;
mod deal;
pub mod lane;
pub mod log;
#[cfg(test)]
mod property;
pub mod reader;
pub mod rules;

/// One entry of a shard's log: a record, or a parcel of many that arrived in the same second.
pub trait Load: Copy {
    /// How many of its records belong to `lane` of `lanes`. Over all lanes the shares add up to all
    /// its records; with one lane the share is all of them.
    fn share(&self, lane: u32, lanes: u32) -> u32;

    /// The entry without the records that were handled when there were `lanes` lanes; `done` says how
    /// many of a lane's share were. `None` when nothing is left.
    fn without(&self, lanes: u32, done: &dyn Fn(u32) -> u32) -> Option<Self>;

    /// `ApproximateCreationDateTime`: whole seconds since 1970 (aws-facts §2.2).
    fn at_s(&self) -> i64;

    /// Bytes one of its records takes in an invocation payload.
    fn bytes(&self) -> u32;
}

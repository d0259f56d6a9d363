//! Rehearsals: the embedded pipeline's own scheduling, loaded with counts instead of records,
//! calibrated from live figures and run in virtual time. It sees only what the account answers; it
//! fetches nothing, changes nothing, and does not know whether a sandbox answered.
//!
//! `sight` gathers what the metrics say, `calibrate` turns it into a `plant` and how sure it is of
//! it, `stream` runs a plant, `rehearse` runs each candidate often enough for a band, and `backtest`
//! asks whether the same model would have foretold what is already known. Both ask a `consumer`, which a
//! stream's calibration is (`shards`) and a queue's (`queue/consumer`).

pub mod calibrate;
pub mod outcome;
pub mod plant;
pub mod queue;
pub mod rehearse;
pub mod sight;
pub mod stream;
pub mod track;

mod ages;
mod backtest;
mod candidate;
mod chance;
mod consumer;
mod cost;
mod foretell;
mod given_up;
mod items;
mod judge;
mod layout;
mod loads;
mod luck;
mod room;
mod sampling;
mod shards;
mod standstill;
mod worlds;
mod writes;

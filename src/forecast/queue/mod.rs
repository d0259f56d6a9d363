//! A queue's consumer, rehearsed: `watched` is what its queue says minute by minute, `calibrate` makes a
//! `plant` of that and of the function's runs, `run` plays a plant, `candidate` proposes limits of runs
//! at a time, and `rehearse` asks for all of it.

pub mod plant;
pub mod run;

mod again;
mod arrivals;
mod calibrate;
mod candidate;
mod line;
pub(super) mod rehearse;
pub(super) mod watched;

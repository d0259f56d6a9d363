//! Runs the pipeline: in real time behind the SDK's in-process door and a loopback listener, or in
//! virtual time. A driver is a loop without decisions: what AWS would do is decided in `pipeline`.

pub mod clock;
mod delay;
mod door;
pub mod fault;
pub mod gate;
mod inlet;
pub mod listen;
mod real_time;
pub mod sandbox;
mod service;
pub mod simulated;
pub mod traffic;
pub mod virtual_time;

pub use inlet::Stopped;
pub use real_time::{HELD_SPEED, SPEED_RANGE};

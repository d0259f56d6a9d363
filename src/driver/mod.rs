//! Runs the pipeline: in real time behind the SDK's in-process door and a loopback listener, or in
//! virtual time. A driver is a loop without decisions: what AWS would do is decided in `pipeline`.

pub mod clock;
pub mod sandbox;

//! Runs the pipeline: real time, virtual time, the SDK's in-process door, the loopback listener.

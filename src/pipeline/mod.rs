//! The embedded copy: AWS's semantics as one sans-IO machine that runs the handlers of `automation`. It never asks what time it is.

pub mod request;

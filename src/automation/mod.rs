//! The pipeline's own business as pure functions: an event goes in, orders come out. No AWS, no time, no randomness of its own.

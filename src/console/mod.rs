//! The console as a state machine: messages in, effects out. No I/O, no drawing.

//! Drives any operation over a `Performer`: order ids, lanes, timers, cancellation. Decides nothing.

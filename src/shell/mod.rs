//! The imperative shell of the console: the loop, the terminal guard, input, effects.

//! Finding messages and rows by what a person types.

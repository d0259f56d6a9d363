//! What an operator does, each a sans-IO machine: commands and results in, orders and progress out.

pub mod order;

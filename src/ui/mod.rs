//! Draws a console. Holds no state and decides nothing.

pub mod theme;
pub mod widget;

#[cfg(test)]
mod dump;
#[cfg(test)]
mod fixture;

//! Draws a console. Holds no state and decides nothing.

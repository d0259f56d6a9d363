//! What a named context asks of whoever works in it, beside where it is: how careful to be, what is
//! promised, what may not be shown.

use crate::model::objective::Objectives;
use crate::model::redaction::Redaction;

/// A colour for the header band. Severity has its own meaning for colour elsewhere; here the name
/// stands in the band too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    Red,
    Green,
    Yellow,
    Blue,
    Magenta,
    Cyan,
    White,
}

impl Colour {
    pub const ALL: [(&'static str, Colour); 7] = [
        ("red", Colour::Red),
        ("green", Colour::Green),
        ("yellow", Colour::Yellow),
        ("blue", Colour::Blue),
        ("magenta", Colour::Magenta),
        ("cyan", Colour::Cyan),
        ("white", Colour::White),
    ];

    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, colour)| *colour == self).map_or("blue", |(name, _)| name)
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Context {
    /// Empty: none was chosen.
    pub name: String,
    pub colour: Option<Colour>,
    /// Arming asks for the context's name, and every card for its count.
    pub protected: bool,
    /// Nothing in the console lifts it.
    pub read_only: bool,
    pub objectives: Objectives,
    /// Work older than this is left out of a redrive unless it is chosen.
    pub stale_after_s: u64,
    /// Dollars an hour that watching may cost.
    pub budget_per_h: Option<f64>,
    /// Values in message bodies that are shown as `***`.
    pub redact: Redaction,
}

impl Context {
    /// A day.
    pub const STALE_AFTER_S: u64 = 24 * 3_600;
}

impl Default for Context {
    fn default() -> Self {
        Context {
            name: String::new(),
            colour: None,
            protected: false,
            read_only: false,
            objectives: Objectives::default(),
            stale_after_s: Self::STALE_AFTER_S,
            budget_per_h: None,
            redact: Redaction::default(),
        }
    }
}

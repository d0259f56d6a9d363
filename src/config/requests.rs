//! What `rescue requests` was asked, checked.

use crate::config::{Consent, Output};
use crate::model::object::Place;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requests {
    pub since_s: u64,
    /// `None`: the only bucket that invokes a function.
    pub place: Option<Place>,
    /// `None`: the one the bucket invokes.
    pub function: Option<String>,
    /// Keys; none: what is found to be lost.
    pub ids: Vec<String>,
    /// Also what cannot be told.
    pub unclear: bool,
    /// Receive the messages of the queue that lost events go to.
    pub scan: bool,
    /// Most objects to list.
    pub max: u32,
    pub output: Output,
    pub consent: Consent,
    pub reason: Option<String>,
}

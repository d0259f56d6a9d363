//! A road that a story goes: from the orders of a machine to the pipeline and back. Two there are, straight
//! onto it and through the door; what is told, and how it is judged, does not depend on which.

use std::ops::DerefMut;

use redrive::model::time::Timestamp;
use redrive::operation::progress::Report;
use redrive::operation::{Command, Operation};

use crate::storm::Died;
use crate::storm::fault::Faults;
use crate::storm::log::Log;
use crate::storm::scene::Site;

pub trait Road: Site {
    fn now(&self) -> Timestamp;

    /// From now on things go wrong, and others are at work; what the operator does in the first life.
    fn begin(&mut self, faults: Faults, commands: &[(i64, Command)]);

    /// What the operator does in a life that is about to begin, milliseconds after that.
    fn command(&mut self, commands: &[(i64, Command)]);

    /// Until it is finished, or its process dies after so many steps.
    fn run(&mut self, machine: Box<dyn Operation>, dies_after: Option<u64>) -> Result<Report, Died>;

    /// Lets time pass, with all that is still on its way.
    fn pass(&mut self, s: i64);

    /// The others go home; what they hold runs out.
    fn calm_down(&mut self);

    fn log(&mut self) -> impl DerefMut<Target = Log>;
}

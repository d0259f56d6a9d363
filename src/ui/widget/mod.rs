//! The parts screens are made of. Each draws what it is given into a rectangle; none knows a console.

pub mod body;
pub mod chain;
pub mod chart;
pub mod figure;
pub mod gauge;
pub mod hostile;
pub mod ink;
pub mod letter;
pub mod pane;
pub mod pipeline_map;
pub mod prose;
pub mod reading;
pub mod sparkline;
pub mod stage;
pub mod table;

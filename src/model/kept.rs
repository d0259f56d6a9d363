//! What one session leaves for the next to draw at once: the picture without its metrics. It is old by
//! nature, shown with its age, and nothing is changed on its word.

use serde::{Deserialize, Serialize};

use crate::model::function::Function;
use crate::model::mapping::Mapping;
use crate::model::queue::Queue;
use crate::model::time::Timestamp;
use crate::model::topology::Topology;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// Account time of the discovery.
    pub at: Timestamp,
    pub topology: Topology,
    pub mappings: Vec<Mapping>,
    pub functions: Vec<Function>,
    pub queues: Vec<Queue>,
}

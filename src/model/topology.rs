//! The pipeline's picture: what there is and what leads where, as far as the account tells.

use serde::{Deserialize, Serialize};

use crate::model::id::{Arn, MappingId};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum NodeKind {
    Bucket,
    Function,
    Queue,
    /// A table seen through its stream.
    Table,
    KinesisStream,
    Topic,
    Other,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// The resource; a table is named by its table ARN, not its stream's.
    pub arn: Arn,
    pub kind: NodeKind,
    /// The name a person uses: `JobQueue`.
    pub name: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum EdgeKind {
    /// An event source mapping.
    Mapping(MappingId),
    /// A redrive policy.
    DeadLetter,
    /// A mapping's on-failure destination.
    OnFailure,
    /// A bucket (or topic) may invoke the function: its resource policy says so.
    Invokes,
    /// The function's environment names the resource: drawn dashed, as inferred.
    InferredWrite,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edge {
    pub from: Arn,
    pub to: Arn,
    pub kind: EdgeKind,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Topology {
    /// Sorted by ARN.
    pub nodes: Vec<Node>,
    pub edges: Vec<Edge>,
}

impl Topology {
    pub fn node(&self, arn: &Arn) -> Option<&Node> {
        self.nodes.iter().find(|node| node.arn == *arn)
    }
}

//! What a CloudFormation stack made, as `ListStackResources` answers it.

/// One thing that a stack made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackResource {
    /// `AWS::SQS::Queue`
    pub kind: &'static str,
    /// Its name within the template.
    pub logical_id: String,
    pub physical_id: String,
}

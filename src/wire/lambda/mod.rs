//! Lambda in REST-JSON, URIs with and without trailing slash (aws-facts §1, §7). Reads and writes;
//! what a mapping does is `pipeline`'s.

mod mapping;
mod read;
mod write;

pub use read::read;
pub use write::write;

/// What the answer to a function's description looks like: the two operations differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Shape {
    /// As the reply says.
    #[default]
    Plain,
    /// `GetFunction`: the configuration is a member, the reserved concurrency another.
    Function,
    /// `GetFunctionConfiguration`: the configuration itself.
    Configuration,
}

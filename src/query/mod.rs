//! Finding messages: fuzzy text, kinds of failure. Bodies are hostile: nothing here hands one to a
//! parser before its nesting was looked at, and nothing changes or shows one.

pub mod body;
pub mod filter;
mod head;
pub mod jq;
pub mod kind;
pub mod search;

//! Finding messages: fuzzy text, kinds of failure; and what another body would make of one. Bodies are
//! hostile: nothing here hands one to a parser before its nesting was looked at.

pub mod body;
pub mod difference;
pub mod edit;
pub mod edits;
pub mod filter;
mod head;
pub mod jq;
pub mod kind;
pub mod layout;
pub mod names;
pub mod search;

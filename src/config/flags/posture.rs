//! `redrive posture`.

use clap::Args;

use crate::config::Output;

#[derive(Debug, Args)]
pub struct PostureFlags {
    /// How to print
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Output,

    /// Leave out what Lambda tells only one call a function (asked at one a second); it is then not
    /// known
    #[arg(long)]
    pub quick: bool,
}

pub const EXAMPLES: &str = "\
Examples:
  redrive posture                    what to mend while it is calm, each with its line
  redrive posture -o json | jq -r '.advice[].fix[]'
  redrive posture --quick --prefix shop-prod-

The exit code is 0 whatever is found: posture pages nobody.";

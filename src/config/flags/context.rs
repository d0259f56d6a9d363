//! `redrive context …`: the contexts of config.toml.

use clap::{Args, Subcommand};

use crate::config::flags::{OutputFlags, examples as ex};

#[derive(Debug, Subcommand)]
pub(in crate::config) enum ContextCommand {
    /// The contexts there are, and which is current
    #[command(after_help = ex::CONTEXT_LIST)]
    List(OutputFlags),
    /// Make a context the current one
    #[command(after_help = ex::CONTEXT_USE)]
    Use {
        /// Which, as `context list` calls it
        name: String,
    },
    /// Every setting in force, and where its value comes from
    #[command(after_help = ex::CONTEXT_SHOW)]
    Show {
        /// Another than the current one
        name: Option<String>,
        #[command(flatten)]
        output: OutputFlags,
    },
    /// Write a new context into config.toml; asks on a terminal, or takes --profile, --region and the rest
    #[command(after_help = ex::CONTEXT_INIT)]
    Init(InitFlags),
}

#[derive(Debug, Args)]
pub(in crate::config) struct InitFlags {
    /// What it shall be called: prod-eu; asked for when it is left out
    pub(in crate::config) name: Option<String>,

    /// ARN of a role to assume
    #[arg(long, value_name = "ARN")]
    pub(in crate::config) role: Option<String>,

    /// Of the header band: red, green, yellow, blue, magenta, cyan, white
    #[arg(long, value_name = "NAME")]
    pub(in crate::config) colour: Option<String>,

    /// Arming writes asks for the context's name
    #[arg(long)]
    pub(in crate::config) protected: bool,

    /// Writes cannot be armed at all
    #[arg(long = "never-write")]
    pub(in crate::config) never_write: bool,
}

pub(in crate::config) const CONTEXT_EXAMPLES: &str = "Examples:
  redrive context init prod-eu --profile prod --region eu-west-1 --prefix orders- --protected --colour red
  redrive context use prod-eu
  redrive context show";

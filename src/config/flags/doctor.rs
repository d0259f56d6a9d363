//! `redrive doctor`: what is checked is not for flags to say; only what is printed is.

use clap::Args;

use crate::config::PolicyName;
use crate::config::flags::OutputFlags;

#[derive(Debug, Args)]
pub(in crate::config) struct DoctorFlags {
    /// Print a policy for IAM instead of checking: to look, or to change things too
    #[arg(long, value_name = "WHICH")]
    pub(in crate::config) policy: Option<PolicyName>,

    #[command(flatten)]
    pub(in crate::config) output: OutputFlags,
}

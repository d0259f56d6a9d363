//! Why a command did not do what it was asked, and the exit code that says so (ux.md, "Command
//! line"). The one place that maps errors to exit codes.

use std::io;

use thiserror::Error;

use crate::aws::connect::ConnectError;
use crate::config::exit;
use crate::driver::sandbox::SandboxError;
use crate::journal::JournalError;
use crate::model::service_error::ServiceError;
use crate::scenario::error::ScenarioError;
use crate::shell::ShellError;

#[derive(Debug, Error)]
pub enum Failure {
    #[error("{0}")]
    Usage(String),
    #[error("{0}")]
    Connect(#[from] ConnectError),
    #[error("{0}")]
    Service(#[from] ServiceError),
    #[error("{0}")]
    Scenario(#[from] ScenarioError),
    #[error("{0}")]
    Sandbox(#[from] SandboxError),
    #[error("{0}")]
    Shell(#[from] ShellError),
    #[error("{0}")]
    Journal(#[from] JournalError),
    /// A safety rule refused it.
    #[error("{0}")]
    Refused(String),
    #[error("{0}")]
    Unreachable(String),
    #[error("starting: {0}")]
    Runtime(io::Error),
    #[error("standard output: {0}")]
    Output(io::Error),
    #[error("messages kept on disk: {0}")]
    Disk(io::Error),
    /// It was told to stop in the middle.
    #[error("{0}")]
    Stopped(String),
    /// The reader of standard output went away.
    #[error("")]
    Quiet,
}

impl Failure {
    pub fn code(&self) -> u8 {
        match self {
            Failure::Usage(_)
            | Failure::Scenario(_)
            | Failure::Connect(ConnectError::BadEndpoint { .. } | ConnectError::BadRegion { .. }) => 2,
            Failure::Shell(error) => shell_code(error),
            Failure::Refused(_) => 4,
            Failure::Stopped(_) => exit::PARTLY,
            Failure::Quiet => 0,
            Failure::Connect(_)
            | Failure::Service(_)
            | Failure::Sandbox(_)
            | Failure::Journal(_)
            | Failure::Unreachable(_)
            | Failure::Runtime(_)
            | Failure::Disk(_)
            | Failure::Output(_) => 3,
        }
    }

    pub fn text(&self) -> Option<String> {
        match self {
            Failure::Quiet => None,
            error => Some(error.to_string()),
        }
    }
}

fn shell_code(error: &ShellError) -> u8 {
    match error {
        ShellError::NoTerminal | ShellError::Listen(_) => 2,
        _ => 3,
    }
}

//! `redrive`: the console an on-call engineer opens when a serverless pipeline on AWS hurts.
//! The layers, and what each may import, are listed in ARCHITECTURE.md and checked by
//! `tests/tidy.rs`.

pub mod automation;
pub mod aws;
pub mod command;
pub mod config;
pub mod console;
pub mod driver;
pub mod forecast;
pub mod journal;
pub mod model;
pub mod operation;
pub mod pipeline;
pub mod query;
pub mod report;
pub mod runner;
pub mod scenario;
pub mod shell;
pub mod ui;
pub mod verdict;
pub mod wire;

/// A request is thousands of small allocations, here and in the SDK: with the system's allocator they
/// were a fifth of a fast redrive's processor time (CONTRIBUTING, "Figures"). Without huge pages: with
/// them a console takes about 18 MB more that it does not use.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

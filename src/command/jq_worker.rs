//! What this program does when it is its own jq worker (`shell/jq.rs`): answers on its pipes, under
//! limits of memory and time, on a large stack. It may be ended at any moment and nothing is lost.

use std::io::{self, BufWriter};
use std::process::ExitCode;

use crate::shell::jq;

pub fn run() -> ExitCode {
    limit();
    let work = || jq::serve(io::stdin().lock(), BufWriter::new(io::stdout().lock()));
    let worker = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(work);
    match worker.map(std::thread::JoinHandle::join) {
        Ok(Ok(Ok(()))) => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

/// Where a limit cannot be set the deadline of whoever asks still holds.
#[cfg(unix)]
fn limit() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let at_most = |value| Rlimit { current: Some(value), maximum: Some(value) };
    let _ = setrlimit(Resource::As, at_most(MEMORY_BYTES));
    let _ = setrlimit(Resource::Cpu, at_most(CPU_S));
    let _ = setrlimit(Resource::Core, at_most(0));
}

#[cfg(not(unix))]
fn limit() {}

const STACK_BYTES: usize = 256 * 1024 * 1024;
#[cfg(unix)]
const MEMORY_BYTES: u64 = 1536 * 1024 * 1024;
/// Should whoever asked be gone, an endless program ends by itself.
#[cfg(unix)]
const CPU_S: u64 = 300;

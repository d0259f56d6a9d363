//! The binary: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    redrive::command::run(std::env::args_os())
}

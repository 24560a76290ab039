//! The binary `cosim`.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    scenarios::cli::main()
}

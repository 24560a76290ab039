//! The simulation service as a program of its own.

fn main() -> std::process::ExitCode {
    cloud_sim::shell::main(std::env::args_os())
}

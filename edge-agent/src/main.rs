//! The edge agent as a program of its own.

fn main() -> std::process::ExitCode {
    edge_agent::shell::main(std::env::args_os())
}

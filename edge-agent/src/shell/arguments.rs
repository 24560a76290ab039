use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Runs beside a machine: reads what the controller does, asks a simulation service for feed overrides ahead of the
/// tool, checks them, and slows the machine where they say so.
#[derive(Debug, Parser)]
#[command(name = "edge-agent", version, max_term_width = 110)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run one program on one machine, until the program has ended (or Ctrl-C).
    ///
    /// Prints its state as a line of JSON twice a second, and a summary at the end. It never makes the machine
    /// faster than programmed, never touches the operator's dial, and when the service is late or gone it goes to
    /// the baseline plan it holds, or to the speed as programmed. It is not a safety function.
    ///
    /// While it runs, these words on standard input act, one a line: arm, off, rearm, confirm-stock.
    Run(RunArgs),
}

#[derive(Debug, Args)]
pub(super) struct RunArgs {
    /// The configuration (TOML). A line that is not understood is named with its place.
    #[arg(long, value_name = "FILE")]
    pub(super) config: PathBuf,
    /// End when standard input closes.
    #[arg(long, hide = true)]
    pub(super) until_stdin_closes: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
        assert!(Arguments::try_parse_from(["edge-agent", "run"]).is_err());
    }
}

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

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
    /// While it runs, these words on standard input act, one a line: arm, arm-first-part, off, rearm, confirm-stock;
    /// the commands of the same names say them to it from elsewhere on this machine.
    Run(RunArgs),
    /// Let the agent that runs command.
    Arm(ArmArgs),
    /// Take its say away. Where it hangs, that is done in the controller (LinuxCNC: the signal cosim-off).
    Off(AgentArgs),
    /// End what waits for the operator, after the cause was seen to.
    Rearm(AgentArgs),
    /// The stock is as the program left it at the present line.
    ConfirmStock(AgentArgs),
    /// Show the lamp (OK, LATE, FALLBACK, SHADOW, OFF) and the reason.
    Status(StatusArgs),
    /// Look whether everything an agent needs is there, with advice. Exit code 0 all well, 1 something to know, 3 it
    /// cannot steer like this.
    Doctor(AgentArgs),
    /// Put the co-simulation into a controller's configuration.
    Install(InstallArgs),
    /// Take it out again; the configuration has the bytes of before.
    Uninstall(UninstallArgs),
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

#[derive(Debug, Args)]
pub(super) struct AgentArgs {
    /// The configuration the agent runs with.
    #[arg(long, value_name = "FILE")]
    pub(super) config: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct ArmArgs {
    #[command(flatten)]
    pub(super) agent: AgentArgs,
    /// First part of a setup: only below the baseline, and never faster than without the agent.
    #[arg(long)]
    pub(super) first_part: bool,
}

#[derive(Debug, Args)]
pub(super) struct StatusArgs {
    #[command(flatten)]
    pub(super) agent: AgentArgs,
    /// Again twice a second.
    #[arg(long)]
    pub(super) watch: bool,
    /// As the agent says it, one JSON object a line.
    #[arg(long)]
    pub(super) json: bool,
}

/// Controllers with a configuration that can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Installable {
    /// LinuxCNC: its INI file and a HAL file beside it.
    Linuxcnc,
}

#[derive(Debug, Args)]
pub(super) struct UninstallArgs {
    /// Which controller.
    #[arg(value_enum)]
    pub(super) controller: Installable,
    /// Its INI file.
    #[arg(long, value_name = "FILE")]
    pub(super) ini: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct InstallArgs {
    #[command(flatten)]
    pub(super) machine: UninstallArgs,
    /// The factor without an agent: 1.0, or 1/k for programs whose feeds were raised k times.
    #[arg(long, default_value_t = 1.0, value_name = "RATIO")]
    pub(super) without_us: f64,
    /// How long the agent may be silent until the controller lets go.
    #[arg(long, default_value_t = 50.0, value_name = "MS")]
    pub(super) watchdog_ms: f64,
    /// How fast the factor moves when it lets go, 1/s.
    #[arg(long, default_value_t = 2.0, value_name = "RATE")]
    pub(super) slew_per_s: f64,
    /// Name of the servo thread.
    #[arg(long, default_value = "servo-thread", value_name = "NAME")]
    pub(super) thread: String,
    /// Say what would be written, and write nothing.
    #[arg(long)]
    pub(super) dry_run: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
        assert!(Arguments::try_parse_from(["edge-agent", "run"]).is_err());
        let install = ["edge-agent", "install", "linuxcnc", "--ini", "mill.ini", "--dry-run"];
        assert!(Arguments::try_parse_from(install).is_ok());
        assert!(Arguments::try_parse_from(["edge-agent", "install", "fanuc", "--ini", "x"]).is_err());
    }
}

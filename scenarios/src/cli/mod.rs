//! The command line of `cosim`.
//!
//! Exit codes: 0 pass, 2 bad input (a message names file, line, column and what to do), 3 infrastructure (a
//! process, a port, a disk), 99 an expectation of the scenario failed.

mod about;
mod bundle;
mod canon;
mod cut;
mod draw;
mod job;
#[cfg(feature = "live")]
mod live;
mod lobes;
mod machine;
mod machine_fit;
mod measure;
mod optimise;
mod replay;
mod rewrite;
mod run;
mod simulate;
mod timing;
mod world;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::builder::TypedValueParser;
use clap::{Args, CommandFactory, Parser, Subcommand};
use shared::program::Dialect;

use crate::format::LoadError;

use job::JobArgs;

/// Everything went as expected.
pub const EXIT_PASS: u8 = 0;
/// The input is wrong.
pub const EXIT_BAD_INPUT: u8 = 2;
/// A process, a port or a file of the run failed.
pub const EXIT_INFRASTRUCTURE: u8 = 3;
/// An expectation of the scenario failed.
pub const EXIT_EXPECTATION: u8 = 99;

/// Simulates G-code ahead of the tool, plans feed overrides with reasons, and runs the plan live.
///
/// Without a command it runs the demo: a small steel plate, cut by a virtual machine, planned ahead by the
/// simulation service, with the edge agent between them, each in a process of its own.
#[derive(Debug, Parser)]
#[command(name = "cosim", version, max_term_width = 110)]
struct Cli {
    /// Say what this version does and what is not there yet.
    #[arg(long)]
    about: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Simulate a program offline: cycle time, loads, collisions, and the plan under the limits.
    Simulate(SimulateArgs),
    /// Print a program as canonical operations, one JSON object a line.
    Canon(CanonArgs),
    /// Write a plan into the F words of its program; every other byte stays as it is.
    Rewrite(RewriteArgs),
    /// Write a program with feeds under which it keeps its limits, and say what that wins and costs.
    ///
    /// Each block gets the lowest feed that the loads on it allow; blocks are not split. Nothing becomes faster than
    /// programmed but, with `--air-factor`, blocks that stay outside the stock and an allowance around it; never
    /// plunges, first contacts, hole cycles, locked or unknown operations. Fixtures are known only where a scenario names them.
    Optimise(optimise::OptimiseArgs),
    /// Say how long a program takes on a machine, and when each block runs; nothing is cut.
    Time(TimeArgs),
    /// Calculate one cut: forces, torque, power, chip, deflection; or the feed that meets a limit.
    ///
    /// Forces act on the cutter: x along the feed, y to its left, z along the spindle. The peak is that of a
    /// revolution, with runout. Power is what the edge needs; the drive needs more by its own losses. The deflection is that
    /// of the cutter alone: holder and spindle are often as soft again.
    Cut(cut::CutArgs),
    /// Calculate the depth at which a cut begins to chatter, over spindle speed, by two methods.
    ///
    /// The zeroth order averages the turning forces: good for wide cuts, too optimistic for narrow ones. The
    /// semi-discretisation follows the teeth: believe it where the two differ. The feed does not matter to either. A
    /// mode is what a hammer test at the tip of the clamped cutter gives.
    Lobes(lobes::LobesArgs),
    /// Machine descriptions: import one that another program wrote, or fit one to recordings.
    #[command(subcommand)]
    Machine(machine::MachineCommand),
    /// Run a scenario: a scenario file, or the name of a built-in case (demo, slot).
    Run(RunArgs),
    /// Replay a recorded run and compare every decision; or check a controller log against a program.
    Replay(ReplayArgs),
    /// Live one-minute lives of a machine with its edge agent under faults, and hold them to the safety promises.
    ///
    /// A life is drawn from its seed: faults of network, cloud, controller, operator and forgers. With one seed every
    /// decision is printed; with more only what broke, and what was reached. Plans are drawn, nothing is cut.
    World(world::WorldArgs),
    /// Pack a scenario's job (program, machine, tools, material, limits) into the file an edge agent offers.
    Bundle(BundleArgs),
    /// The simulation service (the same as `cloud-sim serve`).
    #[cfg(feature = "live")]
    #[command(name = "__cloud", hide = true)]
    Cloud(Rest),
    /// The edge agent (the same as `edge-agent run`).
    #[cfg(feature = "live")]
    #[command(name = "__edge", hide = true)]
    Edge(Rest),
    /// The virtual controller.
    #[cfg(feature = "live")]
    #[command(name = "__controller", hide = true)]
    Controller(Rest),
}

#[cfg(feature = "live")]
#[derive(Debug, Args)]
struct Rest {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<std::ffi::OsString>,
}

#[derive(Debug, Args)]
struct ToolArgs {
    /// Tool library: TOML, LinuxCNC .tbl, Fusion 360 .json or .tools, FreeCAD .fctb, .camotics, or CSV. Given more than
    /// once, the files complete each other. Without it, tools are read from the program's comments.
    #[arg(long, value_name = "FILE")]
    tools: Vec<PathBuf>,
    /// Unit of a tool library that does not say one; the machine's where absent.
    #[arg(long, value_name = "UNIT", value_parser = ["mm", "inch"])]
    tool_units: Option<String>,
    /// Gives a T number to a library entry by its name, for instance 3="5mm Endmill"; may be repeated.
    #[arg(long, value_name = "N=NAME", value_parser = numbered)]
    tool_map: Vec<(String, String)>,
}

#[derive(Debug, Args)]
struct SimulateArgs {
    #[command(flatten)]
    job: JobArgs,
    /// Write the result as JSON to a file (`-` for standard output).
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write one JSON object a segment to a file.
    #[arg(long, value_name = "FILE")]
    segments: Option<PathBuf>,
    /// Write the plan to a file, for `cosim rewrite`.
    #[arg(long, value_name = "FILE")]
    plan: Option<PathBuf>,
    /// Write the stock as cut as a binary STL, or as a PLY where the name ends so.
    #[arg(long, value_name = "FILE")]
    stl: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct CanonArgs {
    /// The G-code program. Files beside it are its subprograms.
    program: PathBuf,
    #[command(flatten)]
    tools: ToolArgs,
    /// Dialect (rs274ngc, fanuc, haas, siemens, grbl); found out from the text where absent.
    #[arg(long, default_value = "auto", value_parser = dialect)]
    dialect: Dialect,
    /// Skip blocks that begin with `/`.
    #[arg(long)]
    block_delete: bool,
}

#[derive(Debug, Args)]
struct RewriteArgs {
    /// The G-code program.
    program: PathBuf,
    /// The plan, as `cosim simulate --plan FILE` wrote it for this program.
    #[arg(long, value_name = "FILE")]
    plan: PathBuf,
    /// File to write; standard output where absent.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Dialect (rs274ngc, fanuc, haas, siemens, grbl); found out from the text where absent.
    #[arg(long, default_value = "auto", value_parser = dialect)]
    dialect: Dialect,
}

#[derive(Debug, Args)]
struct TimeArgs {
    /// The G-code program.
    program: PathBuf,
    /// Machine: a file, or a built-in name (generic-vmc, hurco-02, hurco-04).
    #[arg(long)]
    machine: Option<String>,
    #[command(flatten)]
    tools: ToolArgs,
    /// Write the result as JSON to standard output, or with `--json=FILE` to a file.
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = "-")]
    json: Option<PathBuf>,
    /// Write when each block begins and ends, one JSON object a line, to a file (`-` for standard output).
    #[arg(long, value_name = "FILE")]
    blocks: Option<PathBuf>,
    /// Compare with a recording of a run: which block when, and each interval. Another revision is refused.
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct RunArgs {
    /// A scenario file, or the name of a built-in case.
    scenario: String,
    /// On virtual time in one thread of decisions: as fast as possible and deterministic.
    #[arg(long = "virtual", conflicts_with = "speed")]
    virtual_time: bool,
    /// The virtual machine runs this many times faster than a real one; clocks and budgets stay wall time.
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    speed: Option<f64>,
    /// Record every input and decision of the edge to a file, for `cosim replay`.
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Write the result as JSON to a file (`-` for standard output).
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Threads of the simulation service.
    #[arg(long, value_name = "COUNT", value_parser = threads(), allow_negative_numbers = true)]
    threads: Option<usize>,
    /// Beside the plan, run the best constant override and a reactive controller on the same hidden process.
    #[arg(long)]
    compare: bool,
    /// Evaluate the hidden process for this many seeds.
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=1000), allow_negative_numbers = true)]
    truth_seeds: Option<u32>,
}

#[derive(Debug, Args)]
struct BundleArgs {
    /// A scenario file, or the name of a built-in case.
    scenario: String,
    /// File to write; `job` in the configuration of `edge-agent run` names it.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

#[derive(Debug, Args)]
struct ReplayArgs {
    /// A recording made with `--record`, or a controller log in SHDR lines.
    file: PathBuf,
    /// The program that the controller log should belong to.
    #[arg(long)]
    program: Option<PathBuf>,
    /// The machine that the log is of: a built-in one, or a machine file. The place is then held against the predicted
    /// motion.
    #[arg(long, requires = "program")]
    machine: Option<String>,
    /// Play the log in real time, this many times as fast as it was made; without it on a virtual clock.
    #[arg(long, requires = "machine")]
    speed: Option<f64>,
}

/// Most threads to simulate with: beyond any machine this is for, and few enough to start.
const THREADS_MAX: i64 = 256;

/// `3=5mm Endmill`.
fn numbered(text: &str) -> Result<(String, String), String> {
    let (number, name) = text.split_once('=').ok_or("write a T number, `=` and a name")?;
    let number = number.trim().trim_start_matches(['T', 't']);
    number.parse::<u32>().map_err(|_| format!("`{number}` is no T number"))?;
    Ok((number.to_owned(), name.trim().to_owned()))
}

fn dialect(name: &str) -> Result<Dialect, String> {
    let names = Dialect::NAMES.map(|(name, _)| name).join(", ");
    Dialect::parse(name).ok_or_else(|| format!("there is no dialect of this name; name one of {names}"))
}

fn threads() -> impl TypedValueParser<Value = usize> {
    clap::value_parser!(u16).range(1..=THREADS_MAX).map(usize::from)
}

/// Runs `cosim` with the arguments of the process.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let code = match cli.command {
        _ if cli.about => about::print(),
        None => run::demo(),
        Some(Command::Simulate(args)) => simulate::command(&args),
        Some(Command::Canon(args)) => canon::command(&args),
        Some(Command::Rewrite(args)) => rewrite::command(&args),
        Some(Command::Optimise(args)) => optimise::command(&args),
        Some(Command::Time(args)) => timing::command(&args),
        Some(Command::Cut(args)) => cut::command(&args),
        Some(Command::Lobes(args)) => lobes::command(&args),
        Some(Command::Machine(command)) => machine::command(&command),
        Some(Command::Run(args)) => run::command(&args),
        Some(Command::Replay(args)) => replay::command(&args),
        Some(Command::World(args)) => world::command(&args),
        Some(Command::Bundle(args)) => bundle::command(&args),
        #[cfg(feature = "live")]
        Some(Command::Cloud(rest)) => return cloud_sim::shell::main(named("cloud-sim", rest)),
        #[cfg(feature = "live")]
        Some(Command::Edge(rest)) => return edge_agent::shell::main(named("edge-agent", rest)),
        #[cfg(feature = "live")]
        Some(Command::Controller(rest)) => return crate::run::controller_main(named("virtual-controller", rest)),
    };
    ExitCode::from(code)
}

#[cfg(feature = "live")]
fn named(name: &str, rest: Rest) -> Vec<std::ffi::OsString> {
    std::iter::once(name.into()).chain(rest.args).collect()
}

/// Draws what is wrong with the input and says so in the exit code.
fn bad_input(error: &LoadError) -> u8 {
    draw::diagnostics(&error.diagnostics, &error.texts);
    EXIT_BAD_INPUT
}

/// True if the command line's definition is sound; a test calls it.
pub fn is_consistent() -> bool {
    Cli::command().debug_assert();
    true
}

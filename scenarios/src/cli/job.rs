//! What is cut, as the commands that simulate a whole program are told it.

use std::path::PathBuf;

use clap::Args;
use cloud_sim::ahead::MapChoice;
use shared::job::{JobSources, StockSpec};

use super::simulate::MEMORY_MAX_BYTES;
use super::{ToolArgs, bad_input, draw, threads};
use crate::format::{LoadError, RESOLUTION_MM, Scenario, SimulateRequest, StockArgument};

#[derive(Debug, Args)]
pub(super) struct JobArgs {
    /// The G-code program.
    #[arg(required_unless_present = "scenario")]
    pub(super) program: Option<PathBuf>,
    /// Take everything from a scenario file or a built-in case; nothing of its run is done.
    #[arg(long, conflicts_with_all = ["program", "machine", "tools", "tool_units", "tool_map", "material", "stock"])]
    pub(super) scenario: Option<String>,
    /// Machine: a file, or a built-in name (generic-vmc, hurco-02, hurco-04).
    #[arg(long)]
    pub(super) machine: Option<String>,
    #[command(flatten)]
    pub(super) tools: ToolArgs,
    /// Material: a file, or a built-in name (6061-T6, 7050-T7451, AlSi-cast, St37, St50-2, St60-2, St70-2, C45E,
    /// 16MnCr5, 42CrMo4, X5CrNi18-10, GJL-250, Ti6Al4V).
    #[arg(long)]
    pub(super) material: Option<String>,
    /// Stock: box:XxYxZ@x,y,z (sizes, smallest corner, program mm), cyl:DxH@x,y,z (centre of the lower face), or
    /// FILE.stl:mm or FILE.stl:inch. Without it: the box of the feed moves plus a tool radius, top at Z0.
    #[arg(long)]
    pub(super) stock: Option<String>,
    /// Cell of the stock map in mm; chosen from the tools where absent.
    #[arg(long, value_name = "MM", allow_negative_numbers = true)]
    pub(super) resolution: Option<f64>,
    /// Threads to simulate with; all processors where absent. The result does not depend on it.
    #[arg(long, value_name = "COUNT", value_parser = threads(), allow_negative_numbers = true)]
    pub(super) threads: Option<usize>,
}

/// Everything that was named, read.
pub(super) struct Loaded {
    pub(super) sources: JobSources,
    pub(super) assumed: Vec<String>,
    pub(super) choice: MapChoice,
}

impl JobArgs {
    /// Reads what was named; draws what is wrong with it and gives the exit code.
    pub(super) fn load(&self) -> Result<Loaded, u8> {
        let (loaded, resolution): (Result<_, LoadError>, _) = match &self.scenario {
            Some(name) => match Scenario::load(name, 1.0) {
                Ok(scenario) => {
                    let resolution = self.resolution.or(scenario.file.run.resolution_mm);
                    (Ok((scenario.sources, Vec::new())), resolution)
                }
                Err(error) => return Err(bad_input(&error)),
            },
            None => match self.request() {
                Ok(request) => (request.sources(), self.resolution),
                Err(message) => return Err(draw::message(&message)),
            },
        };
        let (sources, assumed) = loaded.map_err(|error| bad_input(&error))?;
        if resolution.is_some_and(|mm| !RESOLUTION_MM.contains(&mm)) {
            let (least, most) = (RESOLUTION_MM.start(), RESOLUTION_MM.end());
            let message = format!("--resolution must be a number of millimetres from {least} to {most}");
            return Err(draw::message(&message));
        }
        Ok(Loaded { sources, assumed, choice: MapChoice { cell_mm: resolution, memory_max_bytes: MEMORY_MAX_BYTES } })
    }

    fn request(&self) -> Result<SimulateRequest, String> {
        let program = self.program.clone().ok_or("name a program")?;
        Ok(SimulateRequest {
            program,
            machine: self.machine.clone(),
            tools: self.tools.tools.clone(),
            tool_units: self.tools.tool_units.clone(),
            tool_map: self.tools.tool_map.iter().cloned().collect(),
            material: self.material.clone(),
            stock: self.stock.as_deref().map(stock).transpose()?,
            limits: Default::default(),
        })
    }
}

/// `--stock`, with figures that can be meant.
fn stock(text: &str) -> Result<StockArgument, String> {
    let stock = StockArgument::parse(text)?;
    match StockSpec::from_section(&stock.0) {
        Ok(_) => Ok(stock),
        Err((_, message)) => Err(format!("--stock {text}: {message}; correct the figure, in program millimetres")),
    }
}

//! Files that people write: machines, tools, materials, jobs.
//!
//! The same bytes lie at the edge and in the cloud, and both must read the same machine out of them, so
//! reading them is part of this crate; opening them is not. Each format has structs of its own here and
//! nowhere else (DESIGN.md, invariant 9), strict about unknown keys: a misspelt limit that is silently ignored is a limit that
//! does not hold. Units in files are those of the trade (mm/min, rpm, kW, degrees) and stand in the key.
//!
//! Reading gives a value *and* diagnostics; an error diagnostic means there is no value. What a file left
//! open and was filled in is an [`Assumed`], which every report lists.

mod dynamics_file;
mod job_file;
mod limits_section;
mod machine_file;
mod material_file;
mod response_file;
mod text;
mod tool_entry;
mod tool_fill;
mod tool_library;

pub use dynamics_file::{read_dynamics, response_files};
pub use job_file::{
    DutyWord, JobFile, LengthRange, LimitsSection, MachineSection, MaterialSection, OverrideSection, ProgramSection,
    StockSection, ToolsSection, WorkOffsetSection,
};
pub use limits_section::{LimitProblem, read_limits, uncertainty_of};
pub use machine_file::{MachinePatch, read_machine};
pub use material_file::read_material;
pub use response_file::{MeasuredTip, read_response};
pub use text::{Assumed, FileText, parse_toml};
pub use tool_entry::{HolderEntry, MaterialWord, ShapeWord, ToolEntry, ToolFile};
pub use tool_fill::{FLUTES_ASSUMED_DRILL, FLUTES_ASSUMED_END_MILL, assume_tool, tool_from_comment};
pub use tool_library::{LibraryTool, TableFigures, ToolLibrary};

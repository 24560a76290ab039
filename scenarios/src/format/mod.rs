//! The scenario file: one TOML text that says what is cut, what goes wrong, and what is expected.
//!
//! [`Scenario::load`] reads a file or a built-in case, follows the names in it to bytes, and gives the
//! [`shared::job::JobSources`] that edge and cloud will agree on, beside what only the run needs: mode,
//! network, budget, faults, expectations. Built-in machines, materials and cases are part of the binary;
//! a path takes their place wherever a name is accepted.

mod builtin;
mod expect;
mod limits_file;
mod link_file;
mod machines;
mod plan_file;
mod program_pieces;
mod scenario;
mod scenario_file;
mod tools;

pub use builtin::{Builtin, builtin_names};
pub use expect::{Expectation, Verdict};
pub use limits_file::{Level, LimitsFile, limits_by_tool};
pub use link_file::{LINK_FILE_BYTES_MAX, read_link_profile};
pub use machines::{MachineImport, MachineImportRequest, Remark, import_machine};
pub use plan_file::{PlanFile, PlanLine, PlanSpan};
pub use program_pieces::{FilePiece, ProgramPieces, programs_beside};
pub use scenario::{LoadError, RESOLUTION_MM, Scenario, SimulateRequest, StockArgument};
pub(crate) use scenario::{MachineWithTips, load_machine, read_file};
pub use scenario_file::{
    BudgetSection, ExpectSection, FaultAction, FaultPlace, FaultSection, HorizonSection, NetworkSection, RunMode,
    RunSection, ScenarioFile, SpreadSection, TruthSection,
};
pub use tools::{ImportError, LibraryRequest, ToolImport, UnitOfFile, import_tools};

use crate::ident::ToolNumber;
use crate::machine::{LengthUnit, ToolLengthRule};
use std::collections::BTreeMap;

/// Which family of controls a program is written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dialect {
    /// RS274/NGC as LinuxCNC reads it.
    Rs274ngc,
    /// Fanuc and the controls that read Fanuc's programs.
    Fanuc,
    /// Haas.
    Haas,
    /// Siemens 840D.
    Siemens,
    /// grbl and grblHAL.
    Grbl,
    /// Found out from the text; the facts say what was found and why.
    Auto,
}

impl Dialect {
    /// Every dialect with the name a user writes.
    pub const NAMES: [(&'static str, Self); 6] = [
        ("rs274ngc", Self::Rs274ngc),
        ("fanuc", Self::Fanuc),
        ("haas", Self::Haas),
        ("siemens", Self::Siemens),
        ("grbl", Self::Grbl),
        ("auto", Self::Auto),
    ];

    /// The name a user writes.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, dialect)| *dialect == self).map_or("auto", |(name, _)| name)
    }

    /// The dialect of a name; `None` for any other text.
    pub fn parse(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, dialect)| *dialect)
    }

    /// True for Fanuc and Haas: macro B, dwell in milliseconds, cycles in a modal group of their own.
    pub(super) fn is_fanuc_like(self) -> bool {
        matches!(self, Self::Fanuc | Self::Haas)
    }

    /// True where a word that nothing uses is an error instead of being ignored.
    pub(super) fn is_strict(self) -> bool {
        matches!(self, Self::Rs274ngc | Self::Grbl)
    }
}

/// What a hostile or broken program may cost. Each field is the greatest permitted value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one source text.
    pub bytes_max: usize,
    /// Bytes of one line.
    pub line_bytes_max: usize,
    /// Canonical operations.
    pub operations_max: u64,
    /// Diagnostics kept; the interpretation ends when there would be one more error.
    pub diagnostics_max: usize,
    /// Subprogram calls inside each other.
    pub call_depth_max: usize,
    /// Jumps backwards and subprogram calls, together: loops, GOTO, M99, M98.
    pub jumps_max: u64,
    /// Brackets inside each other in an expression.
    pub expression_depth_max: usize,
    /// Numbered and named parameters in use, all calls together.
    pub parameters_max: usize,
    /// Pecks of one hole.
    pub pecks_max: u32,
    /// Repeats of one cycle block.
    pub repeats_max: u32,
}

impl Limits {
    /// Far above any real program, small enough that a hostile one ends within seconds.
    pub const STANDARD: Self = Self {
        bytes_max: 128 << 20,
        line_bytes_max: 64 << 10,
        operations_max: 16_000_000,
        diagnostics_max: 1000,
        call_depth_max: 64,
        jumps_max: 4_000_000,
        expression_depth_max: 64,
        parameters_max: 100_000,
        pecks_max: 20_000,
        repeats_max: 1_000_000,
    };
}

/// What a program does not say and the interpretation needs: properties of machine, setup and operator
/// panel. There is no default: each of them changes where the tool goes.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Dialect.
    pub dialect: Dialect,
    /// Unit until the program says G20 or G21.
    pub length_unit: LengthUnit,
    /// When the length of a tool takes effect.
    pub tool_length_rule: ToolLengthRule,
    /// Origins of G54, G55, … G59.3 in machine coordinates, mm.
    pub work_offsets_mm: [[f64; 3]; 9],
    /// Machine coordinates of G28 and G30, mm. The axes stand there when the program starts.
    pub reference_mm: [f64; 3],
    /// Length offset by tool (and by H number), mm. An empty table stands for "not known": every length is
    /// then taken as zero, and said so. In a table that is not empty a missing tool is an error.
    pub tool_lengths_mm: BTreeMap<ToolNumber, f64>,
    /// Diameter by tool (and by D number), mm, for cutter compensation; negative for a cutter on the other side
    /// of the contour. As with lengths, an empty table stands for "not known".
    pub tool_diameters_mm: BTreeMap<ToolNumber, f64>,
    /// Orientation of lathe tools, 1 to 9, for cutter compensation in the plane ZX: where the tip lies from the
    /// centre of the nose. A tool that is not named is a mill.
    pub tool_orientations: BTreeMap<ToolNumber, u8>,
    /// Numbers of tools that the program calls by name; other names get the next free numbers.
    pub tool_names: BTreeMap<ToolNumber, String>,
    /// M1 stops.
    pub optional_stop: bool,
    /// Blocks that begin with `/` are skipped.
    pub block_delete: bool,
    /// Numbered parameters before the program starts.
    pub parameters: BTreeMap<u32, f64>,
    /// Bounds.
    pub limits: Limits,
}

impl Options {
    /// How a program is read where no machine is meant: in millimetres from power-on, every offset zero and the axes at
    /// the origin, lengths applied by the program, nothing known of its tools.
    pub fn without_machine(dialect: Dialect) -> Self {
        Self {
            dialect,
            length_unit: LengthUnit::Millimetre,
            tool_length_rule: ToolLengthRule::ByProgram,
            work_offsets_mm: [[0.0; 3]; 9],
            reference_mm: [0.0; 3],
            tool_lengths_mm: BTreeMap::new(),
            tool_diameters_mm: BTreeMap::new(),
            tool_orientations: BTreeMap::new(),
            tool_names: BTreeMap::new(),
            optional_stop: false,
            block_delete: false,
            parameters: BTreeMap::new(),
            limits: Limits::STANDARD,
        }
    }
}

/// Where subprograms come from.
pub trait Sources {
    /// The text of a subprogram, by the name the program calls it: `name` for `o<name> call`, `O1001` for
    /// `M98 P1001`. `None` where there is none.
    fn find(&self, name: &str) -> Option<&[u8]>;
}

/// For programs in one file.
#[derive(Clone, Copy, Debug)]
pub struct NoSubprograms;

impl Sources for NoSubprograms {
    fn find(&self, _name: &str) -> Option<&[u8]> {
        None
    }
}

/// Subprograms by name, in memory.
impl Sources for BTreeMap<String, Vec<u8>> {
    fn find(&self, name: &str) -> Option<&[u8]> {
        self.get(name).map(Vec::as_slice)
    }
}

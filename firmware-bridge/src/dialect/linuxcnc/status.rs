//! What only LinuxCNC's task knows: lines of JSON from the small program beside it.
//!
//! Everything is optional but the version: what a line does not say, or says in a way that makes no sense, is
//! unavailable. A line that is not JSON, or of another version, is counted and is no report. Decoding allocates; it
//! belongs on a thread of its own, which hands [`TaskStatus`]es to the cycle.

use serde_json::Value;
use shared::ident::ToolNumber;

use super::super::lines::{Line, LineSplitter};
use super::tick::MotionType;
use crate::controller::ControllerMode;

/// The program, for whoever installs or starts it: `python3 status.py [--socket PATH] [--period-ms MS]`.
pub const STATUS_PROGRAM: &str = include_str!("../../../linuxcnc/status.py");

/// Longest line in bytes.
pub const STATUS_LINE_MAX: usize = 8192;

/// Most modal codes of a kind.
pub const CODES_MAX: usize = 24;

/// Longest program path in bytes.
const PATH_LEN_MAX: usize = 1024;

const VERSION: u64 = 1;

/// What LinuxCNC's interpreter does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interpreter {
    /// Nothing runs.
    Idle,
    /// Reads.
    Reading,
    /// Paused by the operator, M0, M1 or a step.
    Paused,
    /// Waits for what it has read to be done.
    Waiting,
}

/// Whether the machine may move at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskPower {
    /// Emergency stop.
    EmergencyStop,
    /// No emergency stop, but off.
    Off,
    /// On.
    On,
}

/// The row of the tool in the spindle. Machine units; offsets of X Y Z A B C U V W.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ToolRow {
    /// Its number.
    pub number: ToolNumber,
    /// Diameter.
    pub diameter: f64,
    /// Offsets.
    pub offsets: [f64; 9],
}

/// One report. Lengths in machine units, in the machine's order of axes (X Y Z A B C U V W).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TaskStatus {
    /// Counted from when the program was started.
    pub number: u64,
    /// Mode.
    pub mode: Option<ControllerMode>,
    /// The interpreter.
    pub interpreter: Option<Interpreter>,
    /// Number of the task's execution state: 2 done, 3 waits for motion, others wait for something else.
    pub execution: Option<i32>,
    /// Power.
    pub power: Option<TaskPower>,
    /// The operator has paused.
    pub paused: Option<bool>,
    /// The operator's feed dial, per mille.
    pub dial_permille: Option<u16>,
    /// The operator's rapid dial, per mille.
    pub rapid_permille: Option<u16>,
    /// Whether the dial counts for motions that are queued now (M50).
    pub dial_enabled: Option<bool>,
    /// Whether the factor counts for motions that are queued now (M52).
    pub factor_enabled: Option<bool>,
    /// Whether feed hold counts for motions that are queued now (M53).
    pub hold_enabled: Option<bool>,
    /// G codes of the motion that runs, in tenths; the first is the line they are from, -1 is none.
    pub g_codes: Option<[i32; CODES_MAX]>,
    /// M codes of the motion that runs; the first is the line they are from, -1 is none.
    pub m_codes: Option<[i32; CODES_MAX]>,
    /// Source line of the motion that runs.
    pub motion_line: Option<i32>,
    /// Source line the interpreter has read: far ahead, never to be taken for where the tool is.
    pub read_line: Option<i32>,
    /// Tool in the spindle; 0 is none.
    pub tool: Option<ToolNumber>,
    /// Its row in the table.
    pub tool_row: Option<ToolRow>,
    /// Number of the work offset, 1 for G54.
    pub work_offset_number: Option<u8>,
    /// Work offset.
    pub work_offset: Option<[f64; 9]>,
    /// G92.
    pub g92_offset: Option<[f64; 9]>,
    /// Rotation of the work offset about Z, degrees.
    pub rotation_deg: Option<f64>,
    /// Tool offset in force.
    pub tool_offset: Option<[f64; 9]>,
    /// Machine units in a millimetre.
    pub units_per_mm: Option<f64>,
}

/// Whose modal codes a report has, as told by the line they are from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodesOf {
    /// Of the motion that runs.
    Motion,
    /// The interpreter's own, read ahead: the motion that runs carries none.
    Interpreter,
    /// Of a motion that is over. For a cycle or two at each change of motions; longer where the spindle leads the axes
    /// (G33, rigid taps), because LinuxCNC does not hand on the codes of such a motion while it runs.
    MotionBefore,
}

/// What a stream of lines gives.
#[allow(clippy::large_enum_variant, reason = "handed over and taken apart at once, never kept in numbers")]
#[derive(Clone, Debug, PartialEq)]
pub enum StatusEvent {
    /// A report.
    Status(TaskStatus),
    /// Another program is loaded; before the report that goes with it. Empty: none is.
    Program(String),
}

/// Bytes in, reports out.
#[derive(Clone, Debug)]
pub struct StatusDecoder {
    lines: LineSplitter,
    program: Option<String>,
    refused: u64,
}

impl StatusDecoder {
    /// A decoder that has heard nothing yet.
    pub fn new() -> Self {
        Self { lines: LineSplitter::new(STATUS_LINE_MAX), program: None, refused: 0 }
    }

    /// Takes bytes and hands over what they complete.
    pub fn feed(&mut self, bytes: &[u8], mut event: impl FnMut(StatusEvent)) {
        let Self { lines, program, refused } = self;
        lines.feed(bytes, |line| {
            let parsed = match line {
                Line::Whole(line) => serde_json::from_slice(line).ok(),
                Line::TooLong => None,
            };
            let Some(value) = parsed.filter(|value: &Value| value["v"].as_u64() == Some(VERSION)) else {
                *refused += 1;
                return;
            };
            let file = value["file"].as_str().filter(|file| file.len() <= PATH_LEN_MAX);
            if let Some(file) = file.filter(|file| program.as_deref() != Some(*file)) {
                *program = Some(file.to_owned());
                event(StatusEvent::Program(file.to_owned()));
            }
            event(StatusEvent::Status(status(&value)));
        });
    }

    /// The program beside LinuxCNC is gone: an unfinished line is refused, and the next report names the program again.
    pub fn disconnect(&mut self) {
        self.refused += u64::from(self.lines.reset());
        self.program = None;
    }

    /// How many lines were refused.
    pub fn refused(&self) -> u64 {
        self.refused
    }
}

impl Default for StatusDecoder {
    fn default() -> Self {
        Self::new()
    }
}

impl TaskStatus {
    /// G code of the motion group, in tenths (330 is G33).
    pub fn motion_code(&self) -> Option<i32> {
        self.g_codes.map(|codes| codes[1])
    }

    /// Whose codes the report has.
    pub fn codes_of(&self) -> Option<CodesOf> {
        let line = self.m_codes?[0];
        Some(match (self.motion_line?, self.read_line) {
            (motion, _) if motion == line => CodesOf::Motion,
            (_, Some(read)) if read == line => CodesOf::Interpreter,
            _ => CodesOf::MotionBefore,
        })
    }

    /// Whether `motion_type` and codes say that a spindle leads the axes: G33, G33.1 and G76.
    pub(super) fn is_synchronised(&self, motion_type: MotionType) -> bool {
        let code = self.motion_code();
        matches!(motion_type, MotionType::Feed | MotionType::Arc) && matches!(code, Some(330 | 331 | 760))
    }
}

fn status(value: &Value) -> TaskStatus {
    let int = |key: &str| value[key].as_i64().and_then(|number| i32::try_from(number).ok());
    let flag = |key: &str| value[key].as_bool();
    TaskStatus {
        number: value["n"].as_u64().unwrap_or(0),
        mode: int("mode").and_then(mode),
        interpreter: int("interp").and_then(interpreter),
        execution: int("exec"),
        power: int("state").and_then(power),
        paused: flag("paused"),
        dial_permille: permille(&value["dial"]),
        rapid_permille: permille(&value["rapid"]),
        dial_enabled: flag("dial_on"),
        factor_enabled: flag("adaptive_on"),
        hold_enabled: flag("hold_on"),
        g_codes: codes(&value["g"]),
        m_codes: codes(&value["m"]),
        motion_line: int("motion_line"),
        read_line: int("read_line"),
        tool: value["tool"].as_u64().and_then(|tool| u32::try_from(tool).ok()).map(ToolNumber),
        tool_row: tool_row(&value["row"]),
        work_offset_number: int("g5x").and_then(|number| u8::try_from(number).ok()),
        work_offset: pose(&value["g5x_offset"]),
        g92_offset: pose(&value["g92_offset"]),
        rotation_deg: number(&value["rotation"]),
        tool_offset: pose(&value["tool_offset"]),
        units_per_mm: number(&value["units_per_mm"]).filter(|units| *units > 0.0),
    }
}

fn mode(number: i32) -> Option<ControllerMode> {
    match number {
        1 => Some(ControllerMode::Manual),
        2 => Some(ControllerMode::Automatic),
        3 => Some(ControllerMode::ManualDataInput),
        _ => None,
    }
}

fn interpreter(number: i32) -> Option<Interpreter> {
    match number {
        1 => Some(Interpreter::Idle),
        2 => Some(Interpreter::Reading),
        3 => Some(Interpreter::Paused),
        4 => Some(Interpreter::Waiting),
        _ => None,
    }
}

fn power(number: i32) -> Option<TaskPower> {
    match number {
        1 => Some(TaskPower::EmergencyStop),
        2 | 3 => Some(TaskPower::Off),
        4 => Some(TaskPower::On),
        _ => None,
    }
}

fn number(value: &Value) -> Option<f64> {
    value.as_f64().filter(|number| number.is_finite())
}

/// A ratio as per mille, to the nearest; dials above 65 are nonsense.
fn permille(value: &Value) -> Option<u16> {
    let ratio = number(value).filter(|ratio| (0.0..=65.0).contains(ratio))?;
    Some((ratio * 1000.0).round() as u16)
}

fn codes(value: &Value) -> Option<[i32; CODES_MAX]> {
    let list = value.as_array().filter(|list| !list.is_empty() && list.len() <= CODES_MAX)?;
    let mut found = [-1; CODES_MAX];
    for (place, code) in found.iter_mut().zip(list) {
        *place = i32::try_from(code.as_i64()?).ok()?;
    }
    Some(found)
}

fn pose(value: &Value) -> Option<[f64; 9]> {
    let list = value.as_array().filter(|list| list.len() == 9)?;
    let mut found = [0.0; 9];
    for (place, value) in found.iter_mut().zip(list) {
        *place = number(value)?;
    }
    Some(found)
}

fn tool_row(value: &Value) -> Option<ToolRow> {
    let number_of_tool = value["number"].as_u64().and_then(|tool| u32::try_from(tool).ok())?;
    let (diameter, offsets) = (number(&value["diameter"])?, pose(&value["offsets"])?);
    Some(ToolRow { number: ToolNumber(number_of_tool), diameter, offsets })
}

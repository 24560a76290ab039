//! Whether LinuxCNC has loaded what the job rests on.
//!
//! A plan is made for the bytes of one program, for tools of known diameter, and for work offsets that put the part where
//! the stock was simulated. LinuxCNC is told each of them by other people: a program is saved again under the same name,
//! a row of the tool table is corrected, a part is touched off anew. So while a program runs every report is held against
//! the job ([`ContextExpectation`]); what a job leaves open is held against what was found first. A difference is an
//! [`Objection`] and carries the name of what differs.
//!
//! What the program itself writes (G10, G52, G92 in its own blocks) is part of the program and no difference: where it
//! writes offsets, only what was there as it began is looked at.
//!
//! Bytes are read by whoever owns files ([`crate::link`]); this room is told their digest.

use std::collections::BTreeMap;

use shared::ident::{Digest, ToolNumber};
use shared::units::Length;

use super::status::{Interpreter, TaskStatus};
use crate::controller::{ControllerMode, Objection};

/// Two offsets, or two diameters, farther apart than this are not the same, mm: a hundredth of what a setter repeats.
const SAME_MM: f64 = 1e-4;
/// The same for the turn of the work offset, degrees.
const SAME_DEG: f64 = 1e-6;

/// What a job says about the machine it will run on.
#[derive(Clone, Debug, PartialEq)]
pub struct ContextExpectation {
    /// Digest of the program's bytes.
    pub program: Digest,
    /// Diameters of the tools the job knows.
    pub diameters: BTreeMap<ToolNumber, Length>,
    /// Work offsets the job states, by LinuxCNC's number (1 for G54), machine coordinates in mm.
    pub origins_mm: BTreeMap<u8, [f64; 3]>,
    /// True where the program writes offsets itself.
    pub writes_offsets: bool,
}

/// What was found first of what the job leaves open. Machine units and degrees.
#[derive(Clone, Debug, Default)]
struct Found {
    origins: BTreeMap<u8, [f64; 9]>,
    g92: Option<[f64; 9]>,
    rotation_deg: Option<f64>,
    lengths: BTreeMap<ToolNumber, [f64; 9]>,
}

/// Holds reports against a job.
#[derive(Clone, Debug)]
pub struct ContextWatch {
    expected: ContextExpectation,
    program: Option<Digest>,
    found: Found,
    was_running: bool,
}

impl ContextWatch {
    /// Nothing is known of the machine yet.
    pub fn new(expected: ContextExpectation) -> Self {
        Self { expected, program: None, found: Found::default(), was_running: false }
    }

    /// The digest of the bytes at the path that LinuxCNC reports; `None` where they cannot be read.
    pub fn handle_program(&mut self, digest: Option<Digest>) {
        self.program = digest;
    }

    /// The operator accepts what the job leaves open as it is now.
    pub fn accept(&mut self) {
        self.found = Found::default();
        self.was_running = false;
    }

    /// Looks at one report. `None` while no program runs: what lies in the machine then is nobody's job yet.
    pub fn handle_status(&mut self, status: &TaskStatus) -> Option<Objection> {
        let runs = status.mode == Some(ControllerMode::Automatic)
            && status.interpreter.is_some_and(|interpreter| interpreter != Interpreter::Idle);
        let began = runs && !self.was_running;
        self.was_running = runs;
        if !runs {
            return None;
        }
        if self.program != Some(self.expected.program) {
            return Some(Objection::Program);
        }
        self.tool(status).or_else(|| self.offsets(status, began))
    }

    fn tool(&mut self, status: &TaskStatus) -> Option<Objection> {
        let (row, units_per_mm) = (status.tool_row?, status.units_per_mm?);
        if status.tool != Some(row.number) {
            return None;
        }
        let expected = self.expected.diameters.get(&row.number);
        let differs = |expected: &Length| (row.diameter / units_per_mm - expected.as_mm()).abs() > SAME_MM;
        if expected.is_some_and(differs) {
            return Some(Objection::ToolDiameter);
        }
        let first = *self.found.lengths.entry(row.number).or_insert(row.offsets);
        (!same(&first, &row.offsets, units_per_mm)).then_some(Objection::ToolLength)
    }

    fn offsets(&mut self, status: &TaskStatus, began: bool) -> Option<Objection> {
        let (number, offset) = (status.work_offset_number?, status.work_offset?);
        let (g92, turn, units_per_mm) = (status.g92_offset?, status.rotation_deg?, status.units_per_mm?);
        if self.expected.writes_offsets && !began {
            return None;
        }
        if let Some(stated) = self.expected.origins_mm.get(&number) {
            let there = stated.iter().zip(offset).all(|(mm, units)| (units / units_per_mm - mm).abs() <= SAME_MM);
            if !there {
                return Some(Objection::WorkOffset);
            }
            // A stated origin is meant as it stands: nothing shifts or turns it.
            self.found.g92.get_or_insert([0.0; 9]);
            self.found.rotation_deg.get_or_insert(0.0);
        }
        let found = &mut self.found;
        if !same(found.origins.entry(number).or_insert(offset), &offset, units_per_mm) {
            return Some(Objection::WorkOffset);
        }
        if !same(found.g92.get_or_insert(g92), &g92, units_per_mm) {
            return Some(Objection::G92Offset);
        }
        let turned = (*found.rotation_deg.get_or_insert(turn) - turn).abs() > SAME_DEG;
        turned.then_some(Objection::Rotation)
    }
}

fn same(one: &[f64; 9], other: &[f64; 9], units_per_mm: f64) -> bool {
    one.iter().zip(other).all(|(one, other)| (one - other).abs() <= SAME_MM * units_per_mm)
}

/// Whether a program writes work offsets itself: it has a G10, G52 or G92 in it. Comments count too, which only means
/// that less is looked at.
pub fn writes_offsets(program: &[u8]) -> bool {
    let code: Vec<u8> =
        program.iter().filter(|byte| !matches!(byte, b' ' | b'\t')).map(u8::to_ascii_uppercase).collect();
    let word = |found: &[u8]| [b"G10".as_slice(), b"G52", b"G92"].contains(&found);
    // G100 and G921 are other words.
    let ends = |at: usize| code.get(at).is_none_or(|byte| !byte.is_ascii_digit());
    code.windows(3).enumerate().any(|(at, found)| word(found) && ends(at + 3))
}

#[cfg(test)]
mod tests {
    use super::super::StatusDecoder;
    use super::super::status::StatusEvent;
    use super::*;

    const PROGRAM: &[u8] = b"G1 X1 F100\nM2\n";

    fn status(changes: &[(&str, serde_json::Value)]) -> TaskStatus {
        let zero = serde_json::json!([0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
        let mut value = serde_json::json!({
            "v": 1, "n": 1, "mode": 2, "interp": 2, "state": 4, "tool": 2, "g5x": 1, "g5x_offset": [1.0, 2.0, 3.0, 0.0, 0.0,
            0.0, 0.0, 0.0, 0.0], "g92_offset": zero, "rotation": 0.0, "units_per_mm": 1.0,
            "row": {"number": 2, "diameter": 10.0, "offsets": zero},
        });
        changes.iter().for_each(|(key, to)| value[*key] = to.clone());
        let mut found = None;
        StatusDecoder::new().feed(format!("{value}\n").as_bytes(), |event| {
            if let StatusEvent::Status(status) = event {
                found = Some(status);
            }
        });
        found.expect("a report")
    }

    fn watch(origins_mm: BTreeMap<u8, [f64; 3]>, writes_offsets: bool) -> ContextWatch {
        let diameters = BTreeMap::from([(ToolNumber(2), Length::mm(10.0))]);
        let mut watch = ContextWatch::new(ContextExpectation {
            program: Digest::of(PROGRAM),
            diameters,
            origins_mm,
            writes_offsets,
        });
        watch.handle_program(Some(Digest::of(PROGRAM)));
        watch
    }

    #[test]
    fn h14_each_difference_is_named_by_its_field() {
        let array = |place: usize, value: f64| {
            let mut numbers = [1.0, 2.0, 3.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
            numbers[place] = value;
            serde_json::json!(numbers)
        };
        let row = |diameter: f64, length: f64| {
            let offsets = [0.0, 0.0, length, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
            serde_json::json!({"number": 2, "diameter": diameter, "offsets": offsets})
        };
        let zeros_but = |x: f64| serde_json::json!([x, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
        let rows = [
            ("g5x_offset", array(0, 1.5), Some(Objection::WorkOffset)),
            ("g5x_offset", array(2, 3.0 + 5e-5), None),
            ("g92_offset", zeros_but(0.5), Some(Objection::G92Offset)),
            ("rotation", serde_json::json!(0.1), Some(Objection::Rotation)),
            ("row", row(9.9, 0.0), Some(Objection::ToolDiameter)),
            ("row", row(10.0, 0.3), Some(Objection::ToolLength)),
            ("units_per_mm", serde_json::json!(0.039_370_078), Some(Objection::ToolDiameter)),
        ];
        for (key, value, expected) in rows {
            for stated in [BTreeMap::new(), BTreeMap::from([(1, [1.0, 2.0, 3.0])])] {
                let mut watch = watch(stated, false);
                assert_eq!(watch.handle_status(&status(&[])), None);
                assert_eq!(watch.handle_status(&status(&[(key, value.clone())])), expected, "{key} {value}");
                assert_eq!(watch.handle_status(&status(&[])), None, "and it is told no longer once it is right again");
            }
        }
    }

    #[test]
    fn h14_another_program_is_told_once_it_runs_and_not_before() {
        let mut watch = watch(BTreeMap::new(), false);
        for other in [None, Some(Digest::of(b"another"))] {
            watch.handle_program(other);
            assert_eq!(watch.handle_status(&status(&[("interp", serde_json::json!(1))])), None);
            assert_eq!(watch.handle_status(&status(&[])), Some(Objection::Program));
        }
    }

    #[test]
    fn h14_a_stated_origin_is_held_from_the_first_report_on_and_an_open_one_until_it_is_accepted_anew() {
        let moved = serde_json::json!([9.0, 2.0, 3.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
        let mut stated = watch(BTreeMap::from([(1, [1.0, 2.0, 3.0])]), false);
        assert_eq!(stated.handle_status(&status(&[("g5x_offset", moved.clone())])), Some(Objection::WorkOffset));
        stated.accept();
        assert_eq!(stated.handle_status(&status(&[("g5x_offset", moved.clone())])), Some(Objection::WorkOffset));
        let mut open = watch(BTreeMap::new(), false);
        assert_eq!(open.handle_status(&status(&[])), None);
        assert_eq!(open.handle_status(&status(&[("interp", serde_json::json!(1))])), None);
        assert_eq!(open.handle_status(&status(&[("g5x_offset", moved.clone())])), Some(Objection::WorkOffset));
        open.accept();
        assert_eq!(open.handle_status(&status(&[("g5x_offset", moved.clone())])), None);
        let mut own = watch(BTreeMap::new(), true);
        assert_eq!(own.handle_status(&status(&[])), None);
        assert_eq!(own.handle_status(&status(&[("g5x_offset", moved)])), None, "the program's own writing");
    }

    #[test]
    fn words_that_write_offsets_are_found() {
        for (program, writes) in [
            ("G1 X1\nM2\n", false),
            ("g 10 l2 p1 x5\n", true),
            ("N5 G92 X0\n", true),
            ("G52X1", true),
            ("G100 X1 G924", false),
            ("G92.1", true),
        ] {
            assert_eq!(writes_offsets(program.as_bytes()), writes, "{program}");
        }
    }
}

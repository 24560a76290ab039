//! The programmable frame: TRANS, ROT, SCALE, MIRROR, their additive forms, and CYCLE800.
//!
//! ```text
//! work = swivel (CYCLE800) · programmable (TRANS …) · words of the block
//! ```

use super::super::fault::*;
use super::super::interpreter::Interpreter;
use super::super::local::Local;
use super::Value;
use super::words::Words;
use std::ops::Range;

const FRAMES: [(&str, bool); 8] = [
    ("TRANS", false),
    ("ATRANS", true),
    ("ROT", false),
    ("AROT", true),
    ("SCALE", false),
    ("ASCALE", true),
    ("MIRROR", false),
    ("AMIRROR", true),
];
const AXES: [&str; 3] = ["X", "Y", "Z"];

impl Interpreter<'_> {
    /// A block of a frame instruction. True where it was one.
    pub(super) fn frame_of(&mut self, words: &Words) -> Checked<bool> {
        let found = words.names.iter().find_map(|(name, span)| {
            let (_, is_additive) = FRAMES.iter().find(|(known, _)| known == name)?;
            Some((name.clone(), *is_additive, span.clone()))
        });
        let Some((name, is_additive, span)) = found else { return Ok(false) };
        let unit_mm = self.state.unit.mm();
        let mut values = [None; 3];
        for (value, address) in values.iter_mut().zip(AXES) {
            *value = words.number(address)?;
        }
        let next = match name.trim_start_matches('A') {
            "TRANS" => Local::translation(values.map(|value| value.unwrap_or(0.0) * unit_mm)),
            "ROT" => match words.number("RPL")? {
                Some(angle_deg) => Local::rotation(self.state.plane.axes()[2], angle_deg),
                None => turns(values.map(|value| value.unwrap_or(0.0))),
            },
            "SCALE" => scaled(values.map(|value| value.unwrap_or(1.0)), &span)?,
            _ => scaled(values.map(|value| if value.is_some() { -1.0 } else { 1.0 }), &span)?,
        };
        let base = if is_additive { self.siemens.programmable } else { Local::IDENTITY };
        self.siemens.programmable = base.then(&next);
        self.take_frame(&span)?;
        Ok(true)
    }

    /// Puts the frames in force; where their chain has grown out of all bounds, takes them back.
    fn take_frame(&mut self, span: &Range<usize>) -> Checked<()> {
        let local = self.siemens.swivel.then(&self.siemens.programmable);
        if !local.is_sane() {
            (self.siemens.swivel, self.siemens.programmable) = (Local::IDENTITY, Local::IDENTITY);
            self.state.local = Local::IDENTITY;
            let text = "the frame leads beyond 1e9 mm";
            return Err(Fault::error(
                OUT_OF_RANGE,
                span.clone(),
                text,
                "check its values, and additive frames in loops",
            ));
        }
        self.state.local = local;
        Ok(())
    }

    /// CYCLE800(FR, TC, ST, MODE, X0, Y0, Z0, A, B, C, X1, Y1, Z1, DIR): the frame of a swivelled plane.
    pub(super) fn swivel(&mut self, arguments: &[Option<Value>], span: &Range<usize>) -> Checked<()> {
        let mut values = [0.0; 16];
        for (slot, argument) in values.iter_mut().zip(arguments) {
            if let Some(Value::Number(number)) = argument {
                *slot = *number;
            }
        }
        let [_, _, kind, mode, ..] = values;
        let angles = [values[7], values[8], values[9]];
        let unit_mm = self.state.unit.mm();
        let before = Local::translation([values[4], values[5], values[6]].map(|value| value * unit_mm));
        let after = Local::translation([values[10], values[11], values[12]].map(|value| value * unit_mm));
        let is_turned = angles.iter().any(|angle| *angle != 0.0);
        let mode = mode.clamp(0.0, 255.0) as u32;
        if is_turned && mode >> 6 != 0 {
            let text = "CYCLE800 is simulated axis by axis; this mode gives solid, projected or machine angles";
            return Err(Fault::error(UNSUPPORTED, span.clone(), text, "write MODE 57 with angles about X, Y and Z"));
        }
        let mut turned = Local::IDENTITY;
        for (index, angle_deg) in angles.into_iter().enumerate() {
            // Two bits an angle: 1, 2, 3 for X, Y, Z.
            let axis = (mode >> (2 * index)) & 3;
            if angle_deg != 0.0 {
                turned = turned.then(&Local::rotation((axis.max(1) - 1) as usize, angle_deg));
            }
        }
        let frame = before.then(&turned).then(&after);
        let is_additive = kind.clamp(0.0, 1e6) as u32 % 10 == 1;
        self.siemens.swivel = if is_additive { self.siemens.swivel.then(&frame) } else { frame };
        self.take_frame(span)?;
        if is_turned {
            let note = || {
                let text = "CYCLE800 turns the frame; the rotary axes stand, because their angles need the kinematics \
                            of the machine";
                Fault::error(ASSUMED, span.clone(), text, "write the rotary axes in the program")
                    .with(super::super::Severity::Warning)
            };
            self.report.once(7, note, ASSUMED);
        } else {
            self.report.named_without_effect("CYCLE800", "without angles no axis swivels; its frame is applied");
        }
        Ok(())
    }
}

/// ROT with several angles: about Z, then the new Y, then the new X.
fn turns(angles_deg: [f64; 3]) -> Local {
    let [x, y, z] = [0, 1, 2].map(|axis| Local::rotation(axis, angles_deg[axis]));
    z.then(&y).then(&x)
}

fn scaled(factors: [f64; 3], span: &Range<usize>) -> Checked<Local> {
    Local::scale(factors).ok_or_else(|| {
        let text = format!("the factors {factors:?} cannot be undone");
        Fault::error(OUT_OF_RANGE, span.clone(), text, "write factors other than zero")
    })
}

//! A machine on its way: the figures found so far with the lines they stand in, and the sentences about them.

use std::collections::BTreeMap;

use shared::files::FileText;
use shared::machine::LengthUnit;
use shared::program::{Diagnostic, Severity, Span};

use super::{MachineImport, Remark, written};

/// Most errors and remarks of one kind; more of them tell nobody anything.
const ERRORS_MAX: usize = 50;
const REMARKS_MAX: usize = 200;

/// Names of the axes, in order.
pub(super) const AXES: [&str; 3] = ["x", "y", "z"];

/// Ranges outside which a figure cannot be meant, as the machine file has them.
pub(super) const SPEED_MM_MIN: (f64, f64) = (1.0, 1e6);
pub(super) const ACCELERATION_MM_S2: (f64, f64) = (1.0, 1e6);
pub(super) const JERK_MM_S3: (f64, f64) = (1.0, 1e9);
pub(super) const PLACE_MM: (f64, f64) = (-1e5, 1e5);
pub(super) const SPINDLE_RPM: (f64, f64) = (1.0, 1e6);
pub(super) const POWER_KW: (f64, f64) = (1e-3, 1e4);

/// Figures of one axis, each with its place.
#[derive(Clone, Debug, Default)]
pub(super) struct AxisDraft {
    pub(super) travel_mm: Option<[f64; 2]>,
    pub(super) speed_mm_min: Option<f64>,
    pub(super) acceleration_mm_s2: Option<f64>,
    pub(super) jerk_mm_s3: Option<f64>,
    /// Where the axis stands after homing.
    pub(super) home_mm: Option<f64>,
}

/// A description being imported.
pub(super) struct Draft<'a> {
    pub(super) file: FileText<'a>,
    pub(super) stated: &'a BTreeMap<String, f64>,
    /// What kind of file it is, for the sources of the machine file.
    pub(super) kind: &'static str,
    pub(super) name: Option<String>,
    pub(super) unit: Option<LengthUnit>,
    pub(super) axes: [AxisDraft; 3],
    pub(super) path_speed_mm_min: Option<f64>,
    /// Share, speed ratio, arc share and stop of corner blends; `None` where corners are not blended.
    pub(super) blend: Option<[f64; 4]>,
    pub(super) spindle_rpm: Option<f64>,
    pub(super) spindle_kw: Option<f64>,
    pub(super) errors: Vec<Diagnostic>,
    pub(super) imported: Vec<Remark>,
    pub(super) assumed: Vec<Remark>,
    pub(super) skipped: Vec<Remark>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(file: FileText<'a>, stated: &'a BTreeMap<String, f64>) -> Self {
        Self {
            file,
            stated,
            kind: "",
            name: None,
            unit: None,
            axes: Default::default(),
            path_speed_mm_min: None,
            blend: None,
            spindle_rpm: None,
            spindle_kw: None,
            errors: Vec::new(),
            imported: Vec::new(),
            assumed: Vec::new(),
            skipped: Vec::new(),
        }
    }

    /// Line of a byte, from 1.
    pub(super) fn line(&self, span: Span) -> u32 {
        self.file.diagnostic(Severity::Note, Some(span), "", String::new(), String::new()).line
    }

    pub(super) fn imports(&mut self, span: Span, text: String) {
        let line = Some(self.line(span));
        add(&mut self.imported, Remark { text, line });
    }

    pub(super) fn assumes(&mut self, text: String) {
        add(&mut self.assumed, Remark { text, line: None });
    }

    pub(super) fn skips(&mut self, span: Span, text: String) {
        let line = Some(self.line(span));
        add(&mut self.skipped, Remark { text, line });
    }

    pub(super) fn error(&mut self, span: Span, code: &'static str, message: String, advice: &str) {
        if self.errors.len() < ERRORS_MAX {
            let error = self.file.diagnostic(Severity::Error, Some(span), code, message, advice.to_owned());
            self.errors.push(error);
        }
    }

    /// A figure if it can be meant, else an error at its place.
    pub(super) fn checked(&mut self, span: Span, key: &str, value: f64, (low, high): (f64, f64)) -> Option<f64> {
        if (low..=high).contains(&value) {
            return Some(value);
        }
        let message = format!("`{key}` becomes {value}, expected a number from {low} to {high}");
        self.error(span, "machine::range", message, "correct the figure, or the unit of the file");
        None
    }

    /// Travel from a lower and an upper end.
    pub(super) fn travel(&mut self, axis: usize, span: Span, [low, high]: [f64; 2]) {
        let name = AXES[axis];
        let within = |value: f64| (PLACE_MM.0..=PLACE_MM.1).contains(&value);
        if !within(low) || !within(high) || low >= high {
            let message =
                format!("the travel of {name} goes from {low} to {high} mm, expected a lower and a higher end");
            return self.error(span, "machine::range", message, "correct the limits");
        }
        self.axes[axis].travel_mm = Some([low, high]);
        self.imports(span, format!("travel of {name}: {low} to {high} mm"));
    }

    /// The machine file and the report.
    pub(super) fn finish(mut self) -> Result<MachineImport, Vec<Diagnostic>> {
        let (name, toml) = match written::write(&mut self) {
            Ok(done) => done,
            Err(mut errors) => {
                self.errors.append(&mut errors);
                (String::new(), String::new())
            }
        };
        if !self.errors.is_empty() {
            return Err(self.errors);
        }
        Ok(MachineImport { name, toml, imported: self.imported, assumed: self.assumed, skipped: self.skipped })
    }
}

fn add(remarks: &mut Vec<Remark>, remark: Remark) {
    match remarks.len() {
        0..REMARKS_MAX => remarks.push(remark),
        REMARKS_MAX => remarks.push(Remark { text: "more of this kind is not listed".to_owned(), line: None }),
        _ => {}
    }
}

/// `-12.5 mm/s` without the noise of a conversion.
pub(super) fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

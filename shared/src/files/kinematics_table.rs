//! `[kinematics]` of a machine file: the rotary joints, bed to work and ram to tool.
//!
//! ```toml
//! [[kinematics.joint]]
//! axis = "a"                        # the word that turns it; [axis.a] states its limits
//! carries = "work"                  # "work": the table turns; "tool": the head turns
//! direction = [-1.0, 0.0, 0.0]      # counter-clockwise about this for positive words
//! centre_mm = [0.0, 0.0, -420.0]    # work: machine coordinates; tool: from the gauge point of the spindle
//! ```

use serde::Deserialize;
use toml::Spanned;

use super::text::FileText;
use crate::geom::{Point, Vector};
use crate::kinematics::{Carries, Kinematics, KinematicsError, RotaryJoint};
use crate::machine::RotaryAxis;
use crate::program::{Diagnostic, Severity, Span};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KinematicsTable {
    joint: Spanned<Vec<Spanned<JointTable>>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct JointTable {
    axis: Spanned<RotaryWord>,
    carries: CarriesWord,
    direction: Spanned<[f64; 3]>,
    centre_mm: Spanned<[f64; 3]>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RotaryWord {
    A,
    B,
    C,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum CarriesWord {
    Work,
    Tool,
}

/// Greatest coordinate of a centre, mm: no machine is that large.
const CENTRE_MAX_MM: f64 = 1e5;

/// The joints of a file; errors name the line of the joint or the figure.
pub(super) fn kinematics(
    table: &KinematicsTable,
    rotary: &[Option<RotaryAxis>; 3],
    file: FileText<'_>,
    errors: &mut Vec<Diagnostic>,
) -> Option<Kinematics> {
    let before = errors.len();
    let mut error = |span: std::ops::Range<usize>, message: String, advice: &str| {
        let span = Some(Span { start: span.start, len: span.len() });
        errors.push(file.diagnostic(Severity::Error, span, "file::kinematics", message, advice.to_owned()));
    };
    let joints = table.joint.get_ref();
    for joint in joints {
        let JointTable { axis, centre_mm, .. } = joint.get_ref();
        let (word, name) = (*axis.get_ref() as usize, format!("{:?}", axis.get_ref()).to_lowercase());
        if rotary[word].is_none() {
            let message = format!("the joint turns by the word {} and there is no [axis.{name}]", name.to_uppercase());
            error(axis.span(), message, "state the limits of the axis: its turning is planned by them");
        }
        if !centre_mm.get_ref().iter().all(|value| value.abs() <= CENTRE_MAX_MM) {
            let message = format!("`centre_mm` is {:?}, expected numbers within ±{CENTRE_MAX_MM}", centre_mm.get_ref());
            error(centre_mm.span(), message, "correct the figure; the unit is in the key");
        }
    }
    let made = joints.iter().map(|joint| {
        let JointTable { axis, carries, direction, centre_mm } = joint.get_ref();
        RotaryJoint {
            word: *axis.get_ref() as usize,
            carries: match carries {
                CarriesWord::Work => Carries::Work,
                CarriesWord::Tool => Carries::Tool,
            },
            direction: Vector::from(*direction.get_ref()),
            centre: Point::from(*centre_mm.get_ref()),
        }
    });
    match Kinematics::new(made.collect()) {
        Ok(kinematics) => (errors.len() == before).then_some(kinematics),
        Err(reason) => {
            let (span, advice) = match reason {
                KinematicsError::Count(_) => (table.joint.span(), "list each rotary axis once"),
                KinematicsError::Word(index) => (joints[index].get_ref().axis.span(), "list each rotary axis once"),
                KinematicsError::Direction(index) => {
                    (joints[index].get_ref().direction.span(), "give the direction of the axis, [1.0, 0.0, 0.0] for X")
                }
            };
            error(span, reason.to_string(), advice);
            None
        }
    }
}

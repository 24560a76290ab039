//! Canonical operations as JSON lines, for anyone who wants to compare with another interpreter.
//!
//! One object a line, keys in this order, absent where they say nothing: `line`, `file` and `depth` (inside a
//! subprogram), `call`, then what the call has. Lengths are mm, angles degrees, feeds mm/min, speeds rev/min,
//! whatever unit the program is written in.

use std::io::{self, Write};

use serde::Serialize;
use shared::program::{Call, CanonOp, ForcedReason, Plane, Pose, StopKind};

/// One operation. Vectors are X, Y, Z or A, B, C.
#[derive(Debug, Default, Serialize)]
struct CanonJson<'a> {
    line: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    depth: Option<u16>,
    call: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_mm: Option<[f64; 3]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_deg: Option<[f64; 3]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    machine_mm: Option<[f64; 3]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    centre_mm: Option<[f64; 2]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    turns: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    plane: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    feed_mm_min: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    speed_rpm: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    on: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    selected: Option<u32>,
    /// Null until the first tool change.
    tool: Option<u32>,
}

/// Writes one operation as a line of JSON. `sources` are the names of the texts, the main program first.
///
/// # Errors
/// What the writer reports.
pub fn write_canon(op: &CanonOp, sources: &[String], out: &mut dyn Write) -> io::Result<()> {
    let is_inside = op.at.source.0 > 0 || op.at.depth > 0;
    let mut line = CanonJson {
        line: op.at.line,
        file: sources.get(usize::from(op.at.source.0)).filter(|_| op.at.source.0 > 0).map(String::as_str),
        depth: is_inside.then_some(op.at.depth),
        tool: op.modal.tool.map(|tool| tool.0),
        ..CanonJson::default()
    };
    fill(&mut line, op);
    serde_json::to_writer(&mut *out, &line)?;
    out.write_all(b"\n")
}

fn fill(line: &mut CanonJson<'_>, op: &CanonOp) {
    let feed = op.modal.feed.map(|feed| feed.as_mm_s() * 60.0);
    match &op.call {
        Call::StraightTraverse { end } => {
            line.call = "straight_traverse";
            line.ends_at(end);
        }
        Call::StraightFeed { end } => {
            let is_probe = op.modal.forced == Some(ForcedReason::Probing);
            line.call = if is_probe { "straight_probe" } else { "straight_feed" };
            line.ends_at(end);
            line.feed_mm_min = feed;
        }
        Call::ArcFeed { end, plane, centre_mm, turns, .. } => {
            line.call = "arc_feed";
            line.ends_at(end);
            line.centre_mm = Some(centre_mm.map(plain));
            line.turns = Some(*turns);
            line.plane = Some(plane_name(*plane));
            line.feed_mm_min = feed;
        }
        Call::Dwell { time } => (line.call, line.seconds) = ("dwell", Some(time.as_s())),
        Call::SelectTool { tool } => (line.call, line.selected) = ("select_tool", Some(tool.0)),
        Call::ChangeTool { tool } => (line.call, line.tool) = ("change_tool", Some(tool.0)),
        Call::SetSpindleSpeed { speed } => {
            (line.call, line.speed_rpm) = ("set_spindle_speed", Some(speed.as_rpm()));
        }
        Call::SetSpindleDirection { direction } => {
            line.call = match direction {
                1.. => "start_spindle_clockwise",
                0 => "stop_spindle_turning",
                _ => "start_spindle_counterclockwise",
            };
        }
        Call::Coolant { on } => (line.call, line.on) = ("coolant", Some(*on)),
        Call::Stop { kind } => {
            line.call = match kind {
                StopKind::Unconditional => "program_stop",
                StopKind::Optional => "optional_program_stop",
                StopKind::Pallet => "pallet_shuttle",
            };
        }
        Call::End => line.call = "program_end",
    }
}

impl CanonJson<'_> {
    fn ends_at(&mut self, end: &Pose) {
        self.end_mm = Some(end.program_mm.map(plain));
        self.end_deg = Some(end.rotary_rad.map(|angle_rad| plain(angle_rad.to_degrees())));
        self.machine_mm = Some(end.machine_mm.map(plain));
    }
}

/// The same number, without the sign of zero.
fn plain(value: f64) -> f64 {
    value + 0.0
}

fn plane_name(plane: Plane) -> &'static str {
    match plane {
        Plane::Xy => "xy",
        Plane::Zx => "zx",
        Plane::Yz => "yz",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::program::Provenance;

    #[test]
    fn an_arc_has_what_another_interpreter_prints() {
        let end = Pose { program_mm: [1.0, -0.0, 2.5], machine_mm: [11.0, 0.0, 2.5], rotary_rad: [0.0; 3] };
        let call =
            Call::ArcFeed { end, plane: Plane::Zx, centre_mm: [0.5, 1.0], centre_machine_mm: [0.0; 3], turns: -2 };
        let op = CanonOp { call, at: Provenance { line: 7, ..Provenance::default() }, modal: Default::default() };
        let mut out = Vec::new();
        write_canon(&op, &["part.nc".to_owned()], &mut out).expect("memory takes it");
        let expected = "{\"line\":7,\"call\":\"arc_feed\",\"end_mm\":[1.0,0.0,2.5],\"end_deg\":[0.0,0.0,0.0],\
            \"machine_mm\":[11.0,0.0,2.5],\"centre_mm\":[0.5,1.0],\"turns\":-2,\"plane\":\"zx\",\"tool\":null}\n";
        assert_eq!(String::from_utf8_lossy(&out), expected);
    }
}

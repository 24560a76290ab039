//! What a tool is taken for where nobody says: every figure filled in is said in a sentence.

use super::text::Assumed;
use super::tool_entry::ToolEntry;
use crate::det::math;
use crate::ident::ToolNumber;
use crate::program::CommentTool;
use crate::tool::{CutterMaterial, CutterShape, SpecialCutter, Tool, UndercutForm};
use crate::units::{Angle, Length};

/// Flutes of an end mill when nobody says.
pub const FLUTES_ASSUMED_END_MILL: u32 = 3;
/// Flutes of a ball mill, drill or spot drill when nobody says.
pub const FLUTES_ASSUMED_DRILL: u32 = 2;
/// Diameter of the cutter of a program that says nothing at all about its tools.
const DIAMETER_ASSUMED_MM: f64 = 6.0;
/// Helix of a solid end mill for general use.
const HELIX_ASSUMED_DEG: f64 = 30.0;
/// Cutting edge and stick-out in diameters, after the common short series (DIN 6527 L: about 2.2 and 3.5).
const FLUTE_LENGTH_DIAMETERS: f64 = 2.5;
const STICKOUT_DIAMETERS: f64 = 4.0;

/// Side of a dovetail against its axis: that of a dovetail of 60°.
pub(super) const DOVETAIL_DEG: f64 = 30.0;
/// Neck of a cutter that reaches under material, and height of the disc of a T-slot cutter, in diameters: DIN 851, 25 × 11 on 12.
const NECK_SHARE: f64 = 0.48;
const DISC_SHARE: f64 = 0.44;

/// A tool of which only form and size are known.
pub(super) fn bare(number: ToolNumber, name: &str, shape: CutterShape, diameter_mm: f64) -> Tool {
    Tool {
        number,
        name: name.to_owned(),
        shape,
        diameter: Length::mm(diameter_mm),
        flutes: None,
        helix: Angle::rad(match shape {
            CutterShape::Cone { .. } => 0.0,
            _ => HELIX_ASSUMED_DEG.to_radians(),
        }),
        flute_length: Length::mm(diameter_mm * FLUTE_LENGTH_DIAMETERS),
        shank_diameter: Length::mm(diameter_mm),
        stickout: Length::mm(diameter_mm * STICKOUT_DIAMETERS),
        holder: Vec::new(),
        length_offset: Length::ZERO,
        centre_cutting: true,
        material: CutterMaterial::Carbide,
    }
}

/// Flutes that are usual for a form; `None` for a form without a force model, which needs none.
pub(super) fn usual_flutes(shape: CutterShape) -> Option<u32> {
    match shape {
        CutterShape::Flat | CutterShape::BullNose { .. } => Some(FLUTES_ASSUMED_END_MILL),
        CutterShape::Ball | CutterShape::Cone { .. } | CutterShape::Drill { .. } => Some(FLUTES_ASSUMED_DRILL),
        CutterShape::Special(_) | CutterShape::General(_) | CutterShape::Undercut(_) => None,
    }
}

/// Neck and height of a cutter that reaches under material, where they are not given: as wide as it is, it would reach under
/// nothing.
pub(super) fn fill_undercut(tool: &mut Tool, entry: &ToolEntry, say: &mut dyn FnMut(String)) {
    let CutterShape::Undercut(form) = tool.shape else { return };
    let diameter = tool.diameter;
    if entry.shank_diameter_mm.is_none() {
        tool.shank_diameter = diameter * NECK_SHARE;
        say(format!("a neck of {:.3} mm", tool.shank_diameter.as_mm()));
    }
    if entry.flute_length_mm.is_none() {
        // A dovetail narrows to its neck.
        let height = match form {
            UndercutForm::TSlot => diameter * DISC_SHARE,
            UndercutForm::Lollipop => diameter,
            UndercutForm::Dovetail { taper } => (diameter - tool.shank_diameter) / (2.0 * math::tan(taper.as_rad())),
        };
        tool.flute_length = height;
        say(format!("a cutting part {:.3} mm high", height.as_mm()));
    }
}

/// A tool from what a program's comment says of it; what the comment leaves open is filled in and said, each
/// sentence with `program` and line. A comment that names no known form gives a cutter without a force model,
/// one that gives no size a cutter whose flutes, and so its force, are unknown.
pub fn tool_from_comment(comment: &CommentTool, program: &str, assumed: &mut Vec<Assumed>) -> Tool {
    let description = comment.description.trim();
    let place = format!("{program}:{}: {} ({description})", comment.line, comment.number);
    let shape = comment.shape.unwrap_or(CutterShape::Special(SpecialCutter::Other));
    let diameter_mm = comment.diameter.map_or(DIAMETER_ASSUMED_MM, Length::as_mm);
    let mut tool = bare(comment.number, description, shape, diameter_mm);
    tool.flutes = comment.flutes;
    assumed.push(format!("{place}: {} of diameter {diameter_mm:.3} mm, from the comment", shape.name()));
    assumed.extend(comment.assumed.iter().map(|what| format!("{place}: {what}")));
    if comment.diameter.is_none() {
        tool.flutes = None;
        assumed.push(format!(
            "{place}: the diameter is not given and is taken as {DIAMETER_ASSUMED_MM} mm; its force is unavailable"
        ));
    } else if !shape.has_force_model() {
        assumed.push(format!("{place}: there is no force model for it; its force is unavailable"));
    } else if tool.flutes.is_none() {
        tool.flutes = usual_flutes(shape);
        assumed.push(format!("{place}: {} flutes", tool.flutes.unwrap_or_default()));
    }
    assumed.push(format!(
        "{place}: stick-out {:.1} mm, cutting edge {:.1} mm, carbide, no holder geometry",
        tool.stickout.as_mm(),
        tool.flute_length.as_mm()
    ));
    tool
}

/// A tool for a program that says nothing about it.
pub fn assume_tool(number: ToolNumber, assumed: &mut Vec<Assumed>) -> Tool {
    let mut tool = bare(number, "assumed end mill", CutterShape::Flat, DIAMETER_ASSUMED_MM);
    tool.flutes = Some(FLUTES_ASSUMED_END_MILL);
    assumed.push(format!(
        "{number}: neither a tool table nor a comment describes it; taken as a flat end mill of diameter \
         {DIAMETER_ASSUMED_MM} mm with {FLUTES_ASSUMED_END_MILL} flutes"
    ));
    tool
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::tools_from_comments;

    fn said(program: &str) -> (Tool, Vec<String>) {
        let comments = tools_from_comments(program.as_bytes());
        let mut assumed = Vec::new();
        let tool = tool_from_comment(&comments[0], "p.nc", &mut assumed);
        (tool, assumed)
    }

    #[test]
    fn sentences_name_file_line_and_tool_once() {
        let (tool, assumed) = said("G21\n(TOOL 6 - 8MM DRILL)\n");
        assert_eq!(tool.flutes, Some(FLUTES_ASSUMED_DRILL));
        for sentence in &assumed {
            assert!(sentence.starts_with("p.nc:2: T6 (8MM DRILL): "), "{sentence}");
            assert_eq!(sentence.matches("T6").count(), 1, "{sentence}");
        }
        assert_eq!(assumed.len(), 4, "{assumed:#?}");
    }

    #[test]
    fn a_cutter_nobody_models_has_no_force() {
        let check = |program: &str, shape: SpecialCutter| {
            let (tool, assumed) = said(program);
            assert_eq!((tool.shape, tool.flutes), (CutterShape::Special(shape), None), "{program}");
            assert!(assumed.iter().any(|sentence| sentence.contains("its force is unavailable")), "{assumed:?}");
        };
        check("G21\n(TOOL 6 - 8MM TAP)", SpecialCutter::Tap);
        check("G20\n(T7| 1/4 REAMER|H0)", SpecialCutter::Reamer);
        check("G21\nT4 M6 (D8 SONDERWERKZEUG)", SpecialCutter::Other);
        let (tool, _) = said("G20\n( #30 DRILL   )\nN1 T9\n");
        assert!(
            matches!(tool.shape, CutterShape::Drill { .. }) && tool.flutes.is_none(),
            "size unknown, force unknown"
        );
    }
}

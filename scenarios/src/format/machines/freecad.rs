//! FreeCAD's machine (`.fcm`): JSON with the axes' limits and greatest speeds and the toolheads.
//!
//! Lengths are in the configuration's units, metric unless `units` says imperial; speeds are per minute. Older files have
//! no object `machine` around the description, and call the toolheads `spindles`. A FreeCAD machine states no
//! acceleration.

use shared::machine::LengthUnit;
use shared::program::Diagnostic;

use super::draft::{AXES, Draft, POWER_KW, SPEED_MM_MIN, SPINDLE_RPM, rounded};
use crate::format::tools::json::{Object, parse, text_of};

const ADVICE: &str = "save the machine again in FreeCAD's machine editor";

type Done = Result<(), Box<Diagnostic>>;

/// Reads the whole file.
pub(super) fn read(draft: &mut Draft<'_>) -> Done {
    draft.kind = "FreeCAD";
    let root = parse(draft.file, "machine::json")?;
    let whole = root.object()?;
    let machine = match whole.get("machine") {
        Some(node) => node.object()?,
        None => whole.clone(),
    };
    let Some(axes) = machine.get("axes") else {
        return Err(root.error("there are no `axes`; this is no FreeCAD machine".to_owned(), ADVICE));
    };
    if let Some(node) = machine.get("name") {
        let maker = text_of(&machine, "manufacturer")?.filter(|maker| !maker.is_empty());
        let name = node.text()?;
        draft.name = Some(maker.map_or(name.clone(), |maker| format!("{maker} {name}")));
        draft.imports(node.span(), format!("name: {name}"));
    }
    let unit_mm = unit(draft, &machine)?;
    all_axes(draft, &axes.object()?, unit_mm)?;
    toolheads(draft, &machine)?;
    for key in ["postprocessor", "output", "processing"] {
        if let Some(node) = whole.get(key) {
            draft.skips(node.span(), format!("`{key}` says how programs are written, not how the machine moves"));
        }
    }
    Ok(())
}

fn unit(draft: &mut Draft<'_>, machine: &Object<'_>) -> Result<f64, Box<Diagnostic>> {
    let Some(node) = machine.get("units") else {
        draft.assumes("`units` is not in the file, metric is taken as FreeCAD does".to_owned());
        draft.unit = Some(LengthUnit::Millimetre);
        return Ok(1.0);
    };
    let unit = match node.text()?.as_str() {
        "metric" => LengthUnit::Millimetre,
        "imperial" => LengthUnit::Inch,
        other => return Err(node.error(format!("`{other}` are no units"), "write metric or imperial")),
    };
    draft.imports(node.span(), format!("units: {}", node.text()?));
    draft.unit = Some(unit);
    Ok(unit.mm())
}

fn all_axes(draft: &mut Draft<'_>, axes: &Object<'_>, unit_mm: f64) -> Done {
    for (letter, node) in axes {
        let name = letter.to_ascii_lowercase();
        let figures = node.object()?;
        let kind = text_of(&figures, "type")?.unwrap_or_else(|| "linear".to_owned());
        let place = AXES.iter().position(|axis| *axis == name).filter(|_| kind == "linear");
        let Some(axis) = place else {
            let shown: String = letter.chars().take(40).collect();
            draft.skips(
                node.span(),
                format!("axis {shown} is not one of the straight X, Y and Z, it has no place here"),
            );
            continue;
        };
        if let Some(limits) = figures.get("limits") {
            let limits = limits.object()?;
            if let (Some(low), Some(high)) = (limits.get("min"), limits.get("max")) {
                draft.travel(axis, low.span(), [low.number()? * unit_mm, high.number()? * unit_mm]);
            }
        }
        if let Some(node) = figures.get("max_velocity") {
            let key = format!("axis.{name}.feed_max_mm_min");
            let speed = draft.checked(node.span(), &key, node.number()? * unit_mm, SPEED_MM_MIN);
            draft.axes[axis].speed_mm_min = speed;
            if let Some(speed) = speed {
                draft.imports(node.span(), format!("speed of {name}: {} mm/min", rounded(speed)));
            }
        }
    }
    Ok(())
}

/// The first toolhead that turns; the others are skipped.
fn toolheads(draft: &mut Draft<'_>, machine: &Object<'_>) -> Done {
    let Some(node) = machine.get("toolheads").or_else(|| machine.get("spindles")) else { return Ok(()) };
    let mut taken = false;
    for head in node.items()? {
        let figures = head.object()?;
        let kind = text_of(&figures, "toolhead_type")?.unwrap_or_else(|| "rotary".to_owned());
        if taken || kind != "rotary" {
            draft.skips(head.span(), format!("a further or other toolhead ({kind}) has no place here"));
            continue;
        }
        taken = true;
        if let Some(node) = figures.get("max_rpm").filter(|node| node.number().is_ok_and(|rpm| rpm != 0.0)) {
            let rpm = draft.checked(node.span(), "spindle.speed_max_rpm", node.number()?, SPINDLE_RPM);
            draft.spindle_rpm = rpm;
            draft.imports(node.span(), format!("greatest spindle speed: {} rpm", node.number()?));
        }
        if let Some(node) = figures.get("max_power_kw").filter(|node| node.number().is_ok_and(|power| power != 0.0)) {
            draft.spindle_kw = draft.checked(node.span(), "spindle.power_max_kw", node.number()?, POWER_KW);
            draft.imports(node.span(), format!("spindle power: {} kW", node.number()?));
        }
        for key in ["max_rpm", "max_power_kw"] {
            if let Some(node) = figures.get(key) {
                // Zero is what FreeCAD writes for "not entered"; anything else that is no number is a mistake.
                node.number()?;
            }
        }
    }
    Ok(())
}

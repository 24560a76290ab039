//! FreeCAD tool bits (`.fctb`): a shape file's name, and its parameters as texts with units.
//!
//! Older files hold only `parameter` (`"Diameter": "5.0000 mm"`) and put flutes and material under `attribute`; files of
//! version 1.0 add `shape-type` and `id` and keep everything under `parameter`. A German FreeCAD writes a decimal
//! comma. The number of a tool stands in the job and not in the bit, so that a bit is found by its name.

use shared::files::{MaterialWord, ShapeWord};
use shared::program::Diagnostic;

use super::json::{Node, Object, text_of};
use super::sheet::{Draft, Sheet};

type Done = Result<(), Box<Diagnostic>>;

/// Forms by shape word, without blanks, dashes and `.fcstd`.
const SHAPES: [(&str, Option<ShapeWord>); 18] = [
    ("endmill", Some(ShapeWord::Flat)),
    ("ballend", Some(ShapeWord::Ball)),
    ("ballnose", Some(ShapeWord::Ball)),
    ("bullnose", Some(ShapeWord::BullNose)),
    ("torus", Some(ShapeWord::BullNose)),
    ("chamfer", Some(ShapeWord::Cone)),
    ("vbit", Some(ShapeWord::Cone)),
    ("engraver", Some(ShapeWord::Cone)),
    ("drill", Some(ShapeWord::Drill)),
    ("tap", Some(ShapeWord::Tap)),
    ("reamer", Some(ShapeWord::Reamer)),
    ("threadmill", Some(ShapeWord::ThreadMill)),
    ("dovetail", Some(ShapeWord::Dovetail)),
    ("slittingsaw", Some(ShapeWord::TSlot)),
    ("radius", Some(ShapeWord::Other)),
    ("taperedballnose", Some(ShapeWord::Other)),
    ("probe", None),
    ("custom", Some(ShapeWord::Other)),
];

/// Lengths by parameter.
const LENGTHS: [(&str, &str); 5] = [
    ("Diameter", "diameter_mm"),
    ("CuttingEdgeHeight", "flute_length_mm"),
    ("ShankDiameter", "shank_diameter_mm"),
    ("Length", "overall_length_mm"),
    ("CornerRadius", "corner_radius_mm"),
];

/// Parameters that are understood beside the lengths, or are about cutting data and bookkeeping.
const OTHER: [&str; 14] = [
    "TorusRadius",
    "FlatRadius",
    "CuttingEdgeAngle",
    "TipAngle",
    "TipDiameter",
    "Flutes",
    "Material",
    "Chipload",
    "SpindleDirection",
    "Units",
    "NeckDiameter",
    "BladeThickness",
    "NeckLength",
    "Crest",
];

/// Reads a tool bit.
pub(super) fn read(sheet: &mut Sheet<'_>, root: &Node<'_>) -> Done {
    let object = root.object()?;
    let mut draft = Draft::new(root.span());
    draft.entry.name = text_of(&object, "name")?.or(text_of(&object, "id")?).unwrap_or_default();
    let word = text_of(&object, "shape")?.or(text_of(&object, "shape-type")?).unwrap_or_default();
    let form: String =
        word.to_ascii_lowercase().trim_end_matches(".fcstd").chars().filter(|c| c.is_alphanumeric()).collect();
    match SHAPES.iter().find(|(known, _)| *known == form) {
        Some((_, Some(shape))) => draft.entry.shape = Some(*shape),
        Some((_, None)) => {
            sheet.skip(root.span().start, format!("`{}` is a {word}, no milling tool", draft.entry.name));
            return Ok(());
        }
        None => {
            draft.entry.shape = Some(ShapeWord::Other);
            draft.entry.skipped.push(format!("the shape `{word}` is not known"));
        }
    }
    let parameters = object.get("parameter").map(Node::object).transpose()?.unwrap_or_default();
    let attributes = object.get("attribute").map(Node::object).transpose()?.unwrap_or_default();
    figures(&mut draft, &parameters)?;
    corner(&mut draft, &parameters)?;
    for key in ["Flutes", "Material"] {
        if let Some(node) = parameters.get(key).or(attributes.get(key)) {
            word_or_count(&mut draft, key, node)?;
        }
    }
    if parameters.contains_key("Chipload") {
        draft.entry.skipped.push("its chip load is not used".to_owned());
    }
    let known = |key: &String| OTHER.contains(&key.as_str()) || LENGTHS.iter().any(|(known, _)| known == key);
    for (key, node) in parameters.iter().filter(|(key, _)| !known(key)) {
        draft.entry.skipped.push(format!("`{}`: the parameter `{key}` is not used", node.path()));
    }
    sheet.add(draft);
    Ok(())
}

fn figures(draft: &mut Draft, parameters: &Object<'_>) -> Done {
    for (name, key) in LENGTHS {
        let Some(node) = parameters.get(name) else { continue };
        let (value, unit) = quantity(node)?;
        let mm = length_mm(draft, node, value, unit.as_deref())?;
        draft.at(key, node.span());
        let slot = match name {
            "Diameter" => &mut draft.entry.diameter_mm,
            "CuttingEdgeHeight" => &mut draft.entry.flute_length_mm,
            "ShankDiameter" => &mut draft.entry.shank_diameter_mm,
            "Length" => &mut draft.entry.overall_length_mm,
            _ if draft.entry.shape == Some(ShapeWord::BullNose) => &mut draft.entry.corner_radius_mm,
            _ => continue,
        };
        *slot = Some(mm).filter(|mm| *mm != 0.0 || name == "Diameter");
    }
    for name in ["CuttingEdgeAngle", "TipAngle"] {
        let Some(node) = parameters.get(name) else { continue };
        let (value, unit) = quantity(node)?;
        let deg = match unit.as_deref() {
            None | Some("°" | "deg") => value,
            Some("rad") => value.to_degrees(),
            Some(other) => return Err(node.error(format!("`{other}` is no unit of an angle, expected °"), ADVICE)),
        };
        if matches!(draft.entry.shape, Some(ShapeWord::Cone | ShapeWord::Drill)) {
            draft.at("point_angle_deg", node.span());
            draft.entry.point_angle_deg = Some(deg);
        }
        if draft.entry.shape == Some(ShapeWord::Dovetail) && deg > 0.0 && deg < 90.0 {
            draft.at("taper_deg", node.span());
            draft.entry.taper_deg = Some(90.0 - deg);
            draft.entry.assumed.push(format!("its angle of {deg}° is that of the side against the face"));
        }
    }
    undercut(draft, parameters)?;
    if let Some(node) = parameters.get("TipDiameter") {
        let (value, unit) = quantity(node)?;
        let mm = length_mm(draft, node, value, unit.as_deref())?;
        if mm > 0.0 && draft.entry.shape == Some(ShapeWord::Cone) {
            draft
                .entry
                .skipped
                .push(format!("the flat of {mm:.3} mm at its tip is not modelled: its cone runs to a point"));
        }
    }
    Ok(())
}

/// A neck is narrower than the shank above it; the blade of a saw is its cutting part.
fn undercut(draft: &mut Draft, parameters: &Object<'_>) -> Done {
    if !matches!(draft.entry.shape, Some(ShapeWord::Dovetail | ShapeWord::TSlot)) {
        return Ok(());
    }
    for (name, key) in [("NeckDiameter", "shank_diameter_mm"), ("BladeThickness", "flute_length_mm")] {
        let Some(node) = parameters.get(name) else { continue };
        let (value, unit) = quantity(node)?;
        let mm = length_mm(draft, node, value, unit.as_deref())?;
        draft.at(key, node.span());
        let slot =
            if name == "NeckDiameter" { &mut draft.entry.shank_diameter_mm } else { &mut draft.entry.flute_length_mm };
        *slot = Some(mm).filter(|mm| *mm > 0.0).or(*slot);
    }
    Ok(())
}

/// Older bull noses give the radius of the flat, newer ones the corner or the torus.
fn corner(draft: &mut Draft, parameters: &Object<'_>) -> Done {
    if draft.entry.shape != Some(ShapeWord::BullNose) || draft.entry.corner_radius_mm.is_some() {
        return Ok(());
    }
    for name in ["TorusRadius", "FlatRadius"] {
        let Some(node) = parameters.get(name) else { continue };
        let (value, unit) = quantity(node)?;
        let mm = length_mm(draft, node, value, unit.as_deref())?;
        draft.at("corner_radius_mm", node.span());
        draft.entry.corner_radius_mm = match name {
            "TorusRadius" => Some(mm),
            _ => draft.entry.diameter_mm.map(|diameter_mm| diameter_mm / 2.0 - mm),
        };
        return Ok(());
    }
    Ok(())
}

fn word_or_count(draft: &mut Draft, key: &str, node: &Node<'_>) -> Done {
    if key == "Flutes" {
        let (value, _) = quantity(node)?;
        if !(0.0..=1000.0).contains(&value) || value.fract() != 0.0 {
            return Err(node.error(format!("{value} is no number of flutes"), ADVICE));
        }
        draft.at("flutes", node.span());
        draft.entry.flutes = Some(value as u32).filter(|flutes| *flutes > 0);
        return Ok(());
    }
    match node.text()?.to_ascii_lowercase().as_str() {
        "carbide" => draft.entry.material = Some(MaterialWord::Carbide),
        "hss" => draft.entry.material = Some(MaterialWord::Hss),
        other => draft.entry.skipped.push(format!("the cutter material `{other}` has no data here, carbide is taken")),
    }
    Ok(())
}

const ADVICE: &str = "write a number and its unit, for instance \"6.00 mm\" or \"1/4 in\"";

/// A value with its unit: `"6.00 mm"`, `"6,00 mm"`, `"1/4 in"`, `"1 1/2 in"`, `"90.0 °"`, or a bare number.
fn quantity(node: &Node<'_>) -> Result<(f64, Option<String>), Box<Diagnostic>> {
    if !node.is_text() {
        return Ok((node.number()?, None));
    }
    let text = node.text()?;
    let wrong = || node.error(format!("`{text}` is no quantity"), ADVICE);
    let trimmed = text.trim();
    let length = trimmed.find(|c: char| !(c.is_ascii_digit() || "+-.,/ ".contains(c))).unwrap_or(trimmed.len());
    let (figure, unit) = trimmed.split_at(length);
    let value = fraction(figure.trim()).filter(|value| value.is_finite()).ok_or_else(wrong)?;
    let unit = unit.trim();
    Ok((value, (!unit.is_empty()).then(|| unit.to_owned())))
}

/// A decimal, a fraction, or both: `6.5`, `6,5`, `1/4`, `1 1/2`.
fn fraction(text: &str) -> Option<f64> {
    let decimal = |text: &str| {
        let plain = text.starts_with(|c: char| c.is_ascii_digit() || "+-.,".contains(c));
        text.replace(',', ".").parse::<f64>().ok().filter(|_| plain)
    };
    let ratio = |text: &str| {
        let (above, below) = text.split_once('/')?;
        Some(decimal(above.trim())? / decimal(below.trim()).filter(|below| *below > 0.0)?)
    };
    match text.split_once(' ') {
        Some((whole, rest)) if rest.contains('/') && !whole.contains('/') => Some(decimal(whole)? + ratio(rest)?),
        _ if text.contains('/') => ratio(text),
        _ => decimal(text),
    }
}

fn length_mm(draft: &mut Draft, node: &Node<'_>, value: f64, unit: Option<&str>) -> Result<f64, Box<Diagnostic>> {
    let unit_mm = match unit {
        Some("mm") => 1.0,
        Some("cm") => 10.0,
        Some("m") => 1000.0,
        Some("µm" | "um") => 1e-3,
        Some("in" | "\"" | "inch") => 25.4,
        Some("thou" | "mil") => 0.0254,
        Some(other) => return Err(node.error(format!("`{other}` is no unit of a length, expected mm or in"), ADVICE)),
        None => {
            draft.entry.assumed.push(format!("`{}` has no unit and is in mm, FreeCAD's own", node.path()));
            1.0
        }
    };
    Ok(value * unit_mm)
}

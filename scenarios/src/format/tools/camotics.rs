//! CAMotics projects (`.camotics`) and their tool tables: tools by number, each with unit, shape, length and diameter.
//!
//! The length of a tool is that of what cuts: of a cone it is the cone's, which gives the point angle.

use shared::det::math;
use shared::files::ShapeWord;
use shared::ident::ToolNumber;
use shared::program::{Diagnostic, tool_from_words};

use super::json::{Node, Object, text_of};
use super::sheet::{Draft, Sheet};

type Done = Result<(), Box<Diagnostic>>;

const MM_PER_INCH: f64 = 25.4;

/// Reads a project, or a table that stands alone.
pub(super) fn read(sheet: &mut Sheet<'_>, root: &Node<'_>, project: &Object<'_>) -> Done {
    let is_table = |object: &Object<'_>| !object.is_empty() && object.keys().all(|key| key.parse::<u32>().is_ok());
    let table = match project.get("tools") {
        Some(tools) => tools.object()?,
        None if is_table(project) => project.clone(),
        None => {
            let message = "this is no tool library that is known: it has neither `data` (Fusion 360), `parameter` (FreeCAD) nor `tools` (CAMotics)";
            return Err(root.error(message.to_owned(), "export the tools again, or give another file"));
        }
    };
    let project_mm = unit(project.get("units"))?;
    for (key, node) in &table {
        one_tool(sheet, key, node, project_mm)?;
    }
    Ok(())
}

/// Millimetres in the unit a value names.
fn unit(node: Option<&Node<'_>>) -> Result<Option<f64>, Box<Diagnostic>> {
    let Some(node) = node else { return Ok(None) };
    match node.text()?.to_ascii_lowercase().as_str() {
        "metric" | "mm" => Ok(Some(1.0)),
        "imperial" | "inch" => Ok(Some(MM_PER_INCH)),
        other => {
            Err(node.error(format!("`{other}` is no unit, expected \"metric\" or \"imperial\""), "correct the unit"))
        }
    }
}

fn one_tool(sheet: &mut Sheet<'_>, key: &str, node: &Node<'_>, project_mm: Option<f64>) -> Done {
    let object = node.object()?;
    let mut draft = Draft::new(node.span());
    let Ok(number) = key.parse::<u32>() else {
        return Err(node.error(format!("`{key}` is no tool number"), "name the tool by its number"));
    };
    draft.entry.number = Some(number);
    draft.entry.name = text_of(&object, "description")?.unwrap_or_default();
    let unit_mm = match unit(object.get("units"))?.or(project_mm) {
        Some(unit_mm) => unit_mm,
        None => sheet.unit_mm(),
    };
    let mut size = |name: &str, key: &'static str| -> Result<Option<f64>, Box<Diagnostic>> {
        let Some(node) = object.get(name) else { return Ok(None) };
        draft.at(key, node.span());
        Ok(Some(node.number()? * unit_mm))
    };
    let diameter_mm = size("diameter", "diameter_mm")?;
    let length_mm = size("length", "flute_length_mm")?;
    draft.entry.diameter_mm = diameter_mm;
    draft.entry.flute_length_mm = length_mm.filter(|mm| *mm != 0.0);
    if let Some(shape) = object.get("shape") {
        form(&mut draft, shape)?;
    }
    let words = tool_from_words(ToolNumber(number), &draft.entry.name, 0, None);
    draft.entry.flutes = words.flutes;
    sheet.add(draft);
    Ok(())
}

fn form(draft: &mut Draft, node: &Node<'_>) -> Done {
    draft.at("point_angle_deg", node.span());
    let entry = &mut draft.entry;
    entry.shape = Some(match node.text()?.to_ascii_lowercase().as_str() {
        "cylindrical" => ShapeWord::Flat,
        "ballnose" => ShapeWord::Ball,
        "spheroid" if entry.diameter_mm == entry.flute_length_mm => ShapeWord::Ball,
        "conical" => {
            let (Some(diameter_mm), Some(length_mm)) = (entry.diameter_mm, entry.flute_length_mm) else {
                return Err(node.error("a cone needs `diameter` and `length`".to_owned(), "add them"));
            };
            entry.point_angle_deg = Some(2.0 * math::atan2(diameter_mm / 2.0, length_mm).to_degrees());
            ShapeWord::Cone
        }
        word @ ("spheroid" | "snubnose") => {
            entry.skipped.push(format!("the shape `{word}` is not modelled"));
            ShapeWord::Other
        }
        other => {
            let message =
                format!("`{other}` is no shape, expected cylindrical, conical, ballnose, spheroid or snubnose");
            return Err(node.error(message, "correct the shape"));
        }
    });
    Ok(())
}

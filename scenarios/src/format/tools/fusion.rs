//! Fusion 360 tool libraries: `{"data": [tool, …]}`, each tool with a type in words, its unit, its geometry in ISO 13399
//! symbols, its holder in segments and its numbers for the post.
//!
//! TA is the angle from the axis to one side, so that a chamfer mill's full angle is twice it; LB is the length below the
//! holder. Cutting data, links and expressions are not read.

use shared::files::{HolderEntry, MaterialWord, ShapeWord};
use shared::program::Diagnostic;

use super::json::{Node, Object, text_of};
use super::sheet::{Draft, Sheet};

type Done = Result<(), Box<Diagnostic>>;

const MM_PER_INCH: f64 = 25.4;

/// Forms by Fusion's words; `None` for entries that cut nothing on a mill.
const TYPES: [(&str, Option<ShapeWord>); 34] = [
    ("flat end mill", Some(ShapeWord::Flat)),
    ("face mill", Some(ShapeWord::Flat)),
    ("slot mill", Some(ShapeWord::Flat)),
    ("counter bore", Some(ShapeWord::Flat)),
    ("ball end mill", Some(ShapeWord::Ball)),
    ("bull nose end mill", Some(ShapeWord::BullNose)),
    ("chamfer mill", Some(ShapeWord::Cone)),
    ("spot drill", Some(ShapeWord::Cone)),
    ("center drill", Some(ShapeWord::Cone)),
    ("counter sink", Some(ShapeWord::Cone)),
    ("drill", Some(ShapeWord::Drill)),
    ("tap right hand", Some(ShapeWord::Tap)),
    ("tap left hand", Some(ShapeWord::Tap)),
    ("reamer", Some(ShapeWord::Reamer)),
    ("thread mill", Some(ShapeWord::ThreadMill)),
    ("tapered mill", Some(ShapeWord::Other)),
    ("dovetail mill", Some(ShapeWord::Dovetail)),
    ("lollipop mill", Some(ShapeWord::Lollipop)),
    ("radius mill", Some(ShapeWord::Other)),
    ("circle segment barrel", Some(ShapeWord::Other)),
    ("circle segment lens", Some(ShapeWord::Other)),
    ("circle segment oval", Some(ShapeWord::Other)),
    ("circle segment taper", Some(ShapeWord::Other)),
    ("form mill", Some(ShapeWord::Other)),
    ("boring bar", Some(ShapeWord::Other)),
    ("boring head", Some(ShapeWord::Other)),
    ("block drill", Some(ShapeWord::Other)),
    ("holder", None),
    ("probe", None),
    ("laser cutter", None),
    ("plasma cutter", None),
    ("waterjet", None),
    ("deposition", None),
    ("stylus", None),
];

/// Reads the whole library.
pub(super) fn read(sheet: &mut Sheet<'_>, root: &Object<'_>) -> Done {
    let Some(data) = root.get("data") else { return Ok(()) };
    let mut has_cutting_data = false;
    for node in data.items()? {
        let object = node.object()?;
        has_cutting_data |= object.contains_key("start-values");
        one_tool(sheet, &node, &object)?;
    }
    if has_cutting_data {
        sheet.skip_file("the cutting data of its tools (start-values) is not used".to_owned());
    }
    Ok(())
}

fn one_tool(sheet: &mut Sheet<'_>, node: &Node<'_>, object: &Object<'_>) -> Done {
    let name = text_of(object, "description")?.filter(|name| !name.trim().is_empty());
    let name = name.or(text_of(object, "product-id")?).unwrap_or_default();
    let Some(type_node) = object.get("type") else {
        return Err(node.error("the tool has no `type`".to_owned(), "export the library again"));
    };
    let word = type_node.text()?;
    let mut draft = Draft::new(node.span());
    let known = TYPES.iter().find(|(known, _)| *known == word.trim()).map(|(_, shape)| *shape);
    match known {
        Some(Some(shape)) => draft.entry.shape = Some(shape),
        None if !word.starts_with("turning") => {
            draft.entry.shape = Some(ShapeWord::Other);
            draft.entry.skipped.push(format!("`{}`: the type `{word}` is not known", type_node.path()));
        }
        Some(None) | None => {
            sheet.skip(node.span().start, format!("`{}`: `{name}` is a {word}, no milling tool", node.path()));
            return Ok(());
        }
    }
    draft.at("shape", type_node.span());
    draft.entry.name = name;
    let unit_mm = unit(sheet, object, None)?;
    match object.get("geometry") {
        Some(geometry) => self::geometry(&mut draft, &geometry.object()?, unit_mm)?,
        None => return Err(node.error("the tool has no `geometry`".to_owned(), "export the library again")),
    }
    if let Some(post) = object.get("post-process") {
        post_process(&mut draft, &post.object()?)?;
    }
    if let Some(holder) = object.get("holder").filter(|holder| holder.is_object()) {
        let holder = holder.object()?;
        let unit_mm = unit(sheet, &holder, Some(unit_mm))?;
        segments(&mut draft, &holder, unit_mm)?;
    }
    match text_of(object, "BMC")?.as_deref() {
        Some("carbide") => draft.entry.material = Some(MaterialWord::Carbide),
        Some("hss") => draft.entry.material = Some(MaterialWord::Hss),
        Some("" | "unspecified") | None => {}
        Some(other) => {
            draft.entry.skipped.push(format!("the cutter material `{other}` has no data here, carbide is taken"))
        }
    }
    sheet.add(draft);
    Ok(())
}

/// Millimetres in the unit an object says, else in `outer`, else in the unit the caller gives.
fn unit(sheet: &mut Sheet<'_>, object: &Object<'_>, outer: Option<f64>) -> Result<f64, Box<Diagnostic>> {
    let Some(node) = object.get("unit") else { return Ok(outer.unwrap_or_else(|| sheet.unit_mm())) };
    match node.text()?.as_str() {
        "millimeters" => Ok(1.0),
        "inches" => Ok(MM_PER_INCH),
        other => Err(node.error(
            format!("`{other}` is no unit, expected \"millimeters\" or \"inches\""),
            "export the library again",
        )),
    }
}

fn geometry(draft: &mut Draft, geometry: &Object<'_>, unit_mm: f64) -> Done {
    // Zero is Fusion's way of leaving a figure open, except where it cannot be left open.
    let size = |symbol: &str, key: &'static str, draft: &mut Draft| -> Result<Option<f64>, Box<Diagnostic>> {
        let Some(node) = geometry.get(symbol) else { return Ok(None) };
        draft.at(key, node.span());
        let value = node.number()?;
        Ok((value != 0.0 || symbol == "DC").then_some(value * unit_mm))
    };
    draft.entry.diameter_mm = size("DC", "diameter_mm", draft)?;
    draft.entry.flute_length_mm = size("LCF", "flute_length_mm", draft)?;
    draft.entry.shank_diameter_mm = size("SFDM", "shank_diameter_mm", draft)?;
    draft.entry.stickout_mm = size("LB", "stickout_mm", draft)?;
    draft.entry.overall_length_mm = size("OAL", "overall_length_mm", draft)?;
    let corner_mm = size("RE", "corner_radius_mm", draft)?;
    match (draft.entry.shape, corner_mm) {
        (Some(ShapeWord::Flat), Some(_)) | (Some(ShapeWord::BullNose), _) => {
            draft.entry.shape = Some(ShapeWord::BullNose);
            draft.entry.corner_radius_mm = corner_mm;
        }
        _ => {}
    }
    if let Some(node) = geometry.get("NOF") {
        draft.at("flutes", node.span());
        draft.entry.flutes = Some(node.count()?).filter(|flutes| *flutes > 0);
    }
    if matches!(draft.entry.shape, Some(ShapeWord::Dovetail | ShapeWord::Lollipop)) {
        undercut(draft, geometry, unit_mm)?;
    }
    if matches!(draft.entry.shape, Some(ShapeWord::Cone | ShapeWord::Drill)) {
        point(draft, geometry)?;
        let tip_mm = geometry.get("tip-diameter").map(Node::number).transpose()?.unwrap_or(0.0) * unit_mm;
        if tip_mm > 0.0 {
            let flat = format!("the flat of {tip_mm:.3} mm at its tip is not modelled: its cone runs to a point");
            draft.entry.skipped.push(flat);
        }
    }
    Ok(())
}

/// The neck of a cutter that reaches under material is its shoulder, and a dovetail's TA is that of its side against the axis.
fn undercut(draft: &mut Draft, geometry: &Object<'_>, unit_mm: f64) -> Done {
    if let Some(node) = geometry.get("shoulder-diameter") {
        let mm = node.number()? * unit_mm;
        if mm > 0.0 {
            draft.at("shank_diameter_mm", node.span());
            draft.entry.shank_diameter_mm = Some(mm);
        }
    }
    // A shank as thick as the cutter or thicker stands above the neck, which is then not told.
    let diameter_mm = draft.entry.diameter_mm.unwrap_or(f64::INFINITY);
    if draft.entry.shank_diameter_mm.is_some_and(|shank_mm| shank_mm >= diameter_mm) {
        draft.entry.shank_diameter_mm = None;
        draft.entry.skipped.push("its shank is thicker than its neck, which is not told".to_owned());
    }
    if let (Some(ShapeWord::Dovetail), Some(node)) = (draft.entry.shape, geometry.get("TA")) {
        let deg = node.number()?;
        if deg != 0.0 {
            draft.at("taper_deg", node.span());
            draft.entry.taper_deg = Some(deg);
        }
    }
    Ok(())
}

/// SIG is the full point angle; TA the angle of one side.
fn point(draft: &mut Draft, geometry: &Object<'_>) -> Done {
    for (symbol, factor) in [("SIG", 1.0), ("TA", 2.0)] {
        if let Some(node) = geometry.get(symbol) {
            let deg = node.number()? * factor;
            if deg != 0.0 {
                draft.at("point_angle_deg", node.span());
                draft.entry.point_angle_deg = Some(deg);
                return Ok(());
            }
        }
    }
    Ok(())
}

fn post_process(draft: &mut Draft, post: &Object<'_>) -> Done {
    let Some(node) = post.get("number") else { return Ok(()) };
    let number = node.count()?;
    draft.at("number", node.span());
    // Number 0 is a tool that is in the library and not in the machine.
    draft.entry.number = Some(number).filter(|number| *number > 0);
    for key in ["length-offset", "diameter-offset"] {
        if let Some(offset) = post.get(key) {
            let offset_number = offset.count()?;
            if offset_number != number {
                draft.entry.skipped.push(format!(
                    "`{}`: {key} {offset_number} differs from the tool's number and is not used",
                    offset.path()
                ));
            }
        }
    }
    Ok(())
}

fn segments(draft: &mut Draft, holder: &Object<'_>, unit_mm: f64) -> Done {
    let Some(node) = holder.get("segments") else { return Ok(()) };
    draft.at("holder", node.span());
    for segment in node.items()? {
        let figures = segment.object()?;
        let figure = |key: &str| match figures.get(key) {
            Some(node) => Ok(node.number()? * unit_mm),
            None => Err(segment.error(format!("the segment has no `{key}`"), "export the library again")),
        };
        draft.entry.holder.push(HolderEntry {
            diameter_low_mm: figure("lower-diameter")?,
            diameter_high_mm: figure("upper-diameter")?,
            length_mm: figure("height")?,
        });
    }
    Ok(())
}

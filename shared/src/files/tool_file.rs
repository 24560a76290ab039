use std::collections::BTreeMap;

use serde::Deserialize;

use super::text::{Assumed, FileText, parse_toml};
use crate::ident::ToolNumber;
use crate::program::{CommentTool, Diagnostic};
use crate::tool::{CutterMaterial, CutterShape, HolderSection, Tool};
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

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ToolFile {
    schema: u32,
    #[serde(default)]
    tool: Vec<ToolTable>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ShapeWord {
    Flat,
    Ball,
    BullNose,
    Cone,
    Drill,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum MaterialWord {
    Carbide,
    Hss,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ToolTable {
    number: u32,
    name: String,
    /// Where the figures come from; read by people.
    #[allow(dead_code)]
    source: Option<String>,
    shape: ShapeWord,
    diameter_mm: f64,
    flutes: Option<u32>,
    corner_radius_mm: Option<f64>,
    point_angle_deg: Option<f64>,
    helix_deg: Option<f64>,
    flute_length_mm: Option<f64>,
    shank_diameter_mm: Option<f64>,
    stickout_mm: Option<f64>,
    length_offset_mm: Option<f64>,
    centre_cutting: Option<bool>,
    material: Option<MaterialWord>,
    #[serde(default)]
    holder: Vec<HolderTable>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct HolderTable {
    diameter_low_mm: f64,
    diameter_high_mm: f64,
    length_mm: f64,
}

/// Tools by number, and what was filled in.
pub type ToolLibrary = (BTreeMap<ToolNumber, Tool>, Vec<Assumed>);

/// Reads a tool library of our own format, with what was filled in.
///
/// # Errors
/// Every diagnostic found: unknown keys, figures out of range, a number used twice.
pub fn read_tools(file: FileText<'_>) -> Result<ToolLibrary, Vec<Diagnostic>> {
    let read: ToolFile = parse_toml(file).map_err(|error| vec![*error])?;
    let (mut tools, mut assumed, mut errors) = (BTreeMap::new(), Vec::new(), Vec::new());
    if read.schema != 1 {
        let message = format!("schema {} is not known, this version reads schema 1", read.schema);
        errors.push(file.error_at("schema", "file::schema", message, "use a newer version".to_owned()));
    }
    for table in &read.tool {
        match tool(table, &mut assumed) {
            Ok(tool) => {
                if tools.insert(tool.number, tool).is_some() {
                    let message = format!("T{} stands in the library twice", table.number);
                    errors.push(file.error_at("", "tool::twice", message, "remove one of the two".to_owned()));
                }
            }
            Err(message) => {
                let message = format!("T{} ({}): {message}", table.number, table.name);
                errors.push(file.error_at("", "tool::range", message, "correct the figure".to_owned()));
            }
        }
    }
    if errors.is_empty() { Ok((tools, assumed)) } else { Err(errors) }
}

fn tool(table: &ToolTable, assumed: &mut Vec<Assumed>) -> Result<Tool, String> {
    if !(0.01..=500.0).contains(&table.diameter_mm) {
        return Err(format!("`diameter_mm` is {}, expected 0.01 to 500", table.diameter_mm));
    }
    let mut tool = bare(ToolNumber(table.number), &table.name, shape(table, assumed)?, table.diameter_mm);
    if let Some(flutes) = table.flutes {
        if !(1..=64).contains(&flutes) {
            return Err(format!("`flutes` is {flutes}, expected 1 to 64"));
        }
        tool.flutes = Some(flutes);
    } else {
        assume_flutes(&mut tool, assumed);
    }
    let lengths = [
        ("flute_length_mm", table.flute_length_mm, &mut tool.flute_length),
        ("shank_diameter_mm", table.shank_diameter_mm, &mut tool.shank_diameter),
        ("stickout_mm", table.stickout_mm, &mut tool.stickout),
    ];
    for (key, given, length) in lengths {
        match given {
            Some(mm) if (0.01..=2000.0).contains(&mm) => *length = Length::mm(mm),
            Some(mm) => return Err(format!("`{key}` is {mm}, expected 0.01 to 2000")),
            None => {}
        }
    }
    if let Some(deg) = table.helix_deg {
        if !(0.0..=75.0).contains(&deg) {
            return Err(format!("`helix_deg` is {deg}, expected 0 to 75"));
        }
        tool.helix = Angle::rad(deg.to_radians());
    }
    tool.length_offset = Length::mm(table.length_offset_mm.filter(|mm| mm.is_finite()).unwrap_or(0.0));
    tool.centre_cutting = table.centre_cutting.unwrap_or(true);
    tool.material = match table.material {
        Some(MaterialWord::Hss) => CutterMaterial::HighSpeedSteel,
        Some(MaterialWord::Carbide) | None => CutterMaterial::Carbide,
    };
    tool.holder = holder(&table.holder)?;
    Ok(tool)
}

fn shape(table: &ToolTable, assumed: &mut Vec<Assumed>) -> Result<CutterShape, String> {
    let angle = |usual_deg: f64, assumed: &mut Vec<Assumed>| {
        let deg = table.point_angle_deg.unwrap_or_else(|| {
            assumed.push(format!("T{} {}: point angle {usual_deg}°", table.number, table.name));
            usual_deg
        });
        if (1.0..180.0).contains(&deg) {
            Ok(Angle::rad(deg.to_radians()))
        } else {
            Err(format!("`point_angle_deg` is {deg}, expected 1 to below 180"))
        }
    };
    Ok(match table.shape {
        ShapeWord::Flat => CutterShape::Flat,
        ShapeWord::Ball => CutterShape::Ball,
        ShapeWord::BullNose => {
            let corner_mm = table.corner_radius_mm.ok_or("a bull nose needs `corner_radius_mm`")?;
            if !(0.0 < corner_mm && corner_mm < table.diameter_mm / 2.0) {
                return Err(format!("`corner_radius_mm` is {corner_mm}, expected above 0 and below half the diameter"));
            }
            CutterShape::BullNose { corner_radius: Length::mm(corner_mm) }
        }
        ShapeWord::Cone => CutterShape::Cone { point_angle: angle(90.0, assumed)? },
        ShapeWord::Drill => CutterShape::Drill { point_angle: angle(118.0, assumed)? },
    })
}

fn holder(sections: &[HolderTable]) -> Result<Vec<HolderSection>, String> {
    let read = |section: &HolderTable| {
        let figures = [section.diameter_low_mm, section.diameter_high_mm, section.length_mm];
        if figures.iter().any(|mm| !(0.0..=1000.0).contains(mm)) {
            return Err("a holder section has a figure outside 0 to 1000 mm".to_owned());
        }
        Ok(HolderSection {
            diameter_low: Length::mm(section.diameter_low_mm),
            diameter_high: Length::mm(section.diameter_high_mm),
            length: Length::mm(section.length_mm),
        })
    };
    sections.iter().map(read).collect()
}

fn bare(number: ToolNumber, name: &str, shape: CutterShape, diameter_mm: f64) -> Tool {
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

fn assume_flutes(tool: &mut Tool, assumed: &mut Vec<Assumed>) {
    let flutes = match tool.shape {
        CutterShape::Flat | CutterShape::BullNose { .. } => FLUTES_ASSUMED_END_MILL,
        CutterShape::Ball | CutterShape::Cone { .. } | CutterShape::Drill { .. } => FLUTES_ASSUMED_DRILL,
    };
    tool.flutes = Some(flutes);
    assumed.push(format!("{} {}: {flutes} flutes", tool.number, tool.name));
}

/// A tool from what a program's comment says of it; what the comment leaves open is filled in and said.
/// `None` where the comment names neither form nor diameter.
pub fn tool_from_comment(comment: &CommentTool, assumed: &mut Vec<Assumed>) -> Option<Tool> {
    let (shape, diameter) = (comment.shape?, comment.diameter?);
    let description = comment.description.trim();
    let mut tool = bare(comment.number, description, shape, diameter.as_mm());
    assumed.push(format!(
        "{} from the comment in line {} ({description}): {} of diameter {:.3} mm",
        comment.number,
        comment.line,
        shape_word(shape),
        diameter.as_mm()
    ));
    assumed.extend(comment.assumed.iter().map(|what| format!("{} {description}: {what}", comment.number)));
    match comment.flutes {
        Some(flutes) => tool.flutes = Some(flutes),
        None => assume_flutes(&mut tool, assumed),
    }
    assumed.push(format!(
        "{} {description}: stick-out {:.1} mm, cutting edge {:.1} mm, carbide, no holder geometry",
        comment.number,
        tool.stickout.as_mm(),
        tool.flute_length.as_mm()
    ));
    Some(tool)
}

/// A tool for a program that says nothing about it.
pub fn assume_tool(number: ToolNumber, assumed: &mut Vec<Assumed>) -> Tool {
    let mut tool = bare(number, "assumed end mill", CutterShape::Flat, DIAMETER_ASSUMED_MM);
    assumed.push(format!(
        "{number}: neither a tool table nor a comment describes it; taken as a flat end mill of diameter {DIAMETER_ASSUMED_MM} mm"
    ));
    assume_flutes(&mut tool, assumed);
    tool
}

fn shape_word(shape: CutterShape) -> &'static str {
    match shape {
        CutterShape::Flat => "flat end mill",
        CutterShape::Ball => "ball mill",
        CutterShape::BullNose { .. } => "bull-nose mill",
        CutterShape::Cone { .. } => "spot drill (cone)",
        CutterShape::Drill { .. } => "drill",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<ToolLibrary, Vec<Diagnostic>> {
        read_tools(FileText { name: "tools.toml", text })
    }

    #[test]
    fn what_a_table_leaves_open_is_filled_in_and_said() {
        let text = "schema = 1\n[[tool]]\nnumber = 3\nname = \"6 mm\"\nshape = \"flat\"\ndiameter_mm = 6.0\n";
        let (tools, assumed) = read(text).expect("valid");
        let tool = &tools[&ToolNumber(3)];
        assert_eq!((tool.flutes, tool.stickout.as_mm()), (Some(FLUTES_ASSUMED_END_MILL), 24.0));
        assert_eq!(assumed, ["T3 6 mm: 3 flutes"]);
    }

    #[test]
    fn impossible_figures_are_refused_by_tool() {
        let text = "schema = 1\n[[tool]]\nnumber = 3\nname = \"b\"\nshape = \"bull_nose\"\ndiameter_mm = 6.0\n";
        let error = &read(text).expect_err("no corner radius")[0];
        assert!(error.message.contains("T3") && error.message.contains("corner_radius_mm"), "{error}");
        assert!(read(&text.replace("6.0", "-1.0")).is_err());
        let twice =
            format!("{0}{1}{1}", "schema = 1\n", "[[tool]]\nnumber=1\nname=\"a\"\nshape=\"ball\"\ndiameter_mm=2.0\n");
        assert_eq!(read(&twice).expect_err("twice")[0].code, "tool::twice");
    }
}

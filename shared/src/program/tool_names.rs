//! Tools from their names: `T="BOHRER_D3.3_VHM"` of Siemens programs.
//!
//! Shops write kind and size into the name. German and English words for kinds are known, a size is `D` with a
//! number, in millimetres; an angle is a number before `GRAD` or `DEG`. Lists of tools are read elsewhere: they count
//! only where the user names them.

use super::comments::CommentTool;
use super::text::{Place, next_line};
use crate::ident::ToolNumber;
use crate::tool::CutterShape;
use crate::units::{Angle, Length};

const TOOLS_MAX: usize = 1000;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Ball,
    Spot,
    Drill,
    Flat,
}

/// Words that name a kind, the more special first.
const KINDS: [(&str, Kind); 20] = [
    ("KUGEL", Kind::Ball),
    ("BALL", Kind::Ball),
    ("ENTGRAT", Kind::Spot),
    ("ENTFRAES", Kind::Spot),
    ("DEBURR", Kind::Spot),
    ("FASEN", Kind::Spot),
    ("CHAMFER", Kind::Spot),
    ("ANBOHR", Kind::Spot),
    ("ZENTRIER", Kind::Spot),
    ("SPOT", Kind::Spot),
    ("SENKER", Kind::Spot),
    ("BOHRER", Kind::Drill),
    ("DRILL", Kind::Drill),
    ("SCHAFT", Kind::Flat),
    ("PLAN", Kind::Flat),
    ("FACE MILL", Kind::Flat),
    ("END MILL", Kind::Flat),
    ("ENDMILL", Kind::Flat),
    ("FRAES", Kind::Flat),
    ("MILL", Kind::Flat),
];

/// The names by which a program calls its tools, in the order of the text.
pub fn tool_names(text: &[u8]) -> Vec<String> {
    named_lines(text).into_iter().map(|(name, _)| name).collect()
}

/// The tools a program calls by name, numbered from 1 in the order of the text. What the names leave open is said
/// tool by tool.
pub fn tools_from_names(text: &[u8]) -> Vec<CommentTool> {
    named_lines(text).iter().zip(1..).map(|((name, line), number)| describe(number, name, *line)).collect()
}

fn named_lines(text: &[u8]) -> Vec<(String, u32)> {
    let mut names: Vec<(String, u32)> = Vec::new();
    let mut place = Place::default();
    while let Some(line) = next_line(text, &mut place) {
        let Some(called) = called_by_name(&text[line.range]) else { continue };
        if names.len() < TOOLS_MAX && names.iter().all(|(known, _)| *known != called) {
            names.push((called, line.number));
        }
    }
    names
}

/// The name behind `T=` in a line of code.
fn called_by_name(line: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(line);
    let at = text.find("T=\"").or_else(|| text.find("t=\""))?;
    let is_code = !text[..at].contains([';', '(', '"']) && !text[..at].ends_with(|c: char| c.is_ascii_alphanumeric());
    let name = text[at + 3..].split('"').next()?.trim();
    (is_code && !name.is_empty()).then(|| name.to_owned())
}

fn describe(number: u32, name: &str, line: u32) -> CommentTool {
    let mut assumed = Vec::new();
    let upper = name.to_ascii_uppercase();
    let kind = KINDS.iter().find(|(word, _)| upper.contains(word));
    let diameter_mm = number_in(&upper, "D").filter(|size| *size > 0.0 && *size < 1000.0);
    if let Some(size) = diameter_mm {
        assumed.push(format!("D{size} in the name is read as a diameter of {size} mm"));
    }
    let angle_deg = ["GRAD", "DEG"].iter().find_map(|word| number_before(&upper, word));
    let mut angle = |default_deg: f64| {
        let degrees = angle_deg.filter(|degrees| *degrees > 0.0 && *degrees < 180.0).unwrap_or_else(|| {
            assumed.push(format!("a point angle of {default_deg}° is assumed"));
            default_deg
        });
        Angle::rad(degrees.to_radians())
    };
    let shape = kind.map(|(_, kind)| match kind {
        Kind::Ball => CutterShape::Ball,
        Kind::Spot => CutterShape::Cone { point_angle: angle(90.0) },
        Kind::Drill => CutterShape::Drill { point_angle: angle(118.0) },
        Kind::Flat => CutterShape::Flat,
    });
    CommentTool {
        number: ToolNumber(number),
        description: name.to_owned(),
        shape,
        diameter: diameter_mm.map(Length::mm),
        flutes: number_in(&upper, "Z")
            .filter(|count| count.fract() == 0.0 && (1.0..=40.0).contains(count))
            .map(|count| count as u32),
        line,
        assumed,
    }
}

/// The number of the part of a name that is a letter and a number: 3.3 of `BOHRER_D3.3_VHM` and D.
fn number_in(name: &str, letter: &str) -> Option<f64> {
    name.split(['_', '-', ' ']).find_map(|part| {
        let digits = part.strip_prefix(letter)?;
        digits.starts_with(|c: char| c.is_ascii_digit()).then(|| digits.replace(',', ".").parse().ok())?
    })
}

/// The number in front of a word: 90 of `90GRAD`.
fn number_before(name: &str, word: &str) -> Option<f64> {
    let before = &name[..name.find(word)?];
    let start = before.rfind(|c: char| !(c.is_ascii_digit() || c == '.')).map_or(0, |at| at + 1);
    before[start..].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_tools() {
        let check = |name: &str, expected: Option<CutterShape>, diameter_mm: Option<f64>| {
            let text = format!("N10 T=\"{name}\" ; comment\nN20 T=\"{name}\"\n");
            let tools = tools_from_names(text.as_bytes());
            assert_eq!(tools.len(), 1, "{name}: one tool, called twice");
            assert_eq!((tools[0].shape, tools[0].diameter.map(|size| size.as_mm())), (expected, diameter_mm), "{name}");
        };
        let degrees = |angle: f64| Angle::rad(angle.to_radians());
        check("SCHAFT_D8_N_AP20", Some(CutterShape::Flat), Some(8.0));
        check("BOHRER_D3.3_VHM", Some(CutterShape::Drill { point_angle: degrees(118.0) }), Some(3.3));
        check("ENTFRAESER_D8_60GRAD", Some(CutterShape::Cone { point_angle: degrees(60.0) }), Some(8.0));
        check("PLAN_D50_N_AP4", Some(CutterShape::Flat), Some(50.0));
        check("KUGELFRAESER_D6", Some(CutterShape::Ball), Some(6.0));
        check("WERKZEUG7", None, None);
        assert_eq!(tools_from_names(b"MSG(\"T=\"\"X\"\")\n;T=\"Y\"\nCUT=\"Z\"\n"), []);
    }
}

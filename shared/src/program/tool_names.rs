//! Tools from their names: `T="BOHRER_D3.3_VHM"` of Siemens programs, with a list of tools beside them.
//!
//! Shops write kind and size into the name. German and English words for kinds are known, a size is `D` with a
//! number, in millimetres; an angle is a number before `GRAD` or `DEG`. A list is a text of fields separated by
//! semicolons or commas whose first line names them: the name in the first field, the kind in a field named
//! `type`. Numbers are those the interpreter gives: the order of the first use, from 1.

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

/// The tools a program calls by name, in the order of their first use; `list` is the list beside it, where there
/// is one. What the names leave open is said tool by tool.
pub fn tools_from_names(name: &str, text: &[u8], list: Option<&[u8]>) -> Vec<CommentTool> {
    let mut tools: Vec<CommentTool> = Vec::new();
    let mut names: Vec<String> = Vec::new();
    let mut place = Place::default();
    while let Some(line) = next_line(text, &mut place) {
        let Some(called) = called_by_name(&text[line.range]) else { continue };
        if names.contains(&called) || tools.len() >= TOOLS_MAX {
            continue;
        }
        let number = names.len() as u32 + 1;
        let row = list.and_then(|list| row_of(list, &called));
        tools.push(describe(name, number, &called, row.as_ref(), line.number));
        names.push(called);
    }
    tools
}

/// The name behind `T=` in a line of code.
fn called_by_name(line: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(line);
    let at = text.find("T=\"").or_else(|| text.find("t=\""))?;
    let is_code = !text[..at].contains([';', '(', '"']) && !text[..at].ends_with(|c: char| c.is_ascii_alphanumeric());
    let name = text[at + 3..].split('"').next()?.trim();
    (is_code && !name.is_empty()).then(|| name.to_owned())
}

/// What a list says of a tool.
struct Row {
    kind: String,
    product: String,
}

fn row_of(list: &[u8], name: &str) -> Option<Row> {
    let text = String::from_utf8_lossy(list);
    let mut lines = text.trim_start_matches('\u{feff}').lines();
    let head = lines.next()?;
    let separator = if head.contains(';') { ';' } else { ',' };
    let titles: Vec<String> = head.split(separator).map(|title| title.trim().to_ascii_lowercase()).collect();
    let column = |words: &[&str]| titles.iter().position(|title| words.iter().all(|word| title.contains(word)));
    let (kind, maker, code) =
        (column(&["type", "english"]).or(column(&["type"])), column(&["manufacturer"]), column(&["product"]));
    lines.find_map(|line| {
        let fields: Vec<&str> = line.split(separator).map(str::trim).collect();
        let field = |column: Option<usize>| column.and_then(|at| fields.get(at).copied()).unwrap_or("").to_owned();
        (fields.first() == Some(&name))
            .then(|| Row { kind: field(kind), product: format!("{} {}", field(maker), field(code)).trim().to_owned() })
    })
}

fn describe(program: &str, number: u32, name: &str, row: Option<&Row>, line: u32) -> CommentTool {
    let mut assumed = Vec::new();
    let upper = name.to_ascii_uppercase();
    let listed = row.map(|row| row.kind.to_ascii_uppercase()).unwrap_or_default();
    let kind = KINDS
        .iter()
        .find(|(word, _)| listed.contains(word))
        .or_else(|| KINDS.iter().find(|(word, _)| upper.contains(word)));
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
    for sentence in &mut assumed {
        *sentence = format!("{program}:{line}: T=\"{name}\": {sentence}");
    }
    let description = match row {
        Some(row) => format!("{name}: {}, {}", row.kind, row.product),
        None => name.to_owned(),
    };
    CommentTool {
        number: ToolNumber(number),
        description,
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
            let tools = tools_from_names("p", text.as_bytes(), None);
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
        assert_eq!(tools_from_names("p", b"MSG(\"T=\"\"X\"\")\n;T=\"Y\"\nCUT=\"Z\"\n", None), []);
    }
}

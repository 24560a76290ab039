//! Tools from the comments that posts write.
//!
//! There is no standard, but four habits cover most programs: Mastercam's list `(T23| 1/8 SPOTDRILL|H0)`,
//! Fusion's `(T3 D=0.125 CR=0.0625 - ZMIN=-0.54 - BALL END MILL)`, a comment beside the tool word
//! (`T1M6(FREZA D5)`), and a comment a few lines before it (`( 1/4" DIA. 2 FLUTE E.M. )`). What is read is
//! returned; what had to be assumed is said tool by tool; what is not understood stays `None`.

use super::number;
use super::text::{Place, next_line};
use crate::ident::ToolNumber;
use crate::tool::{CutterShape, SpecialCutter};
use crate::units::{Angle, Length};

/// A description in a comment holds for a T word at most so many lines below it.
const LINES_TO_TOOL_MAX: u32 = 6;
/// Tools returned at most.
const TOOLS_MAX: usize = 1000;
const MM_PER_INCH: f64 = 25.4;

/// What a comment says about a tool.
#[derive(Clone, Debug, PartialEq)]
pub struct CommentTool {
    /// Its number.
    pub number: ToolNumber,
    /// The text that describes it.
    pub description: String,
    /// Form of the cutting end; `None` where no known word names it.
    pub shape: Option<CutterShape>,
    /// DC; `None` where it is not given or its unit is not clear.
    pub diameter: Option<Length>,
    /// ZEFP, where it is given.
    pub flutes: Option<u32>,
    /// Line of the comment, from 1.
    pub line: u32,
    /// What the comment leaves open and was assumed, in sentences without place and number.
    pub assumed: Vec<String>,
}

/// The tools a program's comments describe, the first description of each number, in order of the text.
///
/// Numbers without a unit are in the program's unit (its first G20 or G21); fractions such as 1/8 are inches.
pub fn tools_from_comments(text: &[u8]) -> Vec<CommentTool> {
    let unit_mm = unit_of_program(text);
    let mut tools: Vec<CommentTool> = super::tool_names::tools_from_names(text);
    let mut waiting: Option<(String, u32)> = None;
    let mut place = Place::default();
    while let Some(line) = next_line(text, &mut place) {
        let (code, comment) = split(&text[line.range.clone()]);
        let number_of_line = tool_word(&code);
        let mut add = |number: u32, description: &str, at: u32| {
            let is_known = tools.iter().any(|tool| tool.number.0 == number);
            if !is_known && tools.len() < TOOLS_MAX {
                tools.extend(describe(number, description, at, unit_mm));
            }
        };
        if let Some((number, description)) = listed(&comment) {
            add(number, &description, line.number);
            continue;
        }
        match (number_of_line, comment.is_empty()) {
            (Some(number), false) => add(number, &comment, line.number),
            (Some(number), true) => {
                if let Some((description, at)) = waiting.take().filter(|(_, at)| at + LINES_TO_TOOL_MAX >= line.number)
                {
                    add(number, &description, at);
                }
            }
            (None, false) if code.is_empty() && names_a_tool(&comment, unit_mm) => {
                // The tool comes first; what it does there, with sizes of its own, follows.
                waiting =
                    waiting.filter(|(_, at)| at + LINES_TO_TOOL_MAX >= line.number).or(Some((comment, line.number)));
            }
            _ => {}
        }
    }
    tools
}

/// Millimetres in the unit of the first G20 or G21.
fn unit_of_program(text: &[u8]) -> Option<f64> {
    let mut place = Place::default();
    while let Some(line) = next_line(text, &mut place) {
        let (code, _) = split(&text[line.range]);
        for (word, mm) in [("G20", MM_PER_INCH), ("G21", 1.0), ("G70", MM_PER_INCH), ("G71", 1.0)] {
            let Some(at) = code.find(word) else { continue };
            if !code[at + word.len()..].starts_with(|next: char| next.is_ascii_digit() || next == '.') {
                return Some(mm);
            }
        }
    }
    None
}

/// The line without comments, in upper case and without blanks, and its first comment in upper case.
fn split(line: &[u8]) -> (String, String) {
    let (mut code, mut comment) = (String::new(), String::new());
    let mut is_inside = false;
    for byte in line {
        match byte {
            b'(' if !is_inside => is_inside = true,
            b')' if is_inside => {
                is_inside = false;
                comment.push(' ');
            }
            b';' if !is_inside => is_inside = true,
            byte if is_inside => comment.push(char::from(byte.to_ascii_uppercase())),
            byte if !number::is_blank(*byte) => code.push(char::from(byte.to_ascii_uppercase())),
            _ => {}
        }
    }
    (code, comment.trim().to_owned())
}

/// The number of the T word in a line of code.
fn tool_word(code: &str) -> Option<u32> {
    let at = code.find('T')?;
    let is_word = !code[..at].ends_with(|before: char| before.is_ascii_alphabetic());
    leading_number(&code[at + 1..]).filter(|_| is_word).map(|(number, _)| number)
}

fn leading_number(text: &str) -> Option<(u32, &str)> {
    let length = text.bytes().take_while(u8::is_ascii_digit).count();
    text[..length].parse().ok().map(|number| (number, &text[length..]))
}

/// `T23| 1/8 SPOTDRILL|H0` or `T3 D=0.125 - BALL END MILL`: number and description.
fn listed(comment: &str) -> Option<(u32, String)> {
    let rest = comment.strip_prefix("TOOL").or_else(|| comment.strip_prefix('T'))?.trim_start();
    let (number, rest) = leading_number(rest)?;
    if let Some(fields) = rest.trim_start().strip_prefix('|') {
        // Of the fields, the first describes; stock to leave and offsets follow.
        return Some((number, fields.split('|').next().unwrap_or("").trim().to_owned()));
    }
    let is_separated = rest.starts_with([' ', '-', ':', '=']);
    let description = rest.trim_start_matches([' ', '-', ':', '=']).trim();
    (is_separated && !description.is_empty()).then(|| (number, description.to_owned()))
}

fn names_a_tool(comment: &str, unit_mm: Option<f64>) -> bool {
    if comment.contains("HOLE") {
        return false;
    }
    let mut assumed = Vec::new();
    let size = diameter_of(comment, unit_mm, &mut assumed);
    kind_of(comment).is_some() && (size.is_some() || comment.contains('#') || comment.contains("LET"))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Ball,
    Bull,
    Spot,
    Drill,
    Special(SpecialCutter),
    Flat,
}

/// Words that name a kind, the more special first.
const KINDS: [(&str, Kind); 49] = [
    ("THREAD MILL", Kind::Special(SpecialCutter::ThreadMill)),
    ("THREADMILL", Kind::Special(SpecialCutter::ThreadMill)),
    ("GEWINDEFR", Kind::Special(SpecialCutter::ThreadMill)),
    ("TAP DRILL", Kind::Drill),
    ("GEWINDE", Kind::Special(SpecialCutter::Tap)),
    ("TAPPING", Kind::Special(SpecialCutter::Tap)),
    ("TARAUD", Kind::Special(SpecialCutter::Tap)),
    ("MASCHIO", Kind::Special(SpecialCutter::Tap)),
    ("MACHO", Kind::Special(SpecialCutter::Tap)),
    ("REIBAHLE", Kind::Special(SpecialCutter::Reamer)),
    ("ALESOIR", Kind::Special(SpecialCutter::Reamer)),
    ("ALESATORE", Kind::Special(SpecialCutter::Reamer)),
    ("ESCARIADOR", Kind::Special(SpecialCutter::Reamer)),
    ("DOVETAIL", Kind::Special(SpecialCutter::Other)),
    ("LOLLIPOP", Kind::Special(SpecialCutter::Other)),
    ("KUGELFR", Kind::Ball),
    ("TORUSFR", Kind::Bull),
    ("ANBOHRER", Kind::Spot),
    ("ZENTRIERBOHRER", Kind::Spot),
    ("SENKER", Kind::Spot),
    ("FASENFR", Kind::Spot),
    ("ENTGRATER", Kind::Spot),
    ("ENTFRAESER", Kind::Spot),
    ("DEBURR", Kind::Spot),
    ("BALL", Kind::Ball),
    ("BULL", Kind::Bull),
    ("SPOT", Kind::Spot),
    ("CENTER DRILL", Kind::Spot),
    ("CENTRE DRILL", Kind::Spot),
    ("CHAMFER", Kind::Spot),
    ("ENGRAV", Kind::Spot),
    ("V-BIT", Kind::Spot),
    ("COUNTERSINK", Kind::Spot),
    ("REAM", Kind::Special(SpecialCutter::Reamer)),
    ("DRILL", Kind::Drill),
    ("BOHRER", Kind::Drill),
    ("FACE MILL", Kind::Flat),
    ("FACEMILL", Kind::Flat),
    ("END MILL", Kind::Flat),
    ("ENDMILL", Kind::Flat),
    ("FLAT", Kind::Flat),
    ("SLOT MILL", Kind::Flat),
    ("E.M.", Kind::Flat),
    (" EM", Kind::Flat),
    ("MM EM", Kind::Flat),
    ("FREZA", Kind::Flat),
    ("FRAISE", Kind::Flat),
    ("SCHAFTFR", Kind::Flat),
    ("PLANFR", Kind::Flat),
];

fn kind_of(text: &str) -> Option<Kind> {
    let named = KINDS.iter().find(|(word, _)| text.contains(word)).map(|(_, kind)| *kind);
    // `TAP` begins `TAPER`, which many lists give with every tool.
    let tap = || text.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == "TAP");
    named.or_else(|| tap().then_some(Kind::Special(SpecialCutter::Tap)))
}

/// What a text in anybody's words says about a tool, with sizes in `unit_mm` where the text gives no unit.
pub fn tool_from_words(number: ToolNumber, text: &str, line: u32, unit_mm: Option<f64>) -> CommentTool {
    let text = text.to_ascii_uppercase();
    let mut assumed = Vec::new();
    let diameter_mm = diameter_of(&text, unit_mm, &mut assumed);
    let shape = shape_of(kind_of(&text), &text, diameter_mm, unit_mm, &mut assumed);
    let diameter = diameter_mm.map(Length::mm);
    let flutes = flutes_of(&text);
    CommentTool { number, description: text, shape, diameter, flutes, line, assumed }
}

fn describe(number: u32, text: &str, line: u32, unit_mm: Option<f64>) -> Option<CommentTool> {
    let tool = tool_from_words(ToolNumber(number), text, line, unit_mm);
    (kind_of(&tool.description).is_some() || tool.diameter.is_some()).then_some(tool)
}

fn shape_of(
    kind: Option<Kind>,
    text: &str,
    diameter_mm: Option<f64>,
    unit_mm: Option<f64>,
    assumed: &mut Vec<String>,
) -> Option<CutterShape> {
    let mut angle = |default_deg: f64, what: &str| {
        let degrees = key(text, "TAPER=").map(|(value, _)| value).filter(|value| *value > 0.0 && *value < 180.0);
        let degrees = degrees.or_else(|| angle_word(text)).unwrap_or_else(|| {
            assumed.push(format!("a point angle of {default_deg}° is assumed for the {what}"));
            default_deg
        });
        Angle::rad(degrees.to_radians())
    };
    match kind? {
        Kind::Ball => Some(CutterShape::Ball),
        Kind::Spot => Some(CutterShape::Cone { point_angle: angle(90.0, "spot drill") }),
        Kind::Drill => Some(CutterShape::Drill { point_angle: angle(118.0, "drill") }),
        Kind::Special(special) => Some(CutterShape::Special(special)),
        kind => {
            let corner_mm = corner_of(text, unit_mm).filter(|corner_mm| *corner_mm > 0.0);
            let half_mm = diameter_mm.map_or(f64::INFINITY, |diameter_mm| 0.5 * diameter_mm);
            match corner_mm {
                Some(corner_mm) if corner_mm >= half_mm * 0.999 => Some(CutterShape::Ball),
                Some(corner_mm) => Some(CutterShape::BullNose { corner_radius: Length::mm(corner_mm) }),
                None if kind == Kind::Bull => {
                    assumed.push("a bull-nose cutter without its corner radius cannot be modelled".to_owned());
                    None
                }
                None => Some(CutterShape::Flat),
            }
        }
    }
}

/// Corner radius in mm: `CR=0.5`, `R1`, `X .032" RADIUS`.
fn corner_of(text: &str, unit_mm: Option<f64>) -> Option<f64> {
    if let Some((value, rest)) = key(text, "CR=") {
        return in_mm(value, rest, false, unit_mm);
    }
    for (at, _) in text.match_indices('R') {
        let is_word = at > 0 && text[..at].ends_with([' ', ',', 'X']);
        if let Some((value, is_fraction, rest)) = quantity(&text[at + 1..]).filter(|_| is_word) {
            let own = in_mm(value, rest, is_fraction, None);
            // `10MM BULL R1`: a unit once in the text holds for its other numbers.
            return own
                .or_else(|| text.contains("MM").then_some(value))
                .or_else(|| in_mm(value, rest, is_fraction, unit_mm));
        }
    }
    let before = &text[..text.find("RADIUS")?];
    let start = before.trim_end_matches([' ', '"']).rfind([' ', 'X']).map_or(0, |at| at + 1);
    let (value, is_fraction, rest) = quantity(&before[start..])?;
    in_mm(value, rest, is_fraction, unit_mm)
}

fn flutes_of(text: &str) -> Option<u32> {
    let at = ["FLUTE", "FLT", "FL "].iter().find_map(|word| text.find(word))?;
    let before = text[..at].trim_end_matches([' ', '-']);
    let start = before.rfind(|c: char| !c.is_ascii_digit()).map_or(0, |at| at + 1);
    before[start..].parse().ok().filter(|count| (1..=40).contains(count))
}

/// Diameter in mm: `D=0.125`, `6MM`, `1/8`, `.093`, `D26`.
fn diameter_of(text: &str, unit_mm: Option<f64>, assumed: &mut Vec<String>) -> Option<f64> {
    let found = key(text, "D=").map(|(value, rest)| (value, false, rest)).or_else(|| first_quantity(text));
    let (value, is_fraction, rest) = found?;
    if value <= 0.0 {
        return None;
    }
    let size = in_mm(value, rest, is_fraction, unit_mm);
    if size.is_none() {
        assumed
            .push(format!("the diameter {value} has no unit and the program says neither G20 nor G21; it is not used"));
    }
    size.filter(|size_mm| *size_mm < 1000.0)
}

/// The first number that can be a size: not part of a word, not a count of flutes, not a gauge (`#30`).
fn first_quantity(text: &str) -> Option<(f64, bool, &str)> {
    for (at, letter) in text.char_indices() {
        let before = &text[..at];
        let is_start = letter.is_ascii_digit() || letter == '.';
        let is_alone = before.is_empty() || before.ends_with([' ', ',', 'Ø', '|']);
        let is_diameter =
            before.ends_with('D') && (before.len() == 1 || before[..before.len() - 1].ends_with([' ', ',']));
        if !is_start || !(is_alone || is_diameter) {
            continue;
        }
        let Some((value, is_fraction, rest)) = quantity(&text[at..]) else { continue };
        let next = rest.trim_start_matches([' ', '-']);
        let is_other = ["FLUTE", "FLT", "FL ", "DEG", "°", "TPI", "GRAD"].iter().any(|word| next.starts_with(word));
        // Digits that run on into letters are a name, such as `3D`, unless the letters are a unit.
        let runs_on =
            rest.starts_with(|c: char| c.is_ascii_alphabetic()) && !rest.starts_with("MM") && !rest.starts_with("IN");
        // `004` is the number of something.
        let is_number = text[at..].starts_with("00");
        if !is_other && !runs_on && !is_number {
            return Some((value, is_fraction, rest));
        }
    }
    None
}

fn angle_word(text: &str) -> Option<f64> {
    let at = ["DEG", "°", "GRAD"].iter().find_map(|word| text.find(word))?;
    let before = text[..at].trim_end_matches([' ', '-']);
    let start = before.rfind(|c: char| !(c.is_ascii_digit() || c == '.')).map_or(0, |at| at + 1);
    before[start..].parse().ok().filter(|degrees| *degrees > 0.0 && *degrees < 180.0)
}

/// The number behind a key such as `D=`, and the text behind it. The key must not end another word.
fn key<'t>(text: &'t str, name: &str) -> Option<(f64, &'t str)> {
    for (at, _) in text.match_indices(name) {
        if at == 0 || text[..at].ends_with([' ', ',', '|']) {
            return quantity(&text[at + name.len()..]).map(|(value, _, rest)| (value, rest));
        }
    }
    None
}

/// A number at the start of a text: `6`, `.093`, `1/8`, `1-1/2`; whether it is a fraction; the text behind.
fn quantity(text: &str) -> Option<(f64, bool, &str)> {
    let (first, rest) = decimal(text)?;
    if let Some((below, after)) = rest.strip_prefix('/').and_then(decimal) {
        return (below > 0.0).then(|| (first / below, true, after));
    }
    // `1-1/2` and `1 1/2`.
    if let Some((above, below, after)) = rest.strip_prefix(['-', ' ']).and_then(|text| {
        let (above, rest) = decimal(text)?;
        let (below, after) = decimal(rest.strip_prefix('/')?)?;
        Some((above, below, after))
    }) {
        return (below > 0.0).then(|| (first + above / below, true, after));
    }
    Some((first, false, rest))
}

fn decimal(text: &str) -> Option<(f64, &str)> {
    let length = text.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b'.').count();
    text[..length].parse().ok().map(|value| (value, &text[length..]))
}

/// A number in mm by the unit behind it, by being a fraction (inch), or by the program's unit.
fn in_mm(value: f64, rest: &str, is_fraction: bool, unit_mm: Option<f64>) -> Option<f64> {
    let next = rest.trim_start();
    if next.starts_with("MM") {
        return Some(value);
    }
    if is_fraction || next.starts_with(['"', '\'']) || next.starts_with("IN ") || next.starts_with("INCH") {
        return Some(value * MM_PER_INCH);
    }
    unit_mm.map(|unit_mm| value * unit_mm)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let tools = tools_from_comments(text.as_bytes());
        let rows: Vec<String> = tools
            .iter()
            .map(|tool| {
                let shape = match tool.shape {
                    None => "?".to_owned(),
                    Some(CutterShape::Flat) => "flat".to_owned(),
                    Some(CutterShape::Ball) => "ball".to_owned(),
                    Some(CutterShape::BullNose { corner_radius }) => format!("bull {:.3}", corner_radius.as_mm()),
                    Some(CutterShape::Cone { point_angle }) => format!("cone {:.0}", point_angle.as_rad().to_degrees()),
                    Some(CutterShape::Drill { point_angle }) => {
                        format!("drill {:.0}", point_angle.as_rad().to_degrees())
                    }
                    Some(special) => special.name().to_owned(),
                };
                let diameter = tool.diameter.map_or("?".to_owned(), |diameter| format!("{:.3}", diameter.as_mm()));
                let flutes = tool.flutes.map_or(String::new(), |count| format!(" z{count}"));
                format!("T{} {shape} {diameter}{flutes} assumed {}", tool.number.0, tool.assumed.len())
            })
            .collect();
        assert_eq!(rows.join("; "), expected, "{text:?}");
    }

    #[test]
    fn styles_of_posts() {
        check("G20\n(T23| 1/8 SPOTDRILL|H0)", "T23 cone 90 3.175 assumed 1");
        check("G20\n(T3|6MM EM|H0)", "T3 flat 6.000 assumed 0");
        check("G20\n(T15|3\" FACE MILL|H313)", "T15 flat 76.200 assumed 0");
        check("G20\n(T3| 1/2 FLAT ENDMILL|H0|XY STOCK TO LEAVE - -.0005|Z STOCK)", "T3 flat 12.700 assumed 0");
        check("G20\n(T1|.093 FLAT ENDMILL|H0)", "T1 flat 2.362 assumed 0");
        check("G20\n(T3 D=0.125 CR=0.0625 - ZMIN=-0.54 - BALL END MILL)", "T3 ball 3.175 assumed 0");
        check("(T1 D=10. CR=0. TAPER=118deg - ZMIN=-5 - flat end mill)\nG21", "T1 flat 10.000 assumed 0");
        check("G21\n(T5 D=5. CR=0. TAPER=118deg - ZMIN=-9 - drill)", "T5 drill 118 5.000 assumed 0");
        check("G21\n(T2 D=12. CR=1.5 - ZMIN=-5 - bullnose end mill)", "T2 bull 1.500 12.000 assumed 0");
        check("G20\n(T7 1/2 BALL)", "T7 ball 12.700 assumed 0");
        check("G20\n(T8 3/8 DRILL)", "T8 drill 118 9.525 assumed 1");
        check("G20\n(T9 - .25 EM)", "T9 flat 6.350 assumed 0");
        check("G20\n(T4 10MM BULL R1)", "T4 bull 1.000 10.000 assumed 0");
        check("G21\nT1M6(FREZA D5)\n", "T1 flat 5.000 assumed 0");
        check("G21\n(TOOL 6 - 8MM 3 FLUTE ENDMILL)", "T6 flat 8.000 z3 assumed 0");
        check("G21\nT2 M6 ; 60 DEG V-BIT 6MM\n", "T2 cone 60 6.000 assumed 0");
    }

    #[test]
    fn taps_reamers_and_thread_mills_have_their_own_kind() {
        check("G21\n(TOOL 6 - 6MM TAP)", "T6 tap 6.000 assumed 0");
        check("G20\n(T6| 1/4-20 TAP|H6)", "T6 tap 6.350 assumed 0");
        check("G21\n(T5 D=5. CR=0. TAPER=118deg - ZMIN=-9 - right hand tap)", "T5 tap 5.000 assumed 0");
        check("G21\n(T5 D=5. CR=0. - thread mill)", "T5 thread mill 5.000 assumed 0");
        check("G20\n(T7| 1/4 REAMER|H0)", "T7 reamer 6.350 assumed 0");
        check("G20\n(T3|.201 TAP DRILL|H0)", "T3 drill 118 5.105 assumed 1");
        check("G21\nT4 M6 (D8 MASCHIO)", "T4 tap 8.000 assumed 0");
        check("G21\nT4 M6 (D8 SONDERWERKZEUG)", "T4 ? 8.000 assumed 0");
    }

    #[test]
    fn a_comment_before_the_tool_word() {
        check(
            "G20\n( 1/4\" DIA. 2 FLUTE STUBBY FULLERTON E.M.   )\n( REV. )\nN102 T3\nN103 M6\nN104 T17\n",
            "T3 flat 6.350 z2 assumed 0",
        );
        check(
            "G20\n( 1/4\" DIA. X .032\" RADIUS 2 FLUTE STUBBY BULLNOSE E.M.   )\nN102 T4\n",
            "T4 bull 0.813 6.350 z2 assumed 0",
        );
        check("G20\n( 5/16\" X 90DEG SPOT DRILL )\n( SPOT 2X .2495\" HOLES )\nN295 T8", "T8 cone 90 7.938 assumed 0");
        check("G20\n( #30 DRILL   )\nN1 T9\n", "T9 drill 118 ? assumed 1");
    }

    #[test]
    fn what_is_no_tool_is_none() {
        check("(TEST CYCLE)\n(THE 3 SIDES)\n(T)\nG0 X1", "");
        check("(T1 10 EM)\nG0 X1", "T1 flat ? assumed 1");
        check("G21\nT1M6(UGT0212 004)", "");
        check("G21\n(T1 D=0. - flat end mill)", "T1 flat ? assumed 0");
    }
}

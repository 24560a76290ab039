//! CSV lists of tools, as shops keep them for Siemens controls, which call a tool by its name.
//!
//! The first line names the columns, in the common English and German spellings; the separator is whichever of `;`, tab
//! and `,` stands most often in it; numbers may have a decimal comma. A unit may stand in a heading (`Länge [mm]`) or in a
//! column of its own. Siemens' numeric tool types are understood. What the columns leave open is read from
//! the name (`SCHAFT_D8_N_AP20`: D and greatest depth of cut), and said.

use shared::files::ShapeWord;
use shared::ident::ToolNumber;
use shared::program::{Diagnostic, Span, tool_from_words};

use super::sheet::{Draft, Sheet};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    Name,
    Number,
    Type,
    Diameter,
    Radius,
    CornerRadius,
    Length,
    FluteLength,
    PointAngle,
    Flutes,
    Unit,
}

/// Headings by column, in lower case without blanks and signs.
const HEADINGS: [(Column, &[&str]); 11] = [
    (
        Column::Name,
        &["name", "toolname", "tool", "werkzeugname", "werkzeug", "bezeichner", "bezeichnung", "ident", "identifier"],
    ),
    (
        Column::Number,
        &["number", "toolnumber", "no", "nr", "t", "tnumber", "tnr", "nummer", "werkzeugnummer", "toolno"],
    ),
    (Column::Type, &["type", "tooltype", "typ", "werkzeugtyp", "shape", "form", "tooltypeenglish", "tooltypegerman"]),
    (Column::Diameter, &["diameter", "durchmesser", "d", "dc", "ø", "dia", "tooldiameter", "werkzeugdurchmesser"]),
    (Column::Radius, &["radius", "toolradius", "werkzeugradius"]),
    (Column::CornerRadius, &["cornerradius", "eckenradius", "eckradius", "re", "cr", "r", "verrundungsradius"]),
    (
        Column::Length,
        &["length", "länge", "laenge", "l", "length1", "länge1", "laenge1", "l1", "toollength", "werkzeuglänge"],
    ),
    (Column::FluteLength, &["flutelength", "cuttinglength", "schneidenlänge", "schneidenlaenge", "apmx", "lcf", "ap"]),
    (Column::PointAngle, &["pointangle", "angle", "spitzenwinkel", "winkel", "tipangle", "sig"]),
    (
        Column::Flutes,
        &[
            "flutes",
            "teeth",
            "z",
            "nof",
            "zähne",
            "zaehne",
            "zähnezahl",
            "zaehnezahl",
            "schneiden",
            "schneidenzahl",
            "numberofflutes",
            "numberofteeth",
        ],
    ),
    (Column::Unit, &["unit", "units", "einheit"]),
];

/// Siemens' tool types.
const SIEMENS_TYPES: [(u32, ShapeWord); 19] = [
    (100, ShapeWord::Flat),
    (110, ShapeWord::Ball),
    (111, ShapeWord::Ball),
    (120, ShapeWord::Flat),
    (121, ShapeWord::BullNose),
    (130, ShapeWord::Flat),
    (131, ShapeWord::BullNose),
    (140, ShapeWord::Flat),
    (145, ShapeWord::ThreadMill),
    (150, ShapeWord::Other),
    (155, ShapeWord::Other),
    (200, ShapeWord::Drill),
    (205, ShapeWord::Drill),
    (220, ShapeWord::Cone),
    (230, ShapeWord::Cone),
    (240, ShapeWord::Tap),
    (241, ShapeWord::Tap),
    (242, ShapeWord::Tap),
    (250, ShapeWord::Reamer),
];

/// A column that is used: where it stands, what it is, and the unit its heading gives, in mm.
struct Used {
    index: usize,
    column: Column,
    unit_mm: Option<f64>,
}

/// One field with its place in the file.
struct Field {
    text: String,
    span: Span,
}

/// Reads the whole list; what is wrong is collected in the sheet.
pub(super) fn read(sheet: &mut Sheet<'_>) -> Result<(), Box<Diagnostic>> {
    let text = sheet.text.text;
    if let Some(at) = text.find('\0') {
        let message = "there is a zero byte here".to_owned();
        sheet.error(
            Span { start: at, len: 1 },
            "tool::csv",
            message,
            "remove it; the file may be damaged or not be text",
        );
        return Ok(());
    }
    let mut start = 0;
    let mut layout: Option<(char, Vec<Used>)> = None;
    for line in text.split_inclusive('\n') {
        let row = line.trim_end_matches(['\n', '\r']);
        let at = start;
        start += line.len();
        if row.trim_matches([';', ',', '\t', ' ']).is_empty() {
            continue;
        }
        match &layout {
            None => {
                let separator = separator(row);
                let used = headings(sheet, &fields(row, at, separator), at);
                let has_key = used.iter().any(|used| matches!(used.column, Column::Name | Column::Number));
                if !has_key {
                    let message = "no column of the first line is a tool's name or number".to_owned();
                    let advice = "name the columns: name, number, type, diameter, corner radius, length, flutes";
                    sheet.error(Span { start: at, len: row.len() }, "tool::csv", message, advice);
                    return Ok(());
                }
                layout = Some((separator, used));
            }
            Some((separator, used)) => {
                one_tool(sheet, &fields(row, at, *separator), used, Span { start: at, len: row.len() })
            }
        }
    }
    Ok(())
}

fn separator(heading: &str) -> char {
    let count = |separator: char| heading.matches(separator).count();
    [';', '\t', ','].into_iter().rev().max_by_key(|separator| count(*separator)).unwrap_or(';')
}

/// The fields of a row; a field in quotes may hold the separator, and quotes written twice.
fn fields(row: &str, start: usize, separator: char) -> Vec<Field> {
    let mut found = Vec::new();
    let (mut text, mut from, mut quoted) = (String::new(), 0, false);
    let mut letters = row.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' if quoted && letters.peek().is_some_and(|(_, next)| *next == '"') => {
                letters.next();
                text.push('"');
            }
            '"' if quoted || text.trim().is_empty() => quoted = !quoted,
            letter if letter == separator && !quoted => {
                found.push(Field { text: text.trim().to_owned(), span: Span { start: start + from, len: at - from } });
                text.clear();
                from = at + separator.len_utf8();
            }
            letter => text.push(letter),
        }
    }
    found.push(Field { text: text.trim().to_owned(), span: Span { start: start + from, len: row.len() - from } });
    found
}

fn headings(sheet: &mut Sheet<'_>, names: &[Field], at: usize) -> Vec<Used> {
    let mut used: Vec<Used> = Vec::new();
    for (index, field) in names.iter().enumerate() {
        let lower = field.text.to_lowercase();
        let (unit_mm, lower) = unit_of_heading(&lower);
        let plain: String = lower.chars().filter(|c| c.is_alphanumeric()).collect();
        let column = HEADINGS.iter().find(|(_, words)| words.contains(&plain.as_str())).map(|(column, _)| *column);
        match column {
            Some(Column::Type) if used.iter().any(|used| used.column == Column::Type) => {
                // Of two languages, the words of the later column are read beside those of the first.
                used.push(Used { index, column: Column::Type, unit_mm });
            }
            Some(column) if used.iter().all(|used| used.column != column) => used.push(Used { index, column, unit_mm }),
            _ => sheet.skip(at, format!("the column `{}` is not used", field.text)),
        }
    }
    used
}

/// `diameter [mm]`, `length (in)`, `diameter_mm`: millimetres in the unit, and the heading without it.
fn unit_of_heading(heading: &str) -> (Option<f64>, String) {
    for (word, mm) in [("mm", 1.0), ("inch", 25.4), ("in", 25.4)] {
        for (open, close) in [("[", "]"), ("(", ")"), ("_", ""), (" ", "")] {
            if let Some(rest) = heading.strip_suffix(&format!("{open}{word}{close}")) {
                return (Some(mm), rest.to_owned());
            }
        }
    }
    (None, heading.to_owned())
}

/// A number with a point or a comma.
fn number(text: &str) -> Option<f64> {
    let plain = text.starts_with(|c: char| c.is_ascii_digit() || "+-.,".contains(c));
    text.replace(',', ".").parse::<f64>().ok().filter(|value| plain && value.is_finite())
}

fn one_tool(sheet: &mut Sheet<'_>, row: &[Field], used: &[Used], span: Span) {
    let mut draft = Draft::new(span);
    let mut words = String::new();
    let unit_column = used.iter().find(|used| used.column == Column::Unit).and_then(|used| row.get(used.index));
    let row_mm = match unit_column.map(|field| field.text.to_lowercase()).as_deref() {
        None | Some("") => None,
        Some("mm" | "metric" | "metrisch") => Some(1.0),
        Some("in" | "inch" | "zoll" | "imperial") => Some(25.4),
        Some(other) => {
            let message = format!("`{other}` is no unit, expected mm or inch");
            return sheet.error(unit_column.map_or(span, |field| field.span), "tool::csv", message, "correct the unit");
        }
    };
    for Used { index, column, unit_mm } in used {
        let Some(field) = row.get(*index).filter(|field| !field.text.is_empty()) else { continue };
        let is_word = matches!(column, Column::Name | Column::Type | Column::Unit);
        match (is_word, number(&field.text)) {
            (true, _) if *column == Column::Name => draft.entry.name.clone_from(&field.text),
            (true, _) if *column == Column::Type => type_words(&mut draft, field, &mut words),
            (true, _) => {}
            (false, None) => {
                let message = format!("`{}` is no number", field.text);
                return sheet.error(field.span, "tool::csv", message, "correct the figure, or leave the field empty");
            }
            (false, Some(value)) => {
                let is_length = !matches!(column, Column::Number | Column::PointAngle | Column::Flutes);
                let mm = if is_length { unit_mm.or(row_mm).unwrap_or_else(|| sheet.unit_mm()) } else { 1.0 };
                if let Err(message) = figure(&mut draft, *column, value, mm, field.span) {
                    return sheet.error(field.span, "tool::csv", message, "correct the figure");
                }
            }
        }
    }
    // A bull nose by its type alone, without a corner, is a flat cutter whose corner nobody gave.
    if draft.entry.shape == Some(ShapeWord::BullNose) && draft.entry.corner_radius_mm.is_none() {
        draft.entry.shape = Some(ShapeWord::Flat);
        draft.entry.assumed.push("its corner radius is not given; its corner is taken as sharp".to_owned());
    }
    from_name(sheet, &mut draft, &words, row_mm);
    sheet.add(draft);
}

fn type_words(draft: &mut Draft, field: &Field, words: &mut String) {
    let siemens =
        field.text.parse::<u32>().ok().and_then(|code| SIEMENS_TYPES.iter().find(|(known, _)| *known == code));
    match siemens {
        Some((_, shape)) => draft.entry.shape = Some(*shape),
        None => *words = format!("{words} {}", field.text),
    }
    draft.at("shape", field.span);
}

fn figure(draft: &mut Draft, column: Column, value: f64, mm: f64, span: Span) -> Result<(), String> {
    let whole = || {
        let fits = (0.0..=99_999_999.0).contains(&value) && value.fract() == 0.0;
        if fits { Ok(value as u32) } else { Err(format!("{value} is no whole number from 0")) }
    };
    let entry = &mut draft.entry;
    let open = value == 0.0;
    let key = match column {
        Column::Number => {
            entry.number = Some(whole()?).filter(|number| *number > 0);
            "number"
        }
        Column::Flutes => {
            entry.flutes = Some(whole()?).filter(|flutes| *flutes > 0);
            "flutes"
        }
        Column::Diameter | Column::Radius if open => "diameter_mm",
        Column::Diameter => {
            entry.diameter_mm = Some(value * mm);
            "diameter_mm"
        }
        Column::Radius => {
            entry.diameter_mm = entry.diameter_mm.or(Some(2.0 * value * mm));
            "diameter_mm"
        }
        Column::CornerRadius => {
            entry.corner_radius_mm = Some(value * mm).filter(|_| !open);
            "corner_radius_mm"
        }
        Column::Length => {
            entry.length_offset_mm = Some(value * mm);
            "length_offset_mm"
        }
        Column::FluteLength => {
            entry.flute_length_mm = Some(value * mm).filter(|_| !open);
            "flute_length_mm"
        }
        Column::PointAngle => {
            entry.point_angle_deg = Some(value).filter(|_| !open);
            "point_angle_deg"
        }
        Column::Name | Column::Type | Column::Unit => return Ok(()),
    };
    draft.at(key, span);
    Ok(())
}

/// What the columns leave open, from the words of the type and the name.
fn from_name(sheet: &mut Sheet<'_>, draft: &mut Draft, words: &str, row_mm: Option<f64>) {
    let name = draft.entry.name.replace(['_', '-'], " ");
    let number = ToolNumber(draft.entry.number.unwrap_or(0));
    let wants_size =
        draft.entry.diameter_mm.is_none() && tool_from_words(number, &name, 0, Some(1.0)).diameter.is_some();
    let depth = depth_of_cut(&name).filter(|_| draft.entry.flute_length_mm.is_none());
    let unit_mm = row_mm.or_else(|| (wants_size || depth.is_some()).then(|| sheet.unit_mm()));
    let typed = tool_from_words(number, words, 0, None);
    let mut named = tool_from_words(number, &name, 0, unit_mm);
    // The form by the type's words, its size and angle by the name's.
    if named.shape.is_none()
        || typed.shape.is_some_and(|shape| named.shape.is_some_and(|own| own.name() != shape.name()))
    {
        let both = tool_from_words(number, &format!("{words} {name}"), 0, unit_mm);
        (named.shape, named.assumed) = (both.shape, both.assumed);
    }
    let given = draft.entry.shape;
    let corner_mm = draft.entry.corner_radius_mm;
    draft.describe(named);
    if matches!((given, draft.entry.shape, corner_mm), (_, Some(ShapeWord::Flat), Some(_))) {
        draft.entry.shape = Some(ShapeWord::BullNose);
    } else if draft.entry.shape != Some(ShapeWord::BullNose) {
        draft.entry.corner_radius_mm = None;
    }
    if draft.entry.shape.is_none() {
        draft.entry.assumed.push("its form is not given; it is taken as a cylinder".to_owned());
    }
    if let (Some(depth), Some(unit_mm)) = (depth, unit_mm) {
        draft.entry.flute_length_mm = Some(depth * unit_mm);
        draft.entry.assumed.push(format!("cutting edge {} mm, the AP of its name", depth * unit_mm));
    }
}

/// `AP20`: the greatest depth of cut.
fn depth_of_cut(name: &str) -> Option<f64> {
    let word = name.split_whitespace().find_map(|word| word.strip_prefix("AP"))?;
    number(word).filter(|depth| *depth > 0.0)
}

//! LinuxCNC's `tool.tbl`: a tool a line, words of a letter and a number, a comment behind `;`.
//!
//! T and P are whole numbers, X to W offsets in machine units (A, B, C in degrees), D the diameter, I and J the front and
//! back angle and Q the orientation of a lathe tool. The form of the cutter is not in the table: what the comment
//! names is taken, and said; a diameter of zero means that none was entered.

use shared::ident::ToolNumber;
use shared::program::{Diagnostic, Span, tool_from_words};

use super::sheet::{Draft, Sheet};

/// Reads the whole table; what is wrong is collected in the sheet.
pub(super) fn read(sheet: &mut Sheet<'_>) -> Result<(), Box<Diagnostic>> {
    let text = sheet.text.text;
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let (words, comment) = line.split_once(';').unwrap_or((line, ""));
        if words.contains('\0') {
            let at = start + words.find('\0').unwrap_or(0);
            let advice = "remove it; the file may be damaged or not be text";
            sheet.error(Span { start: at, len: 1 }, "tool::word", "there is a zero byte here".to_owned(), advice);
        } else if !words.trim().is_empty() {
            one_tool(sheet, words, comment.trim(), start);
        }
        start += line.len();
    }
    sheet.refuse_twice();
    Ok(())
}

fn one_tool(sheet: &mut Sheet<'_>, words: &str, comment: &str, start: usize) {
    let lead = words.len() - words.trim_start().len();
    let mut draft = Draft::new(Span { start: start + lead, len: words.trim().len() });
    let mut seen = String::new();
    let mut rest = words;
    let mut has_number = false;
    let mut empty = false;
    while let Some(from) = rest.find(|c: char| !c.is_whitespace()) {
        let word = rest[from..].split_whitespace().next().unwrap_or("");
        let at = start + (words.len() - rest.len()) + from;
        let span = Span { start: at, len: word.len() };
        rest = &rest[from + word.len()..];
        let letter = word.chars().next().unwrap_or(' ').to_ascii_uppercase();
        let figure = &word[word.chars().next().map_or(0, char::len_utf8)..];
        let known = "TPXYZABCUVWDIJQ".contains(letter);
        let value = figure.parse::<f64>().ok().filter(|value| value.is_finite() && known);
        let Some(value) = value.filter(|_| figure.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c)))
        else {
            let message = format!("`{word}` is no word of a tool table, expected one of TPXYZABCUVWDIJQ and a number");
            return sheet.error(span, "tool::word", message, "correct the word; comments stand behind `;`");
        };
        if seen.contains(letter) {
            let message = format!("{letter} stands in the line twice");
            return sheet.error(span, "tool::word", message, "remove one of the two");
        }
        seen.push(letter);
        has_number |= letter == 'T';
        // A random tool changer marks an empty pocket so.
        empty |= letter == 'T' && (value == -1.0 || value == 0.0);
        if let Err(message) = take(sheet, &mut draft, letter, value, span) {
            return sheet.error(span, "tool::word", message, "correct the figure");
        }
    }
    if !has_number {
        let message = "the line has no T, the number of its tool".to_owned();
        return sheet.error(draft.span, "tool::word", message, "write T and a number, or put the line behind `;`");
    }
    if empty {
        return sheet.skip(draft.span.start, "T0 or T-1 stands for no tool".to_owned());
    }
    draft.entry.name = comment.to_owned();
    let unit_mm = sheet.unit_mm();
    let line = sheet.line(start);
    draft.describe(tool_from_words(ToolNumber(draft.entry.number.unwrap_or(0)), comment, line, Some(unit_mm)));
    if draft.entry.shape.is_none() {
        draft.entry.assumed.push("its form is not given; it is taken as a cylinder".to_owned());
    }
    sheet.add(draft);
}

fn take(sheet: &mut Sheet<'_>, draft: &mut Draft, letter: char, value: f64, span: Span) -> Result<(), String> {
    let whole = || {
        let fits = (-1.0..=99_999_999.0).contains(&value) && value.fract() == 0.0;
        if fits {
            Ok(value.max(0.0) as u32)
        } else {
            Err(format!("{letter} is {value}, expected a whole number from 0"))
        }
    };
    let entry = &mut draft.entry;
    match letter {
        'T' => entry.number = Some(whole()?),
        'P' => entry.pocket = Some(whole()?),
        'Q' => entry.orientation = Some(whole()?),
        'I' => entry.front_angle_deg = Some(value),
        'J' => entry.back_angle_deg = Some(value),
        'A' | 'B' | 'C' => drop(entry.offset_deg.insert(letter.to_ascii_lowercase().to_string(), value)),
        'D' if value == 0.0 => {}
        'D' => entry.diameter_mm = Some(value * sheet.unit_mm()),
        'Z' => entry.length_offset_mm = Some(value * sheet.unit_mm()),
        _ => drop(entry.offset_mm.insert(letter.to_ascii_lowercase().to_string(), value * sheet.unit_mm())),
    }
    let key = match letter {
        'T' => "number",
        'Q' => "orientation",
        'I' => "front_angle_deg",
        'J' => "back_angle_deg",
        'A' | 'B' | 'C' => "offset_deg",
        'D' => "diameter_mm",
        'Z' => "length_offset_mm",
        _ => "offset_mm",
    };
    draft.at(key, span);
    Ok(())
}

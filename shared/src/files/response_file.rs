//! A measured frequency response: a table of text, as analysers export it.
//!
//! The first line that is not a comment (`#`) names the columns: `frequency_hz`, and for each direction that was
//! measured `x_real_m_n` and `x_imaginary_m_n`, or `y_…`; `_um_n` stands for micrometres by newton. Columns are parted by
//! commas, semicolons or tabs. Frequencies rise.

use super::text::FileText;
use crate::machine::{FrequencyResponse, ResponsePoint};
use crate::program::{Diagnostic, Severity, Span};

/// What was measured at one tip; `None` for a direction that was not.
#[derive(Clone, Debug, PartialEq)]
pub struct MeasuredTip {
    /// Along X.
    pub x: Option<FrequencyResponse>,
    /// Along Y.
    pub y: Option<FrequencyResponse>,
}

/// What a column holds.
#[derive(Clone, Copy, PartialEq)]
enum Column {
    Frequency,
    /// Direction (0, 1), part (0 real, 1 imaginary), metres by newton in one unit.
    Value(usize, usize, f64),
}

/// Reads a measured response.
///
/// # Errors
/// The first place that does not read, with line and column: an unknown or missing column, a field that is no
/// number, a frequency that does not rise, too few lines.
pub fn read_response(file: FileText<'_>) -> Result<MeasuredTip, Vec<Diagnostic>> {
    let mut columns: Option<Vec<Column>> = None;
    let mut points: [Vec<ResponsePoint>; 2] = [Vec::new(), Vec::new()];
    let mut last_hz = 0.0;
    let mut start = 0;
    for line in file.text.split_inclusive('\n') {
        let fields = fields(line.trim_end(), start);
        start += line.len();
        if line.trim().is_empty() || line.trim_start().starts_with('#') {
            continue;
        }
        let Some(columns) = &columns else {
            columns = Some(header(file, &fields)?);
            continue;
        };
        last_hz = row(file, columns, (&fields, last_hz), &mut points)?;
    }
    let end = Span { start: file.text.trim_end().len().saturating_sub(1), len: 1 };
    let columns = columns.ok_or_else(|| wrong(file, end, "the file has no line with names of columns".to_owned()))?;
    let [x, y] = points;
    let table = |direction: usize, points: Vec<ResponsePoint>| {
        let measured = columns.iter().any(|column| matches!(column, Column::Value(of, _, _) if *of == direction));
        if !measured {
            return Ok(None);
        }
        let count = points.len();
        let message = format!("{count} lines of figures, expected at least {}", FrequencyResponse::POINTS_MIN);
        FrequencyResponse::new(points).map(Some).ok_or_else(|| wrong(file, end, message))
    };
    Ok(MeasuredTip { x: table(0, x)?, y: table(1, y)? })
}

/// Reads one line of figures; its frequency.
fn row(
    file: FileText<'_>,
    columns: &[Column],
    (fields, last_hz): (&[(&str, usize)], f64),
    points: &mut [Vec<ResponsePoint>; 2],
) -> Result<f64, Vec<Diagnostic>> {
    if fields.len() != columns.len() {
        let message = format!("{} fields, the header names {}", fields.len(), columns.len());
        return Err(wrong(file, span_of(fields.first()), message));
    }
    let mut frequency_hz = 0.0;
    let mut values = [[0.0; 2]; 2];
    for (column, field) in columns.iter().zip(fields) {
        let value = field.0.parse::<f64>().ok().filter(|value| value.is_finite());
        let value = value.ok_or_else(|| wrong(file, span_of(Some(field)), format!("`{}` is no number", field.0)))?;
        match *column {
            Column::Frequency if value <= last_hz => {
                let message = format!("frequency {value} Hz behind {last_hz} Hz, expected a higher one");
                return Err(wrong(file, span_of(Some(field)), message));
            }
            Column::Frequency => frequency_hz = value,
            Column::Value(direction, part, unit) => values[direction][part] = value * unit,
        }
    }
    for (points, value_m_n) in points.iter_mut().zip(values) {
        points.push(ResponsePoint { frequency_hz, value_m_n });
    }
    Ok(frequency_hz)
}

fn header(file: FileText<'_>, fields: &[(&str, usize)]) -> Result<Vec<Column>, Vec<Diagnostic>> {
    let mut columns: Vec<Column> = Vec::new();
    for field in fields {
        let found = column(field.0).ok_or_else(|| {
            let known = "frequency_hz, x_real_m_n, x_imaginary_m_n, y_real_m_n and y_imaginary_m_n, or with _um_n";
            wrong(file, span_of(Some(field)), format!("`{}` is not a column, expected {known}", field.0))
        })?;
        let same = |other: &Column| match (other, found) {
            (Column::Value(a, b, _), Column::Value(c, d, _)) => (*a, *b) == (c, d),
            (a, b) => *a == b,
        };
        if columns.iter().any(same) {
            return Err(wrong(file, span_of(Some(field)), format!("`{}` is named twice", field.0)));
        }
        columns.push(found);
    }
    let has = |wanted: &dyn Fn(&Column) -> bool| columns.iter().any(wanted);
    let missing = |what: &str| Err(wrong(file, span_of(fields.first()), format!("there is no column {what}")));
    if !has(&|column| *column == Column::Frequency) {
        return missing("frequency_hz");
    }
    let mut any = false;
    for (direction, letter) in ["x", "y"].into_iter().enumerate() {
        let part =
            |part: usize| has(&|column| matches!(column, Column::Value(d, p, _) if (*d, *p) == (direction, part)));
        any |= part(0);
        if part(0) != part(1) {
            return missing(&format!("{letter}_{}_m_n", if part(0) { "imaginary" } else { "real" }));
        }
    }
    if any { Ok(columns) } else { missing("x_real_m_n or y_real_m_n") }
}

fn column(name: &str) -> Option<Column> {
    if name == "frequency_hz" {
        return Some(Column::Frequency);
    }
    let (name, unit) = match (name.strip_suffix("_um_n"), name.strip_suffix("_m_n")) {
        (Some(name), _) => (name, 1e-6),
        (None, Some(name)) => (name, 1.0),
        (None, None) => return None,
    };
    match name {
        "x_real" => Some(Column::Value(0, 0, unit)),
        "x_imaginary" => Some(Column::Value(0, 1, unit)),
        "y_real" => Some(Column::Value(1, 0, unit)),
        "y_imaginary" => Some(Column::Value(1, 1, unit)),
        _ => None,
    }
}

/// Fields of a line without the blanks around them, with where they begin in the text.
fn fields(line: &str, start: usize) -> Vec<(&str, usize)> {
    let mut at = start;
    let mut found = Vec::new();
    for part in line.split([',', ';', '\t']) {
        let blank = part.len() - part.trim_start().len();
        found.push((part.trim(), at + blank));
        at += part.len() + 1;
    }
    found
}

fn span_of(field: Option<&(&str, usize)>) -> Span {
    field.map_or(Span { start: 0, len: 1 }, |(text, start)| Span { start: *start, len: text.len().max(1) })
}

fn wrong(file: FileText<'_>, span: Span, message: String) -> Vec<Diagnostic> {
    let advice = "one line a frequency: frequency_hz, then real and imaginary part by direction".to_owned();
    vec![file.diagnostic(Severity::Error, Some(span), "response::table", message, advice)]
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "# tapped\nfrequency_hz; x_real_um_n;x_imaginary_um_n\n";

    fn rows(count: u32) -> String {
        (1..=count).map(|i| format!("{i}0; {i}.5; -{i}\n")).collect()
    }

    #[test]
    fn one_direction_or_both_in_either_unit() {
        let text = format!("{HEAD}\n{}", rows(8));
        let tip = read_response(FileText { name: "r.csv", text: &text }).expect("a table");
        let (x, y) = (tip.x.expect("measured"), tip.y);
        assert_eq!((x.points().len(), y), (8, None));
        let [real, imaginary] = x.at(20.0).expect("measured");
        assert!((real - 2.5e-6).abs() < 1e-18 && (imaginary + 2e-6).abs() < 1e-18);
        let both = "frequency_hz,x_real_m_n,x_imaginary_m_n,y_real_m_n,y_imaginary_m_n\n".to_owned()
            + &(1..9).map(|i| format!("{i},1,2,3,4\r\n")).collect::<String>();
        let tip = read_response(FileText { name: "r.csv", text: &both }).expect("a table");
        assert_eq!(tip.y.expect("measured").at(5.0), Some([3.0, 4.0]));
    }

    #[test]
    fn what_does_not_read_is_named_with_line_and_column() {
        let check = |text: &str, place: (u32, u32), words: &str| {
            let errors = read_response(FileText { name: "r.csv", text }).expect_err(text);
            assert_eq!((errors[0].line, errors[0].column), place, "{}", errors[0]);
            assert!(errors[0].to_string().contains(words), "{}", errors[0]);
        };
        check("", (1, 1), "no line with names");
        check("frequency_hz,x_real_m_n,speed\n", (1, 25), "`speed` is not a column");
        check("frequency_hz,x_real_m_n\n", (1, 1), "x_imaginary_m_n");
        check("frequency_hz\n", (1, 1), "x_real_m_n or y_real_m_n");
        check("x_real_m_n,x_imaginary_m_n\n", (1, 1), "frequency_hz");
        check("frequency_hz,frequency_hz\n", (1, 14), "twice");
        check(&format!("{HEAD}10;1;-1\n20;x;-1\n"), (4, 4), "`x` is no number");
        check(&format!("{HEAD}10;1;-1\n 10;1;-1\n"), (4, 2), "expected a higher one");
        check(&format!("{HEAD}10;1\n"), (3, 1), "2 fields");
        check(&format!("{HEAD}{}", rows(3)), (5, 11), "3 lines of figures");
        check(&format!("{HEAD}10;nan;1\n"), (3, 4), "no number");
    }
}

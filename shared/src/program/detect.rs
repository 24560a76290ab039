//! Which dialect a program is written in, by the marks that only one of them has.

use super::options::Dialect;
use super::text::{Place, next_line};

/// Bytes looked at: dialects show themselves early.
const LOOKED_AT_BYTES: usize = 64 << 10;
/// Marks remembered for the report.
const EVIDENCE_MAX: usize = 5;

/// A mark: where it must stand, the text (upper case, without blanks), and what it is called.
struct Mark {
    dialect: Dialect,
    is_at_start: bool,
    text: &'static str,
    meaning: &'static str,
}

const fn mark(dialect: Dialect, is_at_start: bool, text: &'static str, meaning: &'static str) -> Mark {
    Mark { dialect, is_at_start, text, meaning }
}

/// Strongest first: the first dialect with a mark wins.
static MARKS: [Mark; 36] = [
    mark(Dialect::Siemens, true, "%_N_", "the head of a Siemens program"),
    mark(Dialect::Siemens, true, "DEFSTRING", "a Siemens variable"),
    mark(Dialect::Siemens, true, "DEFBOOL", "a Siemens variable"),
    mark(Dialect::Siemens, true, "MCALL", "a Siemens modal call"),
    mark(Dialect::Siemens, false, "=AC(", "a Siemens coordinate"),
    mark(Dialect::Siemens, false, "=IC(", "a Siemens coordinate"),
    mark(Dialect::Siemens, false, "CR=", "a Siemens radius"),
    mark(Dialect::Siemens, false, "G710", "a Siemens unit"),
    mark(Dialect::Siemens, false, "GOTOF", "a Siemens jump"),
    mark(Dialect::Siemens, false, "GOTOB", "a Siemens jump"),
    mark(Dialect::Grbl, true, "$", "a grbl command"),
    mark(Dialect::Siemens, true, "DEFREAL", "a Siemens variable"),
    mark(Dialect::Siemens, true, "DEFINT", "a Siemens variable"),
    mark(Dialect::Siemens, false, "CYCLE8", "a Siemens cycle call"),
    mark(Dialect::Siemens, false, "T=\"", "a tool by name"),
    mark(Dialect::Siemens, false, "TRAORI", "a Siemens transformation"),
    mark(Dialect::Siemens, false, "TRAFOOF", "a Siemens transformation"),
    mark(Dialect::Siemens, false, "SUPA", "the Siemens word for machine coordinates"),
    mark(Dialect::Siemens, true, "MSG(", "a Siemens message"),
    mark(Dialect::Rs274ngc, true, "O<", "an O-word with a name"),
    mark(Dialect::Rs274ngc, false, "#<", "a named parameter"),
    mark(Dialect::Rs274ngc, false, "SUB", "an O-word"),
    mark(Dialect::Rs274ngc, false, "G64P", "a path tolerance"),
    mark(Dialect::Haas, false, "G187", "a Haas smoothness setting"),
    mark(Dialect::Haas, false, "G154", "a Haas work offset"),
    mark(Dialect::Haas, false, "M97", "a Haas local subprogram"),
    mark(Dialect::Fanuc, false, "G08P", "Fanuc look-ahead"),
    mark(Dialect::Fanuc, false, "G8P", "Fanuc look-ahead"),
    mark(Dialect::Fanuc, false, "G05.1Q", "Fanuc look-ahead"),
    mark(Dialect::Fanuc, false, "M98P", "a subprogram by number"),
    mark(Dialect::Fanuc, false, "G65P", "a macro call"),
    mark(Dialect::Fanuc, true, "IF[", "a macro statement"),
    mark(Dialect::Fanuc, true, "WHILE[", "a macro statement"),
    mark(Dialect::Fanuc, true, "#", "a macro assignment"),
    mark(Dialect::Fanuc, true, "GOTO", "a macro statement"),
    mark(Dialect::Fanuc, false, "G54.1P", "a further work offset"),
];

/// The dialect of a text and why.
pub(super) fn detect(text: &[u8]) -> (Dialect, Vec<String>) {
    let text = &text[..text.len().min(LOOKED_AT_BYTES)];
    let mut found: Vec<(usize, String)> = Vec::new();
    let mut program: Option<String> = None;
    let mut place = Place::default();
    while let Some(line) = next_line(text, &mut place) {
        let plain = plain(&text[line.range.clone()]);
        let body = plain.trim_start_matches(|c: char| c == 'N' || c.is_ascii_digit());
        // `N100 G0` keeps its G; a line number alone leaves nothing.
        let body = if plain.starts_with('N') { body } else { plain.as_str() };
        if program.is_none() && is_program_number(body) {
            program = Some(format!("line {}: the program number {body}", line.number));
        }
        for at in 0..body.len() {
            for (index, mark) in marks_at(body.as_bytes(), at) {
                if found.iter().all(|(other, _)| *other != index) {
                    found.push((index, format!("line {}: {}, `{}`", line.number, mark.meaning, mark.text)));
                }
            }
        }
    }
    found.sort_by_key(|(index, _)| *index);
    if let Some((strongest, _)) = found.first() {
        let dialect = MARKS[*strongest].dialect;
        let of_it = found.into_iter().filter(|(index, _)| MARKS[*index].dialect == dialect);
        return (dialect, of_it.map(|(_, why)| why).take(EVIDENCE_MAX).collect());
    }
    match program {
        Some(why) => (Dialect::Fanuc, vec![why]),
        None => (Dialect::Rs274ngc, vec!["no mark of another dialect in the text".to_owned()]),
    }
}

/// First bytes of the marks: most places of a program of coordinates begin none, and the first operation of a long
/// program waits for this search.
const FIRST_BYTES: [bool; 256] = {
    let (mut first, mut index) = ([false; 256], 0);
    while index < MARKS.len() {
        first[MARKS[index].text.as_bytes()[0] as usize] = true;
        index += 1;
    }
    first
};

/// The marks that stand at a place of a line.
fn marks_at(body: &[u8], at: usize) -> impl Iterator<Item = (usize, &'static Mark)> {
    let rest = if FIRST_BYTES[usize::from(body[at])] { &body[at..] } else { &[] };
    let stands = move |mark: &Mark| (at == 0 || !mark.is_at_start) && rest.starts_with(mark.text.as_bytes());
    let marks: &'static [Mark] = if rest.is_empty() { &[] } else { &MARKS };
    marks.iter().enumerate().filter(move |(_, mark)| stands(mark))
}

/// A line in upper case, without blanks and comments.
fn plain(line: &[u8]) -> String {
    let (mut plain, mut depth) = (String::with_capacity(line.len()), 0usize);
    for (at, byte) in line.iter().enumerate() {
        match byte {
            b';' => break,
            // In Siemens programs brackets hold arguments: `CYCLE800(`.
            b'(' => {
                if at > 0 && line[at - 1].is_ascii_alphabetic() {
                    plain.push('(');
                }
                depth += 1;
            }
            b')' => depth = depth.saturating_sub(1),
            b' ' | b'\t' | b'\r' => {}
            byte if depth == 0 && byte.is_ascii() => plain.push(char::from(byte.to_ascii_uppercase())),
            _ => {}
        }
    }
    plain
}

fn is_program_number(body: &str) -> bool {
    let digits = body.strip_prefix('O').unwrap_or("");
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_dialects_by_their_marks() {
        let check = |text: &str, expected: Dialect| {
            let (dialect, evidence) = detect(text.as_bytes());
            assert_eq!(dialect, expected, "{text:?}: {evidence:?}");
            assert!(!evidence.is_empty());
        };
        check("%\nO1001 (PART)\nG0X1\n%", Dialect::Fanuc);
        check("G21\n#501 = 1\n", Dialect::Fanuc);
        check("o<hole> sub\n", Dialect::Rs274ngc);
        check("o100 sub\n", Dialect::Rs274ngc);
        check("N10 DEF REAL _X\n", Dialect::Siemens);
        check("N10 CYCLE800()\n", Dialect::Siemens);
        check("G187 P1\nO1\n", Dialect::Haas);
        check("G21 G1 X1 ; SUPA in a comment\n", Dialect::Rs274ngc);
        check("G1 X=IC(5) F100\n", Dialect::Siemens);
        check("%_N_PART_MPF\nG0 X1\n", Dialect::Siemens);
        check("N10 G2 X1 Y1 CR=5\n", Dialect::Siemens);
        check("$H\nG21\nG0 X1\n", Dialect::Grbl);
        check("G54.1 P3\n", Dialect::Fanuc);
        check("", Dialect::Rs274ngc);
    }
}

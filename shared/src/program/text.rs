//! One source text and a place in it, line by line.
//!
//! Controls, serial lines and editors end lines in four ways: `\n`, `\r\n`, `\n\r` and a lone `\r`. A physical
//! line is what an editor would number, so `\r\n` and `\n\r` count once.

use std::ops::Range;

/// A place in a text: the next line to read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// Byte where the line begins.
    pub(super) offset: usize,
    /// Its number, less one.
    pub(super) line: u32,
}

/// A line of a text.
#[derive(Clone, Debug)]
pub(super) struct Line {
    /// Its bytes without the terminator.
    pub(super) range: Range<usize>,
    /// Its number, from 1.
    pub(super) number: u32,
}

/// Takes the line at `place` and moves `place` behind it; `None` at the end of the text.
pub(super) fn next_line(text: &[u8], place: &mut Place) -> Option<Line> {
    let mut start = place.offset;
    // The second half of `\n\r`; `\r\n` after `\n` is an empty line of its own.
    if start > 0 && text.get(start) == Some(&b'\r') && text[start - 1] == b'\n' && text.get(start + 1) != Some(&b'\n') {
        start += 1;
    }
    if start >= text.len() {
        return None;
    }
    let rest = &text[start..];
    let length = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(rest.len());
    let end = start + length;
    // `\r`, repeated or not, before `\n` belongs to it; without `\n` each ends a line.
    let returns = text[end..].iter().take_while(|byte| **byte == b'\r').count();
    let next = if text.get(end + returns) == Some(&b'\n') { end + returns + 1 } else { end + 1 };
    place.offset = next.min(text.len());
    place.line = place.line.saturating_add(1);
    Some(Line { range: start..end, number: place.line })
}

/// Number of the character at a byte of a line, from 1: bytes that continue a UTF-8 character do not count.
pub(super) fn column(line: &[u8], byte: usize) -> u32 {
    let before = &line[..byte.min(line.len())];
    1 + before.iter().filter(|byte| **byte & 0xC0 != 0x80).count() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        let (mut place, mut lines) = (Place::default(), Vec::new());
        while let Some(line) = next_line(text.as_bytes(), &mut place) {
            lines.push(&text[line.range]);
        }
        assert_eq!(lines, expected, "{text:?}");
        assert_eq!(place.line as usize, expected.len());
    }

    #[test]
    fn four_ways_to_end_a_line() {
        check("a\nb\n", &["a", "b"]);
        check("a\r\nb", &["a", "b"]);
        check("a\n\rb\n\r", &["a", "b"]);
        check("a\rb\r", &["a", "b"]);
        check("a\r\r\nb", &["a", "b"]);
        check("a\r\n\r\nb", &["a", "", "b"]);
        check("", &[]);
        check("\n", &[""]);
    }

    #[test]
    fn columns_count_characters() {
        assert_eq!(column("äX1".as_bytes(), 2), 2);
        assert_eq!(column(b"X1", 99), 3);
    }
}

//! The lines of a program on their way to a grbl: what may be sent at all, and what is sent of a line.
//!
//! A program is checked whole before its first byte goes out. What would be obeyed instead of read (a `?` in a comment
//! asks for status, a `!` holds the feed, an umlaut may be an override) refuses it, with the line.

use super::real_time::RealTime;

/// Largest program.
pub(super) const PROGRAM_BYTES_MAX: usize = 256 << 20;

/// Which N words the controller gets. Where its reports carry `Ln`, this is what they say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Numbering {
    /// The program's own.
    AsWritten,
    /// The number of the physical line, in place of the program's own.
    Physical,
}

/// Why a program cannot be streamed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProgramFault {
    /// Too large.
    #[error("the program has {bytes} bytes; at most {max} are streamed", max = PROGRAM_BYTES_MAX)]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// The controller would answer `error:11` or lose bytes.
    #[error("line {line} has {len} characters for the controller; it takes {max}")]
    LineTooLong {
        /// Physical line, from 1.
        line: u32,
        /// Its length as the controller counts.
        len: usize,
        /// Longest.
        max: usize,
    },
    /// A byte that acts at once, wherever it stands, comments included.
    #[error("line {line} contains the byte {byte:#04x}, which the controller would obey at once instead of reading it")]
    RealTimeByte {
        /// Physical line, from 1.
        line: u32,
        /// The byte.
        byte: u8,
    },
    /// `$…` writes settings or homes; that is no part of a program.
    #[error("line {line} is a `$` command for the controller, not a line of a program")]
    Setting {
        /// Physical line, from 1.
        line: u32,
    },
}

/// Without line end and white space around; the controller ignores both.
pub(super) fn trimmed(line: &[u8]) -> &[u8] {
    line.trim_ascii()
}

/// Nothing for the controller: an empty line, or the mark at the ends of a tape.
pub(super) fn is_blank(line: &[u8]) -> bool {
    line.is_empty() || line == b"%"
}

/// The number to put in front, and the line without its own.
pub(super) fn numbered(numbering: Numbering, number: u32, line: &[u8]) -> (Option<u32>, &[u8]) {
    let comment = matches!(line.first(), None | Some(b'%' | b'(' | b';' | b'/' | b'$'));
    if numbering == Numbering::AsWritten || comment {
        return (None, line);
    }
    let own = match line.split_first() {
        Some((b'N' | b'n', rest)) => rest.iter().take_while(|byte| byte.is_ascii_digit()).count() + 1,
        _ => 0,
    };
    (Some(number), &line[own..])
}

pub(super) fn decimal_digits(number: u32) -> usize {
    number.checked_ilog10().map_or(1, |digits| digits as usize + 1)
}

/// `maxima`: characters the controller keeps of a line, bytes of its receive buffer.
pub(super) fn check(line: &[u8], number: u32, prefix: usize, maxima: (usize, usize)) -> Result<(), ProgramFault> {
    let (len_max, receive_bytes) = maxima;
    let acts = |byte: &&u8| RealTime::of_byte(**byte).is_some() || **byte == b'\r';
    if let Some(byte) = line.iter().find(acts) {
        return Err(ProgramFault::RealTimeByte { line: number, byte: *byte });
    }
    if line.first() == Some(&b'$') {
        return Err(ProgramFault::Setting { line: number });
    }
    let len = counted_len(line) + prefix;
    if len > len_max || line.len() + prefix + 1 > receive_bytes {
        return Err(ProgramFault::LineTooLong { line: number, len: len.max(line.len()), max: len_max });
    }
    Ok(())
}

/// True where a line may make the planner hold a motion.
pub(super) fn has_axis_word(line: &[u8]) -> bool {
    let (mut comment, mut found) = (false, false);
    for byte in line {
        match byte {
            b'(' => comment = true,
            b')' => comment = false,
            b';' if !comment => break,
            _ => found |= !comment && b"XYZABCUVWxyzabcuvw".contains(byte),
        }
    }
    found
}

/// Characters the controller keeps: no blanks and no comments.
fn counted_len(line: &[u8]) -> usize {
    let (mut len, mut comment) = (0, false);
    for byte in line {
        match byte {
            b'(' => comment = true,
            b')' => comment = false,
            b';' if !comment => break,
            b' ' | b'\t' => {}
            _ => len += usize::from(!comment),
        }
    }
    len
}

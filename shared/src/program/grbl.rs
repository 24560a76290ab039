//! grbl 1.1: what it reads beyond blocks, and the name of its refusals.
//!
//! grbl reads the words F I J K L N P R S T X Y Z and the codes listed in its README; everything else is
//! answered with `error:20`. A line that begins with `$` is for the controller and not for the program: `$H`
//! homes, `$J=` jogs, the others show or set its memory. The characters `?` `!` `~` and Ctrl-X are taken out of
//! the stream wherever they stand, before a line is read. Source: grbl 1.1 wiki, "Commands" and "Interface", and
//! its table of error codes.

use super::block::letters;
use super::codes::Code;
use super::fault::*;
use super::interpreter::Interpreter;

/// Letters of words that grbl reads.
const WORDS: u32 = letters(b"FGIJKLMNPRSTXYZ");

/// True for a letter that grbl reads.
pub(super) fn reads(letter: u8) -> bool {
    letter.is_ascii_uppercase() && WORDS & super::block::bit(letter) != 0
}

/// True for a G code that grbl 1.1 has, times ten.
pub(super) fn has_g(code: u16) -> bool {
    matches!(
        code,
        0 | 10 | 20 | 30 | 40 | 100 | 170 | 180 | 190 | 200 | 210 | 280 | 281 | 300 | 301 | 382
            ..=385
                | 400
                | 431
                | 490
                | 530
                | 540
                | 550
                | 560
                | 570
                | 580
                | 590
                | 610
                | 800
                | 900
                | 910
                | 911
                | 920
                | 921
                | 930
                | 940
    )
}

/// What an M code is to grbl 1.1.
pub(super) fn m_code(code: u16) -> Code {
    use super::codes::m_group::*;
    match code {
        0 | 1 | 2 | 30 => Code::Acts(STOP),
        3..=5 => Code::Acts(SPINDLE),
        7..=9 => Code::Acts(COOLANT),
        _ => Code::Unknown,
    }
}

/// The answer of grbl to a fault: number and meaning. `None` where grbl has no number for it.
pub(super) fn answer(code: &str, message: &str) -> Option<(u8, &'static str)> {
    Some(match code {
        BAD_CHARACTER | ENCODING | EXPRESSION | PARAMETER => (1, "a letter was expected"),
        BAD_NUMBER if message.contains("whole number") => (23, "a whole number is required"),
        BAD_NUMBER => (2, "the number is malformed or missing"),
        UNKNOWN_CODE | UNSUPPORTED => (20, "unsupported or invalid command"),
        MODAL_GROUP if message.contains("axis words") => (24, "two commands use the axis words"),
        MODAL_GROUP => (21, "two commands of one modal group"),
        NO_FEED => (22, "no feed"),
        REPEATED_WORD => (25, "a word is repeated"),
        NO_MOTION => (31, "axis words that nothing uses"),
        MISSING_WORD if message.contains("axis word") => (26, "no axis word"),
        MISSING_WORD => (28, "a value is missing"),
        WRONG_MODE => (30, "G53 needs G0 or G1"),
        ARC_FORM => (35, "the arc has no centre in its plane"),
        ARC_RADIUS if message.contains("half the distance") => (34, "the radius of the arc is invalid"),
        ARC_RADIUS => (33, "the target is invalid"),
        UNUSED_WORD => (36, "a word that nothing uses"),
        OUT_OF_RANGE => (4, "the value is out of range"),
        _ => return None,
    })
}

/// True for a character that grbl takes out of the stream.
pub(super) fn is_real_time(byte: u8) -> bool {
    matches!(byte, b'?' | b'!' | b'~' | 0x18)
}

impl Interpreter<'_> {
    /// Lines that are no blocks. True where this was one.
    pub(super) fn grbl_line(&mut self) -> Checked<bool> {
        let line = self.report.line;
        let at = super::number::skip_blanks(line, 0);
        if line.get(at) == Some(&b'$') {
            let text = line[at..].trim_ascii();
            if text.len() > 2 && text[1..3].eq_ignore_ascii_case(b"J=") {
                let text = "$J= jogs the machine by hand and is no part of a program";
                return Err(Fault::error(UNSUPPORTED, at..line.len(), text, "write the motion as G1 with F"));
            }
            let reason = if text.eq_ignore_ascii_case(b"$H") {
                "homing finds the place of the machine, which the simulation knows"
            } else {
                "a command for the memory of the controller: `$` lines are no part of the program"
            };
            let name: String = text.iter().take(12).map(|byte| char::from(*byte)).collect();
            self.report.named_without_effect(&name, reason);
            return Ok(true);
        }
        Ok(false)
    }
}

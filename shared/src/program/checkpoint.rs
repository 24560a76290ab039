//! Stopping between two lines and going on: checkpoints, and programs read piece by piece.
//!
//! What a control remembers at a line is small (a kilobyte or two) and does not depend on how long the program
//! is. A [`Checkpoint`] is that memory with the place: an interpretation resumed from it gives the operations
//! the first one would have given. Two things rest on it. A program can be entered in its middle without
//! reading what lies before. And a program can be longer than memory: one piece of whole lines is read, and its
//! checkpoint is resumed on the next piece.
//!
//! Pieces suit programs that go straight on. A jump needs the text it leads to, so whoever reads in pieces asks
//! [`is_straight`] of each piece first and, at the first that is not, resumes on the whole text instead.

use super::block::Block;
use super::canon::{CallStackId, CanonOp, Provenance};
use super::execute::Pending;
use super::flow::{Flow, Frame, Open};
use super::interpreter::Interpreter;
use super::labels::{Head, head, o_word};
use super::lathe::Turning;
use super::options::{Dialect, Options, Sources};
use super::parameters::Parameters;
use super::report::Report;
use super::siemens::Memory;
use super::state::State;
use super::text::{Place, next_line};
use super::unknown::UnknownValue;
use std::collections::VecDeque;

/// Everything an interpretation remembers between two lines.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    dialect: Dialect,
    state: State,
    parameters: Parameters,
    holes: Pending,
    ready: VecDeque<CanonOp>,
    /// The place in the running text, and which text that is.
    place: Place,
    source: usize,
    names: Vec<String>,
    frames: Vec<Frame>,
    open: Vec<Open>,
    jumps: u64,
    is_breaking: bool,
    calls: CallStackId,
    turning: Option<Turning>,
    stopped: Option<UnknownValue>,
    supplied: Vec<String>,
    report: Report<'static>,
    siemens: Memory,
    has_tape_mark: bool,
    is_over: bool,
}

/// A part of a program: whole lines.
#[derive(Clone, Copy, Debug)]
pub struct Piece<'a> {
    /// The lines.
    pub text: &'a [u8],
    /// Bytes of the program before them.
    pub starts_at: usize,
    /// False for the piece that has the last line.
    pub more_follows: bool,
}

impl Checkpoint {
    /// The byte of the program at which the next line begins, where the main program runs.
    pub fn offset(&self) -> usize {
        self.report.starts_at + self.place.offset
    }

    /// The last block before the checkpoint.
    pub fn at(&self) -> Provenance {
        self.report.at
    }

    /// Operations given out before the checkpoint.
    pub fn operations(&self) -> u64 {
        self.report.facts.operations
    }

    /// Physical lines of the running text that were read.
    pub fn line(&self) -> u32 {
        self.place.line
    }
}

impl<'a> Interpreter<'a> {
    /// Blocks from one checkpoint of [`checkpoint_due`](Self::checkpoint_due) to the next.
    pub const CHECKPOINT_BLOCKS: u64 = 1000;

    /// A checkpoint, if a thousand blocks were carried out since the last one this gave; to be asked between
    /// operations. Costs a copy of the state: some kilobytes, more where the program has filled thousands of
    /// parameters.
    pub fn checkpoint_due(&mut self) -> Option<Checkpoint> {
        if self.report.facts.blocks < self.checkpoint_next {
            return None;
        }
        self.checkpoint_next = self.report.facts.blocks + Self::CHECKPOINT_BLOCKS;
        Some(self.checkpoint())
    }

    /// Says that the text is only the beginning of the program: after its lines [`Self::next_op`] gives `None`
    /// without ending the program, which goes on by [`Self::checkpoint`] and [`Self::resume`].
    #[must_use]
    pub fn with_more_to_follow(mut self) -> Self {
        self.more_follows = true;
        self
    }

    /// True once the end of the program was reached, or an error that ends it.
    pub fn is_over(&self) -> bool {
        self.is_over
    }

    /// Where the interpretation stands. Operations of the block in work that were not taken are part of it.
    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint {
            dialect: self.dialect,
            state: self.state.clone(),
            parameters: self.parameters.clone(),
            holes: self.holes.clone(),
            ready: self.ready.clone(),
            place: self.flow.place,
            source: self.flow.source,
            names: self.flow.names.clone(),
            frames: self.flow.frames.clone(),
            open: self.flow.open.clone(),
            jumps: self.flow.jumps,
            is_breaking: self.flow.is_breaking,
            calls: self.flow.calls,
            turning: self.turning.clone(),
            stopped: self.stopped.clone(),
            supplied: self.supplied.clone(),
            report: self.report.without_line(),
            siemens: self.siemens.without_places(),
            has_tape_mark: self.has_tape_mark,
            is_over: self.is_over,
        }
    }

    /// Goes on from a checkpoint, with a piece of the main program that holds the checkpoint's line.
    ///
    /// `None` where the piece begins behind [`Checkpoint::offset`], where a loop or call is open and the piece is
    /// not the whole program, or where a subprogram of the checkpoint is not found again.
    pub fn resume(
        checkpoint: &Checkpoint,
        piece: Piece<'a>,
        sources: &'a dyn Sources,
        options: &'a Options,
    ) -> Option<Self> {
        let is_inside = !checkpoint.frames.is_empty() || !checkpoint.open.is_empty();
        if is_inside && (piece.starts_at > 0 || checkpoint.report.starts_at > 0) {
            return None;
        }
        let mut flow = Flow::new(piece.text, sources);
        for name in checkpoint.names.iter().skip(1) {
            flow.open_text(name)?;
        }
        flow.place = checkpoint.place;
        if checkpoint.source == 0 {
            flow.place.offset = checkpoint.offset().checked_sub(piece.starts_at)?;
        }
        flow.source = checkpoint.source;
        flow.frames = checkpoint.frames.clone();
        flow.open = checkpoint.open.clone();
        flow.jumps = checkpoint.jumps;
        flow.is_breaking = checkpoint.is_breaking;
        flow.calls = checkpoint.calls;
        let mut report = checkpoint.report.clone();
        report.starts_at = piece.starts_at;
        let mut resumed = Self {
            flow,
            options,
            dialect: checkpoint.dialect,
            state: checkpoint.state.clone(),
            parameters: checkpoint.parameters.clone(),
            block: Block::new(),
            holes: checkpoint.holes.clone(),
            turning: checkpoint.turning.clone(),
            stopped: checkpoint.stopped.clone(),
            supplied: checkpoint.supplied.clone(),
            ready: checkpoint.ready.clone(),
            checkpoint_next: report.facts.blocks + Self::CHECKPOINT_BLOCKS,
            report,
            siemens: checkpoint.siemens.clone(),
            has_tape_mark: checkpoint.has_tape_mark,
            is_over: checkpoint.is_over,
            more_follows: piece.more_follows,
            is_starved: false,
        };
        resumed.refuse_length(piece.starts_at.saturating_add(piece.text.len()));
        Some(resumed)
    }
}

/// True for lines that go straight on, whatever the dialect: no O-word but a program number, no word of macro B
/// or of a high-level language, no M97 to M99, no G65 to G67. Comments do not count. May be false for lines that
/// do go straight on (a function in an expression looks like a word). About 1 GB/s on plain blocks.
pub fn is_straight(text: &[u8]) -> bool {
    let mut at = 0;
    while at < text.len() {
        at = match text[at] {
            b'(' => at + text[at..].iter().position(|byte| matches!(byte, b')' | b'\n')).unwrap_or(text.len() - at),
            b';' => at + text[at..].iter().position(|byte| *byte == b'\n').unwrap_or(text.len() - at),
            b'O' | b'o' => match program_number(text, at) {
                Some(end) => end,
                None => return false,
            },
            byte if byte.is_ascii_alphabetic() => {
                let next = text.get(at + 1).copied().unwrap_or(b'\n');
                let may_jump = matches!(byte, b'M' | b'm' | b'G' | b'g') && !is_plain_code(&text[at..]);
                if may_jump || next.is_ascii_alphabetic() {
                    return false;
                }
                at + 1
            }
            _ => at + 1,
        };
    }
    true
}

/// The byte behind a line that is a program number alone, like `O1001 (PART)`.
fn program_number(text: &[u8], at: usize) -> Option<usize> {
    let start = text[..at].iter().rposition(|byte| matches!(byte, b'\n' | b'\r')).map_or(0, |end| end + 1);
    let mut place = Place { offset: start, line: 1 };
    let line = next_line(text, &mut place)?;
    let bytes = &text[line.range.clone()];
    let Head::OWord(head) = head(bytes) else { return None };
    let is_alone = head == at - start && o_word(bytes, head).is_some_and(|word| word.keyword.is_empty());
    let digits = bytes.get(head + 1..)?.iter().take_while(|byte| byte.is_ascii_digit()).count();
    (is_alone && digits > 0).then_some(at + 1 + digits)
}

/// True for `G1`, `M03` and the like, false for M97 to M99, G65 to G67 and codes by expression.
fn is_plain_code(word: &[u8]) -> bool {
    let (mut number, mut digits) = (0u32, 0);
    for byte in &word[1..] {
        match byte {
            b'0'..=b'9' => (number, digits) = (number.saturating_mul(10) + u32::from(byte - b'0'), digits + 1),
            b' ' | b'\t' => {}
            _ => break,
        }
    }
    let is_jump = match word[0] {
        b'M' | b'm' => (97..=99).contains(&number),
        _ => (65..=67).contains(&number),
    };
    digits > 0 && !is_jump
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn straight_and_not() {
        for text in
            ["G0X1\nN5 G1 Y2 F[1+2]\nM30\n%", "%\nO1001 (NOT A LOOP)\nM3 S1", "(GOTO 5) ;o1 while\nX#1", "O7\nG81"]
        {
            assert!(is_straight(text.as_bytes()), "{text:?}");
        }
        for text in [
            "o1 while [1]",
            "O<a> call",
            "GOTO 5",
            "N5 IF [1] THEN",
            "G1 X1 M98 P5",
            "m 9 9",
            "M099",
            "G65 P1",
            "M#1",
            "G[1]",
            "X1\nO5 call",
            "O[#1] call",
            "LABEL: G0",
        ] {
            assert!(!is_straight(text.as_bytes()), "{text:?}");
        }
    }
}

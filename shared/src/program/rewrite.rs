//! The same program with other feeds: F words changed or added, every other byte as it was.
//!
//! A feed is modal, so a change of one F word reaches every later block without one. The text is therefore
//! interpreted first: for each block that moves at feed, the feeds it was programmed with in all its passes and
//! the factor it is to run at give the F it has to have; a block of a loop or subprogram that runs several times
//! has the lowest. Blocks that then would inherit a wrong feed get an F word of their own, until none does.
//!
//! * A block is not split: one factor for all of it.
//! * An F by expression or parameter becomes a number where it has to change.
//! * Under G93 F is one over time and changes like any other; under G95 the spindle leads and nothing changes.
//! * A factor above one makes a block faster; it is held down to that of its slowest pass like any other.
//! * Numbers are rounded down, so that no feed is above what was asked for.
//!
//! What comes out is interpreted again and held against the original: the same operations, and no feed above the
//! original's times the factor. A text that fails is not given out.

use super::canon::{Call, CanonOp, FeedMode};
use super::diagnostic::Diagnostic;
use super::interpreter::Interpreter;
use super::labels::{Head, head};
use super::options::{Options, Sources};
use super::rates::INVERSE_FEED_MIN;
use super::text::{Place, next_line};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::Range;

/// Factor of the programmed feed by physical line of the main program, in per mille; absent lines run as programmed.
/// Above 1000 a block becomes faster: whoever asks for that has shown that nothing is cut there.
pub type LineFactors = BTreeMap<u32, u16>;

/// Greatest factor that a rewritten program gets, per mille; greater ones are taken as this.
pub const LINE_FACTOR_MAX: u16 = 5000;

/// A program with other feeds.
#[derive(Clone, Debug, PartialEq)]
pub struct Rewritten {
    /// The text.
    pub text: Vec<u8>,
    /// Lines whose F word has another number.
    pub changed: Vec<u32>,
    /// Lines that got an F word.
    pub added: Vec<u32>,
    /// Lines whose F was an expression or parameter and is a number now.
    pub fixed: Vec<u32>,
}

/// Why a program is not rewritten.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RewriteError {
    /// The program has an error.
    #[error("the program does not read: {0}")]
    Unread(Box<Diagnostic>),
    /// The feed of a line cannot be stated by an F word.
    #[error("line {line}: {reason}")]
    Impossible {
        /// Physical line.
        line: u32,
        /// Why.
        reason: &'static str,
    },
    /// The text that came out does not do the same. Nothing is given out.
    #[error("line {line}: the rewritten program would not make the same moves, or would feed faster than asked")]
    Differs {
        /// Physical line of the first difference.
        line: u32,
    },
}

/// What a block that moves at feed needs.
#[derive(Clone, Copy, Debug)]
struct Need {
    /// Lowest F word over all passes, factor included, in the unit of the program.
    word: f64,
}

/// One executed block, as far as its feed goes.
#[derive(Clone, Copy, Debug)]
struct Pass {
    line: u32,
    /// F word in force, in the unit of the program; `None` where the block does not move at feed.
    word: Option<f64>,
    mode: FeedMode,
    factor: f64,
}

/// Rewrites a program. Factors above [`LINE_FACTOR_MAX`] are taken as that.
///
/// # Errors
/// [`RewriteError`] where the program has an error, or its feeds cannot be stated.
pub fn rewrite(
    name: &str,
    text: &[u8],
    sources: &dyn Sources,
    options: &Options,
    factors: &LineFactors,
) -> Result<Rewritten, RewriteError> {
    let lines = lines_of(text);
    let passes = passes_of(name, text, sources, options, factors)?;
    let needs = needs_of(&passes);
    let wanted = words_to_write(&passes, &needs, &lines, text, factors);
    let rewritten = apply(text, &lines, &wanted)?;
    verify((name, text, &rewritten.text), sources, options, factors)?;
    Ok(rewritten)
}

pub(super) fn lines_of(text: &[u8]) -> Vec<Range<usize>> {
    let (mut place, mut lines) = (Place::default(), Vec::new());
    if text.starts_with(&[0xEF, 0xBB, 0xBF]) {
        place.offset = 3;
    }
    while let Some(line) = next_line(text, &mut place) {
        lines.push(line.range);
    }
    lines
}

fn is_feed(op: &CanonOp) -> bool {
    matches!(op.call, Call::StraightFeed { .. } | Call::ArcFeed { .. })
}

fn factor_of(factors: &LineFactors, op: &CanonOp) -> f64 {
    if op.at.source.0 > 0 || op.modal.feed_mode == FeedMode::PerRevolution || op.modal.forced.is_some() {
        return 1.0;
    }
    factors.get(&op.at.line).map_or(1.0, |permille| f64::from((*permille).min(LINE_FACTOR_MAX)) / 1000.0)
}

/// Executed blocks in order; consecutive operations of one block are one pass.
fn passes_of(
    name: &str,
    text: &[u8],
    sources: &dyn Sources,
    options: &Options,
    factors: &LineFactors,
) -> Result<Vec<Pass>, RewriteError> {
    let mut interpreter = Interpreter::new(name, text, sources, options);
    let mut passes: Vec<Pass> = Vec::new();
    while let Some(op) = interpreter.next_op() {
        if op.at.source.0 > 0 || !is_feed(&op) {
            continue;
        }
        let word = interpreter.state.feed.map(|feed| match op.modal.feed_mode {
            FeedMode::InverseTime => feed,
            _ => feed / interpreter.state.unit.mm(),
        });
        let pass = Pass { line: op.at.line, word, mode: op.modal.feed_mode, factor: factor_of(factors, &op) };
        match passes.last_mut().filter(|last| last.line == pass.line) {
            Some(last) => last.factor = last.factor.min(pass.factor),
            None => passes.push(pass),
        }
    }
    match interpreter.diagnostics().iter().find(|diagnostic| diagnostic.is_error()) {
        Some(error) => Err(RewriteError::Unread(Box::new(error.clone()))),
        None => Ok(passes),
    }
}

fn needs_of(passes: &[Pass]) -> BTreeMap<u32, Need> {
    let mut needs: BTreeMap<u32, Need> = BTreeMap::new();
    for pass in passes {
        let Some(word) = pass.word else { continue };
        let need = needs.entry(pass.line).or_insert(Need { word: f64::INFINITY });
        need.word = need.word.min(word * pass.factor);
    }
    needs
}

/// The F words that must be written, by line: those of slower and faster blocks, and those that keep others as they are.
fn words_to_write(
    passes: &[Pass],
    needs: &BTreeMap<u32, Need>,
    lines: &[Range<usize>],
    text: &[u8],
    factors: &LineFactors,
) -> BTreeMap<u32, f64> {
    let mut wanted = BTreeMap::new();
    let is_other = |pass: &&Pass| pass.factor != 1.0 && factors.contains_key(&pass.line);
    for pass in passes.iter().filter(is_other) {
        if let Some(need) = needs.get(&pass.line) {
            wanted.insert(pass.line, need.word);
        }
    }
    if wanted.is_empty() {
        return wanted;
    }
    let has_own: BTreeMap<u32, bool> = needs
        .keys()
        .map(|line| (*line, lines.get(*line as usize - 1).is_some_and(|range| f_word(&text[range.clone()]).is_some())))
        .collect();
    // A block without an F word inherits; where another F word was written before it, it needs one of its own. An
    // F word on a line that does not move is not seen here, so a block behind it may get a word it did not need.
    loop {
        let before = wanted.len();
        let mut inherited: Option<f64> = None;
        for pass in passes {
            let need = needs.get(&pass.line).map_or(0.0, |need| need.word);
            let is_own = has_own.get(&pass.line).copied().unwrap_or(false) || pass.mode != FeedMode::PerMinute;
            inherited = match (wanted.entry(pass.line), inherited) {
                (Entry::Occupied(_), _) => Some(need),
                (Entry::Vacant(_), _) if is_own => None,
                (Entry::Vacant(free), Some(word)) if (word - need).abs() > 1e-9 * need => Some(*free.insert(need)),
                (Entry::Vacant(_), inherited) => inherited,
            };
        }
        if wanted.len() == before {
            return wanted;
        }
    }
}

/// Bytes of the F word of a line, letter included, and whether it is a plain number.
fn f_word(line: &[u8]) -> Option<(Range<usize>, bool)> {
    if matches!(head(line), Head::OWord(_)) {
        return None;
    }
    let mut at = 0;
    let mut depth = 0u32;
    while at < line.len() {
        match line[at] {
            b';' => return None,
            b'(' => at += line[at..].iter().position(|byte| *byte == b')')?,
            b'<' => at += line[at..].iter().position(|byte| *byte == b'>')?,
            b'[' => depth += 1,
            b']' => depth = depth.saturating_sub(1),
            b'F' | b'f' if depth == 0 && !is_inside_word(line, at) => {
                let end = value_end(line, at + 1);
                let is_number =
                    line[at + 1..end].iter().all(|byte| !matches!(byte, b'#' | b'[') && !byte.is_ascii_alphabetic());
                return Some((at..end, is_number));
            }
            _ => {}
        }
        at += 1;
    }
    None
}

/// True for the F of `IF` or `FUP`.
fn is_inside_word(line: &[u8], at: usize) -> bool {
    let is_letter = |at: usize| line.get(at).is_some_and(u8::is_ascii_alphabetic);
    is_letter(at + 1) || (at > 0 && is_letter(at - 1))
}

/// The byte behind a value: up to the next letter, comment or assignment outside brackets.
fn value_end(line: &[u8], start: usize) -> usize {
    let (mut depth, mut end, mut at) = (0u32, start, start);
    while at < line.len() {
        match line[at] {
            b'[' => depth += 1,
            b']' => depth = depth.saturating_sub(1),
            b'<' => at += line[at..].iter().position(|byte| *byte == b'>').unwrap_or(0),
            b'(' | b';' | b'@' | b'^' | b'*' | b'%' if depth == 0 => break,
            b'#' if depth == 0 && line[start..at].iter().any(|byte| byte.is_ascii_digit() || *byte == b']') => break,
            byte if depth == 0 && byte.is_ascii_alphabetic() => break,
            _ => {}
        }
        if !super::number::is_blank(line[at]) {
            end = at + 1;
        }
        at += 1;
    }
    end
}

/// Where an F word is added: behind the last byte of the block that is neither blank nor comment.
fn end_of_words(line: &[u8]) -> usize {
    let (mut at, mut end) = (0, 0);
    while at < line.len() {
        match line[at] {
            b';' => break,
            b'(' => at += line[at..].iter().position(|byte| *byte == b')').unwrap_or(line.len() - at),
            byte if super::number::is_blank(byte) => {}
            _ => end = at + 1,
        }
        at += 1;
    }
    end
}

fn apply(text: &[u8], lines: &[Range<usize>], wanted: &BTreeMap<u32, f64>) -> Result<Rewritten, RewriteError> {
    let mut out = Rewritten { text: Vec::with_capacity(text.len()), changed: vec![], added: vec![], fixed: vec![] };
    let mut copied = 0;
    for (line, word) in wanted {
        let impossible = |reason| RewriteError::Impossible { line: *line, reason };
        let range = lines.get(*line as usize - 1).cloned().ok_or(impossible("the program has no such line"))?;
        let bytes = &text[range.clone()];
        let number = written(*word).ok_or(impossible("the feed would be too small to write"))?;
        let (span, new, list) = match f_word(bytes) {
            Some((span, true)) => {
                let old = String::from_utf8_lossy(&bytes[span.start + 1..span.end]).into_owned();
                if old.trim().parse() == Ok(*word) {
                    continue;
                }
                let point = if old.contains('.') && !number.contains('.') { "." } else { "" };
                let blank = if old.starts_with(' ') { " " } else { "" };
                (span.start + 1..span.end, format!("{blank}{number}{point}"), &mut out.changed)
            }
            Some((span, false)) => (span.start + 1..span.end, number, &mut out.fixed),
            None => {
                let end = end_of_words(bytes);
                let blank = if bytes[..end].contains(&b' ') { " " } else { "" };
                (end..end, format!("{blank}F{number}"), &mut out.added)
            }
        };
        list.push(*line);
        out.text.extend(&text[copied..range.start + span.start]);
        out.text.extend(new.bytes());
        copied = range.start + span.end;
    }
    out.text.extend(&text[copied..]);
    Ok(out)
}

/// A number as a post writes it, rounded down; `None` where nothing above zero is left.
pub(super) fn written(word: f64) -> Option<String> {
    let scale = if word < 1.0 { 1e6 } else { 1e3 };
    // What an exact number became by conversion of units is that number again.
    let nearest = (word * scale).round();
    let steps = if (nearest - word * scale).abs() <= 1e-9 * nearest { nearest } else { (word * scale).floor() };
    if steps <= 0.0 || !steps.is_finite() {
        return None;
    }
    Some(format!("{}", steps / scale))
}

/// Feeds may exceed by the rounding of a conversion of units.
const WITHIN: f64 = 1.0 + 1e-8;

fn verify(
    (name, old, new): (&str, &[u8], &[u8]),
    sources: &dyn Sources,
    options: &Options,
    factors: &LineFactors,
) -> Result<(), RewriteError> {
    let mut original = Interpreter::new(name, old, sources, options);
    let mut rewritten = Interpreter::new(name, new, sources, options);
    let mut place = None;
    loop {
        let (before, after) = match (original.next_op(), rewritten.next_op()) {
            (None, None) => break,
            (Some(before), Some(after)) => (before, after),
            (before, after) => {
                let line = before.or(after).map_or(0, |op| op.at.line);
                return Err(RewriteError::Differs { line });
            }
        };
        let line = before.at.line;
        let is_same = before.call == after.call && before.at == after.at && before.modal.spindle == after.modal.spindle;
        // Under G93 a move nowhere has a least feed, whatever F says.
        let is_inverse = before.modal.feed_mode == FeedMode::InverseTime;
        let least_mm_s = if is_inverse { INVERSE_FEED_MIN * original.state.unit.mm() / 60.0 } else { 0.0 };
        let limit =
            before.modal.feed.map(|feed| (feed.as_mm_s() * factor_of(factors, &before)).max(least_mm_s) * WITHIN);
        let is_slow = match (limit, after.modal.feed) {
            (Some(limit), Some(feed)) => feed.as_mm_s() <= limit,
            (limit, feed) => limit.is_none() && feed.is_none(),
        };
        // A straight move to where the axes stand takes no time at any feed; G93 gives it its least.
        let end = match before.call {
            Call::StraightFeed { end } | Call::StraightTraverse { end } | Call::ArcFeed { end, .. } => Some(end),
            _ => place,
        };
        let is_move = is_feed(&before) && (matches!(before.call, Call::ArcFeed { .. }) || end != place);
        place = end;
        if !is_same || (is_move && !is_slow) {
            return Err(RewriteError::Differs { line });
        }
    }
    match rewritten.diagnostics().iter().find(|diagnostic| diagnostic.is_error()) {
        Some(error) => Err(RewriteError::Differs { line: error.line }),
        None => Ok(()),
    }
}

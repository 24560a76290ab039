//! The same program with some of its blocks in pieces, so that a feed can change on the way.
//!
//! A block has one F, so a long one runs at what its worst place allows. Here it becomes several: lines with the
//! intermediate ends are put before it, and the block itself, byte for byte but for I, J and K of an arc, goes the rest of
//! the way to the end it always had. Each piece states the feed that was in force, so that nothing changes yet; feeds are
//! written afterwards by [`super::rewrite()`], whose rules then hold for the pieces as for any block.
//!
//! Only blocks that are plain are split: one straight line or arc (helices too) of one pass, in absolute coordinates, with
//! nothing in it but N, G1 to G3, X, Y, Z, I, J, K, R, F and comments. Cutter compensation, cycles, loops, subprograms,
//! programmable frames, expressions, rotary axes and feeds by time or revolution are left alone.
//!
//! What comes out is interpreted and held against the original: the same operations, and pieces that lie on their block within
//! [`WITHIN_MM`]. A block of which that is not true is left whole, and so is everything if that does not end.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::canon::{Call, CanonOp, FeedMode, Plane};
use super::interpreter::Interpreter;
use super::options::{Options, Sources};
use super::rewrite::{RewriteError, lines_of, written};
use crate::det::math;

/// Where to cut a block: shares of its length, rising, between 0 and 1, by physical line of the main program.
pub type LineCuts = BTreeMap<u32, Vec<f64>>;

/// How far a piece may lie beside its block, mm: what four decimals leave.
const WITHIN_MM: f64 = 2e-4;

/// Rounds in which blocks that came out otherwise are made whole again.
const ROUNDS_MAX: usize = 16;

/// A program with blocks in pieces.
#[derive(Clone, Debug, PartialEq)]
pub struct Split {
    /// The text.
    pub text: Vec<u8>,
    /// For each line of the text the line of the original it is or is a piece of.
    pub lines: Vec<u32>,
    /// Blocks that are in pieces now, by line of the original, with the number of pieces.
    pub blocks: BTreeMap<u32, usize>,
}

/// What is known of a block that may be split.
#[derive(Clone, Debug)]
struct Block {
    call: Call,
    start_mm: [f64; 3],
    end_mm: [f64; 3],
    unit_mm: f64,
    feed: f64,
    arc_is_absolute: bool,
}

/// Splits blocks where `cuts` says, as far as that is possible.
///
/// # Errors
/// [`RewriteError::Unread`] where the program has an error.
pub fn split_blocks(
    name: &str,
    text: &[u8],
    sources: &dyn Sources,
    options: &Options,
    cuts: &LineCuts,
) -> Result<Split, RewriteError> {
    let lines = lines_of(text);
    let blocks = plain_blocks(name, text, (sources, options), cuts)?;
    let mut pieces: BTreeMap<u32, Vec<Vec<u8>>> = BTreeMap::new();
    for (line, block) in &blocks {
        let Some(range) = lines.get(*line as usize - 1).cloned() else { continue };
        if let Some(found) = pieces_of(&text[range], block, &cuts[line]) {
            pieces.insert(*line, found);
        }
    }
    for _ in 0..ROUNDS_MAX {
        let split = assembled(text, &lines, &pieces);
        let wrong = differing(name, (text, &split), (sources, options), &blocks);
        if wrong.is_empty() {
            return Ok(split);
        }
        pieces.retain(|line, _| !wrong.contains(line));
    }
    Ok(assembled(text, &lines, &BTreeMap::new()))
}

/// The blocks among those asked for that may be split.
fn plain_blocks(
    name: &str,
    text: &[u8],
    (sources, options): (&dyn Sources, &Options),
    cuts: &LineCuts,
) -> Result<BTreeMap<u32, Block>, RewriteError> {
    let mut interpreter = Interpreter::new(name, text, sources, options);
    let mut found: BTreeMap<u32, Option<Block>> = BTreeMap::new();
    let mut place: Option<[f64; 3]> = None;
    let mut turned = [0.0; 3];
    let mut was_on = false;
    while let Some(op) = interpreter.next_op() {
        // A compensated move is given out when the block behind it has been read, which may switch it off.
        let is_on = interpreter.state.compensation.is_on();
        let compensated = std::mem::replace(&mut was_on, is_on) || is_on;
        let start_mm = place;
        let end = end_of(&op);
        let turns = end.is_some_and(|end| end.rotary_rad != turned);
        if let Some(end) = end {
            (place, turned) = (Some(end.program_mm), end.rotary_rad);
        }
        if op.at.source.0 > 0 || !cuts.contains_key(&op.at.line) {
            continue;
        }
        let state = &interpreter.state;
        let is_plain = op.at.depth == 0
            && matches!(op.call, Call::StraightFeed { .. } | Call::ArcFeed { turns: 1 | -1, .. })
            && op.modal.feed_mode == FeedMode::PerMinute
            && op.modal.forced.is_none()
            && !turns
            && !state.is_incremental
            && !state.is_diameter
            && !compensated
            && state.local.is_identity();
        let block = || {
            Some(Block {
                call: op.call.clone(),
                start_mm: start_mm?,
                end_mm: end?.program_mm,
                unit_mm: state.unit.mm(),
                feed: state.feed?,
                arc_is_absolute: state.is_arc_absolute,
            })
        };
        let block = if is_plain { block() } else { None };
        // A line with a second operation is a loop, a cycle or a corner: it stays whole.
        found.entry(op.at.line).and_modify(|known| *known = None).or_insert(block);
    }
    if let Some(error) = interpreter.diagnostics().iter().find(|diagnostic| diagnostic.is_error()) {
        return Err(RewriteError::Unread(Box::new(error.clone())));
    }
    Ok(found.into_iter().filter_map(|(line, block)| Some((line, block?))).collect())
}

fn end_of(op: &CanonOp) -> Option<super::canon::Pose> {
    match op.call {
        Call::StraightFeed { end } | Call::StraightTraverse { end } | Call::ArcFeed { end, .. } => Some(end),
        _ => None,
    }
}

/// An arc in its plane.
#[derive(Clone, Copy, Debug)]
struct Turn {
    axes: [usize; 3],
    centre_mm: [f64; 2],
    radius_mm: f64,
    start_rad: f64,
    sweep_rad: f64,
}

impl Turn {
    fn new(plane: Plane, centre_mm: [f64; 2], turns: i32, start_mm: [f64; 3], end_mm: [f64; 3]) -> Self {
        let axes = plane.axes();
        let from = |place: [f64; 3]| [place[axes[0]] - centre_mm[0], place[axes[1]] - centre_mm[1]];
        let angle = |[u, v]: [f64; 2]| math::atan2(v, u);
        let (start, end) = (from(start_mm), from(end_mm));
        let turn = std::f64::consts::TAU;
        let mut sweep_rad = (angle(end) - angle(start)).rem_euclid(turn);
        // A circle that ends where it begins is a whole one.
        if sweep_rad < 1e-9 || turn - sweep_rad < 1e-9 {
            sweep_rad = turn;
        } else if turns < 0 {
            sweep_rad = turn - sweep_rad;
        }
        let sweep_rad = if turns < 0 { -sweep_rad } else { sweep_rad };
        Self { axes, centre_mm, radius_mm: math::hypot(start[0], start[1]), start_rad: angle(start), sweep_rad }
    }

    fn at(&self, share: f64, start_mm: [f64; 3], end_mm: [f64; 3]) -> [f64; 3] {
        let (sin, cos) = math::sin_cos(self.start_rad + self.sweep_rad * share);
        let mut place = [0.0; 3];
        place[self.axes[0]] = self.centre_mm[0] + self.radius_mm * cos;
        place[self.axes[1]] = self.centre_mm[1] + self.radius_mm * sin;
        let normal = self.axes[2];
        place[normal] = start_mm[normal] + (end_mm[normal] - start_mm[normal]) * share;
        place
    }
}

impl Block {
    fn turn(&self) -> Option<Turn> {
        match self.call {
            Call::ArcFeed { plane, centre_mm, turns, .. } => {
                Some(Turn::new(plane, centre_mm, turns, self.start_mm, self.end_mm))
            }
            _ => None,
        }
    }

    /// The place at a share of the block.
    fn at(&self, share: f64) -> [f64; 3] {
        match self.turn() {
            Some(turn) => turn.at(share, self.start_mm, self.end_mm),
            None => std::array::from_fn(|axis| self.start_mm[axis] + (self.end_mm[axis] - self.start_mm[axis]) * share),
        }
    }
}

/// A word of a block: its letter and the bytes of its number.
type Word = (u8, Range<usize>);

/// Words of a block that has nothing but plain words and comments.
fn words(line: &[u8]) -> Option<Vec<Word>> {
    let (mut at, mut found) = (0, Vec::new());
    while at < line.len() {
        match line[at] {
            b';' => break,
            b'(' => at += line[at..].iter().position(|byte| *byte == b')')? + 1,
            b' ' | b'\t' => at += 1,
            letter if letter.is_ascii_alphabetic() => {
                let number =
                    line[at + 1..].iter().take_while(|byte| byte.is_ascii_digit() || b".+-".contains(byte)).count();
                let range = at + 1..at + 1 + number;
                std::str::from_utf8(&line[range.clone()]).ok()?.parse::<f64>().ok()?;
                found.push((letter.to_ascii_uppercase(), range.clone()));
                at = range.end;
            }
            _ => return None,
        }
    }
    Some(found)
}

/// Lines that take the place of a block; the last one is the block. `None` where its text is not plain.
fn pieces_of(line: &[u8], block: &Block, cuts: &[f64]) -> Option<Vec<Vec<u8>>> {
    let words = words(line)?;
    let value = |range: &Range<usize>| std::str::from_utf8(&line[range.clone()]).ok()?.parse::<f64>().ok();
    let known = words.iter().all(|(letter, range)| match letter {
        b'G' => value(range).is_some_and(|code| [1.0, 2.0, 3.0].contains(&code)),
        letter => b"NXYZIJKRF".contains(letter),
    });
    let has = |letter: u8| words.iter().any(|(known, _)| *known == letter);
    // A radius below zero means the longer arc, which its pieces are not.
    let is_long =
        words.iter().any(|(letter, range)| *letter == b'R' && value(range).is_none_or(|radius| radius <= 0.0));
    if !known || is_long || !(has(b'X') || has(b'Y') || has(b'Z')) {
        return None;
    }
    let turn = block.turn();
    // An arc that ends beside its circle is one only as a whole: its last piece would be refused.
    let ends = |turn: &Turn| {
        let end_mm = turn.at(1.0, block.start_mm, block.end_mm);
        (0..3).all(|axis| (end_mm[axis] - block.end_mm[axis]).abs() <= WITHIN_MM)
    };
    if !turn.as_ref().is_none_or(ends) {
        return None;
    }
    let code = match (&block.call, &turn) {
        (Call::ArcFeed { turns, .. }, _) => {
            if *turns > 0 {
                "G3"
            } else {
                "G2"
            }
        }
        _ => "G1",
    };
    let feed = written(block.feed)?;
    let mut from_mm = block.start_mm;
    let mut pieces = Vec::with_capacity(cuts.len() + 1);
    for share in cuts {
        let to_mm = block.at(*share);
        let rounded = to_mm.map(|mm| number(mm, block.unit_mm));
        let mut piece = code.to_owned();
        for (axis, letter) in ["X", "Y", "Z"].into_iter().enumerate() {
            let in_plane = turn.is_some_and(|turn| turn.axes[2] != axis);
            if in_plane || block.start_mm[axis] != block.end_mm[axis] {
                piece += &format!(" {letter}{}", rounded[axis].0);
            }
        }
        if let Some(turn) = turn {
            piece += &centre_words(&turn, block, from_mm);
        }
        pieces.push(format!("{piece} F{feed}").into_bytes());
        from_mm = rounded.map(|(_, mm)| mm);
    }
    let last = match turn {
        Some(turn) if !has(b'R') && !block.arc_is_absolute => with_centre(line, &words, (&turn, block), from_mm),
        _ => line.to_vec(),
    };
    pieces.push(last);
    Some(pieces)
}

/// A length as a post writes it, in the unit of the program, and what it is in mm.
fn number(mm: f64, unit_mm: f64) -> (String, f64) {
    let (digits, scale) = if unit_mm == 1.0 { (4, 1e4) } else { (6, 1e6) };
    let steps = (mm / unit_mm * scale).round();
    // Without the sign of a zero.
    let value = if steps == 0.0 { 0.0 } else { steps / scale };
    let text = format!("{value:.digits$}");
    let text = text.trim_end_matches('0').to_owned();
    (text, value * unit_mm)
}

/// Offset words of the centre, in the way of the program.
fn centre_words(turn: &Turn, block: &Block, from_mm: [f64; 3]) -> String {
    let mut text = String::new();
    for (index, axis) in turn.axes[..2].iter().enumerate() {
        let offset_mm = if block.arc_is_absolute { 0.0 } else { from_mm[*axis] };
        text += &format!(" {}{}", ["I", "J", "K"][*axis], number(turn.centre_mm[index] - offset_mm, block.unit_mm).0);
    }
    text
}

/// The line with its centre seen from another start.
fn with_centre(line: &[u8], words: &[Word], (turn, block): (&Turn, &Block), from_mm: [f64; 3]) -> Vec<u8> {
    let mut changes: Vec<(Range<usize>, String)> = Vec::new();
    let end = words.iter().map(|(_, range)| range.end).max().unwrap_or(line.len());
    for (index, axis) in turn.axes[..2].iter().enumerate() {
        let (letter, text) = (b"IJK"[*axis], number(turn.centre_mm[index] - from_mm[*axis], block.unit_mm).0);
        match words.iter().find(|(known, _)| *known == letter) {
            Some((_, range)) => changes.push((range.clone(), text)),
            None => changes.push((end..end, format!(" {}{text}", char::from(letter)))),
        }
    }
    changes.sort_by_key(|(range, _)| range.start);
    let (mut out, mut copied) = (Vec::with_capacity(line.len() + 24), 0);
    for (range, text) in changes {
        out.extend(&line[copied..range.start]);
        out.extend(text.bytes());
        copied = range.end;
    }
    out.extend(&line[copied..]);
    out
}

/// The program with pieces in place of blocks; each piece ends as its block does.
fn assembled(text: &[u8], lines: &[Range<usize>], pieces: &BTreeMap<u32, Vec<Vec<u8>>>) -> Split {
    let mut out = Split { text: Vec::with_capacity(text.len()), lines: Vec::new(), blocks: BTreeMap::new() };
    let mut copied = 0;
    for (range, line) in lines.iter().zip(1u32..) {
        if let Some(pieces) = pieces.get(&line) {
            let next = lines.get(line as usize).map_or(text.len(), |next| next.start);
            let end: &[u8] = if next > range.end { &text[range.end..next] } else { b"\n" };
            out.text.extend(&text[copied..range.start]);
            for piece in &pieces[..pieces.len() - 1] {
                out.text.extend(piece);
                out.text.extend(end);
                out.lines.push(line);
            }
            out.text.extend(&pieces[pieces.len() - 1]);
            copied = range.end;
            out.blocks.insert(line, pieces.len());
        }
        out.lines.push(line);
    }
    out.text.extend(&text[copied..]);
    out
}

/// Lines of the original of which the pieces are not the block; every split block where the texts part altogether.
fn differing(
    name: &str,
    (text, split): (&[u8], &Split),
    (sources, options): (&dyn Sources, &Options),
    blocks: &BTreeMap<u32, Block>,
) -> BTreeSet<u32> {
    let all = || split.blocks.keys().copied().collect::<BTreeSet<_>>();
    let mut original = Interpreter::new(name, text, sources, options);
    let mut changed = Interpreter::new(name, &split.text, sources, options);
    let mut wrong = BTreeSet::new();
    while let Some(before) = original.next_op() {
        let line = before.at.line;
        let count = if before.at.source.0 == 0 { split.blocks.get(&line).copied().unwrap_or(1) } else { 1 };
        let mut pieces = Vec::with_capacity(count);
        for _ in 0..count {
            let Some(after) = changed.next_op() else {
                // It stops at an error: what stands there is made whole again.
                let errors = changed.diagnostics().iter().filter(|diagnostic| diagnostic.is_error());
                let lines = errors.filter_map(|error| split.lines.get((error.line as usize).checked_sub(1)?).copied());
                let lines: BTreeSet<u32> = lines.filter(|line| split.blocks.contains_key(line)).collect();
                return if lines.is_empty() { all() } else { lines };
            };
            let is_of_line = after.at.source.0 > 0 || split.lines.get(after.at.line as usize - 1) == Some(&line);
            let is_same = after.at.source == before.at.source && after.modal == before.modal;
            if !is_of_line || !is_same {
                return if count > 1 { BTreeSet::from([line]) } else { all() };
            }
            pieces.push(after);
        }
        let is_same = match (count, blocks.get(&line)) {
            (1, _) | (_, None) => pieces[0].call == before.call,
            (_, Some(block)) => follow(block, &pieces),
        };
        if !is_same {
            wrong.insert(line);
        }
    }
    let failed = changed.next_op().is_some() || changed.diagnostics().iter().any(|diagnostic| diagnostic.is_error());
    if failed && wrong.is_empty() { all() } else { wrong }
}

/// True where pieces lie on their block one after the other, and end where it ends.
fn follow(block: &Block, pieces: &[CanonOp]) -> bool {
    let near = |a: f64, b: f64| (a - b).abs() <= WITHIN_MM;
    let turn = block.turn();
    let mut reached = 0.0;
    for (index, piece) in pieces.iter().enumerate() {
        let Some(end) = end_of(piece).map(|end| end.program_mm) else { return false };
        let share = match (&block.call, &piece.call, turn) {
            (Call::StraightFeed { .. }, Call::StraightFeed { .. }, _) => share_of_line(block, end),
            (Call::ArcFeed { plane, .. }, Call::ArcFeed { plane: own, centre_mm, turns, .. }, Some(turn)) => {
                let way = turn.sweep_rad.signum() == f64::from(turns.signum()) && turns.abs() == 1 && plane == own;
                let centred = near(centre_mm[0], turn.centre_mm[0]) && near(centre_mm[1], turn.centre_mm[1]);
                if !(way && centred) {
                    return false;
                }
                share_of_turn(&turn, end)
            }
            _ => return false,
        };
        let is_last = index + 1 == pieces.len();
        let share = if is_last { 1.0 } else { share };
        let expected = block.at(share);
        let lies = (0..3).all(|axis| near(end[axis], expected[axis]));
        let ends = !is_last || (0..3).all(|axis| (end[axis] - block.end_mm[axis]).abs() < 1e-9);
        if !lies || !ends || share <= reached {
            return false;
        }
        reached = share;
    }
    true
}

fn share_of_line(block: &Block, place_mm: [f64; 3]) -> f64 {
    let along: [f64; 3] = std::array::from_fn(|axis| block.end_mm[axis] - block.start_mm[axis]);
    let square: f64 = along.iter().map(|mm| mm * mm).sum();
    let way: f64 = (0..3).map(|axis| (place_mm[axis] - block.start_mm[axis]) * along[axis]).sum();
    way / square
}

fn share_of_turn(turn: &Turn, place_mm: [f64; 3]) -> f64 {
    let [u, v] = [0, 1].map(|i| place_mm[turn.axes[i]] - turn.centre_mm[i]);
    let angle = (math::atan2(v, u) - turn.start_rad).rem_euclid(std::f64::consts::TAU);
    let angle = if turn.sweep_rad < 0.0 { std::f64::consts::TAU - angle } else { angle };
    angle / turn.sweep_rad.abs()
}

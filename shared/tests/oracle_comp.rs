//! Cutter compensation against LinuxCNC's interpreter: random contours and random mistakes.
//!
//! A contour is drawn as a chain of lines and arcs, mostly long against the cutter, sometimes not: then the
//! oracle may refuse it, and we have to refuse it at the same line. So one generator gives accepted programs
//! with every kind of corner and refused ones with every kind of gouge. The malformed ones are accepted
//! contours with one forbidden block put in. How often each construct occurred in programs that were compared
//! is counted and asserted.
#![allow(clippy::disallowed_methods, reason = "a test may read files and take the platform's functions as an oracle")]
#![allow(clippy::print_stderr, reason = "a skipped test must be seen, and the counts are its result")]

#[path = "oracle/mod.rs"]
mod common;

use common::batch::Said;
use common::{Step, at_hand, collapsed, difference, options, oracle_of_all, ours, scratch};
use shared::det::{Rng, math};
use shared::program::interpret;
use std::collections::BTreeMap;
use std::f64::consts::{PI, TAU};
use std::fmt::Write as _;

/// Programs of each kind.
const ACCEPTED_MIN: usize = 500;
const REFUSED_MIN: usize = 500;
const PROGRAMS: u64 = 700;
/// Programs with a forbidden block that are made and judged together.
const FORBIDDEN_AT_ONCE: u64 = 250;
/// Times each construct has to occur.
const USES_MIN: usize = 20;

/// A program in the making, and what it uses.
struct Writer {
    rng: Rng,
    text: String,
    uses: Vec<&'static str>,
    /// Axis and centre letters of the plane's first and second axis, and of its normal.
    letters: [char; 5],
    /// Lengths are written in inches.
    is_inch: bool,
    is_incremental: bool,
    at: [f64; 2],
    heading: f64,
    radius: f64,
    /// Lines of the forbidden block.
    forbidden: std::ops::Range<u32>,
}

impl Writer {
    fn use_of(&mut self, what: &'static str) {
        self.uses.push(what);
    }

    fn number(&self, value_mm: f64) -> String {
        // Enough digits that the ends of arcs lie on their circles in either unit.
        if self.is_inch { format!("{:.7}", value_mm / 25.4) } else { format!("{value_mm:.6}") }
    }

    fn any_depth(&mut self) -> String {
        let depth_mm = self.rng.between(-2.0, 2.0);
        self.number(depth_mm)
    }

    /// The words of a place in the plane, in the distance mode in force.
    fn place(&mut self, to: [f64; 2]) -> String {
        let from = if self.is_incremental { self.at } else { [0.0; 2] };
        let [a, b, ..] = self.letters;
        let words = format!("{a}{} {b}{}", self.number(to[0] - from[0]), self.number(to[1] - from[1]));
        self.at = to;
        words
    }

    fn line(&mut self, text: &str) {
        self.text.push_str(text);
        self.text.push('\n');
    }

    /// A straight move in the heading, after a bend.
    fn straight(&mut self, bend: f64, length: f64) {
        self.heading += bend;
        let to = [self.at[0] + length * math::cos(self.heading), self.at[1] + length * math::sin(self.heading)];
        let words = self.place(to);
        let code = if self.rng.chance(0.12) {
            self.use_of("traverse");
            "G0"
        } else {
            self.use_of("line");
            "G1"
        };
        let mut more = String::new();
        if self.rng.chance(0.15) {
            self.use_of("normal axis in a move");
            let depth = self.any_depth();
            more = format!(" {}{depth}", self.letters[4]);
        }
        if self.rng.chance(0.1) {
            self.use_of("rotary axis in a move");
            write!(more, " A{:.3}", self.rng.between(-30.0, 30.0)).expect("a string");
        }
        self.line(&format!("{code} {words}{more}"));
    }

    /// An arc that begins `bend` off the heading, in one of its two forms.
    fn arc(&mut self, bend: f64, radius: f64, sweep: f64) {
        let turn = sweep.signum();
        let start = self.heading + bend;
        let towards = start + turn * PI / 2.0;
        let offset = [radius * math::cos(towards), radius * math::sin(towards)];
        let from_centre = towards + PI + sweep;
        let to = [
            self.at[0] + offset[0] + radius * math::cos(from_centre),
            self.at[1] + offset[1] + radius * math::sin(from_centre),
        ];
        self.heading = start + sweep;
        let [_, _, i, j, normal] = self.letters;
        let place = self.place(to);
        let mut words = if self.rng.chance(0.3) && sweep.abs() > 0.2 && (sweep.abs() - PI).abs() > 0.1 {
            self.use_of("arc by radius");
            let sign = if sweep.abs() > PI { "-" } else { "" };
            format!("{place} R{sign}{}", self.number(radius))
        } else {
            self.use_of("arc by centre");
            format!("{place} {i}{} {j}{}", self.number(offset[0]), self.number(offset[1]))
        };
        if self.rng.chance(0.15) {
            self.use_of("helix");
            write!(words, " {normal}{}", self.any_depth()).expect("a string");
        }
        let code = if turn > 0.0 { "G3" } else { "G2" };
        self.use_of(if turn > 0.0 { "G3" } else { "G2" });
        self.line(&format!("{code} {words}"));
    }

    /// Something between two moves of the contour.
    fn between_moves(&mut self) {
        let normal = self.letters[4];
        match self.rng.below(9) {
            0 => {
                self.use_of("S word");
                self.line("S1200");
            }
            1 => {
                self.use_of("M word");
                self.line("M8");
            }
            2 => {
                self.use_of("F word");
                let feed = self.rng.below(300) + 50;
                self.line(&format!("F{feed}"));
            }
            3 => {
                self.use_of("dwell");
                self.line("G4 P.5");
            }
            4 => {
                self.use_of("preselected tool");
                self.line("T9");
            }
            5 => {
                self.use_of("up and down");
                let (up, down) = (self.number(3.0), self.number(-3.0));
                let mode = if self.is_incremental { "G91" } else { "G90" };
                self.line(&format!("G91 G1 {normal}{up}\nG0 {normal}{down}\n{mode} G1"));
            }
            6 => {
                self.use_of("changed distance mode");
                self.is_incremental = !self.is_incremental;
                self.line(if self.is_incremental { "G91" } else { "G90" });
            }
            7 => {
                self.use_of("inverse time");
                self.line("G93 G1 F3");
                let length = self.rng.between(2.0, 4.0) * (self.radius + 1.0);
                self.heading += self.rng.between(-0.5, 0.5);
                let to = [self.at[0] + length * math::cos(self.heading), self.at[1] + length * math::sin(self.heading)];
                let words = self.place(to);
                let feed = self.rng.below(5) + 1;
                self.line(&format!("G1 {words} F{feed}\nG94 F300"));
            }
            _ => {
                self.use_of("comment");
                self.line("(along the contour)");
            }
        }
    }

    /// One piece of a contour; the corner before it is drawn first.
    fn piece(&mut self) {
        let bend = match self.rng.below(4) {
            0 => 0.0,
            1 => self.rng.between(-0.04, 0.04),
            2 => self.rng.between(-2.6, 2.6),
            _ => self.rng.between(-1.2, 1.2),
        };
        // Pieces are long against the cutter, but for a few.
        let scale = if self.rng.chance(0.06) { 0.5 } else { 4.0 };
        if self.rng.chance(0.55) {
            let length = self.rng.between(1.0, 3.0) * scale * (self.radius + 0.5);
            self.straight(bend, length);
        } else {
            let radius = self.rng.between(0.8, 2.5) * scale * (self.radius + 0.5);
            let size = if self.rng.chance(0.15) { self.rng.between(3.3, 5.8) } else { self.rng.between(0.3, 2.8) };
            let sweep = if self.rng.chance(0.5) { size } else { -size };
            self.arc(bend, radius, sweep);
        }
    }

    /// The block that switches compensation on; it says the radius.
    fn switch_on(&mut self) {
        let side = if self.rng.chance(0.5) { 41 } else { 42 };
        if self.rng.chance(0.5) {
            let tool = self.rng.below(6) + 1;
            self.radius = tool as f64 / 2.0;
            if self.rng.chance(0.3) {
                self.use_of("tool in the spindle");
                self.line(&format!("G{side}"));
                self.radius = 1.0;
            } else {
                self.use_of(if side == 41 { "G41" } else { "G42" });
                self.line(&format!("G{side} D{tool}"));
            }
            return;
        }
        self.radius = self.rng.between(0.2, 3.0);
        let mut diameter = 2.0 * self.radius;
        if self.rng.chance(0.15) {
            self.use_of("negative diameter");
            diameter = -diameter;
        }
        self.use_of(if side == 41 { "G41.1" } else { "G42.1" });
        let mut words = format!("G{side}.1 D{}", self.number(diameter));
        if self.letters[0] == 'Z' && self.rng.chance(0.6) {
            self.use_of("orientation");
            write!(words, " L{}", self.rng.below(10)).expect("a string");
        }
        self.line(&words);
    }

    fn entry(&mut self) {
        let is_short = self.rng.chance(0.03);
        if self.rng.chance(0.7) {
            self.use_of("entry by a line");
            let length = if is_short { 0.9 * self.radius } else { self.rng.between(1.2, 5.0) * (self.radius + 0.5) };
            let bend = self.rng.between(-3.0, 3.0);
            self.straight(bend, length);
        } else {
            self.use_of("entry by an arc");
            let radius = if is_short { 0.4 } else { self.rng.between(2.5, 5.0) } * (self.radius + 0.2);
            let sweep = self.rng.between(0.9, 2.6) * if self.rng.chance(0.5) { 1.0 } else { -1.0 };
            let bend = self.rng.between(-3.0, 3.0);
            self.arc(bend, radius, sweep);
        }
    }

    fn exit(&mut self) {
        match self.rng.below(5) {
            0 => {
                self.use_of("exit in the block of a move");
                self.line("G40");
                self.text.pop();
                self.text.push(' ');
                let bend = self.rng.between(-2.0, 2.0);
                self.straight(bend, 12.0);
            }
            1 if self.rng.chance(0.2) => {
                self.use_of("exit by an arc");
                self.line("G40");
                self.arc(0.0, 9.0, 1.0);
            }
            _ => {
                self.use_of("exit by a line");
                self.line("G40");
                let bend = self.rng.between(-2.0, 2.0);
                self.straight(bend, 12.0);
            }
        }
    }
}

/// A program of one or two contours. `forbidden` is put into the contour.
fn program(seed: u64, forbidden: Option<&str>) -> Writer {
    let mut rng = Rng::new(seed);
    let is_xy = rng.chance(0.65);
    let is_inch = rng.chance(0.3);
    let letters = if is_xy { ['X', 'Y', 'I', 'J', 'Z'] } else { ['Z', 'X', 'K', 'I', 'Y'] };
    let mut writer = Writer {
        rng,
        text: String::new(),
        uses: Vec::new(),
        letters,
        is_inch,
        is_incremental: false,
        at: [0.0; 2],
        heading: 0.0,
        radius: 1.0,
        forbidden: 0..0,
    };
    writer.use_of(if is_xy { "G17" } else { "G18" });
    writer.use_of(if is_inch { "G20" } else { "G21" });
    let (plane, unit) = (if is_xy { "G17" } else { "G18" }, if is_inch { "G20" } else { "G21" });
    writer.line(&format!("{unit} G90 {plane} G94 G91.1 F300 S1000 M3\nT2 M6"));
    if writer.rng.chance(0.25) {
        writer.use_of("rotated work offset");
        let [x, y, r] = [3, 5, 7].map(|_| format!("{:.3}", writer.rng.between(-40.0, 40.0)));
        writer.line(&format!("G10 L2 P2 X{x} Y{y} R{r}\nG55"));
    }
    let contours = 1 + writer.rng.below(2);
    for contour in 0..contours {
        let to = [writer.rng.between(-30.0, 30.0), writer.rng.between(-30.0, 30.0)];
        let words = writer.place(to);
        writer.line(&format!("G0 {words}"));
        writer.switch_on();
        writer.entry();
        let pieces = 2 + writer.rng.below(5);
        let at = writer.rng.below(pieces);
        for piece in 0..pieces {
            writer.piece();
            if piece == at
                && contour == 0
                && let Some(block) = forbidden
            {
                let before = writer.text.lines().count() as u32;
                writer.line(block);
                writer.forbidden = before + 1..writer.text.lines().count() as u32 + 1;
            }
            if writer.rng.chance(0.3) {
                writer.between_moves();
            }
        }
        if writer.rng.chance(0.08) {
            writer.use_of("end of program in compensation");
            break;
        }
        writer.exit();
    }
    writer.line("M2");
    writer
}

/// What comparing one program gave.
enum Outcome {
    /// Both accept it, in so many steps; corners counted by kind.
    Agreed(usize, Vec<&'static str>),
    /// Both refuse it at the same line, ours; why, in the words of our diagnosis.
    Refused(u32, String),
    Differs(String),
}

/// The oracle names the line that sets a waiting dwell free, we name its own: take ours over where it is earlier.
fn with_own_lines(theirs: &mut [Step], ours: &[Step]) {
    for (a, b) in theirs.iter_mut().zip(ours) {
        if a.kind == 'd' && b.kind == 'd' && b.line < a.line {
            a.line = b.line;
        }
    }
}

/// Arcs put in at corners, and lines with more than one operation.
fn corners(text: &str, steps: &[Step]) -> Vec<&'static str> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for pair in steps.windows(2) {
        let line = lines.get(pair[0].line as usize - 1).copied().unwrap_or_default();
        if pair[0].line != pair[1].line {
            continue;
        }
        found.push(match (pair[0].kind, pair[1].kind, line.contains("G0")) {
            ('a', 'f', _) => "arc at a convex corner before a line",
            ('a', 'a', _) => "arc at a convex corner before an arc",
            ('t', 't', _) => "line at a convex corner before a traverse",
            _ => continue,
        });
    }
    found
}

fn judge(said: Said, text: &str) -> Outcome {
    let Some((theirs, refusal)) = said else { return Outcome::Differs("the oracle does not end".to_owned()) };
    let result = interpret("program", text.as_bytes(), &BTreeMap::new(), &options());
    let error = result.diagnostics.iter().find(|diagnostic| diagnostic.is_error());
    match (refusal, error) {
        (None, None) => {
            let (mut theirs, ours) = (collapsed(theirs), collapsed(ours(&result)));
            with_own_lines(&mut theirs, &ours);
            match difference(&theirs, &ours) {
                Some(what) => Outcome::Differs(what),
                None => Outcome::Agreed(ours.len(), corners(text, &ours)),
            }
        }
        (Some(at), Some(error)) if error.line == at || error.line + 1 == at => {
            Outcome::Refused(error.line, error.message.clone())
        }
        (at, error) => Outcome::Differs(format!("the oracle refuses {at:?}, we: {error:?}")),
    }
}

fn count<'k>(counts: &mut BTreeMap<&'k str, usize>, what: impl IntoIterator<Item = &'k str>) {
    for what in what {
        *counts.entry(what).or_default() += 1;
    }
}

#[test]
fn random_contours_give_the_same_motions() {
    if !at_hand() {
        return;
    }
    let folder = scratch("comp");
    let (mut uses, mut reasons) = (BTreeMap::new(), BTreeMap::<String, usize>::new());
    let (mut agreed, mut refused, mut steps, mut wrong) = (0, 0, 0, Vec::new());
    let writers: Vec<_> = (0..PROGRAMS).map(|seed| program(seed, None)).collect();
    let texts: Vec<String> = writers.iter().map(|writer| writer.text.clone()).collect();
    for ((seed, writer), said) in writers.into_iter().enumerate().zip(oracle_of_all(&folder, &texts)) {
        match judge(said, &writer.text) {
            Outcome::Agreed(count_of, corners) => {
                (agreed, steps) = (agreed + 1, steps + count_of);
                count(&mut uses, writer.uses);
                count(&mut uses, corners);
            }
            Outcome::Refused(_, reason) => {
                refused += 1;
                let reason: String = reason.chars().filter(|letter| !letter.is_ascii_digit()).collect();
                *reasons.entry(reason).or_default() += 1;
            }
            Outcome::Differs(what) => wrong.push(format!("seed {seed}: {what}\n{}", writer.text)),
        }
    }
    eprintln!(
        "{agreed} of {PROGRAMS} contours agree with the oracle in {steps} steps, {refused} are refused at its line"
    );
    eprintln!("uses in those that agree: {uses:#?}");
    eprintln!("refused: {reasons:#?}");
    assert!(wrong.is_empty(), "{} differ, the first: {}", wrong.len(), wrong[0]);
    assert!(agreed >= ACCEPTED_MIN, "only {agreed} contours were accepted");
    let rare: Vec<_> = uses.iter().filter(|(_, count)| **count < USES_MIN).collect();
    assert!(rare.is_empty() && uses.len() >= 35, "too few uses: {rare:?}");
}

/// Blocks that are refused while compensation is on.
const FORBIDDEN: [&str; 41] = [
    "G19",
    "G54",
    "G55",
    "G59.3",
    "G92 X1",
    "G52 Y2",
    "G43 H1",
    "G49",
    "G43.1 Z1",
    "G43.2 H2",
    "G28",
    "G28 X1",
    "G30",
    "G30 Z2",
    "G28.1",
    "G30.1",
    "G53 G0 X1",
    "G53 G1 Y1",
    "G81 X1 Y1 Z-1 R1",
    "G82 X1 Y1 Z-1 R1 P1",
    "G83 X1 Y1 Z-1 R1 Q1",
    "G73 X1 Y1 Z-1 R1 Q1",
    "G38.2 Z-1",
    "G38.3 X1",
    "T2 M6",
    "M6",
    "G41",
    "G42 D3",
    "G41.1 D2",
    "M48",
    "M49",
    "M50 P1",
    "M52 P0",
    "M53 P1",
    "M62 P1",
    "M64 P1",
    "G61",
    "G64",
    "G98",
    "G99",
    "G0 X#5420",
];

/// Blocks that are refused, compensation or not, because of their words.
const MALFORMED: [&str; 6] = ["G40\nG41 D1.5", "G40\nG41 D77", "G40\nG42.1", "G40\nG41 D-2", "G40 D1", "G40\nG19 G41"];

#[test]
fn forbidden_blocks_are_refused_at_the_same_line() {
    if !at_hand() {
        return;
    }
    let folder = scratch("comp-refused");
    let mut uses = BTreeMap::new();
    let (mut refused, mut wrong) = (0, Vec::new());
    let blocks: Vec<&str> = FORBIDDEN.iter().chain(&MALFORMED).copied().collect();
    let mut seed = 0;
    while refused < REFUSED_MIN || uses.len() < blocks.len() || uses.values().any(|count| *count < USES_MIN) {
        assert!(seed < 4000, "{refused} refused of {seed}: {uses:?}");
        let drawn: Vec<_> = (seed..seed + FORBIDDEN_AT_ONCE)
            .map(|seed| (blocks[seed as usize % blocks.len()], seed))
            .map(|(block, seed)| (block, program(1_000_000 + seed, Some(block))))
            .collect();
        let texts: Vec<String> = drawn.iter().map(|(_, writer)| writer.text.clone()).collect();
        for ((block, writer), said) in drawn.iter().zip(oracle_of_all(&folder, &texts)) {
            seed += 1;
            match judge(said, &writer.text) {
                Outcome::Refused(line, _) if writer.forbidden.contains(&line) => {
                    refused += 1;
                    count(&mut uses, [*block]);
                }
                // The contour itself, before the block.
                Outcome::Refused(..) => {}
                Outcome::Agreed(..) => {
                    wrong.push(format!("seed {seed}: {block} is accepted by both\n{}", writer.text));
                }
                Outcome::Differs(what) => wrong.push(format!("seed {seed}, {block}: {what}\n{}", writer.text)),
            }
        }
        if wrong.len() > 20 {
            break;
        }
    }
    eprintln!("{refused} of {seed} programs with a forbidden block are refused at the line of the oracle: {uses:?}");
    assert!(wrong.is_empty(), "{} differ: {}", wrong.len(), wrong.join("\n"));
}

#[test]
fn angles_of_the_generator_are_whole() {
    // A closed square: the writer's places come back to where they began.
    let mut writer = program(1, None);
    writer.is_incremental = false;
    let from = writer.at;
    writer.heading = 0.0;
    for _ in 0..4 {
        writer.straight(TAU / 4.0, 10.0);
    }
    assert!(math::hypot(writer.at[0] - from[0], writer.at[1] - from[1]) < 1e-9);
}

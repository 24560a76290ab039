//! Codes that Fanuc and Haas have beyond RS274/NGC: frames (G68, G51, G51.1), polar input (G16), further work
//! offsets (G54.1, G154), G10, the circular pocket (G12, G13), and modal macro calls (G66).
//!
//! The order of the frames is that of the control: mirror first, then scaling, then rotation. The codes are read
//! as the corpus' programs and public descriptions of these controls use them; no manual was at hand.

use super::arc::Arc;
use super::block::letters;
use super::canon::Plane;
use super::codes::group;
use super::execute::{AXES, AXIS_LETTERS, After, Execution};
use super::fault::*;
use super::flow::Called;
use super::frame::Axes;
use super::local::Local;
use super::options::{Dialect, Options};
use super::state::{along_z, work_index};
use crate::det::math;
use crate::ident::ToolNumber;
use std::collections::BTreeMap;
use std::f64::consts::{PI, TAU};

/// Work offsets behind G59: G54.1 P1 to this.
const EXTENDED_MAX: u32 = 246;
/// Index of G54.1 P1 and G154 P1.
const EXTENDED_FIRST: u8 = 9;
/// Loops and turns of one pocket at most.
const POCKET_MAX: u32 = 10_000;

/// What the Fanuc dialects remember beyond the common state.
#[derive(Clone, Debug)]
pub(super) struct Extras {
    /// Places about which the axes are mirrored.
    mirror: [Option<f64>; 3],
    scaling: Local,
    rotation: Local,
    rotation_deg: f64,
    /// G16: pole, distance and angle.
    polar: Option<([f64; 2], f64, f64)>,
    /// G66 and the depth of calls it was said in.
    modal: Option<(Called, u16)>,
    /// G10 L11, mm.
    wear_mm: BTreeMap<ToolNumber, f64>,
    /// G10 L12 and L13, by D number: radius and its wear, mm.
    radii_mm: BTreeMap<ToolNumber, [f64; 2]>,
}

impl Extras {
    /// Nothing said yet.
    pub(super) fn new() -> Self {
        Self {
            mirror: [None; 3],
            scaling: Local::IDENTITY,
            rotation: Local::IDENTITY,
            rotation_deg: 0.0,
            polar: None,
            modal: None,
            wear_mm: BTreeMap::new(),
            radii_mm: BTreeMap::new(),
        }
    }

    /// True under G16.
    pub(super) fn is_polar(&self) -> bool {
        self.polar.is_some()
    }

    /// Radius of a D number with its wear, mm, where the program has given it.
    pub(super) fn radius_mm(&self, number: ToolNumber) -> Option<f64> {
        self.radii_mm.get(&number).map(|[radius, wear]| radius + wear)
    }
}

/// Origins of further work offsets from the parameters of the control: #7001 on Fanuc, #14001 on Haas.
pub(super) fn extended_origins(options: &Options, dialect: Dialect) -> BTreeMap<u8, Axes> {
    let base = if dialect == Dialect::Haas { 14_001 } else { 7_001 };
    let mut origins = BTreeMap::new();
    if !dialect.is_fanuc_like() {
        return origins;
    }
    for (number, value) in options.parameters.range(base..base + 20 * EXTENDED_MAX) {
        let (index, axis) = ((number - base) / 20, ((number - base) % 20) as usize);
        if axis < 6 {
            let unit_mm = if axis < 3 { options.length_unit.mm() } else { 1.0 };
            origins.entry(EXTENDED_FIRST + index as u8).or_insert([0.0; 6])[axis] = value * unit_mm;
        }
    }
    origins
}

impl Execution<'_, '_> {
    /// Codes of groups that only these dialects have.
    pub(super) fn fanuc_modes(&mut self) -> Checked<()> {
        if let Some(code) = self.block.g(group::MIRROR) {
            self.mirror(code == 511)?;
        }
        if let Some(code) = self.block.g(group::SCALING) {
            self.scaling(code == 510)?;
        }
        if let Some(code) = self.block.g(group::ROTATION) {
            self.rotation(code == 680)?;
        }
        if let Some(code) = self.block.g(group::POLAR) {
            self.state.extras.polar = (code == 160).then_some(([0.0; 2], 0.0, 0.0));
        }
        if self.block.g(group::MODAL_CALL) == Some(670) {
            self.state.extras.modal = None;
        }
        Ok(())
    }

    fn take_frames(&mut self) {
        let extras = &self.state.extras;
        let factors = extras.mirror.map(|place| if place.is_some() { -1.0 } else { 1.0 });
        let centre = extras.mirror.map(|place| place.unwrap_or(0.0));
        let mirror = Local::scale(factors).map_or(Local::IDENTITY, |mirror| mirror.about(centre));
        self.state.local = extras.rotation.then(&extras.scaling).then(&mirror);
    }

    /// The place of X, Y, Z of the block; where a word is missing, the place of the tool.
    fn centre_words(&mut self) -> Checked<[f64; 3]> {
        let here = self.state.programmed();
        let mut centre = [here[0], here[1], here[2]];
        for (axis, place) in centre.iter_mut().enumerate() {
            *place = self.axis_word(axis)?.unwrap_or(*place);
        }
        Ok(centre)
    }

    /// G68 X Y R and G69.
    fn rotation(&mut self, is_on: bool) -> Checked<()> {
        if !is_on {
            (self.state.extras.rotation, self.state.extras.rotation_deg) = (Local::IDENTITY, 0.0);
            self.take_frames();
            return Ok(());
        }
        let span = self.block.g_span(group::ROTATION);
        if self.block.has_any(letters(b"IJK")) {
            let text = "G68 with a direction turns the frame in space, which is not simulated";
            return Err(Fault::error(UNSUPPORTED, span, text, "write G68 with X, Y and R"));
        }
        let Some(angle_deg) = self.block.word(b'R') else {
            return Err(Fault::error(MISSING_WORD, span, "G68 has no R word", "write R with the angle in degrees"));
        };
        let before = if self.state.is_incremental { self.state.extras.rotation_deg } else { 0.0 };
        let centre = self.centre_words()?;
        let total_deg = (before + angle_deg) % 360.0;
        self.state.extras.rotation_deg = total_deg;
        self.state.extras.rotation = Local::rotation(self.state.plane.axes()[2], total_deg).about(centre);
        self.take_frames();
        Ok(())
    }

    /// G51 X Y Z P, or with a factor for each axis I J K; G50.
    fn scaling(&mut self, is_on: bool) -> Checked<()> {
        self.state.extras.scaling = Local::IDENTITY;
        if is_on {
            let span = self.block.g_span(group::SCALING);
            let centre = self.centre_words()?;
            let uniform = self.factor(b'P');
            let own = [b'I', b'J', b'K'].map(|letter| self.factor(letter));
            if uniform.is_none() && own == [None; 3] {
                let text = "G51 has neither P nor I, J, K";
                return Err(Fault::error(MISSING_WORD, span, text, "write P with the factor"));
            }
            let factors = own.map(|factor| factor.or(uniform).unwrap_or(1.0));
            self.state.extras.scaling = Local::scale(factors)
                .ok_or_else(|| {
                    Fault::error(OUT_OF_RANGE, span, "a factor of G51 is zero", "write a factor above zero")
                })?
                .about(centre);
        }
        self.take_frames();
        Ok(())
    }

    /// A factor: on Fanuc in thousandths where it has no decimal point.
    fn factor(&mut self, letter: u8) -> Option<f64> {
        let value = self.block.word(letter)?;
        if self.block.has_point(letter) || self.dialect == Dialect::Haas {
            return Some(value);
        }
        let span = self.block.span(letter);
        let note = || {
            let text = format!(
                "{}{value} has no decimal point; it is read as a factor of {}",
                char::from(letter),
                value / 1000.0
            );
            Fault::error(ASSUMED, span, text, "write the factor with a point").with(super::Severity::Note)
        };
        self.report.once(8, note, ASSUMED);
        Some(value / 1000.0)
    }

    /// G51.1 mirrors about the places of the named axes, G50.1 takes that back.
    fn mirror(&mut self, is_on: bool) -> Checked<()> {
        let is_named = self.block.has_any(letters(b"XYZ"));
        let span = self.block.g_span(group::MIRROR);
        if is_on && !is_named {
            return Err(Fault::error(MISSING_WORD, span, "G51.1 has no axis word", "write the axis and its place"));
        }
        for axis in 0..3 {
            let place = self.axis_word(axis)?;
            if place.is_some() || !is_named {
                self.state.extras.mirror[axis] = place.filter(|_| is_on);
            }
        }
        self.take_frames();
        Ok(())
    }

    /// G16: the first axis of the plane is a distance from the pole, the second an angle.
    pub(super) fn polar_input(&mut self, place: &mut Axes) -> Checked<()> {
        let Some((mut pole, mut distance, mut angle_deg)) = self.state.extras.polar else { return Ok(()) };
        let [first, second, _] = self.state.plane.axes();
        let is_incremental = self.state.is_incremental;
        if !self.block.has(AXIS_LETTERS[first]) && !self.block.has(AXIS_LETTERS[second]) {
            return Ok(());
        }
        if let Some(value) = self.length(AXIS_LETTERS[first])? {
            distance = value;
            let here = self.state.programmed();
            pole = if is_incremental { [here[first], here[second]] } else { [0.0; 2] };
        }
        if let Some(value) = self.block.word(AXIS_LETTERS[second]) {
            angle_deg = if is_incremental { angle_deg + value } else { value };
        }
        self.state.extras.polar = Some((pole, distance, angle_deg));
        let (sin, cos) = math::sin_cos(angle_deg.to_radians());
        (place[first], place[second]) = (pole[0] + distance * cos, pole[1] + distance * sin);
        Ok(())
    }

    /// Index of the work offset of a code: G54 to G59.3, G54.1 P, G154 P, G110 to G129.
    pub(super) fn work_of(&mut self, code: u16) -> Checked<u8> {
        let number = match code {
            541 | 1540 => {
                let Some(number) = self.block.whole(b'P', 1, EXTENDED_MAX)? else {
                    let span = self.block.g_span(group::WORK);
                    return Err(Fault::error(
                        MISSING_WORD,
                        span,
                        "the work offset has no P word",
                        "write P1 and so on",
                    ));
                };
                number
            }
            1100..=1290 => u32::from(code / 10) - 109,
            _ => return Ok(work_index(code)),
        };
        let index = EXTENDED_FIRST + (number - 1) as u8;
        if !self.state.extended.contains_key(&index) {
            let span = self.block.g_span(group::WORK);
            let note = || {
                let text = format!("the origin of work offset P{number} is not known; it is taken as machine zero");
                let advice = "give it with G10 L20 or with the parameters of the machine";
                Fault::error(ASSUMED, span, text, advice).with(super::Severity::Warning)
            };
            self.report.once(100 + number, note, ASSUMED);
        }
        Ok(index)
    }

    /// Makes a work offset active, and remembers where those are that no job names.
    pub(super) fn activate_work(&mut self, work: u8) {
        self.state.activate_work(work);
        if usize::from(work) >= self.state.work_offsets.len() {
            let [x, y, z, ..] = self.state.frame.origin;
            self.report.facts.further_origins_mm.entry(work).or_insert([x, y, z]);
        }
    }

    /// G10 L10 to L13 and L20: tool offsets and further work offsets.
    pub(super) fn fanuc_data(&mut self, kind: u32) -> Checked<()> {
        let span = self.block.g_span(group::NON_MODAL);
        let Some(number) = self.block.whole(b'P', 1, 99_999)? else {
            return Err(Fault::error(MISSING_WORD, span, "G10 needs P, the number of the offset", "write P1"));
        };
        if kind == 20 {
            if number > EXTENDED_MAX {
                let text = format!("P{number} is outside 1 to {EXTENDED_MAX}");
                return Err(Fault::error(OUT_OF_RANGE, self.block.span(b'P'), text, "write a number in that range"));
            }
            let index = EXTENDED_FIRST + (number - 1) as u8;
            let mut origin = self.state.work_origin(index).0;
            for (axis, place) in origin.iter_mut().enumerate() {
                let Some(value) = self.axis_word(axis)? else { continue };
                *place = if self.state.is_incremental { *place + value } else { value };
            }
            self.state.extended.insert(index, origin);
            if self.state.work == index {
                self.state.activate_work(index);
            }
            return Ok(());
        }
        let Some(value) = self.length(b'R')? else {
            return Err(Fault::error(MISSING_WORD, span, "G10 has no R word", "write R with the value of the offset"));
        };
        let tool = ToolNumber(number);
        let is_incremental = self.state.is_incremental;
        let next = |before: f64| if is_incremental { before + value } else { value };
        match kind {
            10 => {
                let wear = self.state.extras.wear_mm.get(&tool).copied().unwrap_or(0.0);
                let before = self.state.tool_offsets.get(&tool).map_or(0.0, |offset| offset[2] - wear);
                self.state.tool_offsets.insert(tool, along_z(next(before) + wear));
            }
            11 => {
                let before = self.state.extras.wear_mm.get(&tool).copied().unwrap_or(0.0);
                let after = next(before);
                self.state.extras.wear_mm.insert(tool, after);
                self.state.tool_offsets.entry(tool).or_insert([0.0; 6])[2] += after - before;
            }
            _ => {
                let radius = self.state.extras.radii_mm.entry(tool).or_insert([0.0; 2]);
                let part = &mut radius[usize::from(kind == 13)];
                *part = next(*part);
            }
        }
        Ok(())
    }

    /// U, V, W of G28 and G30: X, Y, Z by so much.
    pub(super) fn incremental_words(&mut self, target: &mut Axes) -> Checked<[bool; 3]> {
        let mut named = [false; 3];
        if !self.dialect.is_fanuc_like() {
            return Ok(named);
        }
        let mut place = self.state.local.programmed(target);
        for (axis, letter) in [b'U', b'V', b'W'].into_iter().enumerate() {
            if let Some(value) = self.length(letter)? {
                place[axis] += value;
                named[axis] = true;
            }
        }
        *target = self.state.local.work(&place);
        Ok(named)
    }

    /// G12 and G13: a circular pocket about the place of the tool.
    pub(super) fn circular_pocket(&mut self, clockwise: bool) -> Checked<()> {
        let span = self.block.g_span(group::NON_MODAL);
        if self.state.plane != Plane::Xy {
            return Err(Fault::error(WRONG_MODE, span, "G12 and G13 need G17", "write G17 before it"));
        }
        let Some(first) = self.length(b'I')? else {
            return Err(Fault::error(
                MISSING_WORD,
                span,
                "the pocket has no I word",
                "write I, the radius of the circle",
            ));
        };
        let (last, step) = (self.length(b'K')?.unwrap_or(first), self.length(b'Q')?);
        let offset_mm = self.pocket_offset()?;
        let (first, last) = (first - offset_mm, last - offset_mm);
        let step = step.unwrap_or(last - first);
        let rings = if step > 0.0 { ((last - first) / step).ceil().max(0.0) } else { 0.0 };
        if first <= 0.0 || last < first || (last > first && step <= 0.0) || rings > f64::from(POCKET_MAX) {
            let text = format!("the pocket leads from radius {first} to {last} by {step} mm");
            return Err(Fault::error(CYCLE, span, text, "write I above the radius of the tool, K above I, and Q"));
        }
        let rounds = self.block.whole(b'L', 1, POCKET_MAX)?.unwrap_or(1);
        let depth = self.axis_word(2)?;
        let mut centre = self.programmed_target()?;
        centre[2] = self.state.programmed()[2];
        self.pocket_line(0, &centre)?;
        for _ in 0..rounds {
            if let Some(depth) = depth {
                centre[2] = if self.state.is_incremental { centre[2] + depth } else { depth };
            }
            self.pocket_line(10, &centre)?;
            self.pocket_ring(&centre, [first, last, step], clockwise)?;
        }
        Ok(())
    }

    fn pocket_line(&mut self, code: u16, at: &Axes) -> Checked<()> {
        if *at == self.state.programmed() {
            return Ok(());
        }
        let span = self.block.g_span(group::NON_MODAL);
        let work = self.state.local.work(at);
        self.line_to(code, work, span)
    }

    /// D: the radius of the tool, where it is known.
    fn pocket_offset(&mut self) -> Checked<f64> {
        let Some(number) = self.block.whole(b'D', 0, 99_999)?.filter(|number| *number > 0) else { return Ok(0.0) };
        if let Some(radius_mm) = self.state.extras.radius_mm(ToolNumber(number)) {
            return Ok(radius_mm);
        }
        let span = self.block.span(b'D');
        let note = || {
            let text =
                format!("the radius of offset D{number} is not known; the circle is the path of the tool's centre");
            Fault::error(ASSUMED, span, text, "write G10 L12 P R before it, or D0").with(super::Severity::Warning)
        };
        self.report.once(9, note, ASSUMED);
        Ok(0.0)
    }

    /// In by half a circle, a full circle, outwards by half circles to the last radius, a full circle, and back.
    fn pocket_ring(&mut self, centre: &Axes, [first, last, step]: [f64; 3], clockwise: bool) -> Checked<()> {
        let half = if clockwise { -PI } else { PI };
        let full = if clockwise { -TAU } else { TAU };
        let on = |offset: f64| {
            let mut at = *centre;
            at[0] += offset;
            at
        };
        let arc = |middle: f64, radius: f64, sweep: f64| Arc { centre: [centre[0] + middle, centre[1]], sweep, radius };
        self.pocket_arc(arc(0.5 * first, 0.5 * first, half), on(first))?;
        self.pocket_arc(arc(0.0, first, full), on(first))?;
        let mut radius = first;
        while radius < last {
            let next = (radius + step).min(last);
            let between = 0.5 * (radius + next);
            self.pocket_arc(arc(0.5 * (radius - between), 0.5 * (radius + between), half), on(-between))?;
            self.pocket_arc(arc(0.5 * (next - between), 0.5 * (next + between), half), on(next))?;
            radius = next;
        }
        if last > first {
            self.pocket_arc(arc(0.0, last, full), on(last))?;
        }
        self.pocket_arc(arc(0.5 * last, 0.5 * last, half), *centre)
    }

    fn pocket_arc(&mut self, arc: Arc, end: Axes) -> Checked<()> {
        let span = self.block.g_span(group::NON_MODAL);
        let work = self.state.local.work(&end);
        if self.state.local.is_identity() {
            self.emit_arc(arc, work, 1, span)
        } else {
            self.local_arc(arc, work, 1, span)
        }
    }

    /// G31: a move that a signal may end. The motion code in force stays.
    pub(super) fn skip_move(&mut self) -> Checked<()> {
        let before = self.state.motion;
        let span = self.block.g_span(group::NON_MODAL);
        let done = if self.block.has_any(AXES) {
            self.probe(310, span)
        } else {
            Err(Fault::error(MISSING_WORD, span, "G31 has no axis word", "write the place to move towards"))
        };
        self.state.motion = before;
        done
    }

    /// G66: the macro that is called after each motion.
    pub(super) fn take_modal_call(&mut self) -> Checked<After> {
        if let After::Call(called) = self.macro_call()? {
            self.state.extras.modal = Some((called, self.report.at.depth));
        }
        Ok(After::Next)
    }

    /// What comes after a block that has moved: the macro of G66, outside of that macro.
    pub(super) fn after_motion(&self, has_moved: bool) -> After {
        match &self.state.extras.modal {
            Some((called, depth)) if has_moved && *depth == self.report.at.depth => After::Call(called.clone()),
            _ => After::Next,
        }
    }
}

/// Words of G65 and the parameters they become: argument specification I.
pub(super) const MACRO_ARGUMENTS: [(u8, u32); 21] = [
    (b'A', 1),
    (b'B', 2),
    (b'C', 3),
    (b'I', 4),
    (b'J', 5),
    (b'K', 6),
    (b'D', 7),
    (b'E', 8),
    (b'F', 9),
    (b'H', 11),
    (b'M', 13),
    (b'Q', 17),
    (b'R', 18),
    (b'S', 19),
    (b'T', 20),
    (b'U', 21),
    (b'V', 22),
    (b'W', 23),
    (b'X', 24),
    (b'Y', 25),
    (b'Z', 26),
];
/// Sets of I, J, K in argument specification II.
const SETS_MAX: u32 = 10;

impl Execution<'_, '_> {
    /// The arguments of G65 and G66 in the order of the words, so that the later of two for one parameter counts.
    ///
    /// I, J and K may come more than once: each time one of them does not follow in the order of the alphabet, the
    /// next set of three parameters begins, up to #33 (argument specification II).
    pub(super) fn macro_arguments(&self) -> Checked<Vec<(u32, f64)>> {
        let given = |(letter, number): &(u8, u32)| {
            let value = self.block.word(*letter)?;
            (!b"IJK".contains(letter)).then(|| (self.block.span(*letter).start, *number, value))
        };
        let mut found: Vec<(usize, u32, f64)> = MACRO_ARGUMENTS.iter().filter_map(given).collect();
        let mut triples: Vec<(usize, u8, f64)> = self.block.repeats().to_vec();
        for letter in *b"IJK" {
            triples.extend(self.block.word(letter).map(|value| (self.block.span(letter).start, letter, value)));
        }
        triples.sort_by_key(|(start, ..)| *start);
        let (mut set, mut last) = (0, 0);
        for (start, letter, value) in triples {
            if letter <= last {
                set += 1;
            }
            last = letter;
            if set >= SETS_MAX {
                let text = "the call has more than ten sets of I, J and K";
                return Err(Fault::error(OUT_OF_RANGE, start..start + 1, text, "pass fewer arguments"));
            }
            found.push((start, 4 + 3 * set + u32::from(letter - b'I'), value));
        }
        found.sort_by_key(|(start, ..)| *start);
        Ok(found.into_iter().map(|(_, number, value)| (number, value)).collect())
    }
}

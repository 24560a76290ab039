//! Motions that keep step with the spindle: G33, G33.1 and the threading cycle G76.
//!
//! ```text
//!   X ^  drive line o---------------------.   rapid back
//!     |             |I                    |
//!     |   crest ----+--------------.      |
//!     |             |\  J, then    |\     |   passes deepen by J n^(1/R), so that R = 2 removes
//!     |   root  ----+-\-------------+-\---'   the same area each time
//!     |              K              Z
//!     +--------------------------------> Z
//! ```
//!
//! The order of motions is LinuxCNC's. P is the lead, Q the angle of the compound slide, H the number of spring
//! passes, E the length of a tapered entry or exit, L which of them (1 entry, 2 exit, 3 both).

use super::canon::{Call, ForcedReason};
use super::execute::Execution;
use super::fault::*;
use super::frame::Axes;
use crate::det::math;
use crate::units::Feedrate;
use std::ops::Range;

/// Passes of one thread, springs counted.
const PASSES_MAX: u32 = 10_000;

/// A thread, lengths in mm.
#[derive(Clone, Copy, Debug)]
struct Thread {
    start: Axes,
    end: Axes,
    /// +1 for inside threads (I above zero), −1 outside.
    side: f64,
    /// From the drive line to the crest.
    crest: f64,
    /// Depth of the thread.
    height: f64,
    first: f64,
    degression: f64,
    /// Tangent of the compound angle, with the sign of the direction.
    tan: f64,
    lead: f64,
    /// Along Z, with the sign of the direction; zero without.
    taper: f64,
    tapers: u32,
    springs: u32,
}

impl Thread {
    /// Along X, at a depth under the drive line.
    fn at_depth(&self, depth: f64) -> f64 {
        self.start[0] + self.side * depth
    }
}

impl Execution<'_, '_> {
    /// Speed of the spindle in rev/s.
    ///
    /// # Errors
    /// Where it stands, or no S is in force.
    fn turning_speed(&self, code: &str, span: &Range<usize>) -> Checked<f64> {
        let speed = self.state.spindle_speed().map_or(0.0, |speed| speed.as_rev_s());
        if self.state.spindle.direction == 0 || speed <= 0.0 {
            let text = format!("{code} needs a turning spindle");
            return Err(Fault::error(NO_SPEED, span.clone(), text, "write S and M3 before it"));
        }
        Ok(speed)
    }

    /// G33 and G33.1: K along the path for each revolution.
    pub(super) fn synchronised(&mut self, code: u16, span: Range<usize>) -> Checked<()> {
        let Some(pitch) = self.length(b'K')? else {
            return Err(Fault::error(MISSING_WORD, span, "G33 has no K word", "write K, the travel for one turn"));
        };
        if self.dialect.is_strict() && self.block.has(b'F') {
            let span = self.block.span(b'F');
            return Err(Fault::error(UNUSED_WORD, span, "G33 has an F word", "K and the spindle make the feed"));
        }
        let speed = self.turning_speed("G33", &span)?;
        let (start, target) = (self.state.position, self.target()?);
        self.set_motion(code);
        self.state.forced = Some(ForcedReason::Synchronised);
        let feed = Feedrate::mm_s(pitch.abs() * speed);
        let direction = self.state.spindle.direction;
        self.feed_at(target, feed);
        if code == 331 {
            self.turn_spindle(-direction);
            self.feed_at(start, feed);
            self.turn_spindle(direction);
        }
        Ok(())
    }

    fn feed_at(&mut self, target: Axes, feed: Feedrate) {
        let end = self.state.pose(&target);
        self.state.position = target;
        self.emit_at(Call::StraightFeed { end }, Some(feed));
    }

    /// G76.
    pub(super) fn threading(&mut self, span: Range<usize>) -> Checked<()> {
        let thread = self.thread(&span)?;
        self.set_motion(760);
        let speed = self.turning_speed("G76", &span)?;
        self.state.forced = Some(ForcedReason::Synchronised);
        let full = thread.crest + thread.height;
        let mut depth = thread.crest + thread.first;
        let mut pass = 1;
        while depth < full {
            self.thread_pass(&thread, depth, speed, &span)?;
            pass += 1;
            if pass + thread.springs > PASSES_MAX {
                let text = format!("the thread takes more than {PASSES_MAX} passes");
                return Err(Fault::error(TOO_LONG, span, text, "correct J, R or H"));
            }
            depth = thread.crest + thread.first * math::pow(f64::from(pass), 1.0 / thread.degression);
        }
        for _ in 0..=thread.springs {
            self.thread_pass(&thread, full, speed, &span)?;
        }
        self.line_to(0, thread.end, span)
    }

    fn thread(&mut self, span: &Range<usize>) -> Checked<Thread> {
        let missing = |letter: char| {
            let text = format!("G76 has no {letter} word");
            Fault::error(MISSING_WORD, span.clone(), text, "G76 needs P, I, J and K")
        };
        let lead = self.length(b'P')?.ok_or_else(|| missing('P'))?;
        let halves = if self.state.is_diameter { 2.0 } else { 1.0 };
        let i = self.length(b'I')?.ok_or_else(|| missing('I'))? / halves;
        let j = self.length(b'J')?.ok_or_else(|| missing('J'))? / halves;
        let k = self.length(b'K')?.ok_or_else(|| missing('K'))? / halves;
        let wrong = |text: &str| Err(Fault::error(CYCLE, span.clone(), text, "correct I, J and K"));
        if i == 0.0 {
            return wrong("I, from the drive line to the crest, is zero");
        }
        if j <= 0.0 {
            return wrong("J, the depth of the first pass, is not above zero");
        }
        if k <= j {
            return wrong("K, the depth of the thread, is not above J, that of the first pass");
        }
        let (start, end) = (self.state.position, self.target()?);
        if start[3..] != end[3..] {
            let text = "rotary axes cannot move with G76";
            return Err(Fault::error(CYCLE, span.clone(), text, "move them in a block before"));
        }
        let direction = if end[2] > start[2] { -1.0 } else { 1.0 };
        let angle_deg = self.block.word(b'Q').filter(|angle| *angle != -1.0).unwrap_or(0.0);
        Ok(Thread {
            start,
            end,
            side: if i > 0.0 { 1.0 } else { -1.0 },
            crest: i.abs(),
            height: k,
            first: j,
            degression: self.block.word(b'R').unwrap_or(1.0).max(1.0),
            tan: math::tan((angle_deg * direction).to_radians()),
            lead,
            taper: self.length(b'E')?.unwrap_or(0.0).max(0.0) * direction,
            tapers: self.block.whole(b'L', 0, 3)?.unwrap_or(0),
            springs: self.block.word(b'H').unwrap_or(0.0).clamp(0.0, f64::from(PASSES_MAX)) as u32,
        })
    }

    fn thread_pass(&mut self, thread: &Thread, depth: f64, speed: f64, span: &Range<usize>) -> Checked<()> {
        let full = thread.crest + thread.height;
        let aside = (depth - thread.crest) * thread.tan;
        let (begin, end) = (thread.start[2] - aside, thread.end[2] + thread.height * thread.tan - aside);
        let (clear, deep) = (thread.at_depth(depth - full), thread.at_depth(depth));
        let shallow = thread.at_depth(depth - thread.height);
        let feed = Feedrate::mm_s(thread.lead.abs() * speed);
        // Along the taper the lead holds along Z, so the path is longer.
        let slope = math::hypot(thread.taper, thread.height) / thread.taper.abs();
        let tapered = if thread.taper == 0.0 { feed } else { Feedrate::mm_s(thread.lead.abs() * speed * slope) };
        let to = |x: f64, z: f64| {
            let mut target = thread.start;
            (target[0], target[2]) = (x, z);
            target
        };
        self.line_to(0, to(clear, begin), span.clone())?;
        if thread.taper != 0.0 && thread.tapers & 1 != 0 {
            self.feed_at(to(shallow, begin), tapered);
            self.feed_at(to(deep, begin - thread.taper), tapered);
        } else {
            self.line_to(0, to(deep, begin), span.clone())?;
        }
        if thread.taper != 0.0 && thread.tapers & 2 != 0 {
            self.feed_at(to(deep, end + thread.taper), feed);
            self.feed_at(to(shallow, end), tapered);
        } else {
            self.feed_at(to(deep, end), feed);
        }
        self.line_to(0, to(clear, end), span.clone())
    }
}

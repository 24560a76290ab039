//! G70, G71 and G72: finishing and roughing along a turning profile.
//!
//! ```text
//!   X ^        o entry
//!     |   ____/|      level by level (I), from the entry down;
//!     |  /     |      each level from the diving side across to the profile,
//!     | /      |      a retract at 45° (R), back by rapid
//!     +---------> Z
//! ```
//!
//! Roughing leaves D to the profile, which is therefore offset first: in steps of at most half the smallest
//! piece, so that pieces that vanish are found on the way. G72 is G71 with the plane turned by a quarter.

use super::profile::{Cut, Cuts, Piece, Point, Refusal, SAME, SHORT, joint, meet};

/// Moves and steps of one cycle together.
const STEPS_MAX: u32 = 200_000;
/// Further in than any profile.
const BOTTOM: f64 = -1e9;

/// Words of the cycle, in the program's unit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Words {
    /// Where the cut begins.
    pub(super) from: Point,
    /// D: what is left; for G70 the first distance.
    pub(super) distance: f64,
    /// E: the last distance of G70.
    pub(super) last: f64,
    /// P: passes of G70.
    pub(super) passes: f64,
    /// I: depth of a level.
    pub(super) depth: f64,
    /// R: retract.
    pub(super) retract: f64,
    /// U and W: shift of the whole.
    pub(super) shift: Point,
}

/// The profile as the subprogram says it, and how it was brought into its position.
#[derive(Clone, Debug)]
struct Profile {
    pieces: Vec<Piece>,
    flip: u8,
}

/// Moves of G70 (`cycle` 70) or of G71 and G72 with their decimal.
///
/// # Errors
/// Where the profile is none that can be turned.
pub(super) fn turn(cycle: u16, decimal: u16, pieces: Vec<Piece>, words: &Words) -> Result<Vec<Cut>, Refusal> {
    let mut cuts = Cuts::new(STEPS_MAX);
    let mut profile = Profile { pieces, flip: 0 };
    let Some(first) = profile.pieces.first_mut() else { return Ok(Vec::new()) };
    first.start = words.from;
    if cycle == 70 {
        profile.finish(words, &mut cuts)?;
    } else {
        profile.rough(decimal, cycle == 72, words, &mut cuts)?;
    }
    Ok(cuts.moves)
}

impl Profile {
    fn ends(&self) -> Result<(Piece, Piece), Refusal> {
        match (self.pieces.first(), self.pieces.last()) {
            (Some(first), Some(last)) if self.pieces.len() > 1 => Ok((*first, *last)),
            _ => Err(Refusal::Shape("the profile has fewer than two pieces")),
        }
    }

    fn turn(&mut self) {
        self.pieces.iter_mut().for_each(Piece::turn);
        self.flip ^= 4;
    }

    /// Z and X shall fall from the entry to the end.
    fn place(&mut self) -> Result<(), Refusal> {
        let (first, last) = match (self.pieces.first(), self.pieces.last()) {
            (Some(first), Some(last)) => (first.end, last.end),
            _ => return Err(Refusal::Shape("the profile has no pieces")),
        };
        let span = first - last;
        if span.x > 0.0 {
            self.pieces.iter_mut().for_each(Piece::mirror_x);
            self.flip ^= 2;
        }
        if span.z < 0.0 {
            self.pieces.iter_mut().for_each(Piece::mirror_z);
            self.flip ^= 1;
        }
        Ok(())
    }

    fn check_monotonic(&mut self) -> Result<(), Refusal> {
        if let Some(first) = self.pieces.first_mut()
            && first.end.z > first.start.z
        {
            first.start.z = first.end.z;
        }
        if self.pieces.iter().all(Piece::is_monotonic) {
            return Ok(());
        }
        Err(Refusal::Shape("the profile turns back"))
    }

    /// Fits fillets and chamfers, and drops what has no length.
    fn fit_corners(&mut self) -> Result<(), Refusal> {
        for at in 1..self.pieces.len().saturating_sub(1) {
            let (mut before, mut corner, mut after) = (self.pieces[at - 1], self.pieces[at], self.pieces[at + 1]);
            corner.fit_corner(&mut before, &mut after)?;
            (self.pieces[at - 1], self.pieces[at], self.pieces[at + 1]) = (before, corner, after);
        }
        self.pieces.retain(|piece| piece.size() >= SHORT);
        Ok(())
    }

    fn finish(mut self, words: &Words, cuts: &mut Cuts) -> Result<(), Refusal> {
        let mut body = Self { pieces: self.pieces[1..].to_vec(), flip: self.flip };
        body.place()?;
        if !body.pieces.iter().all(Piece::is_monotonic) {
            body.turn();
            body.place()?;
        }
        body.check_monotonic()?;
        if body.flip & 4 != 0 {
            self.turn();
        }
        self.place()?;
        self.fit_corners()?;
        self.check_monotonic()?;
        cuts.set_flip(self.flip);
        let passes = words.passes.clamp(0.0, f64::from(STEPS_MAX)) as u32;
        for pass in (0..passes).rev() {
            let mut path = self.clone();
            path.add_distance(f64::from(pass) * (words.distance - words.last) / words.passes + words.last, cuts)?;
            let (first, _) = path.ends()?;
            cuts.rapid(first.start)?;
            cuts.rapid(first.end)?;
            path.pieces[1..].iter().try_for_each(|piece| piece.draw(cuts))?;
        }
        Ok(())
    }

    fn rough(mut self, decimal: u16, is_facing: bool, words: &Words, cuts: &mut Cuts) -> Result<(), Refusal> {
        if is_facing {
            self.turn();
        }
        self.place()?;
        self.fit_corners()?;
        self.check_monotonic()?;
        self.add_distance(words.distance, cuts)?;
        self.pieces.iter_mut().for_each(|piece| piece.shift(words.shift));
        cuts.set_flip(self.flip);
        let (first, last) = self.ends()?;
        cuts.rapid(first.start)?;
        if last.end.x < first.start.x {
            self.pieces.push(Piece::line(last.end, Point::new(last.end.z, first.start.x)));
        }
        Roughing {
            pieces: &self.pieces,
            depth: words.depth.max(2.0 * SAME),
            escape: Point::new(words.retract, words.retract),
            starts: vec![first.start],
        }
        .run(decimal, cuts)
    }

    /// Offsets all pieces but the entry, which follows.
    fn add_distance(&mut self, distance: f64, cuts: &mut Cuts) -> Result<(), Refusal> {
        let (first, last) = self.ends()?;
        let (to_end, to_last) = (first.end - first.start, last.start - first.start);
        // On which side of the chord the entry lies says where the material is.
        let distance = if (to_end * to_last.conj()).x < 0.0 { -distance } else { distance };
        let mut entry = self.pieces.remove(0);
        let mut done = 0.0;
        while done != distance {
            cuts.count()?;
            let half = self.pieces.iter().map(|piece| piece.size() / 2.0).fold(1e9, f64::min);
            let step = half.min((distance - done).abs());
            let step = if distance < 0.0 { -step } else { step };
            self.offset_by(step, distance, cuts)?;
            done += step;
        }
        for at in 1..self.pieces.len() {
            let middle = self.pieces[at - 1].end.halfway(self.pieces[at].start);
            (self.pieces[at - 1].end, self.pieces[at].start) = (middle, middle);
        }
        let Some(next) = self.pieces.first() else { return Err(Refusal::Shape("no piece is left at this distance")) };
        entry.end = next.start;
        self.pieces.insert(0, entry);
        Ok(())
    }

    fn offset_by(&mut self, step: f64, distance: f64, cuts: &mut Cuts) -> Result<(), Refusal> {
        let pieces = &mut self.pieces;
        pieces.iter_mut().for_each(|piece| piece.offset(step));
        pieces.retain(|piece| piece.size() >= SHORT);
        let mut at = 0;
        while at + 1 < pieces.len() {
            if let Some(mut arc) = joint(&pieces[at], &pieces[at + 1], step) {
                arc.arc = arc.arc.map(|(centre, _)| (centre, distance > 0.0));
                pieces.insert(at + 1, arc);
                at += 1;
            }
            at += 1;
        }
        let mut at = 0;
        while at + 1 < pieces.len() {
            cuts.count()?;
            if !pieces[at].is_monotonic() {
                if at == 0 {
                    return Err(Refusal::Shape("the offset profile turns back"));
                }
                let drop = if pieces[at].size() < pieces[at - 1].size() { at } else { at - 1 };
                pieces.remove(drop);
                at = 0;
            }
            if pieces[at].size() < SHORT {
                pieces.remove(at);
                at = 0;
            } else if at + 1 < pieces.len() {
                let (mut one, mut two) = (pieces[at], pieces[at + 1]);
                meet(&mut one, &mut two)?;
                (pieces[at], pieces[at + 1]) = (one, two);
            }
            at += 1;
        }
        Ok(())
    }
}

/// Roughing along a profile in its position.
struct Roughing<'p> {
    pieces: &'p [Piece],
    depth: f64,
    escape: Point,
    /// Where the pockets that are being cut begin.
    starts: Vec<Point>,
}

impl Roughing<'_> {
    /// Decimal 0: with pockets; 1: without; 2: the pockets alone, which is the third way inside.
    fn run(&mut self, decimal: u16, cuts: &mut Cuts) -> Result<(), Refusal> {
        let (mut at, mut piece, mut way) = (self.pieces[0].start, 0, decimal);
        if way == 2 {
            while piece < self.pieces.len() && !self.pieces[piece].dive(&mut at, BOTTOM, cuts, piece == 0)? {
                piece += 1;
            }
            way = 3;
        }
        // Each round cuts one pocket, and ends at the next.
        while let Some(next) = self.pocket(way, &mut at, piece, cuts)? {
            cuts.count()?;
            piece = next;
        }
        Ok(())
    }

    fn pocket(
        &mut self,
        way: u16,
        at: &mut Point,
        mut piece: usize,
        cuts: &mut Cuts,
    ) -> Result<Option<usize>, Refusal> {
        let mut x = self.starts.last().map_or(0.0, |start| start.x);
        while piece < self.pieces.len() {
            cuts.count()?;
            while x - SAME > at.x {
                cuts.count()?;
                x -= self.depth;
            }
            if self.pieces[piece].dive(at, x, cuts, piece == 0)? {
                return self.leave(way, at, piece, cuts);
            }
            // Deeper than this piece goes.
            if (at.x - x).abs() > SAME {
                piece += 1;
                continue;
            }
            self.level(at, &mut piece, &mut x, cuts)?;
        }
        Ok(None)
    }

    /// After the last level: along the contour, up to the next pocket.
    fn leave(&mut self, way: u16, at: &mut Point, from: usize, cuts: &mut Cuts) -> Result<Option<usize>, Refusal> {
        if way == 1 {
            self.pieces[from..].iter().try_for_each(|piece| piece.climb_only(at, cuts))?;
            return Ok(None);
        }
        for piece in from..self.pieces.len() {
            if !self.pieces[piece].climb(at, cuts)? {
                continue;
            }
            if way == 3 {
                if self.starts.len() > 1 && self.starts.last().is_some_and(|start| at.x > start.x) {
                    self.starts.pop();
                }
                if self.starts.len() == 1 {
                    self.starts.push(*at);
                }
            }
            return Ok(Some(piece));
        }
        Ok(None)
    }

    /// One cut across, and back.
    fn level(&self, at: &mut Point, piece: &mut usize, x: &mut f64, cuts: &mut Cuts) -> Result<(), Refusal> {
        for other in *piece..self.pieces.len() {
            let hits = self.pieces[other].at_level(at.x);
            let hit = if other == *piece { hits.back() } else { hits.front() };
            let Some(z) = hit else { continue };
            let length = (z - at.z).abs();
            if z - SAME > at.z {
                continue;
            }
            if length < SAME {
                if other == *piece {
                    continue;
                }
                if (*at - self.pieces[other].start).abs() < SAME {
                    *piece = other;
                } else {
                    *x -= self.depth;
                }
                return Ok(());
            }
            let end = Point::new(z, at.x);
            cuts.feed(end)?;
            let escape = self.escape * (length / 2.0 / self.escape.z).min(1.0);
            cuts.rapid(end + escape)?;
            cuts.rapid(*at - escape.conj())?;
            if *piece == 0 {
                cuts.rapid(*at)?
            } else {
                cuts.feed(*at)?
            }
            *x -= self.depth;
            return Ok(());
        }
        Ok(())
    }
}

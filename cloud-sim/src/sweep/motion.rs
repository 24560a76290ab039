//! The way of a tool against the work, for work or tools that turn.
//!
//! A segment holds the tip as if nothing turned, and how far A, B and C turn on the way; the machine's kinematics make
//! a pose against the work of both. Moves without a turn keep their shape: a line is one piece however the tool is inclined
//! (3+2), an arc becomes chords. A move that turns is cut into **sub-poses**: straight pieces between tips that the
//! tool really passes, each with the inclination of its middle. Two errors remain, and the number of pieces keeps each
//! below [`SLIVER_CELLS`] of a cell:
//!
//! ```text
//!   tip:    ..--*--..        the chord leaves the arc by step² / 8r; over a move of angle Θ with arm r, a standing
//!         *---------*        length L and n pieces that is at most (Θ²r + 2ΘL) / 8n²    (second derivative / 8n²)
//!   lean:  \   |   /         at both ends of a piece the tool leans Θ/2n away from its middle: q · Θ/2n for a place q mm
//!           \  |  /          from the tip, at most the height of the cutting part
//! ```
//!
//! The sum is [`SubPoses::bound_mm`]: no place of the cutter is further from where it really goes, and a surface made by the
//! move lies within it. Source: second derivative of a chord; KERNEL.md, section 3.

use shared::geom::{Point, Vector};
use shared::kinematics::{Carries, Kinematics, Setup, ToolPose};
use shared::motion::{Geometry, Segment};

use super::dexel_cut::TiltedPiece;
use super::segment::chords;

/// Greatest error of each kind that sub-poses leave, in cells.
pub const SLIVER_CELLS: f64 = 0.25;

/// Most sub-poses of one move; beyond, they get coarser and [`SubPoses::bound_mm`] says so.
const SUB_POSES_MAX: f64 = 200_000.0;

/// Chords over which the length of a way is measured.
const LENGTH_CHORDS: usize = 32;

/// What turns on the way, and about what.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Turning<'a> {
    /// Joints of the machine.
    pub kinematics: &'a Kinematics,
    /// Work origin and tool length in force.
    pub setup: Setup,
    /// A, B and C where the move begins.
    pub from_rad: [f64; 3],
    /// How far they turn on the way.
    pub turn_rad: [f64; 3],
}

/// The way of the tool against the work on one segment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ToolMotion<'a> {
    /// The tip as if nothing were turned.
    pub geometry: Geometry,
    /// What is turned, and turns; `None` on a machine of three axes.
    pub turning: Option<Turning<'a>>,
}

/// Into how many straight pieces a move is cut, and what that costs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SubPoses {
    /// Pieces of the whole move.
    pub count: usize,
    /// Greatest distance of a place of the cutting part from where it really goes, mm; zero where nothing turns.
    pub bound_mm: f64,
}

impl<'a> ToolMotion<'a> {
    /// A move on a machine of three axes.
    pub const fn upright(geometry: Geometry) -> Self {
        Self { geometry, turning: None }
    }

    /// The move of a segment that begins with the rotary axes at `from_rad`.
    pub fn of(segment: &Segment, kinematics: &'a Kinematics, setup: Setup, from_rad: [f64; 3]) -> Self {
        let turn_rad = segment.turn_rad;
        Self { geometry: segment.geometry, turning: Some(Turning { kinematics, setup, from_rad, turn_rad }) }
    }

    /// Where the tool stands at a fraction of the move.
    pub fn pose(&self, fraction: f64) -> ToolPose {
        let standing = self.geometry.point(fraction);
        match &self.turning {
            None => ToolPose { tip: standing, axis: Vector::z() },
            Some(turning) => {
                let at = |word: usize| turning.from_rad[word] + turning.turn_rad[word] * fraction;
                turning.kinematics.tool_pose(&turning.setup, &standing, std::array::from_fn(at))
            }
        }
    }

    /// True where something turns on the way.
    pub fn turns(&self) -> bool {
        self.turning.is_some_and(|turning| turning.turn_rad != [0.0; 3])
    }

    /// True where the head has turned the tool away from Z of the machine: directions of the segment are then not those of the tool.
    pub fn leans(&self) -> bool {
        self.turning.is_some_and(|turning| {
            let joints = turning.kinematics.joints().iter();
            joints.filter(|joint| joint.carries == Carries::Tool).any(|joint| turning.from_rad[joint.word] != 0.0)
        })
    }

    /// True where nothing moves against the work.
    pub fn stands(&self) -> bool {
        matches!(self.geometry, Geometry::Still { .. }) && !self.turns()
    }

    /// Θ: by how much the axes turn together, rad.
    fn turn_rad(&self) -> f64 {
        self.turning.map_or(0.0, |turning| turning.turn_rad.iter().map(|turn| turn.abs()).sum())
    }

    /// Direction of a place `height_mm` above the tip at a fraction of the move, against the work; zero where it stands.
    pub fn travel(&self, fraction: f64, height_mm: f64) -> Vector {
        if !self.turns() {
            // Turned by what is turned already: exactly the direction of the straight piece.
            let tangent = self.geometry.tangent(fraction);
            let way = match &self.turning {
                None => tangent,
                Some(_) => {
                    let (from, to) = self.tangent_ends(&tangent);
                    to.tip - from.tip
                }
            };
            return way.try_normalize(0.0).unwrap_or_else(Vector::zeros);
        }
        let (way, _) = self.way_about(fraction, height_mm);
        way.try_normalize(1e-12).unwrap_or_else(Vector::zeros)
    }

    /// The way of a place `height_mm` above the tip about a fraction of the move, against the work, mm, and for what share of
    /// the move.
    fn way_about(&self, fraction: f64, height_mm: f64) -> (Vector, f64) {
        let delta = (1e-4 / (1.0 + self.turn_rad())).min(0.25);
        let (from, to) = ((fraction - delta).max(0.0), (fraction + delta).min(1.0));
        let place = |pose: ToolPose| pose.tip + pose.axis * height_mm;
        (place(self.pose(to)) - place(self.pose(from)), to - from)
    }

    /// The same for the whole of the move at that rate, mm: over the time of the move it is a velocity.
    pub fn rate_mm(&self, fraction: f64, height_mm: f64) -> Vector {
        let (way, share) = self.way_about(fraction, height_mm);
        way / share
    }

    fn tangent_ends(&self, tangent: &Vector) -> (ToolPose, ToolPose) {
        let start = self.geometry.start();
        let line = Self { geometry: Geometry::Line { start, end: start + tangent }, ..*self };
        (line.pose(0.0), line.pose(1.0))
    }

    /// Length of the way of the tip against the work, and of the place at the upper end of the cutting part if that is
    /// longer, mm.
    pub fn length_mm(&self, height_mm: f64) -> f64 {
        let along = |height_mm: f64| {
            let place = |chord: usize| {
                let pose = self.pose(chord as f64 / LENGTH_CHORDS as f64);
                pose.tip + pose.axis * height_mm
            };
            (0..LENGTH_CHORDS).map(|chord| (place(chord + 1) - place(chord)).norm()).sum::<f64>()
        };
        along(0.0).max(if self.turns() { along(height_mm) } else { 0.0 })
    }

    /// Sub-poses for a cutting part that reaches `reach_mm` from the tip, on cells of `cell_mm`.
    pub fn sub_poses(&self, reach_mm: f64, cell_mm: f64) -> SubPoses {
        let chords = chords(&self.geometry, (0.0, 1.0), cell_mm);
        let Some(turning) = self.turning.filter(|_| self.turns()) else {
            return SubPoses { count: chords, bound_mm: 0.0 };
        };
        let tolerance_mm = SLIVER_CELLS * cell_mm;
        let turn_rad = self.turn_rad();
        let arm = |fraction: f64| turning.kinematics.arm_mm(&turning.setup, &self.geometry.point(fraction));
        // An arm is the distance from a place, which is convex along a line; on an arc it is looked at on the way.
        let arm_mm = (0..=8).map(|part| arm(f64::from(part) / 8.0)).fold(0.0, f64::max);
        let standing_mm = Self::upright(self.geometry).length_mm(0.0);
        let bend_mm = turn_rad * (turn_rad * arm_mm + 2.0 * standing_mm);
        let by_bend = (bend_mm / (8.0 * tolerance_mm)).sqrt();
        let by_lean = turn_rad * reach_mm / (2.0 * tolerance_mm);
        let count = by_bend.max(by_lean).max(chords as f64).ceil().clamp(1.0, SUB_POSES_MAX);
        let bound_mm = bend_mm / (8.0 * count * count) + turn_rad * reach_mm / (2.0 * count);
        SubPoses { count: count as usize, bound_mm }
    }

    /// The straight pieces of a stretch of the move, in order, as many as the whole would have there. Where a move that
    /// turns begins and ends, the tool as it stands there comes in addition: what is drawn out afterwards, straight, must not meet
    /// what the lean of the last piece has left.
    pub fn pieces(&self, (from, to): (f64, f64), sub_poses: &SubPoses) -> Vec<TiltedPiece> {
        if self.stands() {
            return Vec::new();
        }
        let count = (sub_poses.count as f64 * (to - from) - 1e-9).ceil().max(1.0);
        let at = |piece: usize| from + (to - from) * piece as f64 / count;
        let stands = |fraction: f64| {
            let ToolPose { tip, axis } = self.pose(fraction);
            TiltedPiece { start: tip, end: tip, axis }
        };
        let mut start: Point = self.pose(from).tip;
        let mut pieces = Vec::with_capacity(count as usize + 2);
        if self.turns() && from == 0.0 {
            pieces.push(stands(0.0));
        }
        pieces.extend((0..count as usize).map(|piece| {
            let end = self.pose(at(piece + 1)).tip;
            let axis = self.pose(0.5 * (at(piece) + at(piece + 1))).axis;
            TiltedPiece { start: std::mem::replace(&mut start, end), end, axis }
        }));
        if self.turns() && to == 1.0 {
            pieces.push(stands(1.0));
        }
        pieces
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use shared::kinematics::RotaryJoint;
    use shared::units::Length;

    use super::*;

    fn rotary_a() -> Kinematics {
        let joint =
            RotaryJoint { word: 0, carries: Carries::Work, direction: -Vector::x(), centre: Point::new(0.0, 0.0, 0.0) };
        Kinematics::new(vec![joint]).expect("one joint")
    }

    const SETUP: Setup = Setup { origin: Point::new(0.0, 0.0, 0.0), tool_length: Length::mm(100.0) };

    #[test]
    fn sub_poses_keep_every_place_of_the_cutter_within_the_bound() {
        let kinematics = rotary_a();
        for (end, turn_rad, reach_mm) in [(0.0, TAU, 12.0), (30.0, 2.0, 25.0), (-60.0, -0.3, 5.0)] {
            let geometry =
                Geometry::Line { start: Point::new(0.0, 4.0, 20.0), end: Point::new(end, 4.0, 20.0 - 0.1 * end) };
            let turning = Turning {
                kinematics: &kinematics,
                setup: SETUP,
                from_rad: [0.5, 0.0, 0.0],
                turn_rad: [turn_rad, 0.0, 0.0],
            };
            let motion = ToolMotion { geometry, turning: Some(turning) };
            let poses = motion.sub_poses(reach_mm, 0.2);
            assert!(poses.bound_mm <= 2.0 * SLIVER_CELLS * 0.2 + 1e-12);
            let pieces = motion.pieces((0.0, 1.0), &poses);
            // Between the tool as it stands at both ends.
            let (first, last) = (pieces[0], pieces[pieces.len() - 1]);
            assert_eq!((first.start, first.axis), (motion.pose(0.0).tip, motion.pose(0.0).axis));
            assert_eq!((last.start, last.end, last.axis), (last.end, motion.pose(1.0).tip, motion.pose(1.0).axis));
            let pieces = &pieces[1..pieces.len() - 1];
            assert_eq!(pieces.len(), poses.count);
            let mut worst: f64 = 0.0;
            for (index, piece) in pieces.iter().enumerate() {
                for inside in [0.0, 0.3, 0.5, 1.0] {
                    let pose = motion.pose((index as f64 + inside) / pieces.len() as f64);
                    for height_mm in [0.0, reach_mm] {
                        let taken = piece.start + (piece.end - piece.start) * inside + piece.axis * height_mm;
                        worst = worst.max((taken - (pose.tip + pose.axis * height_mm)).norm());
                    }
                }
            }
            assert!(worst <= poses.bound_mm, "{worst} mm off, {} mm stated", poses.bound_mm);
            assert!(worst > 0.2 * poses.bound_mm, "the bound of {} mm is loose: {worst} mm", poses.bound_mm);
        }
    }

    #[test]
    fn a_tool_that_is_only_inclined_cuts_a_line_in_one_piece() {
        let kinematics = rotary_a();
        let geometry = Geometry::Line { start: Point::new(0.0, 4.0, 20.0), end: Point::new(50.0, 9.0, 10.0) };
        let turning = Turning { kinematics: &kinematics, setup: SETUP, from_rad: [0.7, 0.0, 0.0], turn_rad: [0.0; 3] };
        let motion = ToolMotion { geometry, turning: Some(turning) };
        let poses = motion.sub_poses(20.0, 0.1);
        assert_eq!((poses.count, poses.bound_mm), (1, 0.0));
        let piece = motion.pieces((0.0, 1.0), &poses)[0];
        let middle = motion.pose(0.5);
        assert!((piece.start + (piece.end - piece.start) * 0.5 - middle.tip).norm() < 1e-12);
        let along = (piece.end - piece.start).normalize();
        assert!((motion.travel(0.3, 0.0) - along).norm() < 1e-12 && (along - Vector::x()).norm() > 0.1);
    }
}

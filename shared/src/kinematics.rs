//! Rotary axes of a machine: where the tool stands against the work when A, B and C have turned.
//!
//! A control moves X, Y, Z, A, B and C; material is removed where the tool meets the *work*, and either of the two may
//! be the one that turns. This room owns the chain of rotary joints and one answer: tip and axis of the tool in the
//! work frame. It knows no limits, no times and no inverse: which angles reach a direction is the post-processor's
//! business.
//!
//! A **joint** turns what it carries about a fixed line, counter-clockwise about its direction for a positive word.
//! Joints that carry the work are listed from the bed to the work, joints that carry the tool from the ram to the
//! tool; each is moved by those listed before it.
//!
//! ```text
//!   table-table          head-table            rotary A on the table
//!     spindle              (B)--spindle          spindle
//!       |                      |                   |
//!    [work]                 [work]            A ==[work]==   axis along X
//!     (C)                    (C)
//!   =(A)=  trunnion          bed
//! ```
//!
//! With joints of the work J₁, J₂ and of the tool H₁, H₂ (rotations about points, at the angles of the words):
//!
//! * tip and axis in the machine frame: g + H₁H₂(tip₀ − g) and H₁H₂ z, where tip₀ is the tip with all joints at zero
//!   and g the gauge point of the spindle, the length of the tool above tip₀;
//! * in the work frame, which is that of the work with all joints at zero: (J₁J₂)⁻¹ of both, less the work origin.
//!
//! A control that does this itself (tool centre point control: G43.4, TRAORI) is not meant: there the words are
//! already in the work frame.
//!
//! Source of the chain: ISO 841 for names; R. Lee and C. She, *Developing a postprocessor for three types of
//! five-axis machine tools*, Int. J. Adv. Manuf. Technol. 13 (1997), for the three types. ISO 841 lets a positive A of the
//! *tool* turn counter-clockwise about +X; a table that turns the work for the same word turns it the other way, so its direction is −X.

use crate::det::math;
use crate::geom::{Point, Vector};
use crate::units::Length;

/// What a joint carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carries {
    /// The table turns: the work, and with it the work frame.
    Work,
    /// The head turns: the spindle and the tool.
    Tool,
}

/// One rotary joint.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RotaryJoint {
    /// Which word turns it: 0 for A, 1 for B, 2 for C.
    pub word: usize,
    /// What it carries.
    pub carries: Carries,
    /// Unit vector of the line it turns about, machine frame, all joints at zero.
    pub direction: Vector,
    /// A point of that line, mm. For a joint of the work in machine coordinates: where X, Y, Z stand when the gauge
    /// point of the spindle is there. For a joint of the tool relative to the gauge point.
    pub centre: Point,
}

/// The rotary joints of a machine.
#[derive(Clone, Debug, PartialEq)]
pub struct Kinematics {
    joints: Vec<RotaryJoint>,
}

/// Why joints are not a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KinematicsError {
    /// No joint, or more than there are words.
    #[error("{0} rotary joints, expected one to three")]
    Count(usize),
    /// Two joints are turned by one word.
    #[error("joint {0} is turned by a word that turns another joint too")]
    Word(usize),
    /// A direction without a length, or a figure that is no number.
    #[error("joint {0} has no direction, or a figure that is not a number")]
    Direction(usize),
}

/// Where the tool stands and points, work frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ToolPose {
    /// Tip, mm.
    pub tip: Point,
    /// Unit vector from the tip to the spindle.
    pub axis: Vector,
}

/// What does not change while the tool moves: the frame that the joints turn about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Setup {
    /// Origin of the work frame, machine coordinates, all joints at zero.
    pub origin: Point,
    /// Length of the tool in force: the gauge point stands this far above the tip along +Z when nothing is turned.
    /// Of no effect where no joint carries the tool.
    pub tool_length: Length,
}

impl Kinematics {
    /// From joints in the order of the module's text. Directions need not be of unit length.
    ///
    /// # Errors
    /// [`KinematicsError`], with the index of the joint.
    pub fn new(mut joints: Vec<RotaryJoint>) -> Result<Self, KinematicsError> {
        if joints.is_empty() || joints.len() > 3 {
            return Err(KinematicsError::Count(joints.len()));
        }
        for index in 0..joints.len() {
            if joints[index].word > 2 || joints[..index].iter().any(|other| other.word == joints[index].word) {
                return Err(KinematicsError::Word(index));
            }
            let joint = &mut joints[index];
            let is_finite = joint.direction.iter().chain(joint.centre.iter()).all(|value| value.is_finite());
            let unit = joint.direction.try_normalize(1e-9).filter(|_| is_finite);
            joint.direction = unit.ok_or(KinematicsError::Direction(index))?;
        }
        Ok(Self { joints })
    }

    /// The joints.
    pub fn joints(&self) -> &[RotaryJoint] {
        &self.joints
    }

    /// True where a word (0 for A, 1 for B, 2 for C) turns a joint.
    pub fn turns(&self, word: usize) -> bool {
        self.joints.iter().any(|joint| joint.word == word)
    }

    /// True where some joint carries the tool.
    pub fn has_head(&self) -> bool {
        self.joints.iter().any(|joint| joint.carries == Carries::Tool)
    }

    /// Where the tool stands in the work frame. `standing` is the tip if nothing were turned: machine coordinates less
    /// tool length less work origin, which is what [`crate::motion::Geometry`] holds. `rotary_rad` are A, B and C.
    pub fn tool_pose(&self, setup: &Setup, standing: &Point, rotary_rad: [f64; 3]) -> ToolPose {
        let gauge = standing + Vector::new(0.0, 0.0, setup.tool_length.as_mm()) + setup.origin.coords;
        // Relative to the gauge point, the innermost joint of the tool first.
        let mut tip = Vector::new(0.0, 0.0, -setup.tool_length.as_mm());
        let mut axis = Vector::z();
        for joint in self.joints.iter().rev().filter(|joint| joint.carries == Carries::Tool) {
            let angle_rad = rotary_rad[joint.word];
            tip = joint.centre.coords + turned(&(tip - joint.centre.coords), &joint.direction, angle_rad);
            axis = turned(&axis, &joint.direction, angle_rad);
        }
        let mut tip = gauge + tip;
        // The inverse of J₁J₂: the outermost joint of the work is undone first.
        for joint in self.joints.iter().filter(|joint| joint.carries == Carries::Work) {
            let angle_rad = -rotary_rad[joint.word];
            tip = joint.centre + turned(&(tip - joint.centre), &joint.direction, angle_rad);
            axis = turned(&axis, &joint.direction, angle_rad);
        }
        ToolPose { tip: tip - setup.origin.coords, axis }
    }

    /// An upper bound on the distance, mm, from the tip of any of the lines that the joints turn about, while the tip that
    /// is not turned stands at `standing`.
    pub fn arm_mm(&self, setup: &Setup, standing: &Point) -> f64 {
        let tip = standing + setup.origin.coords;
        let gauge = tip + Vector::new(0.0, 0.0, setup.tool_length.as_mm());
        let mut arm_mm: f64 = 0.0;
        let mut spread_mm = 0.0;
        let mut last: Option<Point> = None;
        for joint in &self.joints {
            let centre = match joint.carries {
                Carries::Work => joint.centre,
                Carries::Tool => gauge + joint.centre.coords,
            };
            // A joint further in is carried about by those before it: at most by the distance between the two.
            spread_mm += last.map_or(0.0, |last: Point| (centre - last).norm());
            last = Some(centre);
            arm_mm = arm_mm.max((tip - centre).norm() + spread_mm);
        }
        arm_mm
    }
}

/// A vector turned about a unit vector (Rodrigues). At an angle of zero it keeps its bits.
fn turned(vector: &Vector, axis: &Vector, angle_rad: f64) -> Vector {
    if angle_rad == 0.0 {
        return *vector;
    }
    let (sin, cos) = math::sin_cos(angle_rad);
    vector * cos + axis.cross(vector) * sin + axis * (axis.dot(vector) * (1.0 - cos))
}

#[cfg(test)]
mod tests {
    use std::f64::consts::{FRAC_PI_2, PI};

    use super::*;
    use crate::det::Rng;

    fn joint(word: usize, carries: Carries, direction: [f64; 3], centre: [f64; 3]) -> RotaryJoint {
        RotaryJoint { word, carries, direction: Vector::from(direction), centre: Point::from(centre) }
    }

    fn chain(joints: &[RotaryJoint]) -> Kinematics {
        Kinematics::new(joints.to_vec()).expect("a chain")
    }

    fn setup(origin: [f64; 3], length_mm: f64) -> Setup {
        Setup { origin: Point::from(origin), tool_length: Length::mm(length_mm) }
    }

    fn near(pose: &ToolPose, tip: [f64; 3], axis: [f64; 3]) {
        let off = (pose.tip - Point::from(tip)).norm() + (pose.axis - Vector::from(axis)).norm();
        assert!(off < 1e-9, "{pose:?} instead of {tip:?}, {axis:?}");
    }

    #[test]
    fn a_rotary_table_turns_the_work_under_the_tool() {
        // ISO 841: A of a table turns the work about −X, so that the tool moves about +X against it.
        let rotary = chain(&[joint(0, Carries::Work, [-1.0, 0.0, 0.0], [-100.0, -200.0, -300.0])]);
        let at = setup([-100.0, -200.0, -300.0], 80.0);
        let pose = rotary.tool_pose(&at, &Point::new(5.0, 0.0, 20.0), [FRAC_PI_2, 0.0, 0.0]);
        // Against the work, the tool has gone from above (+Z) to the side of −Y: +90° about +X.
        near(&pose, [5.0, -20.0, 0.0], [0.0, -1.0, 0.0]);
        let standing = Point::new(1.25, -2.5, 7.0);
        near(&rotary.tool_pose(&at, &standing, [0.0; 3]), [1.25, -2.5, 7.0], [0.0, 0.0, 1.0]);
    }

    #[test]
    fn a_trunnion_carries_its_table_with_it() {
        let trunnion = chain(&[
            joint(0, Carries::Work, [1.0, 0.0, 0.0], [0.0, 0.0, -50.0]),
            joint(2, Carries::Work, [0.0, 0.0, 1.0], [0.0, 0.0, 0.0]),
        ]);
        let at = setup([0.0; 3], 0.0);
        // The work's own +Y points up after A = 90°; C then turns it about its own Z.
        let pose = trunnion.tool_pose(&at, &Point::new(0.0, 50.0, -50.0), [FRAC_PI_2, 0.0, 0.0]);
        near(&pose, [0.0, 0.0, -100.0], [0.0, 1.0, 0.0]);
        let pose = trunnion.tool_pose(&at, &Point::new(0.0, 50.0, -50.0), [FRAC_PI_2, 0.0, FRAC_PI_2]);
        near(&pose, [0.0, 0.0, -100.0], [1.0, 0.0, 0.0]);
    }

    #[test]
    fn a_head_turns_the_tool_about_its_pivot() {
        let head = chain(&[
            joint(1, Carries::Tool, [0.0, 1.0, 0.0], [0.0, 0.0, 150.0]),
            joint(2, Carries::Work, [0.0, 0.0, -1.0], [0.0, 0.0, 0.0]),
        ]);
        let at = setup([0.0; 3], 100.0);
        // Pivot 250 mm above the tip: B = 90° brings the tool level, 250 mm beside and 250 mm above.
        let pose = head.tool_pose(&at, &Point::new(0.0, 0.0, 0.0), [0.0, FRAC_PI_2, 0.0]);
        near(&pose, [-250.0, 0.0, 250.0], [1.0, 0.0, 0.0]);
        let pose = head.tool_pose(&at, &Point::new(10.0, 0.0, 0.0), [0.0, 0.0, PI]);
        near(&pose, [-10.0, 0.0, 0.0], [0.0, 0.0, 1.0]);
        assert!(head.has_head() && head.turns(1) && !head.turns(0));
    }

    #[test]
    fn distances_in_the_work_are_kept_and_arms_are_upper_bounds() {
        let mut rng = Rng::new(5);
        for seed in 0..300 {
            let mut draw = || {
                joint(
                    0,
                    Carries::Work,
                    std::array::from_fn(|_| rng.normal()),
                    std::array::from_fn(|_| rng.between(-90.0, 90.0)),
                )
            };
            let joints = [draw(), RotaryJoint { word: 2, ..draw() }];
            let kinematics = chain(&joints);
            let at = setup(std::array::from_fn(|_| rng.between(-9.0, 9.0)), 50.0);
            let angles = [rng.between(-4.0, 4.0), 0.0, rng.between(-4.0, 4.0)];
            let [a, b]: [Point; 2] =
                std::array::from_fn(|_| Point::from([rng.normal(), rng.normal(), rng.normal()]) * 20.0);
            let (from, to) = (kinematics.tool_pose(&at, &a, angles), kinematics.tool_pose(&at, &b, angles));
            assert!(((from.tip - to.tip).norm() - (a - b).norm()).abs() < 1e-9, "seed {seed}");
            // A small turn of every joint moves the tip by at most the arm times the turn.
            let turn = 1e-6;
            let next = kinematics.tool_pose(&at, &a, [angles[0] + turn, 0.0, angles[2] + turn]);
            let arm_mm = kinematics.arm_mm(&at, &a);
            assert!((next.tip - from.tip).norm() <= 2.0 * turn * arm_mm * (1.0 + 1e-3), "seed {seed}");
        }
    }

    #[test]
    fn joints_that_make_no_chain_are_refused() {
        let a = joint(0, Carries::Work, [1.0, 0.0, 0.0], [0.0; 3]);
        let check = |joints: Vec<RotaryJoint>, expected| assert_eq!(Kinematics::new(joints), Err(expected));
        check(Vec::new(), KinematicsError::Count(0));
        check(vec![a; 4], KinematicsError::Count(4));
        check(vec![a, a], KinematicsError::Word(1));
        check(vec![joint(1, Carries::Tool, [0.0; 3], [0.0; 3])], KinematicsError::Direction(0));
        check(vec![joint(1, Carries::Tool, [f64::NAN, 0.0, 1.0], [0.0; 3])], KinematicsError::Direction(0));
    }
}

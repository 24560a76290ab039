//! Engagement at any inclination, against closed forms: a frame that is turned changes nothing.

use cloud_sim::engagement::{TiltedPose, sample_tilted};
use cloud_sim::sweep::body::RevolvedTool;
use shared::cutting::Engagement;
use shared::geom::{Point, Vector};
use shared::kinematics::ToolPose;
use shared::tool::CutterShape;

use super::setup::{block, cut_tilted, tool};

/// A frame to cut in: origin, direction of travel, axis.
struct Frame {
    origin: Point,
    travel: Vector,
    axis: Vector,
}

impl Frame {
    fn at(&self, along: f64, beside: f64, up: f64) -> Point {
        let left = self.axis.cross(&self.travel);
        self.origin + self.travel * along + left * beside + self.axis * up
    }
}

/// Along X, along −Y with the tool from the side, and askew; each 20 mm within a block of 60.
fn frames() -> [Frame; 3] {
    let askew = Vector::new(0.5, 0.3, 1.0).normalize();
    let across = Vector::new(1.0, 0.2, -0.4);
    [
        Frame { origin: Point::new(30.0, 30.0, -30.0), travel: Vector::x(), axis: Vector::z() },
        Frame { origin: Point::new(30.0, 30.0, -30.0), travel: -Vector::y(), axis: Vector::x() },
        Frame {
            origin: Point::new(30.0, 30.0, -30.0),
            travel: (across - askew * askew.dot(&across)).normalize(),
            axis: askew,
        },
    ]
}

/// The engagement of a D10 flat mill with flutes of 8 mm, buried, its way cleared up to where it stands, and a wall
/// to its right or left cleared by passes beside it.
fn buried(frame: &Frame, cleared_beside: Option<f64>, mirrored: bool) -> Engagement {
    let mut short = tool(CutterShape::Flat, 10.0);
    short.flute_length = shared::units::Length::mm(8.0);
    let body = RevolvedTool::new(&short);
    let mut part = block(60.0, 60.0, 60.0, 0.1);
    if let Some(beside) = cleared_beside {
        cut_tilted(&mut part, &body, (frame.at(-12.0, beside, 0.0), frame.at(12.0, beside, 0.0)), frame.axis);
    }
    cut_tilted(&mut part, &body, (frame.at(-12.0, 0.0, 0.0), frame.at(0.0, 0.0, 0.0)), frame.axis);
    let pose = TiltedPose {
        tool: ToolPose { tip: frame.at(0.0, 0.0, 0.0), axis: frame.axis },
        travel: frame.travel,
        mirrored,
        straight_on_mm: 12.0,
    };
    sample_tilted(&part, &body, &pose)
}

#[test]
fn a_slot_is_engaged_over_half_a_turn_and_all_its_height() {
    for (index, frame) in frames().iter().enumerate() {
        let engagement = buried(frame, None, false);
        let (start, end) = engagement.immersion_rad().expect("in material");
        assert!(start.to_degrees() < 2.0 && end.to_degrees() > 178.0, "frame {index}: {start} to {end}");
        assert!((engagement.axial_depth_mm() - 8.0).abs() < 0.2, "frame {index}: {}", engagement.axial_depth_mm());
    }
}

#[test]
fn side_milling_is_engaged_by_the_cosine() {
    // A neighbouring groove beside leaves a_e to cut: cos = 1 − a_e / R on the side that is left.
    let mut worst = 0.0f64;
    for (index, frame) in frames().iter().enumerate() {
        for beside in [7.0, -7.0, 3.0, -1.0] {
            let angle = (1.0 - f64::abs(beside) / 5.0).acos().to_degrees();
            for mirrored in [false, true] {
                let (start, end) = buried(frame, Some(beside), mirrored).immersion_rad().expect("in material");
                let found = (start.to_degrees(), end.to_degrees());
                // φ = 0 is to the left of the travel, to the right of it for M4: a groove there frees the first angles.
                let frees_first = (beside > 0.0) != mirrored;
                let expected = if frees_first { (180.0 - angle, 180.0) } else { (0.0, angle) };
                let off = (found.0 - expected.0).abs().max((found.1 - expected.1).abs());
                worst = worst.max(off);
                assert!(off < 2.0, "frame {index}, {beside}, M4 {mirrored}: {found:?}, expected {expected:?}");
            }
        }
    }
    println!("sides at any inclination: at most {worst:.2}° off");
}

#[test]
fn a_plunge_cuts_with_its_face_and_air_cuts_nothing() {
    let body = RevolvedTool::new(&tool(CutterShape::Flat, 10.0));
    let part = block(60.0, 60.0, 60.0, 0.2);
    let pose = |z: f64, travel: Vector| TiltedPose {
        tool: ToolPose { tip: Point::new(30.0, 30.0, z), axis: Vector::z() },
        travel,
        mirrored: false,
        straight_on_mm: 5.0,
    };
    let plunge = sample_tilted(&part, &body, &pose(0.0, -Vector::z()));
    assert_eq!(plunge.slices.len(), 1);
    assert_eq!((plunge.slices[0].high_mm, plunge.mask()), (0.0, u128::MAX));
    assert!(sample_tilted(&part, &body, &pose(0.5, Vector::x())).is_air());
    assert!(sample_tilted(&part, &body, &pose(-5.0, Vector::z())).is_air(), "a tool that is drawn out cuts nothing");
}

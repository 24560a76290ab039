//! From program coordinates to machine coordinates and back.
//!
//! ```text
//! machine = rotate(program + G92, about Z) + work offset + tool length
//! ```
//!
//! This is the order of LinuxCNC (`rotate_and_offset` in its canon): G92 and G52 turn with the work, the
//! tool length does not. Linear axes are in mm, rotary axes in degrees; rotation concerns X and Y alone.

use crate::det::math;

/// X, Y, Z in mm and A, B, C in degrees.
pub(super) type Axes = [f64; 6];

/// The offsets in force.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    /// Origin of the active work offset, machine coordinates.
    pub(super) origin: Axes,
    /// G92 or G52.
    pub(super) shift: Axes,
    /// Offset of the tool.
    pub(super) tool: Axes,
    sin: f64,
    cos: f64,
}

impl Frame {
    /// No shift, no rotation, no tool.
    pub(super) fn new(origin: Axes) -> Self {
        Self { origin, shift: [0.0; 6], tool: [0.0; 6], sin: 0.0, cos: 1.0 }
    }

    /// Turns the program frame about Z, counter-clockwise, in degrees.
    pub(super) fn rotate(&mut self, rotation_deg: f64) {
        (self.sin, self.cos) = if rotation_deg == 0.0 { (0.0, 1.0) } else { math::sin_cos(rotation_deg.to_radians()) };
    }

    /// Machine coordinates of a place in the program.
    pub(super) fn machine(&self, program: &Axes) -> Axes {
        let mut at: Axes = std::array::from_fn(|axis| program[axis] + self.shift[axis]);
        (at[0], at[1]) = (at[0] * self.cos - at[1] * self.sin, at[0] * self.sin + at[1] * self.cos);
        std::array::from_fn(|axis| at[axis] + self.origin[axis] + self.tool[axis])
    }

    /// A vector with X and Y turned with the program frame, or back.
    pub(super) fn turned(&self, vector: &Axes, forwards: bool) -> Axes {
        let sin = if forwards { self.sin } else { -self.sin };
        let mut turned = *vector;
        turned[0] = vector[0] * self.cos - vector[1] * sin;
        turned[1] = vector[0] * sin + vector[1] * self.cos;
        turned
    }

    /// Program coordinates of a place in the machine.
    pub(super) fn program(&self, machine: &Axes) -> Axes {
        let mut at: Axes = std::array::from_fn(|axis| machine[axis] - self.origin[axis] - self.tool[axis]);
        (at[0], at[1]) = (at[0] * self.cos + at[1] * self.sin, at[1] * self.cos - at[0] * self.sin);
        std::array::from_fn(|axis| at[axis] - self.shift[axis])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back_again() {
        let mut rng = crate::det::Rng::new(5);
        for _ in 0..1000 {
            let mut draw = || std::array::from_fn(|_| rng.between(-500.0, 500.0));
            let (origin, shift, program): (Axes, Axes, Axes) = (draw(), draw(), draw());
            let mut frame = Frame { shift, tool: [1.0, -2.0, 77.0, 3.0, 4.0, 5.0], ..Frame::new(origin) };
            frame.rotate(origin[0]);
            let back = frame.program(&frame.machine(&program));
            assert!((0..6).all(|axis| (back[axis] - program[axis]).abs() < 1e-9), "{program:?} became {back:?}");
        }
    }

    #[test]
    fn a_quarter_turn_takes_x_to_y() {
        let mut frame = Frame::new([10.0, 20.0, 30.0, 0.0, 0.0, 0.0]);
        frame.rotate(90.0);
        frame.tool[2] = 5.0;
        let machine = frame.machine(&[1.0, 0.0, 0.0, 45.0, 0.0, 0.0]);
        let expected = [10.0, 21.0, 35.0, 45.0, 0.0, 0.0];
        assert!((0..6).all(|axis| (machine[axis] - expected[axis]).abs() < 1e-12), "{machine:?}");
    }
}

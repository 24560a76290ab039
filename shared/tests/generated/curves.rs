//! Arcs and splines for the generator.

use crate::generate::Generator;

impl Generator {
    /// An arc in one of its forms, or a spline.
    pub(crate) fn curve(&mut self) {
        match self.rng.below(9) {
            0 | 1 => self.centred(),
            2 => self.in_other_plane(),
            3 | 4 => self.by_radius(),
            5 => self.absolute_centre(),
            6 => {
                self.uses("full circle");
                let (i, code) = (self.mm(), self.one(&["G2", "G3"]));
                self.line(&format!("{code} I[{i} + 25] J1"));
            }
            _ => self.spline(),
        }
    }

    /// The end of a quarter or half circle about a relative centre is exact.
    fn centred(&mut self) {
        let (i, j) = (self.rng.below(9) as f64 + 1.0, self.rng.below(9) as f64 - 4.0);
        let (name, code) = if self.rng.chance(0.5) { ("G2 IJ", "G2") } else { ("G3 IJ", "G3") };
        self.uses(name);
        let (mut more, mut turns) = (String::new(), String::new());
        if self.rng.chance(0.4) {
            self.uses("helix");
            more = format!(" Z{}", self.mm());
        }
        if self.rng.chance(0.4) {
            self.uses("turns");
            turns = format!(" P{}", self.rng.below(4) + 1);
        }
        self.line(&format!("G91 {code} X{} Y{}{more} I{i} J{j}{turns}", 2.0 * i, 2.0 * j));
        self.line("G90");
    }

    fn in_other_plane(&mut self) {
        let (code, x) = (self.one(&["G2", "G3"]), self.mm());
        let turns = self.rng.below(3) + 1;
        if self.rng.chance(0.5) {
            self.uses("G18 IK");
            self.line(&format!("G18 {code} X[#5420+4] Z[#5422] I2 K0 P{turns}"));
        } else {
            self.uses("G19 JK");
            self.line(&format!("G19 {code} Y[#5421] Z[#5422+6] J0 K3 X{x}"));
        }
        self.line("G17");
    }

    fn by_radius(&mut self) {
        let (dx, dy) = (self.rng.between(1.0, 9.0), self.rng.between(-9.0, 9.0));
        let radius = Self::half(dx, dy) * self.rng.between(1.01, 2.0);
        let (name, code) = if self.rng.chance(0.5) { ("G2 R", "G2") } else { ("G3 R", "G3") };
        let sign = if self.rng.chance(0.4) {
            self.uses("R long");
            "-"
        } else {
            ""
        };
        match self.rng.below(4) {
            0 => {
                self.uses("G18 R");
                self.line(&format!("G18 G91 {code} Z{dx:.4} X{dy:.4} R{sign}{radius:.4}"));
            }
            1 => {
                self.uses("G19 R");
                self.line(&format!("G19 G91 {code} Y{dx:.4} Z{dy:.4} R{sign}{radius:.4}"));
            }
            _ => {
                self.uses(name);
                self.line(&format!("G91 {code} X{dx:.4} Y{dy:.4} R{sign}{radius:.4}"));
            }
        }
        self.line("G90 G17");
    }

    fn absolute_centre(&mut self) {
        self.uses("G90.1");
        let code = self.one(&["G2", "G3"]);
        self.line("G0 X5 Y0");
        self.line(&format!("G90.1 {code} X0 Y5 I0 J0"));
        self.line("G91.1");
    }

    /// The oracle draws a spline at the height of the last straight move it drew, in the frame of that move.
    fn spline(&mut self) {
        let (start_x, start_y, start_z) = (self.mm(), self.mm(), self.mm());
        self.line(&format!("G1 X{start_x} Y{start_y} Z{start_z}"));
        let (x, y) = (self.rng.between(5.0, 20.0), self.rng.between(-20.0, 20.0));
        let (i, j) = (self.rng.between(1.0, 4.0), self.rng.between(-4.0, 4.0));
        if self.rng.chance(0.5) {
            self.uses("G5");
            self.line(&format!("G5 X{x:.3} Y{y:.3} I{i:.3} J{j:.3} P-2 Q{j:.3}"));
            if self.rng.chance(0.5) {
                self.line(&format!("G5 X{y:.3} Y{x:.3} P1 Q-2"));
            }
        } else {
            self.uses("G5.1");
            self.line(&format!("G5.1 X{x:.3} Y{y:.3} I{i:.3} J{j:.3}"));
        }
    }
}

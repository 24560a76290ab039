//! Physical quantities as types.
//!
//! A feed of 40 inch/min and one of 40 mm/s differ by a factor of 2.4, and both are "40.0" in an `f64`. Each
//! quantity that crosses a room's border is therefore a newtype with only those operators that make
//! physical sense: `Length / Feedrate` is a time, `Force × Length` is a torque, and adding a force to a
//! length does not compile. Inside: mm, s, rad, N, N·m, W, rev/s (DESIGN.md, invariant 8). Inch, mm/min,
//! rpm, per cent and degrees exist only where text is read or written.
//!
//! Constructors and accessors are named after the unit: `Length::mm(3.0)`, `length.as_mm()`. Leaf functions
//! may unwrap to `f64`; then the unit is the suffix of the name.
//!
//! ```
//! use shared::units::{Feedrate, Force, Length};
//! let torque = Force::n(500.0) * Length::mm(10.0);
//! assert_eq!(torque.as_n_m(), 5.0);
//! assert_eq!((Length::mm(100.0) / Feedrate::mm_s(50.0)).as_s(), 2.0);
//! ```
//!
//! ```compile_fail,E0308
//! use shared::units::{Force, Length};
//! let nonsense = Force::n(500.0) + Length::mm(10.0);
//! ```
//!
//! ```compile_fail,E0308
//! use shared::units::{Feedrate, Length};
//! fn feed(_: Feedrate) {}
//! feed(Length::mm(40.0));
//! ```

use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub, SubAssign};

macro_rules! quantity {
    ($(#[$doc:meta])* $name:ident, $new:ident, $get:ident, $symbol:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
        pub struct $name(f64);

        impl $name {
            /// Zero of this quantity.
            pub const ZERO: Self = Self(0.0);

            #[doc = concat!("From a value in ", $symbol, ".")]
            pub const fn $new(value: f64) -> Self {
                Self(value)
            }

            #[doc = concat!("The value in ", $symbol, ".")]
            pub const fn $get(self) -> f64 {
                self.0
            }

            /// Magnitude without sign.
            pub fn abs(self) -> Self {
                Self(self.0.abs())
            }

            /// The smaller of two, by total order.
            pub fn min(self, other: Self) -> Self {
                if self.0.total_cmp(&other.0).is_le() { self } else { other }
            }

            /// The larger of two, by total order.
            pub fn max(self, other: Self) -> Self {
                if self.0.total_cmp(&other.0).is_ge() { self } else { other }
            }

            /// False for NaN and the infinities.
            pub const fn is_finite(self) -> bool {
                self.0.is_finite()
            }
        }

        impl Add for $name {
            type Output = Self;
            fn add(self, other: Self) -> Self {
                Self(self.0 + other.0)
            }
        }
        impl AddAssign for $name {
            fn add_assign(&mut self, other: Self) {
                self.0 += other.0;
            }
        }
        impl Sub for $name {
            type Output = Self;
            fn sub(self, other: Self) -> Self {
                Self(self.0 - other.0)
            }
        }
        impl SubAssign for $name {
            fn sub_assign(&mut self, other: Self) {
                self.0 -= other.0;
            }
        }
        impl Neg for $name {
            type Output = Self;
            fn neg(self) -> Self {
                Self(-self.0)
            }
        }
        impl Mul<f64> for $name {
            type Output = Self;
            fn mul(self, factor: f64) -> Self {
                Self(self.0 * factor)
            }
        }
        impl Div<f64> for $name {
            type Output = Self;
            fn div(self, divisor: f64) -> Self {
                Self(self.0 / divisor)
            }
        }
        impl Div for $name {
            type Output = f64;
            fn div(self, other: Self) -> f64 {
                self.0 / other.0
            }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(&self.0, f)?;
                f.write_str(concat!(" ", $symbol))
            }
        }
    };
}

/// `left op right = result` for two different quantities.
macro_rules! relation {
    ($left:ident * $right:ident = $result:ident) => {
        impl Mul<$right> for $left {
            type Output = $result;
            fn mul(self, other: $right) -> $result {
                $result(self.0 * other.0)
            }
        }
    };
    ($left:ident / $right:ident = $result:ident) => {
        impl Div<$right> for $left {
            type Output = $result;
            fn div(self, other: $right) -> $result {
                $result(self.0 / other.0)
            }
        }
    };
}

quantity!(/// A length or a coordinate.
    Length, mm, as_mm, "mm");
quantity!(/// An area.
    Area, mm2, as_mm2, "mm²");
quantity!(/// A volume, of removed material for instance.
    Volume, mm3, as_mm3, "mm³");
quantity!(/// A span of physical time; [`crate::time`] has the integer one of clocks.
    Seconds, s, as_s, "s");
quantity!(/// A speed along the path or of an axis.
    Feedrate, mm_s, as_mm_s, "mm/s");
quantity!(/// An acceleration along the path or of an axis.
    Acceleration, mm_s2, as_mm_s2, "mm/s²");
quantity!(/// A jerk along the path or of an axis.
    Jerk, mm_s3, as_mm_s3, "mm/s³");
quantity!(/// An angle.
    Angle, rad, as_rad, "rad");
quantity!(/// Spindle speed, in revolutions a second. Negative turns counter-clockwise seen from above (M4).
    RotaryVelocity, rev_s, as_rev_s, "rev/s");
quantity!(/// A force.
    Force, n, as_n, "N");
quantity!(/// A torque.
    Torque, n_m, as_n_m, "N·m");
quantity!(/// A power.
    Power, w, as_w, "W");
quantity!(/// A stress or a specific cutting force.
    Stress, n_mm2, as_n_mm2, "N/mm²");

relation!(Length / Feedrate = Seconds);
relation!(Length / Seconds = Feedrate);
relation!(Feedrate * Seconds = Length);
relation!(Feedrate / Seconds = Acceleration);
relation!(Feedrate / Acceleration = Seconds);
relation!(Acceleration * Seconds = Feedrate);
relation!(Acceleration / Jerk = Seconds);
relation!(Jerk * Seconds = Acceleration);
relation!(Length * Length = Area);
relation!(Area * Length = Volume);
relation!(Volume / Area = Length);
relation!(Stress * Area = Force);

impl Mul<Length> for Force {
    type Output = Torque;
    /// N · mm is a thousandth of a N·m.
    fn mul(self, arm: Length) -> Torque {
        Torque(self.0 * arm.0 * 1e-3)
    }
}

impl Mul<Feedrate> for Force {
    type Output = Power;
    /// N · mm/s is a thousandth of a watt.
    fn mul(self, speed: Feedrate) -> Power {
        Power(self.0 * speed.0 * 1e-3)
    }
}

impl RotaryVelocity {
    /// From revolutions a minute.
    pub const fn rpm(rpm: f64) -> Self {
        Self(rpm / 60.0)
    }

    /// In revolutions a minute, rounded to a thousand-millionth of one: what was given as a whole number is one again.
    pub fn as_rpm(self) -> f64 {
        const GRAIN: f64 = 1e9;
        (self.0 * 60.0 * GRAIN).round() / GRAIN
    }
}

impl Mul<RotaryVelocity> for Torque {
    type Output = Power;
    /// P = 2πnT.
    fn mul(self, speed: RotaryVelocity) -> Power {
        Power(self.0 * speed.0 * std::f64::consts::TAU)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relations_carry_their_units() {
        assert_eq!((Length::mm(30.0) / Feedrate::mm_s(10.0)).as_s(), 3.0);
        assert_eq!((Force::n(2.0) * Length::mm(500.0)).as_n_m(), 1.0);
        assert_eq!((Force::n(100.0) * Feedrate::mm_s(2000.0)).as_w(), 200.0);
        let power = Torque::n_m(10.0) * RotaryVelocity::rev_s(1.0);
        assert!((power.as_w() - 62.831_853).abs() < 1e-6);
    }

    #[test]
    fn a_whole_number_of_revolutions_a_minute_comes_back_as_one() {
        assert!((1..=60_000).all(|rpm| RotaryVelocity::rpm(f64::from(rpm)).as_rpm() == f64::from(rpm)));
    }

    #[test]
    fn order_is_total_even_for_nan() {
        assert_eq!(Length::mm(1.0).min(Length::mm(f64::NAN)).as_mm(), 1.0);
        assert!(!Length::mm(f64::NAN).is_finite());
    }
}

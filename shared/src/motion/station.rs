use std::fmt;

use crate::units::Length;

/// A place in the program, measured along the compensated tool path.
///
/// Time is the wrong coordinate for an override: a plan that arrives late, or twice, or in the wrong order
/// would act at the wrong place. The block number is too coarse and not unique. The station is monotone
/// while the program advances, whatever loops it runs through, and both sides compute it from the same
/// bytes. Moves along the path count their length; what does not move (dwell, tool change, rotary-only
/// moves) counts a stated equivalent, so that the station never stands still while the program advances.
///
/// It is an integer number of nanometres: stations compare, sort, digest and travel exactly, and every
/// segment is at least one nanometre long, so that no two segments share a start. 2⁶⁴ nm are 18 000 km.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Station(u64);

impl Station {
    /// The beginning of the program.
    pub const START: Self = Self(0);

    /// Beyond every program.
    pub const MAX: Self = Self(u64::MAX);

    /// From nanometres.
    pub const fn from_nm(nm: u64) -> Self {
        Self(nm)
    }

    /// From a length in mm, rounded to the nearest nanometre; negative and NaN become the start.
    pub fn from_mm(mm: f64) -> Self {
        // `as` saturates and maps NaN to zero: exactly what is wanted here.
        Self((mm * 1e6).round() as u64)
    }

    /// Nanometres.
    pub const fn as_nm(self) -> u64 {
        self.0
    }

    /// Millimetres.
    pub const fn as_mm(self) -> f64 {
        self.0 as f64 * 1e-6
    }

    /// The station `ahead` further on, at most [`Station::MAX`]; a negative length goes back, at most to the start.
    #[must_use]
    pub fn advanced(self, ahead: Length) -> Self {
        let nm = (ahead.as_mm() * 1e6).round();
        if nm >= 0.0 { Self(self.0.saturating_add(nm as u64)) } else { Self(self.0.saturating_sub(-nm as u64)) }
    }

    /// How far this lies beyond `earlier`; negative where it lies before it.
    pub fn beyond(self, earlier: Self) -> Length {
        let magnitude = self.0.abs_diff(earlier.0) as f64 * 1e-6;
        Length::mm(if self >= earlier { magnitude } else { -magnitude })
    }
}

impl fmt::Display for Station {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3} mm", self.as_mm())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stations_move_both_ways_and_saturate() {
        let station = Station::from_mm(12.5);
        assert_eq!(station.as_nm(), 12_500_000);
        assert_eq!(station.advanced(Length::mm(-2.5)).as_mm(), 10.0);
        assert_eq!(station.advanced(Length::mm(-99.0)), Station::START);
        assert_eq!(Station::MAX.advanced(Length::mm(1.0)), Station::MAX);
        assert_eq!(Station::START.beyond(station).as_mm(), -12.5);
        assert_eq!(Station::from_mm(f64::NAN), Station::START);
    }
}

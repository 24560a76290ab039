use std::fmt;

/// Why a stretch runs at the speed it does: the bound that binds there. The set is fixed; reports use
/// [`Reason::name`] as a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Reason {
    /// Nothing binds: it runs as programmed.
    Programmed = 0,
    /// Peak resultant force in the plane, against breakage of the cutter.
    ForcePeak = 1,
    /// Mean spindle torque.
    Torque = 2,
    /// Mean spindle power.
    Power = 3,
    /// Greatest chip thickness of a tooth.
    ChipThickness = 4,
    /// Least chip thickness: slower would rub.
    Rubbing = 5,
    /// Deflection of the tool.
    Deflection = 6,
    /// Bending stress in the tool.
    BendingStress = 7,
    /// Slow-down before the cutter first meets material.
    FirstContact = 8,
    /// Straight down, or steeper than the tool likes.
    Plunge = 9,
    /// The axes cannot follow the programmed feed here.
    Drives = 10,
    /// Slew limit: on the way to or from a slower stretch.
    Slew = 11,
    /// Overrides are forbidden here (tapping, threading, probing, hole cycles, M49).
    Locked = 12,
    /// Marked *finish, do not touch*.
    Finish = 13,
    /// A rapid; the factor is 1.0.
    Rapid = 14,
    /// Nothing moves (dwell, spindle, tool change).
    Still = 15,
    /// Engagement or load is not known here: as programmed at most.
    Unknown = 16,
    /// A force or power bound lies below the rubbing bound: infeasible at this speed and depth.
    Infeasible = 17,
    /// Cusps that teeth leave along the feed.
    Surface = 18,
    /// Inside arc: the feed along the contour is the programmed one.
    Contour = 19,
    /// Something would touch from here on: the feed is held.
    Collision = 20,
}

impl Reason {
    /// Every reason, in the order of their numbers.
    pub const ALL: [Self; 21] = [
        Self::Programmed,
        Self::ForcePeak,
        Self::Torque,
        Self::Power,
        Self::ChipThickness,
        Self::Rubbing,
        Self::Deflection,
        Self::BendingStress,
        Self::FirstContact,
        Self::Plunge,
        Self::Drives,
        Self::Slew,
        Self::Locked,
        Self::Finish,
        Self::Rapid,
        Self::Still,
        Self::Unknown,
        Self::Infeasible,
        Self::Surface,
        Self::Contour,
        Self::Collision,
    ];

    /// Its number on the wire.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// From its number on the wire.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }

    /// Its stable name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Programmed => "programmed",
            Self::ForcePeak => "force_peak",
            Self::Torque => "torque",
            Self::Power => "power",
            Self::ChipThickness => "chip_thickness",
            Self::Rubbing => "rubbing",
            Self::Deflection => "deflection",
            Self::BendingStress => "bending_stress",
            Self::FirstContact => "first_contact",
            Self::Plunge => "plunge",
            Self::Drives => "drives",
            Self::Slew => "slew",
            Self::Locked => "locked",
            Self::Finish => "finish",
            Self::Rapid => "rapid",
            Self::Still => "still",
            Self::Unknown => "unknown",
            Self::Infeasible => "infeasible",
            Self::Surface => "surface",
            Self::Contour => "contour",
            Self::Collision => "collision",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A reason with the figure that made it bind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Binding {
    /// Which bound.
    pub reason: Reason,
    /// Predicted value at the planned feed, in the unit of the limit; `None` where the reason has no figure.
    pub value: Option<f32>,
    /// The limit it was held against; `None` where the reason has none.
    pub limit: Option<f32>,
}

impl Binding {
    /// A reason without figures.
    pub const fn plain(reason: Reason) -> Self {
        Self { reason, value: None, limit: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_positions_and_names_are_unique() {
        for (position, reason) in Reason::ALL.iter().enumerate() {
            assert_eq!(usize::from(reason.code()), position);
            assert_eq!(Reason::from_code(reason.code()), Some(*reason));
        }
        let mut names: Vec<_> = Reason::ALL.iter().map(|reason| reason.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Reason::ALL.len());
        assert_eq!(Reason::from_code(Reason::ALL.len() as u8), None);
    }
}

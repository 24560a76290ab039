//! What may have happened when readings no longer fit: named, never guessed.
//!
//! A load meter shows the mean power and nothing of the teeth. What it cannot tell apart is said to be
//! indistinguishable; what the plan does about it is the safe answer to the worst of what fits.

use std::fmt;

use crate::loads::LostTooth;

/// One thing that may have happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Hypothesis {
    /// The edge has become blunt.
    Wear = 0,
    /// A tooth is lost: less mean power, a higher peak.
    FluteLoss = 1,
    /// Another tool than the table says, or one that is broken off.
    WrongTool = 2,
    /// The raw part is larger, smaller or elsewhere.
    WrongStock = 3,
    /// The material is harder or softer.
    OtherMaterial = 4,
}

impl Hypothesis {
    /// Every hypothesis, in the order of their numbers.
    pub const ALL: [Self; 5] = [Self::Wear, Self::FluteLoss, Self::WrongTool, Self::WrongStock, Self::OtherMaterial];

    /// Its stable name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Wear => "wear",
            Self::FluteLoss => "flute_loss",
            Self::WrongTool => "wrong_tool",
            Self::WrongStock => "wrong_stock",
            Self::OtherMaterial => "other_material",
        }
    }
}

/// Hypotheses that fit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hypotheses(u8);

impl Hypotheses {
    /// With one more.
    #[must_use]
    pub const fn with(self, hypothesis: Hypothesis) -> Self {
        Self(self.0 | 1 << hypothesis as u8)
    }

    /// True where it is among them.
    pub const fn has(self, hypothesis: Hypothesis) -> bool {
        self.0 & 1 << hypothesis as u8 != 0
    }

    /// In the order of their numbers.
    pub fn iter(self) -> impl Iterator<Item = Hypothesis> {
        Hypothesis::ALL.into_iter().filter(move |hypothesis| self.has(*hypothesis))
    }

    /// True where more than one fits: the signal does not tell them apart.
    pub const fn are_indistinguishable(self) -> bool {
        self.0.count_ones() > 1
    }
}

impl fmt::Display for Hypotheses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, hypothesis) in self.iter().enumerate() {
            f.write_str(if index == 0 { "" } else { " or " })?;
            f.write_str(hypothesis.name())?;
        }
        if self.are_indistinguishable() { f.write_str(" (indistinguishable)") } else { Ok(()) }
    }
}

/// What was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Symptom {
    /// Readings rose above what was learned of this tool.
    Rise,
    /// Readings fell below what was learned of this tool.
    Fall,
    /// What was learned is far above the material data.
    High,
    /// What was learned is far below the material data.
    Low,
    /// Power where the prediction is in air.
    LoadInAir,
    /// No power where the prediction is in material.
    AirInCut,
    /// Cuts that reach the top of the raw part differ from those that do not.
    Height,
}

impl Symptom {
    /// Its stable name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rise => "rise",
            Self::Fall => "fall",
            Self::High => "high",
            Self::Low => "low",
            Self::LoadInAir => "load_in_air",
            Self::AirInCut => "air_in_cut",
            Self::Height => "height",
        }
    }

    /// True where less power was seen than predicted: what may hide a lost tooth.
    pub const fn is_below(self) -> bool {
        matches!(self, Self::Fall | Self::Low | Self::AirInCut)
    }
}

/// How far a measured ratio may lie from that of a lost tooth and still fit, beside the error of the estimate.
const FITS_WITHIN: f64 = 0.04;

/// What fits a symptom of a given size; `ratio` is the power over the power that was expected. Where it is not known
/// what a lost tooth would do, every fall fits it.
pub(super) fn that_fit(symptom: Symptom, ratio: f64, lost: Option<LostTooth>) -> Hypotheses {
    use Hypothesis::{FluteLoss, OtherMaterial, Wear, WrongStock, WrongTool};
    let none = Hypotheses::default();
    let lost_fits = lost.is_none_or(|lost| (ratio - lost.power_ratio).abs() <= FITS_WITHIN);
    match symptom {
        // A tool does not change in the spindle.
        Symptom::Rise => none.with(Wear).with(WrongStock).with(OtherMaterial),
        Symptom::High => none.with(Wear).with(WrongTool).with(WrongStock).with(OtherMaterial),
        Symptom::Fall if lost_fits => none.with(FluteLoss).with(WrongStock).with(OtherMaterial),
        Symptom::Fall => none.with(WrongStock).with(OtherMaterial),
        Symptom::Low if lost_fits => none.with(FluteLoss).with(WrongTool).with(WrongStock).with(OtherMaterial),
        Symptom::Low => none.with(WrongTool).with(WrongStock).with(OtherMaterial),
        // A skin may be harder or softer than what is below it.
        Symptom::Height => none.with(WrongStock).with(OtherMaterial),
        Symptom::LoadInAir | Symptom::AirInCut => none.with(WrongTool).with(WrongStock),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_is_named_in_words() {
        let lost = Some(LostTooth { power_ratio: 0.912, peak_ratio: 1.568 });
        let check = |symptom, ratio, expected: &str| {
            assert_eq!(that_fit(symptom, ratio, lost).to_string(), expected, "{symptom:?} {ratio}");
        };
        check(Symptom::Fall, 0.90, "flute_loss or wrong_stock or other_material (indistinguishable)");
        check(Symptom::Fall, 0.70, "wrong_stock or other_material (indistinguishable)");
        check(Symptom::Rise, 1.10, "wear or wrong_stock or other_material (indistinguishable)");
        check(Symptom::LoadInAir, f64::INFINITY, "wrong_tool or wrong_stock (indistinguishable)");
        assert!(that_fit(Symptom::Fall, 0.5, None).has(Hypothesis::FluteLoss));
        assert_eq!(Hypotheses::default().with(Hypothesis::Wear).to_string(), "wear");
    }
}

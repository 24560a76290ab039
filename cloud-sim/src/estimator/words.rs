//! What was learned and found, as sentences for the shop: they stand in the log of the service and in the report of a run.

use std::fmt;

use super::{Alarm, Estimate, Symptom};

impl Symptom {
    fn says(self, ratio: f64) -> String {
        match self {
            Self::Rise => format!("spindle power has risen to {ratio:.2} of what this tool took before"),
            Self::Fall => format!("spindle power has fallen to {ratio:.2} of what this tool took before"),
            Self::High => format!("the cut takes {ratio:.2} of the power that the material data give"),
            Self::Low => format!("the cut takes only {ratio:.2} of the power that the material data give"),
            Self::LoadInAir => "the spindle takes power where the simulation is in air".to_owned(),
            Self::AirInCut => "the spindle idles where the simulation is in material".to_owned(),
            Self::Height => "cuts at the faces of the raw part differ from those below them".to_owned(),
        }
    }
}

impl fmt::Display for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(tool) = self.tool {
            write!(f, "{tool}: ")?;
        }
        write!(
            f,
            "{} (seen for {:.0} s); fits {}; its loads count {:.2} times from here on",
            self.symptom.says(self.ratio),
            self.for_s,
            self.hypotheses,
            self.raise
        )
    }
}

impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { power, power_sigma, observed_s, .. } = self;
        write!(
            f,
            "{power:.2} ± {power_sigma:.2} of the predicted power after {observed_s:.0} s of observable cutting"
        )?;
        if self.is_settled { Ok(()) } else { f.write_str(", not yet certain") }
    }
}

#[cfg(test)]
mod tests {
    use shared::ident::ToolNumber;

    use super::super::{Hypotheses, Hypothesis};
    use super::*;

    #[test]
    fn an_alarm_is_a_sentence_for_the_shop() {
        let alarm = Alarm {
            tool: Some(ToolNumber(3)),
            symptom: Symptom::Fall,
            ratio: 0.912,
            for_s: 12.0,
            hypotheses: Hypotheses::default().with(Hypothesis::FluteLoss).with(Hypothesis::OtherMaterial),
            raise: 1.568,
        };
        assert_eq!(
            alarm.to_string(),
            "T3: spindle power has fallen to 0.91 of what this tool took before (seen for 12 s); fits flute_loss or \
             other_material (indistinguishable); its loads count 1.57 times from here on"
        );
    }
}

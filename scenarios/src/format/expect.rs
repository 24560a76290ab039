use super::ExpectSection;

/// One line of `[expect]` with what was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// Key in `[expect]`.
    pub key: &'static str,
    /// What was expected, as written.
    pub expected: String,
    /// What was found.
    pub found: String,
    /// True if it holds. What could not be measured does not hold.
    pub holds: bool,
}

/// A comparison with a number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Expectation {
    /// `== x`
    Equal(f64),
    /// `<= x`
    AtMost(f64),
    /// `>= x`
    AtLeast(f64),
    /// `< x`
    Below(f64),
    /// `> x`
    Above(f64),
    /// `within p% of x`
    Within {
        /// Half width in per cent.
        percent: f64,
        /// Centre.
        of: f64,
    },
}

impl Expectation {
    /// Reads a comparison.
    ///
    /// # Errors
    /// A sentence that names the accepted forms.
    pub fn parse(text: &str) -> Result<Self, String> {
        let number = |text: &str| text.trim().parse::<f64>().ok().filter(|value| value.is_finite());
        let text = text.trim();
        let parsed = if let Some(rest) = text.strip_prefix("within ") {
            rest.split_once("% of ")
                .and_then(|(percent, of)| Some(Self::Within { percent: number(percent)?, of: number(of)? }))
        } else if let Some(rest) = text.strip_prefix("==") {
            number(rest).map(Self::Equal)
        } else if let Some(rest) = text.strip_prefix("<=") {
            number(rest).map(Self::AtMost)
        } else if let Some(rest) = text.strip_prefix(">=") {
            number(rest).map(Self::AtLeast)
        } else if let Some(rest) = text.strip_prefix('<') {
            number(rest).map(Self::Below)
        } else {
            text.strip_prefix('>').and_then(number).map(Self::Above)
        };
        parsed.ok_or_else(|| format!("`{text}` is not an expectation; write \"== 0\", \"<= 0.05\", \">= 3\", \"< 50\", \"> 0\" or \"within 5% of 80.3\""))
    }

    /// Whether a value meets it.
    pub fn holds(self, value: f64) -> bool {
        match self {
            Self::Equal(expected) => value == expected,
            Self::AtMost(expected) => value <= expected,
            Self::AtLeast(expected) => value >= expected,
            Self::Below(expected) => value < expected,
            Self::Above(expected) => value > expected,
            Self::Within { percent, of } => (value - of).abs() <= of.abs() * percent / 100.0,
        }
    }
}

impl ExpectSection {
    /// The comparisons by key, as written.
    pub fn comparisons(&self) -> Vec<(&'static str, &str)> {
        let all = [
            ("collisions", &self.collisions),
            ("close_passes", &self.close_passes),
            ("gouges_mm", &self.gouges_mm),
            ("rapids_in_stock", &self.rapids_in_stock),
            ("cycle_time_s", &self.cycle_time_s),
            ("true_peak_ratio", &self.true_peak_ratio),
            ("time_over_constant", &self.time_over_constant),
            ("reasons_binding", &self.reasons_binding),
            ("handoff_p99_ms", &self.handoff_p99_ms),
            ("handoff_miss_ratio", &self.handoff_miss_ratio),
            ("fallbacks", &self.fallbacks),
            ("covered_share", &self.covered_share),
        ];
        all.into_iter().filter_map(|(key, text)| Some((key, text.as_deref()?))).collect()
    }

    /// Holds every expectation against what was found; `find` gives the figure of a key, if it was measured.
    pub fn judge(&self, find: &dyn Fn(&str) -> Option<f64>, events: &[&str]) -> Vec<Verdict> {
        let mut verdicts: Vec<Verdict> = self
            .comparisons()
            .into_iter()
            .map(|(key, text)| {
                let found = find(key);
                let holds =
                    matches!((Expectation::parse(text), found), (Ok(expected), Some(value)) if expected.holds(value));
                let found = found.map_or("not measured".to_owned(), |value| format!("{value:.4}"));
                Verdict { key, expected: text.to_owned(), found, holds }
            })
            .collect();
        if let Some(expected) = &self.events {
            let mut happened = events.iter();
            let missing = expected.iter().find(|name| !happened.any(|event| event == name));
            verdicts.push(Verdict {
                key: "events",
                expected: expected.join(", "),
                found: missing
                    .map_or("all, in order".to_owned(), |name| format!("`{name}` did not happen in this order")),
                holds: missing.is_none(),
            });
        }
        verdicts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comparisons_mean_what_they_say() {
        let check = |text: &str, value: f64, holds: bool| {
            assert_eq!(Expectation::parse(text).map(|expected| expected.holds(value)), Ok(holds), "{value} {text}");
        };
        check("== 0", 0.0, true);
        check("<= 0.05", 0.051, false);
        check(">= 3", 3.0, true);
        check("< 50", 50.0, false);
        check("> 0", 0.1, true);
        check("within 5% of 80.3", 84.0, true);
        check("within 5% of 80.3", 84.4, false);
        assert!(Expectation::parse("about 3").is_err() && Expectation::parse("<= x").is_err());
    }

    #[test]
    fn events_are_wanted_in_order_and_the_unmeasured_does_not_hold() {
        let events = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect());
        let expect =
            ExpectSection { events: events(&["a", "c"]), fallbacks: Some("== 0".to_owned()), ..Default::default() };
        let verdicts = expect.judge(&|_| None, &["a", "b", "c"]);
        assert_eq!(verdicts.iter().map(|verdict| verdict.holds).collect::<Vec<_>>(), [false, true]);
        assert!(!expect.judge(&|_| Some(0.0), &["c", "a"]).last().expect("events").holds);
    }
}

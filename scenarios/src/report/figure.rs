use serde::{Serialize, Serializer};

/// A figure that may be unknown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figure(pub Option<f64>);

impl Serialize for Figure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.filter(|value| value.is_finite()) {
            Some(value) => serializer.serialize_f64(value),
            None => serializer.serialize_str("unavailable"),
        }
    }
}

impl std::fmt::Display for Figure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0.filter(|value| value.is_finite()) {
            Some(value) => f.pad(&format!("{value:.1}")),
            None => f.pad("unavailable"),
        }
    }
}

impl From<f64> for Figure {
    fn from(value: f64) -> Self {
        Self(Some(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unknown_is_never_a_number() {
        let json = |figure: Figure| serde_json::to_string(&figure).expect("serialises");
        assert_eq!(json(Figure(Some(1.5))), "1.5");
        assert_eq!(json(Figure(None)), "\"unavailable\"");
        assert_eq!(json(Figure(Some(f64::NAN))), "\"unavailable\"");
    }
}

//! What can be fitted, as keys of the machine file.
//!
//! Axes share their figures: a recording that names lines and one speed along the path can hardly tell X from
//! Y, and few parameters that hold are worth more than many that do not.

use toml::{Table, Value};

/// Unit of a parameter as it stands in the machine file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Units {
    /// mm/s².
    MmPerS2,
    /// mm.
    Mm,
    /// mm/min.
    MmPerMin,
    /// rev/min per second.
    RpmPerS,
    /// s.
    Second,
}

impl Units {
    /// As it is written.
    pub const fn text(self) -> &'static str {
        match self {
            Self::MmPerS2 => "mm/s²",
            Self::Mm => "mm",
            Self::MmPerMin => "mm/min",
            Self::RpmPerS => "rpm/s",
            Self::Second => "s",
        }
    }
}

/// How a parameter is moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scale {
    /// By shares of itself: it is above zero.
    Share,
    /// By amounts: it may be zero.
    Amount,
    /// Not moved: read off the recordings by itself.
    Read,
}

/// Something a recording may determine.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Parameter {
    /// Its name: the key, without the axis.
    pub name: &'static str,
    /// Unit in the file.
    pub units: Units,
    pub(super) keys: &'static [&'static str],
    pub(super) scale: Scale,
    pub(super) low: f64,
    pub(super) high: f64,
    /// Where the file does not have it.
    pub(super) absent: f64,
    /// How far the file's value is believed, one standard deviation on the scale on which it is moved: shares as
    /// natural logarithms. It is weak beside a handful of intervals and keeps in place what they do not see.
    pub(super) doubt: f64,
}

/// Place of each parameter in [`PARAMETERS`].
pub(super) const RAPID: usize = 0;
pub(super) const SPINDLE_SLEW: usize = 1;

/// Everything that can be fitted. Where recordings do not tell some of them apart, the later give way.
pub(super) const PARAMETERS: [Parameter; 12] = [
    Parameter {
        name: "rapid_mm_min",
        units: Units::MmPerMin,
        keys: &["axis.x.rapid_mm_min", "axis.y.rapid_mm_min", "axis.z.rapid_mm_min"],
        scale: Scale::Read,
        low: 100.0,
        high: 3e5,
        absent: 20e3,
        doubt: 1.0,
    },
    Parameter {
        name: "spindle.speed_slew_rpm_s",
        units: Units::RpmPerS,
        keys: &["spindle.speed_slew_rpm_s"],
        scale: Scale::Read,
        low: 10.0,
        high: 1e6,
        absent: 6000.0,
        doubt: 1.0,
    },
    Parameter {
        name: "acceleration_mm_s2",
        units: Units::MmPerS2,
        keys: &["axis.x.acceleration_mm_s2", "axis.y.acceleration_mm_s2", "axis.z.acceleration_mm_s2"],
        scale: Scale::Share,
        low: 20.0,
        high: 3e4,
        absent: 1000.0,
        doubt: 1.0,
    },
    Parameter {
        name: "control.smoothing_s",
        units: Units::Second,
        keys: &["control.smoothing_s"],
        scale: Scale::Share,
        low: 2e-3,
        high: 0.3,
        absent: 0.02,
        doubt: 0.7,
    },
    Parameter {
        name: "control.spindle_wait.ready_s",
        units: Units::Second,
        keys: &["control.spindle_wait.ready_s"],
        scale: Scale::Amount,
        low: 1e-3,
        high: 60.0,
        absent: 2.0,
        doubt: 2.0,
    },
    Parameter {
        name: "control.spindle_wait.stopped_s",
        units: Units::Second,
        keys: &["control.spindle_wait.stopped_s"],
        scale: Scale::Amount,
        low: 1e-3,
        high: 60.0,
        absent: 2.0,
        doubt: 2.0,
    },
    Parameter {
        name: "tool_change_s",
        units: Units::Second,
        keys: &["tool_change_s"],
        scale: Scale::Amount,
        low: 1e-3,
        high: 120.0,
        absent: 5.0,
        doubt: 5.0,
    },
    Parameter {
        name: "control.start_s",
        units: Units::Second,
        keys: &["control.start_s"],
        scale: Scale::Amount,
        low: 1e-3,
        high: 60.0,
        absent: 0.0,
        doubt: 3.0,
    },
    Parameter {
        name: "corner_deviation_mm",
        units: Units::Mm,
        keys: &["corner_deviation_mm"],
        scale: Scale::Share,
        low: 1e-4,
        high: 1.0,
        absent: 0.01,
        doubt: 1.0,
    },
    Parameter {
        name: "rapid_acceleration_mm_s2",
        units: Units::MmPerS2,
        keys: &[
            "axis.x.rapid_acceleration_mm_s2",
            "axis.y.rapid_acceleration_mm_s2",
            "axis.z.rapid_acceleration_mm_s2",
        ],
        scale: Scale::Share,
        low: 50.0,
        high: 3e4,
        absent: 2000.0,
        doubt: 0.7,
    },
    Parameter {
        name: "work_origin_mm.2",
        units: Units::Mm,
        keys: &["work_origin_mm.2"],
        scale: Scale::Amount,
        low: -2000.0,
        high: -10.0,
        absent: -300.0,
        doubt: 100.0,
    },
    Parameter {
        name: "control.end_s",
        units: Units::Second,
        keys: &["control.end_s"],
        scale: Scale::Amount,
        low: 1e-3,
        high: 60.0,
        absent: 0.0,
        doubt: 0.3,
    },
];

impl Parameter {
    /// Its value in a machine file: the mean where axes differ.
    pub(super) fn value(&self, file: &Table) -> f64 {
        let found: Vec<f64> = self.keys.iter().filter_map(|key| number(file, key)).collect();
        if found.is_empty() { self.absent } else { found.iter().sum::<f64>() / found.len() as f64 }
    }

    /// True where the file says it.
    pub(super) fn is_said(&self, file: &Table) -> bool {
        self.keys.iter().any(|key| number(file, key).is_some())
    }

    /// Writes a value to all its keys.
    pub(super) fn put(&self, file: &mut Table, value: f64) {
        for key in self.keys {
            put(file, key, value);
        }
    }

    /// On the scale on which it is moved.
    pub(super) fn moved(&self, value: f64) -> f64 {
        match self.scale {
            Scale::Share => value.max(self.low).ln(),
            Scale::Amount | Scale::Read => value,
        }
    }

    /// Step of differences on that scale: well above the grain of a planned time, well below what matters.
    pub(super) fn step(&self) -> f64 {
        if self.scale == Scale::Amount && self.units == Units::Mm { 2.0 } else { 0.02 }
    }

    /// Back from that scale.
    pub(super) fn unmoved(&self, place: f64) -> f64 {
        let value = match self.scale {
            Scale::Share => place.exp(),
            Scale::Amount | Scale::Read => place,
        };
        value.clamp(self.low, self.high)
    }
}

fn number(file: &Table, key: &str) -> Option<f64> {
    let mut parts = key.split('.');
    let mut value = file.get(parts.next()?)?;
    for part in parts {
        value = match value {
            Value::Array(entries) => entries.get(part.parse::<usize>().ok()?)?,
            other => other.as_table()?.get(part)?,
        };
    }
    value.as_float().or_else(|| value.as_integer().map(|integer| integer as f64))
}

fn put(file: &mut Table, key: &str, value: f64) {
    match key.split_once('.') {
        None => {
            file.insert(key.to_owned(), Value::Float(value));
        }
        Some((head, rest)) => {
            let inner = file.entry(head).or_insert_with(|| Value::Table(Table::new()));
            match inner {
                Value::Table(table) => put(table, rest, value),
                Value::Array(entries) => {
                    if let Some(entry) = rest.parse::<usize>().ok().and_then(|place| entries.get_mut(place)) {
                        *entry = Value::Float(value);
                    }
                }
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_written_to_every_axis_and_read_back() {
        let mut file: Table =
            toml::from_str("tool_change_s = 6\n[axis.x]\nacceleration_mm_s2 = 100.0\n").expect("TOML");
        let [change, acceleration] = ["tool_change_s", "acceleration_mm_s2"]
            .map(|name| PARAMETERS.iter().find(|parameter| parameter.name == name).expect("known"));
        assert_eq!((change.value(&file), acceleration.value(&file)), (6.0, 100.0));
        acceleration.put(&mut file, 250.0);
        assert_eq!(number(&file, "axis.z.acceleration_mm_s2"), Some(250.0));
        assert!((acceleration.unmoved(acceleration.moved(250.0)) - 250.0).abs() < 1e-9);
    }

    #[test]
    fn the_places_of_the_parameters_that_are_read_off_are_right() {
        assert_eq!((PARAMETERS[RAPID].scale, PARAMETERS[SPINDLE_SLEW].scale), (Scale::Read, Scale::Read));
        assert_eq!(PARAMETERS.iter().filter(|parameter| parameter.scale == Scale::Read).count(), 2);
    }
}

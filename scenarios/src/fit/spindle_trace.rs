use super::recording::{Recording, Said};

/// Least samples of a ramp.
const SAMPLES_MIN: usize = 4;

/// A run-up of the spindle from standstill.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct RunUp {
    pub(super) from_s: f64,
    /// Speed it ends at, rev/s.
    pub(super) speed_rev_s: f64,
    /// Time from standstill to that speed at the rate of its middle part.
    pub(super) ramp_s: f64,
}

/// Run-ups in which the reported speed rises from zero and then stays. A spindle that is oriented turns for a
/// moment and stops again: its top is no speed that stays.
pub(super) fn run_ups(recording: &Recording) -> Vec<RunUp> {
    let mut found = Vec::new();
    let mut rising: Vec<(f64, f64)> = Vec::new();
    for &(at_s, said) in &recording.said {
        let Said::Spindle(speed) = said else { continue };
        if rising.last().is_some_and(|last| speed > last.1) || (rising.is_empty() && speed > 0.0) {
            rising.push((at_s, speed));
            continue;
        }
        found.extend(run_up(&rising, at_s));
        rising.clear();
    }
    found.extend(run_up(&rising, recording.duration_s));
    found
}

/// The run-up of samples that rise, if the last one stayed longer than the whole rise took.
fn run_up(rising: &[(f64, f64)], until_s: f64) -> Option<RunUp> {
    let (first, last) = (rising.first()?, rising.last()?);
    if until_s - last.0 < last.0 - first.0 {
        return None;
    }
    if rising.len() < SAMPLES_MIN {
        return None;
    }
    // The last speed was reached some time before its sample: half a sample on average.
    let late_s = 0.5 * (last.0 - first.0) / (rising.len() - 1) as f64;
    let rate = (last.1 - first.1) / (last.0 - first.0 - late_s);
    (rate > 0.0).then(|| RunUp { from_s: first.0, speed_rev_s: last.1, ramp_s: last.1 / rate })
}

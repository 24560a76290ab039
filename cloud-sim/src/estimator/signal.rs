//! What a power meter on a spindle shows, and what it should show for a predicted load.
//!
//! The reading is the drive's: idle power of the turning spindle plus cutting power over its efficiency, behind a
//! first-order filter, in whole steps of the motor's rating. The prediction goes through the same filter, so that
//! both can be compared at every instant and not only where the load stands still.

use shared::det::math;
use shared::machine::Spindle;

use super::coefficients::Parts;

/// Share of the rating that one step of a usual load meter shows (PROCESS.md section 2).
const STEP_SHARE: f64 = 0.01;

/// Time constant of a usual load meter's filter, s.
const FILTER_S: f64 = 0.3;

/// Standard deviation of a uniform error over one step.
const UNIFORM_SIGMA: f64 = 0.288_675;

/// Filter time constants after which a reading no longer remembers what was before.
const MEMORY_FILTERS: f64 = 5.0;

/// Time after a cutter has met material in which half a millimetre of raw part more or less decides, s: the way of it
/// and the memory of the filter.
const ENTRY_S: f64 = 3.0;

/// The instrument, and how good predictions are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SignalModel {
    /// Time constant of the filter, s.
    pub filter_s: f64,
    /// Step of the reading, W at the drive.
    pub step_w: f64,
    /// Power at the cutter over what the drive takes for it.
    pub efficiency: f64,
    /// Standard deviation of a predicted cutting power, as a share of it, apart from the coefficients: engagement,
    /// runout.
    pub prediction_share: f64,
    /// Standard deviation of the idle power as a share of what the machine file says.
    pub idle_share: f64,
}

impl SignalModel {
    /// A usual load meter on this spindle: steps of 1 % of the rating, filtered by 0.3 s, idle within 5 %.
    pub fn usual(spindle: &Spindle) -> Self {
        Self {
            filter_s: FILTER_S,
            step_w: STEP_SHARE * spindle.power_max.as_w(),
            efficiency: spindle.efficiency,
            prediction_share: 0.03,
            idle_share: 0.05,
        }
    }

    /// Standard deviation of the reading itself, W.
    pub fn step_sigma_w(&self) -> f64 {
        self.step_w * UNIFORM_SIGMA
    }
}

/// Predicted powers of one stretch, with the coefficients of the material data.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Stretch {
    /// Power that removes material, W at the cutter.
    pub cutting_w: f64,
    /// Power of the edges that plough, W at the cutter.
    pub edge_w: f64,
    /// Share of the cutting and edge power that a millimetre more of the raw part would add, 1/mm.
    pub skin_per_mm: f64,
    /// Idle power of the spindle at its speed, W at the drive.
    pub idle_w: f64,
    /// How long it takes, s of machine time.
    pub time_s: f64,
}

/// The meter's filter, fed with predictions.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct ExpectedReading {
    /// Filtered, W at the drive.
    pub(super) parts_w: Parts,
    /// Cutting and edge part of the newest stretch, unfiltered.
    newest_w: f64,
    /// Since the filter was begun anew, s.
    known_s: f64,
    /// Since the last stretch in material, s.
    air_s: f64,
    /// Since the cutter last met material, s; zero in air.
    contact_s: f64,
    /// Since the idle power changed, s.
    idle_s: f64,
    idle_w: f64,
}

impl ExpectedReading {
    pub(super) fn pass(&mut self, model: &SignalModel, stretch: &Stretch) {
        let share = if model.filter_s > 0.0 { 1.0 - math::exp(-stretch.time_s / model.filter_s) } else { 1.0 };
        let drive = 1.0 / model.efficiency;
        let skin_w_mm = (stretch.cutting_w + stretch.edge_w) * stretch.skin_per_mm * drive;
        let now_w = [stretch.cutting_w * drive, stretch.edge_w * drive, stretch.idle_w, skin_w_mm];
        for (filtered, now) in self.parts_w.iter_mut().zip(now_w) {
            *filtered += (now - *filtered) * share;
        }
        self.newest_w = now_w[0] + now_w[1];
        self.known_s += stretch.time_s;
        let in_air = self.newest_w <= 0.0;
        self.air_s = if in_air { self.air_s + stretch.time_s } else { 0.0 };
        self.contact_s = if in_air { 0.0 } else { self.contact_s + stretch.time_s };
        let same_idle = stretch.idle_w == self.idle_w;
        self.idle_s = if same_idle { self.idle_s + stretch.time_s } else { 0.0 };
        self.idle_w = stretch.idle_w;
    }

    /// Cutting and edge power, W at the drive, with the coefficients of the material data.
    pub(super) fn cut_w(&self) -> f64 {
        self.parts_w[0] + self.parts_w[1]
    }

    /// How far the filter is behind the newest load, W.
    pub(super) fn behind_w(&self) -> f64 {
        (self.newest_w - self.cut_w()).abs()
    }

    /// True once the filter has forgotten what it was begun with.
    pub(super) fn is_known(&self, model: &SignalModel) -> bool {
        self.known_s >= MEMORY_FILTERS * model.filter_s
    }

    /// True while it matters where exactly the cutter met the material.
    pub(super) fn is_entering(&self) -> bool {
        self.contact_s < ENTRY_S
    }

    /// True where the reading remembers no material and the spindle has long had its speed.
    pub(super) fn is_air(&self, model: &SignalModel, spin_up_s: f64) -> bool {
        self.air_s >= MEMORY_FILTERS * model.filter_s && self.idle_s >= spin_up_s
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODEL: SignalModel =
        SignalModel { filter_s: 0.3, step_w: 100.0, efficiency: 0.8, prediction_share: 0.03, idle_share: 0.05 };

    #[test]
    fn the_filter_reaches_63_per_cent_after_its_time_constant_however_it_is_cut_up() {
        let stretch =
            |time_s: f64| Stretch { cutting_w: 800.0, edge_w: 80.0, skin_per_mm: 0.25, idle_w: 400.0, time_s };
        let mut once = ExpectedReading::default();
        once.pass(&MODEL, &stretch(0.3));
        let mut often = ExpectedReading::default();
        (0..30).for_each(|_| often.pass(&MODEL, &stretch(0.01)));
        let reached = 1.0 - math::exp(-1.0);
        for reading in [once, often] {
            for (part, whole) in reading.parts_w.iter().zip([1000.0, 100.0, 400.0, 275.0]) {
                assert!((part - whole * reached).abs() < 1e-9, "{part} of {whole}");
            }
            assert!((reading.behind_w() - 1100.0 * (1.0 - reached)).abs() < 1e-9);
            assert!(!reading.is_known(&MODEL) && !reading.is_air(&MODEL, 0.0));
        }
    }

    #[test]
    fn air_is_air_once_the_filter_has_forgotten_the_cut_and_the_spindle_its_ramp() {
        let mut reading = ExpectedReading::default();
        reading.pass(&MODEL, &Stretch { cutting_w: 800.0, idle_w: 400.0, time_s: 2.0, ..Stretch::default() });
        assert!(reading.is_known(&MODEL) && !reading.is_air(&MODEL, 0.0));
        reading.pass(&MODEL, &Stretch { idle_w: 400.0, time_s: 1.6, ..Stretch::default() });
        assert!(reading.is_air(&MODEL, 1.0) && !reading.is_air(&MODEL, 4.0));
        reading.pass(&MODEL, &Stretch { idle_w: 300.0, time_s: 0.1, ..Stretch::default() });
        assert!(!reading.is_air(&MODEL, 1.0));
    }
}

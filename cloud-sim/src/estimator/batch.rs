//! Averages of readings, and how much an average in whole steps is worth.
//!
//! A meter in whole steps says where the load is only as it goes from one step to the next. While a load stands in the
//! middle of a step, a thousand readings say no more than one; where noise or the load itself carries it across, each
//! crossing is a rounding of its own, and their errors average out. So an average is closed after a second in which
//! the reading has moved. One that stands is closed after [`STANDING_S`]: it teaches once, and is held against the
//! prediction only as far as it lies beyond half a step.

use super::coefficients::{Parts, UNKNOWNS};
use super::signal::{ExpectedReading, SignalModel};

/// Least time of an average, s.
const BATCH_S: f64 = 1.0;

/// Time after which a reading that stands is taken as it is, s.
const STANDING_S: f64 = 5.0;

/// Time within which errors of a prediction are the same error, s.
const CORRELATED_S: f64 = 2.0;

/// How well a cut at the top of the raw part is known once its height is, mm: a thin one may not be there at all.
const SKIN_DOUBT_MM: f64 = 0.1;

/// Most that the power errs within a reading because the filter's time constant is not exactly known, as a share of
/// how far the filter is behind.
const BEHIND_SHARE: f64 = 0.3;

/// Share of a step by which an average may be off and stay so: of readings that move, and of one that stands.
const OFF_SHARE: [f64; 2] = [0.1, 0.5];

/// An average that can be held against a prediction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Average {
    /// What the unknowns multiply in it, W at the drive.
    pub(super) parts_w: Parts,
    /// The reading, W at the drive.
    pub(super) reading_w: f64,
    /// Its variance, coefficients apart, W².
    pub(super) own_w2: f64,
    /// What its rounding may do without averaging out, W.
    pub(super) dead_w: f64,
    /// How long it is, s.
    pub(super) time_s: f64,
    /// False where the reading stands on and has taught already.
    pub(super) teaches: bool,
}

/// Readings that are being averaged.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Batch {
    parts_w_s: Parts,
    reading_w_s: f64,
    passing_w2_s: f64,
    time_s: f64,
    moves: u32,
    last_w: Option<f64>,
    /// The last average was one that stood.
    stood: bool,
}

impl Batch {
    /// Takes a reading that stands for `span_s`; `factor` is the expected cutting power over that of the material data.
    pub(super) fn take(
        &mut self,
        model: &SignalModel,
        expected: &ExpectedReading,
        (reading_w, factor): (f64, f64),
        span_s: f64,
    ) -> Option<Average> {
        let moved = self.last_w.is_some_and(|last_w| (last_w - reading_w).abs() > 0.5 * model.step_w);
        self.last_w = Some(reading_w);
        if moved {
            self.moves += 1;
        }
        for (sum, part) in self.parts_w_s.iter_mut().zip(expected.parts_w) {
            *sum += part * span_s;
        }
        let share_w = model.prediction_share * expected.cut_w() * factor;
        let behind_w = BEHIND_SHARE * expected.behind_w();
        self.reading_w_s += reading_w * span_s;
        self.passing_w2_s += (share_w * share_w + behind_w * behind_w) * span_s;
        self.time_s += span_s;
        // Ten tenths are a hair less than a second.
        let closes = if self.moves > 0 { BATCH_S } else { STANDING_S };
        if self.time_s < closes - 1e-6 {
            return None;
        }
        let time_s = self.time_s;
        let rounding_w2 = model.step_sigma_w() * model.step_sigma_w() / f64::from(1 + self.moves);
        let passing_w2 = self.passing_w2_s / time_s / (time_s / CORRELATED_S).max(1.0);
        let mut parts_w = [0.0; UNKNOWNS];
        parts_w.iter_mut().zip(self.parts_w_s).for_each(|(part, sum)| *part = sum / time_s);
        let reading_w = self.reading_w_s / time_s;
        let skin_w = SKIN_DOUBT_MM * parts_w[3] * factor;
        let stands = self.moves == 0;
        let teaches = !(stands && self.stood);
        let dead_w = OFF_SHARE[usize::from(stands)] * model.step_w;
        *self = Self { last_w: self.last_w, stood: stands, ..Self::default() };
        let own_w2 = rounding_w2 + passing_w2 + skin_w * skin_w;
        Some(Average { parts_w, reading_w, own_w2, dead_w, time_s, teaches })
    }
}

#[cfg(test)]
mod tests {
    use super::super::signal::Stretch;
    use super::*;

    const MODEL: SignalModel =
        SignalModel { filter_s: 0.3, step_w: 100.0, efficiency: 1.0, prediction_share: 0.03, idle_share: 0.05 };

    /// Averages of readings ten times a second against a standing prediction of 1000 W and 200 W idle.
    fn averages(readings_w: impl Iterator<Item = f64>) -> Vec<(usize, Average)> {
        let mut expected = ExpectedReading::default();
        let stretch = Stretch { cutting_w: 1000.0, idle_w: 200.0, time_s: 0.1, ..Stretch::default() };
        (0..100).for_each(|_| expected.pass(&MODEL, &stretch));
        let mut batch = Batch::default();
        let take = |(tenth, reading_w)| Some((tenth, batch.take(&MODEL, &expected, (reading_w, 1.0), 0.1)?));
        readings_w.enumerate().filter_map(take).collect()
    }

    #[test]
    fn a_reading_that_moves_is_averaged_by_the_second_and_each_move_counts_as_a_rounding() {
        let found = averages((0..40).map(|tenth| if tenth % 2 == 0 { 1200.0 } else { 1300.0 }));
        assert_eq!(found.iter().map(|found| found.0).collect::<Vec<_>>(), [9, 19, 29, 39]);
        for (index, (_, average)) in found.iter().enumerate() {
            assert!((average.reading_w - 1250.0).abs() < 1e-9 && (average.time_s - 1.0).abs() < 1e-9);
            assert!(average.teaches && average.dead_w == 10.0, "{average:?}");
            // Nine moves in the first second, ten in the others; 3 % of 1000 W.
            let roundings = if index == 0 { 10.0 } else { 11.0 };
            let own_w2 = MODEL.step_sigma_w() * MODEL.step_sigma_w() / roundings + 900.0;
            assert!((average.own_w2 - own_w2).abs() < 1e-6, "{average:?}");
        }
    }

    #[test]
    fn a_reading_that_stands_teaches_once_and_says_no_more_than_half_a_step() {
        let found = averages(std::iter::repeat_n(1200.0, 200));
        assert_eq!(found.iter().map(|found| found.0).collect::<Vec<_>>(), [49, 99, 149, 199]);
        assert_eq!(found.iter().map(|found| found.1.teaches).collect::<Vec<_>>(), [true, false, false, false]);
        assert!(found.iter().all(|found| found.1.dead_w == 50.0));
    }
}

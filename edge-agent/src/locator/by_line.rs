//! The place by the line alone, for sources that report no position.
//!
//! MTConnect adapters of many mills say which block runs and nothing of where the tool is. That is a place with the
//! length of a block, and late: the line is sampled, so the tool may have left the block by what it travels between two
//! looks. Both go into the uncertainty: the station is the start of the block, and the uncertainty reaches to its end and
//! beyond by that much. A line without a move (a wait, a code, a comment) places the tool in front of the first move behind
//! it.
//!
//! Only a source that takes no factor is followed this way: nothing is commanded by it.

use shared::time::Duration;

use super::{Fits, Locator, REACH_MARGIN, SCAN_SEGMENTS_MAX};

impl Locator {
    /// Blocks of the line at or after a segment that can have been begun by a time of the timetable.
    pub(super) fn fitting_line(&self, line: u32, here: usize, latest_s: f64, late: Duration) -> Option<Fits> {
        let late_s = late.as_s() * self.time_scale * REACH_MARGIN;
        // What the tool can have travelled since the line was looked at, but no farther than it can be at all.
        let end_of = |index: usize| {
            let end_s = self.timetable.time_s(self.path.segments()[index].end) + late_s;
            self.timetable.station(end_s.min(latest_s)).max(self.path.segments()[index].start)
        };
        let with = |fits: Option<Fits>, (first, last): (usize, usize)| {
            let low = self.path.segments()[first].start;
            Some(Fits::with(fits, low, end_of(last).max(low)))
        };
        let in_time = |index: &usize| self.timetable.start_s(*index) <= latest_s;
        let (mut fits, mut block): (Option<Fits>, Option<(usize, usize)>) = (None, None);
        for index in self.of_line(line, here).take_while(in_time) {
            block = match block {
                Some((first, last)) if index == last + 1 => Some((first, index)),
                before => {
                    fits = before.map_or(fits, |before| with(fits, before));
                    Some((index, index))
                }
            };
        }
        fits = block.map_or(fits, |block| with(fits, block));
        if fits.is_none() && self.of_line(line, 0).next().is_none() {
            // It does not move: the first move behind it comes next, or is under way already.
            let end = self.path.segments().len().min(here + SCAN_SEGMENTS_MAX);
            let behind = (here..end).find(|index| self.path.segments()[*index].at.line > line);
            fits = behind.filter(in_time).and_then(|index| with(None, (index, index)));
        }
        fits
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use firmware_bridge::controller::{ControllerSample, Execution};
    use shared::motion::Segment;
    use shared::time::Instant;

    use super::super::testing::{between, path, straight};
    use super::super::{Finding, Quality};
    use super::*;
    use crate::agent_fixture as fixture;

    fn locator(segments: &[Segment]) -> Locator {
        let mut job = fixture::job(Arc::new(path(segments)));
        (job.capabilities.factor, job.capabilities.sample_period) = (false, Duration::from_ms(100));
        Locator::new(&fixture::config(), &job)
    }

    fn sample(ms: u64, line: u32) -> ControllerSample {
        ControllerSample {
            execution: Some(Execution::Active),
            line: Some(line),
            ..ControllerSample::unavailable(Instant::ORIGIN.after(Duration::from_ms(ms)))
        }
    }

    fn reach(locator: &Locator) -> (f64, f64, Quality) {
        let fix = locator.fix();
        (fix.station.as_mm(), fix.station.as_mm() + fix.uncertainty.as_mm(), fix.quality)
    }

    #[test]
    fn a_block_is_a_place_with_its_length_and_what_was_travelled_since() {
        // 10 mm/s: in 100 ms and a quarter more, 1.25 mm beyond the block.
        let mut locator =
            locator(&[straight(1, 0.0, 10.0, 10.0), straight(2, 10.0, 30.0, 10.0), straight(9, 30.0, 40.0, 10.0)]);
        assert_eq!(locator.handle_sample(&sample(1, 1)), Finding::Locked);
        let tolerance_mm = fixture::config().position_tolerance.as_mm();
        let (from, to, quality) = reach(&locator);
        assert!((from, quality) == (0.0, Quality::Located) && (to - 11.25 - tolerance_mm).abs() < 1e-9, "{to}");
        locator.handle_sample(&sample(1600, 2));
        let (from, to, _) = reach(&locator);
        assert!(from == 10.0 && (to - 31.25 - tolerance_mm).abs() < 1e-9, "{from} {to}");
        // Line 5 has no move: in front of the one behind it.
        locator.handle_sample(&sample(3000, 5));
        assert_eq!((reach(&locator).0, reach(&locator).2), (30.0, Quality::Located));
    }

    #[test]
    fn a_line_that_comes_again_is_held_until_it_is_one() {
        let there = |station| between(5, station, [0.0; 3], [20.0, 0.0, 0.0], 10.0);
        let back = |station| between(6, station, [20.0, 0.0, 0.0], [0.0; 3], 10.0);
        let mut locator = locator(&[there(0.0), back(20.0), there(40.0), back(60.0)]);
        locator.handle_sample(&sample(1, 5));
        let mut truth_mm = 0.0;
        for step in 1..=79_u64 {
            truth_mm = step as f64;
            let line = if (truth_mm % 40.0) < 20.0 { 5 } else { 6 };
            locator.handle_sample(&sample(1 + 100 * step, line));
            let (from, to, _) = reach(&locator);
            assert!(from <= truth_mm && truth_mm <= to, "{truth_mm} is not in {from} to {to}");
        }
        assert_eq!((truth_mm, reach(&locator).0), (79.0, 60.0));
    }

    #[test]
    fn a_controller_that_takes_a_factor_is_not_followed_by_its_line() {
        let mut job = fixture::job(Arc::new(path(&[straight(1, 0.0, 10.0, 10.0)])));
        job.capabilities.factor = true;
        let mut locator = Locator::new(&fixture::config(), &job);
        for ms in 1..50 {
            locator.handle_sample(&sample(100 * ms, 1));
        }
        assert_eq!(locator.fix().quality, Quality::Unlocked);
    }
}

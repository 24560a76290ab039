//! Stops on the beat of the interpolator.
//!
//! A control that computes its way once in a fixed cycle begins each ride at a cycle and has come to rest at one. A
//! ride from rest to rest therefore takes whole cycles: the least number into which its ramps fit. What is left of
//! the last cycle is lost, between nothing and a whole one. On a mean that is half a cycle a stop, but a drilling
//! cycle repeats the same rides, and its losses add up instead of cancelling: 34 stops of a row of holes were 14 ms
//! off, which at rapid is more than a millimetre.
//!
//! Source: LinuxCNC's trajectory planner, which advances one segment a servo period and takes the next one off its
//! queue in the period after; measured in `scenarios/tests/linuxcnc`.

use super::{Path, Segment, SegmentKind, plan_profile};
use crate::machine::Machine;
use crate::units::Seconds;

/// By how much of a cycle a ride may reach into the next one without needing it: what rounding leaves.
const OVER_SHARE: f64 = 1e-6;

/// Gives each rest the time that is left of the cycle in which the ride before it ends, at 100 %. `rests` are the
/// indices of the segments that stand for coming to rest, rising; other waits have their own times, and the ride
/// behind them begins a cycle. O(n), plans the whole path once.
pub(super) fn settle(segments: Vec<Segment>, rests: &[usize], cycle: Seconds, machine: &Machine) -> Vec<Segment> {
    if rests.is_empty() || cycle <= Seconds::ZERO {
        return segments;
    }
    // What is no path is found to be none by whoever wanted these segments.
    let Ok(path) = Path::new(segments.clone()) else { return segments };
    let profile = plan_profile(&path, machine, &[]);
    let mut segments = segments;
    let mut begin = Seconds::ZERO;
    let mut rests = rests.iter().copied().peekable();
    for (index, segment) in segments.iter_mut().enumerate() {
        if !matches!(segment.kind, SegmentKind::Still(_)) {
            continue;
        }
        if rests.next_if_eq(&index).is_some() {
            segment.still = left_of_cycle(profile.segment_start(index) - begin, cycle);
        }
        begin = profile.segment_start(index + 1);
    }
    segments
}

/// From the end of a ride to the end of the cycle it ends in.
fn left_of_cycle(ride: Seconds, cycle: Seconds) -> Seconds {
    let cycles = ride.as_s() / cycle.as_s();
    Seconds::s(((cycles - OVER_SHARE).ceil() - cycles).max(0.0) * cycle.as_s())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ride_takes_the_least_number_of_whole_cycles() {
        let cycle = Seconds::s(1e-3);
        // A plunge of 15.24 mm at 25.4 mm/s and 400 mm/s²: 663.5 ms, recorded as 664 cycles.
        for (ride_s, whole_s) in [(0.6635, 0.664), (0.0, 0.0), (0.002, 0.002), (0.0020001, 0.003), (0.0009, 0.001)] {
            let left = left_of_cycle(Seconds::s(ride_s), cycle);
            assert!((ride_s + left.as_s() - whole_s).abs() < 1e-9, "{ride_s} s leaves {left:?}");
        }
    }
}

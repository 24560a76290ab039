//! Schedules on random rows of bounds: run by the virtual machine, and held against a solver that shares nothing
//! with the scheduler but the definition of the problem.

use shared::budget::WorkAllowance;
use shared::det::Rng;
use shared::geom::Point;
use shared::machine::{Axis, Machine};
use shared::motion::{Drive, Path, Runner, SegmentKind, Station, StillKind, StopRule, plan_profile};
use shared::plan::{Binding, Limits, OverridePlan, Reason};
use shared::units::{Acceleration, Feedrate, Length, Seconds};

use super::schedule::{cells_of, passes, top_of};
use super::slew::Ramp;
use super::tests::{limits, segment};
use super::*;

/// Rows that the machine runs.
const ROWS_RUN: u32 = 1000;
/// What a bound may be exceeded by.
const EXCESS_MAX: f64 = 0.005;
/// Cycle of the command.
const TICK_S: f64 = 1e-3;

fn machine() -> Machine {
    let axis = Axis {
        travel: None,
        feed_max: Feedrate::mm_s(200.0),
        rapid: Feedrate::mm_s(400.0),
        acceleration: Acceleration::mm_s2(3000.0),
        rapid_acceleration: Acceleration::mm_s2(3000.0),
        jerk: None,
    };
    Machine::of_equal_axes(axis)
}

/// Moves in a row with dwells between some, and random bounds over them; speeds that the machine reaches at 100 %.
fn random_row(rng: &mut Rng, moves: u32) -> (Path, Vec<StepBound>) {
    let (mut at, mut x_mm) = (Station::START, 0.0);
    let mut row = Vec::new();
    for index in 0..moves {
        let dwell = index > 0 && rng.chance(0.2);
        let kind = if dwell { SegmentKind::Still(StillKind::Dwell) } else { SegmentKind::Feed };
        let length_mm = rng.between(0.5, 12.0);
        let end_mm = if dwell { x_mm } else { x_mm + length_mm };
        let from = Point::new(x_mm, 0.0, 0.0);
        let next = segment(kind, from, Point::new(end_mm, 0.0, 0.0), at, rng.between(10.0, 120.0));
        (at, x_mm) = (next.end, end_mm);
        row.push(next);
    }
    let path = Path::new(row).expect("contiguous");
    let profile = plan_profile(&path, &machine(), &[]);
    let mut bounds = Vec::new();
    for next in path.segments().iter().filter(|segment| segment.kind == SegmentKind::Feed) {
        let mut from = next.start;
        while from < next.end {
            let to = from.advanced(Length::mm(rng.between(0.05, 3.0))).min(next.end);
            let ratio = if rng.chance(0.3) { 1.0 } else { rng.between(0.2, 1.0) };
            let reason = if ratio < 1.0 { Reason::ForcePeak } else { Reason::Programmed };
            let at = |part: u64| Station::from_nm(from.as_nm() + (to.as_nm() - from.as_nm()) * part / 16);
            let reached = (0..=16).map(|part| profile.velocity_at(&path, at(part))).fold(Feedrate::ZERO, Feedrate::max);
            bounds.push(StepBound {
                from,
                to,
                feed_max_ratio: ratio,
                load_max_ratio: ratio,
                binding: Binding::plain(reason),
                feed: next.feed,
                reached,
            });
            from = to;
        }
    }
    (path, bounds)
}

/// Greatest ratio of the speed of the machine to that of a bound, when its command follows the plan as the edge does: at
/// the slew limit, each tick towards the lowest factor within the distance of the machine's effect time. Without
/// that distance a machine that brakes for a lower feed ahead cannot follow a factor that falls at the same time: both
/// would need more than its full deceleration.
fn run(path: &Path, bounds: &[StepBound], limits: &Limits, plan: &OverridePlan) -> f64 {
    let machine = machine();
    let mut runner = Runner::with_stops(&machine, StopRule::PassThrough);
    let (mut station, mut velocity_mm_s, mut worst, mut next) = (Station::START, 0.0f64, 0.0f64, 0);
    let mut command: Option<f64> = None;
    for _ in 0..2_000_000 {
        let current = &path.segments()[path.index_at(station)];
        // In a dwell nothing moves: the command goes to what the move behind it begins with.
        let from = if current.kind == SegmentKind::Feed { station } else { current.end };
        let next_mm_s = velocity_mm_s + machine.axes[0].acceleration.as_mm_s2() * TICK_S;
        let ahead_mm = next_mm_s * (machine.override_range.effect_time.as_s() + TICK_S);
        let last = Station::from_nm(path.end().as_nm() - 1);
        let until = from.advanced(Length::mm(ahead_mm)).min(last);
        let target = plan.lowest(from.min(last), until).expect("the plan covers the path").factor.ratio();
        let step = limits.slew_per_s * TICK_S;
        let factor = command.map_or(target, |command| command + (target - command).clamp(-step, step));
        command = Some(factor);
        let motion = runner.advance(path, &machine, Seconds::s(TICK_S), Drive { factor, ..Drive::PROGRAMMED });
        (station, velocity_mm_s) = (motion.station, motion.velocity.as_mm_s());
        if motion.finished {
            return worst;
        }
        while next < bounds.len() && bounds[next].to <= station {
            next += 1;
        }
        if let Some(bound) = bounds.get(next).filter(|bound| bound.from <= station && motion.still.is_none()) {
            let allowed_mm_s = bound.feed_max_ratio.max(limits.floor().ratio()) * bound.feed.as_mm_s();
            worst = worst.max(velocity_mm_s / allowed_mm_s);
        }
    }
    panic!("the machine does not come to the end of its path");
}

#[test]
#[allow(clippy::print_stdout)] // What the step and the hold cost is part of what the test shows.
fn the_virtual_machine_keeps_every_bound_of_a_thousand_rows() {
    let mut rng = Rng::new(606);
    let (mut worst, mut tight) = (0.0f64, 0);
    let mut losses: Vec<(f64, f64)> = Vec::new();
    for case in 0..ROWS_RUN {
        let (path, bounds) = random_row(&mut rng, 6);
        let limits = Limits {
            step_permille: [1, 10, 50][rng.below(3) as usize],
            slew_per_s: rng.between(2.0, 10.0),
            hold_min: Length::mm(rng.between(0.0, 2.0)),
            station_margin: Length::mm(rng.between(0.0, 0.5)),
            ..limits()
        };
        let input =
            ScheduleInput { path: &path, bounds: &bounds, limits: &limits, from: Station::START, to: path.end() };
        let plan = schedule(&input, WorkAllowance(u32::MAX)).expect("a plan");
        let ratio = run(&path, &bounds, &limits, &plan);
        assert!(ratio <= 1.0 + EXCESS_MAX, "case {case} (seed 606): {ratio} of a bound");
        worst = worst.max(ratio);
        tight += u32::from(ratio > 0.97);
        let best_s = continuous_s(&input);
        let fine = Limits { hold_min: Length::ZERO, ..limits.clone() };
        let stepped = schedule(&ScheduleInput { limits: &fine, ..input }, WorkAllowance(u32::MAX)).expect("a plan");
        let (stepped_s, held_s) = (time_of(&input, &stepped).as_s(), time_of(&input, &plan).as_s());
        losses.push((stepped_s / best_s - 1.0, held_s / stepped_s - 1.0));
    }
    // A plan that always crawled would keep every bound, too.
    assert!(tight > ROWS_RUN / 2, "only {tight} rows come near a bound");
    let mean = |value: fn(&(f64, f64)) -> f64| losses.iter().map(value).sum::<f64>() / losses.len() as f64 * 100.0;
    let most = |value: fn(&(f64, f64)) -> f64| losses.iter().map(value).fold(0.0, f64::max) * 100.0;
    println!(
        "{ROWS_RUN} rows: worst {worst:.4} of a bound, {tight} within 3 %; lost to the step {:.2} % (most {:.2} %), to \
         the hold {:.2} % (most {:.2} %)",
        mean(|loss| loss.0),
        most(|loss| loss.0),
        mean(|loss| loss.1),
        most(|loss| loss.1)
    );
}

/// Time of the schedule before it is rounded and held.
fn continuous_s(input: &ScheduleInput<'_>) -> f64 {
    let cells = cells_of(input, WorkAllowance(u32::MAX));
    let slew = input.limits.slew_per_s;
    let mut time_s = 0.0;
    for (cell, (begin, end)) in cells.iter().zip(&passes(&cells, slew)) {
        let (ramp, length_mm) = (Ramp::new(cell.feed_mm_s, cell.reached_mm_s, slew), cell.length_mm());
        let top = top_of(cell, [*begin, *end], &ramp);
        let count = 200;
        for i in 0..count {
            let x_mm = (f64::from(i) + 0.5) / f64::from(count) * length_mm;
            let factor = top.min(ramp.after(*begin, x_mm)).min(ramp.after(*end, length_mm - x_mm));
            time_s += cell.time_s(length_mm / f64::from(count), factor);
        }
    }
    time_s
}

/// The least time of all factors over station that keep the bounds and the slew, from the bounds themselves.
///
/// A grid over station; at each point the least bound within the margin; then values are lowered wherever a
/// neighbour asks for more slew than there is, round after round, until nothing changes. Lower factors never
/// let a later one be higher, so what is left is the greatest of all allowed functions, and the quickest.
fn optimum_s(path: &Path, bounds: &[StepBound], limits: &Limits, dx_mm: f64) -> f64 {
    let margin_nm = Station::from_mm(limits.station_margin.as_mm()).as_nm();
    let mut time_s = 0.0;
    let mut runs: Vec<Vec<[f64; 3]>> = vec![Vec::new()];
    for segment in path.segments() {
        if segment.kind != SegmentKind::Feed {
            time_s += segment.still.as_s();
            runs.push(Vec::new());
            continue;
        }
        let count = (segment.length.as_mm() / dx_mm).ceil() as u64;
        let nm = segment.end.as_nm() - segment.start.as_nm();
        for i in 0..count {
            let at_nm = segment.start.as_nm() + nm * (2 * i + 1) / (2 * count);
            let near = |bound: &&StepBound| {
                bound.from.as_nm().saturating_sub(margin_nm) <= at_nm && at_nm < bound.to.as_nm() + margin_nm
            };
            let ratio = bounds.iter().filter(near).map(|bound| bound.feed_max_ratio).fold(1.0, f64::min);
            let own = bounds.iter().find(|bound| bound.from.as_nm() <= at_nm && at_nm < bound.to.as_nm());
            let reached = own.map_or(segment.feed, |bound| bound.reached);
            if let Some(run) = runs.last_mut() {
                run.push([ratio, segment.feed.as_mm_s(), reached.as_mm_s()]);
            }
        }
    }
    for run in &mut runs {
        let speed = |[factor, feed, reached]: [f64; 3]| reached.min(factor * feed);
        loop {
            let mut changed = false;
            for index in 1..run.len() {
                for (low, high) in [(index - 1, index), (index, index - 1)] {
                    // The slew over half of each point's stretch, at the speed of the lower factor.
                    let most = run[low][0] + limits.slew_per_s * dx_mm / speed(run[low]).max(1e-6);
                    if run[high][0] > most + 1e-12 {
                        run[high][0] = most;
                        changed = true;
                    }
                }
            }
            if !changed {
                break;
            }
        }
        time_s += run.iter().map(|point| dx_mm / speed(*point)).sum::<f64>();
    }
    time_s
}

#[test]
#[allow(clippy::print_stdout)] // The figure is part of what the test shows.
fn before_rounding_no_schedule_is_half_a_percent_slower_than_the_optimum() {
    let mut rng = Rng::new(607);
    let (mut slowest, mut quickest) = (0.0f64, 0.0f64);
    for case in 0..100 {
        let moves = 1 + rng.below(3);
        let (path, bounds) = random_row(&mut rng, moves as u32);
        let limits = Limits {
            slew_per_s: rng.between(0.5, 10.0),
            station_margin: Length::mm(rng.between(0.0, 0.5)),
            ..limits()
        };
        let input =
            ScheduleInput { path: &path, bounds: &bounds, limits: &limits, from: Station::START, to: path.end() };
        let (found_s, best_s) = (continuous_s(&input), optimum_s(&path, &bounds, &limits, 2e-3));
        let off = found_s / best_s - 1.0;
        assert!(off.abs() < 5e-3, "case {case} (seed 607): {found_s} s against {best_s} s");
        (slowest, quickest) = (slowest.max(off), quickest.min(off));
    }
    println!(
        "100 rows: at most {:.3} % slower and {:.3} % quicker than the solver's grid",
        slowest * 100.0,
        -quickest * 100.0
    );
}

//! Properties of schedules on random rows of bounds, against oracles that share nothing with them but the
//! definitions.

use std::collections::BTreeSet;

use shared::budget::WorkAllowance;
use shared::det::Rng;
use shared::geom::Point;
use shared::machine::SpindleDuty;
use shared::motion::{Geometry, Path, Segment, SegmentKind, Station, StillKind};
use shared::plan::{Binding, Limits, Override, OverridePlan, Reason};
use shared::program::Provenance;
use shared::units::{Feedrate, Length, Seconds};

use super::profile::Cell;
use super::schedule::{cells_of, passes, top_of};
use super::slew::Ramp;
use super::*;

pub(crate) fn factor(permille: u16) -> Override {
    Override::from_permille(permille).expect("in range")
}

pub(crate) fn limits() -> Limits {
    Limits {
        force_peak_xy: None,
        torque_max: None,
        power_max: None,
        chip_thickness_max: None,
        chip_thickness_min: None,
        deflection_max: None,
        bending_stress_max: None,
        surface_cusp_max: None,
        spindle_duty: SpindleDuty::S1,
        factor_min: factor(200),
        factor_max: factor(1000),
        step_permille: 10,
        slew_per_s: 2.0,
        hold_min: Length::mm(0.5),
        uncertainty: 0.0,
        first_contact_factor: factor(600),
        first_contact_lead_radii: 1.0,
        plunge_factor: factor(700),
        finish: BTreeSet::new(),
        station_margin: Length::mm(0.2),
    }
}

pub(crate) fn segment(kind: SegmentKind, from: Point, to: Point, start: Station, feed_mm_s: f64) -> Segment {
    let length = Length::mm((to - from).norm());
    let still = matches!(kind, SegmentKind::Still(_));
    Segment {
        kind,
        geometry: if still { Geometry::Still { at: from } } else { Geometry::Line { start: from, end: to } },
        start,
        end: start.advanced(if still { Length::mm(1.0) } else { length }),
        length,
        feed: Feedrate::mm_s(feed_mm_s),
        spindle: None,
        tool: None,
        at: Provenance::default(),
        forced: None,
        still: Seconds::s(if still { 0.8 } else { 0.0 }),
        stop_at_end: still,
        corner: shared::motion::CornerRule::Machine,
        turn_rad: [0.0; 3],
    }
}

/// A random row: feed moves with steps of random bounds, some rapids and dwells, some steps missing.
fn random_row(rng: &mut Rng, segments: u32) -> (Path, Vec<StepBound>) {
    let (mut at, mut x_mm) = (Station::START, 0.0);
    let (mut row, mut bounds) = (Vec::new(), Vec::new());
    for index in 0..segments {
        let kind = match rng.below(8) {
            0 if index > 0 => SegmentKind::Rapid,
            1 if index > 0 => SegmentKind::Still(StillKind::Dwell),
            _ => SegmentKind::Feed,
        };
        let (feed, length_mm) = (rng.between(2.0, 120.0), rng.between(0.3, 30.0));
        let next = segment(kind, Point::new(x_mm, 0.0, 0.0), Point::new(x_mm + length_mm, 0.0, 0.0), at, feed);
        x_mm += length_mm;
        let covered = kind == SegmentKind::Feed && !rng.chance(0.1);
        let mut from = at;
        while covered && from < next.end {
            let to = from.advanced(Length::mm(rng.between(0.05, 3.0))).min(next.end);
            let ratio = if rng.chance(0.3) { 1.0 } else { rng.between(0.2, 1.0) };
            let reason = if ratio < 1.0 { Reason::ForcePeak } else { Reason::Programmed };
            let reached = Feedrate::mm_s(feed * rng.between(0.3, 1.3).min(1.0));
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
        at = next.end;
        row.push(next);
    }
    (Path::new(row).expect("contiguous"), bounds)
}

fn whole<'a>(path: &'a Path, bounds: &'a [StepBound], limits: &'a Limits) -> ScheduleInput<'a> {
    ScheduleInput { path, bounds, limits, from: Station::START, to: path.end() }
}

/// Speed at a station for a factor, as the machine would run it.
fn speed_mm_s(path: &Path, bounds: &[StepBound], station: Station, factor: f64) -> f64 {
    let segment = &path.segments()[path.index_at(station)];
    let reached = bounds.iter().find(|bound| bound.from <= station && station < bound.to).map(|bound| bound.reached);
    reached.unwrap_or(segment.feed).as_mm_s().min(factor * segment.feed.as_mm_s())
}

#[test]
fn no_schedule_exceeds_a_bound_even_when_it_is_chased_at_the_slew_limit() {
    let mut rng = Rng::new(202_411);
    for case in 0..400 {
        let (path, bounds) = random_row(&mut rng, 12);
        let mut limits = limits();
        limits.step_permille = [1, 10, 30, 50, 100][rng.below(5) as usize];
        limits.slew_per_s = rng.between(0.3, 20.0);
        limits.hold_min = Length::mm(rng.between(0.0, 3.0));
        limits.station_margin = Length::mm(rng.between(0.0, 1.0));
        let work = WorkAllowance([0, 3, 20, u32::MAX][rng.below(4) as usize]);
        let plan = schedule(&whole(&path, &bounds, &limits), work).expect("a plan");
        assert_eq!((plan.from(), plan.to()), (Station::START, path.end()), "case {case}");
        below_bounds(case, &path, &bounds, &limits, &plan);
        chased(case, &path, &bounds, &limits, &plan);
    }
}

/// The plan is not above any bound within the margin, on the grain, and 1.0 where the factor is fixed.
fn below_bounds(case: u32, path: &Path, bounds: &[StepBound], limits: &Limits, plan: &OverridePlan) {
    let margin = limits.station_margin;
    for span in plan.spans() {
        let permille = span.factor.permille();
        let segment = &path.segments()[path.index_at(span.from)];
        if segment.kind != SegmentKind::Feed {
            assert_eq!(permille, 1000, "case {case}: {span:?} in {:?}", segment.kind);
            continue;
        }
        assert!(permille == 1000 || permille % limits.step_permille == 0, "case {case}: {span:?}");
        let nm = Length::mm(2e-6);
        let (from, to) = (span.from.advanced(-margin + nm), span.to.advanced(margin - nm));
        for bound in bounds.iter().filter(|bound| bound.from < to && from < bound.to) {
            // Below the smallest factor of the controller nothing can be done; the binding says so.
            let allowed = bound.feed_max_ratio.max(limits.floor().ratio());
            assert!(span.factor.ratio() <= allowed + 1e-9, "case {case}: {span:?} above {bound:?}");
            let infeasible = bound.feed_max_ratio < limits.floor().ratio();
            assert!(!infeasible || span.factor.ratio() <= limits.floor().ratio(), "case {case}: {span:?}");
        }
    }
}

/// A command that follows the plan at the slew limit, stepped in time, stays below the bounds.
fn chased(case: u32, path: &Path, bounds: &[StepBound], limits: &Limits, plan: &OverridePlan) {
    let (mut at_mm, dt) = (0.0, 4e-3 / limits.slew_per_s);
    let mut command: Option<f64> = None;
    while at_mm < path.end().as_mm() {
        let station = Station::from_mm(at_mm);
        let segment = &path.segments()[path.index_at(station)];
        let Some(span) = plan.span_at(station) else { break };
        if segment.kind != SegmentKind::Feed {
            at_mm = segment.end.as_mm() + 1e-6;
            command = None;
            continue;
        }
        let target = span.factor.ratio();
        let step = limits.slew_per_s * dt;
        let now = command.map_or(target, |command| command + (target - command).clamp(-step, step));
        let bound = bounds.iter().find(|bound| bound.from <= station && station < bound.to);
        let allowed = bound.map_or(1.0, |bound| bound.feed_max_ratio).max(limits.floor().ratio());
        // One step of time is what a chase in discrete time may be late.
        assert!(now <= allowed + 1.5 * step + 1e-9, "case {case}: {now} above {allowed} at {station}: {span:?}");
        at_mm += (speed_mm_s(path, bounds, station, now) * dt).max(1e-6);
        command = Some(now);
    }
}

#[test]
fn every_level_is_held() {
    let mut rng = Rng::new(99);
    for case in 0..200 {
        let (path, bounds) = random_row(&mut rng, 10);
        let limits = Limits { hold_min: Length::mm(1.5), ..limits() };
        let plan = schedule(&whole(&path, &bounds, &limits), WorkAllowance(u32::MAX)).expect("a plan");
        // Levels: neighbours with the same factor are one, whatever their reasons.
        let mut levels: Vec<(u16, f64, bool)> = Vec::new();
        for span in plan.spans() {
            let fixed = matches!(span.binding.reason, Reason::Rapid | Reason::Still);
            let length_mm = span.to.beyond(span.from).as_mm();
            match levels.last_mut() {
                Some(last) if last.0 == span.factor.permille() && last.2 == fixed => last.1 += length_mm,
                _ => levels.push((span.factor.permille(), length_mm, fixed)),
            }
        }
        for (index, (permille, length_mm, fixed)) in levels.iter().enumerate() {
            let last_of_run = levels.get(index + 1).is_none_or(|next| next.2);
            let held = *fixed || last_of_run || *length_mm >= 1.5 - 1e-6;
            assert!(held, "case {case}: {permille} for {length_mm} mm in {levels:?}");
        }
    }
}

/// The greatest function below the bounds that changes by at most s in a second, on a fine grid, by explicit
/// steps in both directions: brute force, and the time it takes.
fn optimum_s(cells: &[Cell], slew_per_s: f64) -> f64 {
    let dx = 1e-3;
    let mut grid: Vec<(f64, f64, f64, bool)> = Vec::new();
    let mut time_s = 0.0;
    for cell in cells {
        let count = (cell.length_mm() / dx).round().max(1.0);
        for _ in 0..count as usize {
            grid.push((cell.ratio, cell.feed_mm_s, cell.reached_mm_s, cell.is_exempt()));
        }
        if cell.is_exempt() {
            time_s += cell.time_s(cell.length_mm(), 1.0);
        }
    }
    let step = |from: (f64, f64, f64, bool), to: &mut (f64, f64, f64, bool)| {
        if !from.3 && !to.3 {
            let speed = to.2.min(from.0 * to.1).max(1e-9);
            to.0 = to.0.min(from.0 + slew_per_s * dx / speed);
        }
    };
    for index in 1..grid.len() {
        let from = grid[index - 1];
        step(from, &mut grid[index]);
    }
    for index in (1..grid.len()).rev() {
        let from = grid[index];
        step(from, &mut grid[index - 1]);
    }
    time_s + grid.iter().filter(|point| !point.3).map(|point| dx / point.2.min(point.0 * point.1)).sum::<f64>()
}

#[test]
fn before_rounding_a_schedule_is_as_fast_as_the_optimum() {
    let mut rng = Rng::new(5);
    for case in 0..60 {
        let (path, bounds) = random_row(&mut rng, 5);
        let limits = Limits { slew_per_s: rng.between(0.5, 8.0), ..limits() };
        let input = whole(&path, &bounds, &limits);
        let cells = cells_of(&input, WorkAllowance(u32::MAX));
        let nodes = passes(&cells, limits.slew_per_s);
        let mut time_s = 0.0;
        for (cell, (begin, end)) in cells.iter().zip(&nodes) {
            let (ramp, length_mm) = (Ramp::new(cell.feed_mm_s, cell.reached_mm_s, limits.slew_per_s), cell.length_mm());
            let top = top_of(cell, [*begin, *end], &ramp);
            let count = 400;
            for i in 0..count {
                let x_mm = (f64::from(i) + 0.5) / f64::from(count) * length_mm;
                let g = top.min(ramp.after(*begin, x_mm)).min(ramp.after(*end, length_mm - x_mm));
                assert!(cell.is_exempt() || g <= cell.ratio + 1e-12, "case {case}");
                time_s += cell.time_s(length_mm / f64::from(count), g);
            }
        }
        let optimum = optimum_s(&cells, limits.slew_per_s);
        assert!((time_s / optimum - 1.0).abs() < 5e-3, "case {case}: {time_s} s against {optimum} s");
    }
}

#[test]
fn more_work_never_makes_a_slower_plan_before_rounding() {
    let mut rng = Rng::new(6);
    for case in 0..40 {
        let (path, bounds) = random_row(&mut rng, 30);
        // A fine grain and no hold: what is compared is the schedule itself.
        let limits = Limits { step_permille: 1, hold_min: Length::ZERO, ..limits() };
        let input = whole(&path, &bounds, &limits);
        let mut last = f64::INFINITY;
        for allowance in [0, 1, 4, 16, 64, 256, u32::MAX] {
            let plan = schedule(&input, WorkAllowance(allowance)).expect("a plan at any allowance");
            let time = time_of(&input, &plan).as_s();
            assert!(time <= last * 1.002, "case {case}: {time} s with {allowance}, {last} s with less");
            last = time;
        }
    }
}

#[test]
fn times_add_up_and_a_plan_beats_the_best_constant() {
    let mut rng = Rng::new(8);
    for case in 0..50 {
        let (path, bounds) = random_row(&mut rng, 20);
        let limits = Limits { slew_per_s: 50.0, station_margin: Length::ZERO, hold_min: Length::ZERO, ..limits() };
        let input = whole(&path, &bounds, &limits);
        let plan = schedule(&input, WorkAllowance(u32::MAX)).expect("a plan");
        let total = time_of(&input, &plan).as_s();
        let by_reason: f64 = time_by_reason(&input, &plan).values().map(|time| time.as_s()).sum();
        assert!((by_reason / total - 1.0).abs() < 1e-12, "case {case}");
        let constant = best_constant(&bounds, &limits);
        let least = bounds.iter().map(|bound| bound.feed_max_ratio).fold(1.0, f64::min);
        assert!(constant.ratio() <= least && constant.ratio() > least - 0.011, "{constant} for {least}");
        let dull = constant_plan(&input, constant).expect("a plan");
        let won: f64 = won_by_reason(&input, &plan, constant).values().map(|time| time.as_s()).sum();
        assert!((won - (time_of(&input, &dull).as_s() - total)).abs() < 1e-6 * total, "case {case}");
        assert!(won >= 0.0, "case {case}: the plan is slower than a constant factor");
        let lost: f64 = lost_time_by_reason(&input, &plan).values().map(|time| time.as_s()).sum();
        let programmed = time_of(&input, &constant_plan(&input, Override::PROGRAMMED).expect("a plan")).as_s();
        assert!((total - programmed - lost).abs() < 1e-6 * total, "case {case}");
    }
}

#[test]
fn a_gap_in_the_bounds_is_unknown_and_an_empty_range_no_plan() {
    let x = |mm: f64| Point::new(mm, 0.0, 0.0);
    let path = Path::new(vec![segment(SegmentKind::Feed, x(0.0), x(10.0), Station::START, 10.0)]).expect("valid");
    let limits = limits();
    let input = whole(&path, &[], &limits);
    let plan = schedule(&input, WorkAllowance(10)).expect("a plan");
    assert_eq!(plan.spans().len(), 1);
    assert_eq!((plan.spans()[0].factor, plan.spans()[0].binding.reason), (Override::PROGRAMMED, Reason::Unknown));
    let empty = ScheduleInput { from: path.end(), ..input };
    assert!(schedule(&empty, WorkAllowance(10)).is_err());
}

#[test]
fn what_is_held_a_little_into_a_long_level_is_not_held_to_its_end() {
    let at = |mm: f64| Station::from_mm(mm);
    let slot = segment(SegmentKind::Feed, Point::origin(), Point::new(100.0, 0.0, 0.0), Station::START, 12.7);
    let path = Path::new(vec![slot]).expect("one segment");
    let bound = |from_mm: f64, to_mm: f64, ratio: f64, reason: Reason| StepBound {
        from: at(from_mm),
        to: at(to_mm),
        feed_max_ratio: ratio,
        load_max_ratio: ratio,
        binding: Binding::plain(reason),
        feed: Feedrate::mm_s(12.7),
        reached: Feedrate::mm_s(12.7),
    };
    // The ramp from 0.80 to 0.89 is shorter than the hold: its first grain is held into the level.
    let bounds = [bound(0.0, 4.0, 0.8, Reason::FirstContact), bound(4.0, 100.0, 0.893, Reason::ChipThickness)];
    let limits = Limits { slew_per_s: 5.0, hold_min: Length::mm(0.25), ..limits() };
    let plan = schedule(&whole(&path, &bounds, &limits), WorkAllowance(u32::MAX)).expect("a plan");
    let span = plan.span_at(at(50.0)).expect("covered");
    assert_eq!((span.factor, span.binding.reason), (factor(890), Reason::ChipThickness), "{:?}", plan.spans());
}

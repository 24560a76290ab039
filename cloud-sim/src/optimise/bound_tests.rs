//! Bounds of single steps: which limit binds, by how much, and what is never touched.

use std::f64::consts::FRAC_PI_2;

use shared::budget::WorkAllowance;
use shared::cutting::{CuttingData, CuttingLaw, Engagement, EngagementSlice, Material, Runout};
use shared::geom::Point;
use shared::ident::ToolNumber;
use shared::machine::{Axis, Machine};
use shared::motion::{Path, Segment, SegmentKind, Station};
use shared::plan::{Limits, Reason};
use shared::program::ForcedReason;
use shared::tool::{CutterMaterial, CutterShape, Tool};
use shared::units::{Acceleration, Angle, Feedrate, Force, Length, Power, RotaryVelocity, Stress, Torque};

use super::bound::{BoundContext, StepBound, bound_step, bound_steps, verify_bounds};
use super::tests::{factor, limits, segment};
use crate::engagement::CutStep;
use crate::loads::{LoadModels, StepLoads, UnknownLoad};

pub(super) fn machine() -> Machine {
    let axis = Axis {
        travel: None,
        feed_max: Feedrate::mm_s(200.0),
        rapid: Feedrate::mm_s(400.0),
        acceleration: Acceleration::mm_s2(2000.0),
        rapid_acceleration: Acceleration::mm_s2(2000.0),
        jerk: None,
    };
    Machine::of_equal_axes(axis)
}

fn tool(number: u32, flutes: Option<u32>) -> Tool {
    Tool {
        number: ToolNumber(number),
        name: "end mill".to_owned(),
        shape: CutterShape::Flat,
        diameter: Length::mm(20.0),
        flutes,
        helix: Angle::rad(30f64.to_radians()),
        flute_length: Length::mm(40.0),
        shank_diameter: Length::mm(20.0),
        stickout: Length::mm(60.0),
        holder: Vec::new(),
        length_offset: Length::ZERO,
        centre_cutting: true,
        material: CutterMaterial::Carbide,
    }
}

/// Al7050-T7451, PROCESS.md section 1.
fn material() -> Material {
    Material {
        name: "Al7050-T7451".to_owned(),
        law: CuttingLaw::Mechanistic {
            k_tc: Stress::n_mm2(796.1),
            k_rc: Stress::n_mm2(168.8),
            k_ac: Stress::n_mm2(222.0),
            k_te_n_mm: 27.7,
            k_re_n_mm: 30.8,
            k_ae_n_mm: 1.4,
        },
        source: "test".to_owned(),
        coefficient_sigma: None,
        data: CuttingData {
            cutting_speed: Feedrate::mm_s(5000.0),
            feed_per_tooth_of_diameter: 0.01,
            feed_per_tooth_max: Length::mm(0.2),
        },
    }
}

/// A job of one straight cut along x: D20 N4, f_z 0.1 at 5000/min, as the reference cut of PROCESS.md.
struct Job {
    path: Path,
    models: LoadModels,
    machine: Machine,
    limits: Limits,
}

const FEED_MM_S: f64 = 0.1 * 4.0 * 5000.0 / 60.0;

impl Job {
    fn new(change: impl FnOnce(&mut Segment, &mut Limits)) -> Self {
        let end = Point::new(50.0, 0.0, 0.0);
        let mut cut = segment(SegmentKind::Feed, Point::origin(), end, Station::START, FEED_MM_S);
        cut.spindle = Some(RotaryVelocity::rev_s(5000.0 / 60.0));
        cut.tool = Some(ToolNumber(1));
        let mut limits = limits();
        change(&mut cut, &mut limits);
        let tools = [tool(1, Some(4)), tool(2, None)];
        let models = LoadModels::new(&tools, &material(), Runout::NONE);
        Self { path: Path::new(vec![cut]).expect("one segment"), models, machine: machine(), limits }
    }

    fn bound(&self, step: &CutStep, reached_mm_s: f64) -> StepBound {
        let loads = self.models.of_step(step, &self.path.segments()[0]);
        bound_step(&self.context(), step, &loads, Feedrate::mm_s(reached_mm_s))
    }

    fn context(&self) -> BoundContext<'_> {
        BoundContext { path: &self.path, models: &self.models, machine: &self.machine, limits: &self.limits }
    }
}

/// A step of 1 mm with bins [from, to) engaged over 5 mm; none for air.
fn step(at_mm: f64, from: u32, to: u32) -> CutStep {
    let mask = (from..to).fold(0u128, |mask, bin| mask | 1 << bin);
    let slices = vec![EngagementSlice { low_mm: 0.0, high_mm: 5.0, mask }];
    CutStep {
        segment: 0,
        from: Station::from_mm(at_mm),
        to: Station::from_mm(at_mm + 1.0),
        removed_mm3: 0.0,
        removed_cells: 0,
        engagement: Engagement { slices },
        way: None,
    }
}

#[track_caller]
fn check(bound: &StepBound, reason: Reason, ratio: f64, tolerance: f64) {
    assert_eq!(bound.binding.reason, reason, "{bound:?}");
    assert!((bound.feed_max_ratio / ratio - 1.0).abs() <= tolerance, "{bound:?} instead of {ratio}");
}

#[test]
fn each_limit_binds_alone() {
    // Half immersion down: peak 579.6 N, 3.9191 N·m, 2052 W, chip 0.1 mm at the programmed feed.
    let half = step(0.0, 32, 64);
    let with = |change: fn(&mut Limits)| Job::new(|_, limits| change(limits)).bound(&half, FEED_MM_S);
    check(&with(|_| {}), Reason::Programmed, 1.0, 0.0);
    let force = with(|limits| limits.force_peak_xy = Some(Force::n(450.0)));
    assert!(force.feed_max_ratio < 0.75 && force.feed_max_ratio > 0.65, "{force:?}");
    check(&force, Reason::ForcePeak, force.feed_max_ratio, 0.0);
    assert!((force.binding.value.expect("a figure") / 450.0 - 1.0).abs() < 5e-3, "{force:?}");
    assert_eq!(force.binding.limit, Some(450.0));
    // Torque = edge part + cutting part: 4·5·27.7/4 N at 10 mm is 1.385 N·m whatever the feed.
    let torque = with(|limits| limits.torque_max = Some(Torque::n_m(3.0)));
    check(&torque, Reason::Torque, (3.0 - 1.385) / (3.9191 - 1.385), 3e-3);
    let power = with(|limits| limits.power_max = Some(Power::w(1500.0)));
    check(&power, Reason::Power, (1500.0 / 2052.0 * 3.9191 - 1.385) / (3.9191 - 1.385), 3e-3);
    let chip = with(|limits| limits.chip_thickness_max = Some(Length::mm(0.08)));
    check(&chip, Reason::ChipThickness, 0.8, 1e-9);
    let soft = with(|limits| limits.deflection_max = Some(Length::mm(0.009)));
    assert_eq!(soft.binding.reason, Reason::Deflection);
    let stress = with(|limits| limits.bending_stress_max = Some(Stress::n_mm2(45.0)));
    assert_eq!(stress.binding.reason, Reason::BendingStress);
    // The least of several binds; the uncertainty band is held against the limit.
    let both = with(|limits| {
        limits.chip_thickness_max = Some(Length::mm(0.08));
        limits.torque_max = Some(Torque::n_m(3.0));
    });
    assert_eq!(both.binding.reason, Reason::Torque);
    let wary = with(|limits| {
        limits.torque_max = Some(Torque::n_m(3.0));
        limits.uncertainty = 0.12;
    });
    check(&wary, Reason::Torque, (3.0 / 1.12 - 1.385) / (3.9191 - 1.385), 3e-3);
}

#[test]
fn the_machine_bounds_where_the_limits_do_not() {
    let mut job = Job::new(|_, _| {});
    job.machine.spindle.power_max = Power::w(2000.0);
    // 2000 W at 80 % efficiency leave 1600 W for a cut of 2052 W.
    let bound = job.bound(&step(0.0, 32, 64), FEED_MM_S);
    check(&bound, Reason::Power, (1600.0 / 2052.0 * 3.9191 - 1.385) / (3.9191 - 1.385), 3e-3);
}

#[test]
fn rubbing_takes_precedence_and_says_infeasible() {
    let rubs = |force: Option<f64>, least: f64| {
        let job = Job::new(|_, limits| {
            limits.force_peak_xy = force.map(Force::n);
            limits.chip_thickness_min = Some(Length::mm(least));
        });
        job.bound(&step(0.0, 32, 64), FEED_MM_S)
    };
    check(&rubs(Some(450.0), 0.05), Reason::ForcePeak, rubs(Some(450.0), 0.01).feed_max_ratio, 1e-12);
    check(&rubs(Some(450.0), 0.09), Reason::Infeasible, 0.9, 1e-9);
    check(&rubs(Some(450.0), 0.12), Reason::Infeasible, 1.0, 0.0);
    check(&rubs(None, 0.12), Reason::Rubbing, 1.0, 0.0);
    // Edge forces alone exceed this limit: no feed helps, and the plan falls to its floor and says so.
    check(&rubs(Some(50.0), 0.001), Reason::Infeasible, 0.2, 1e-9);
}

#[test]
fn slow_drives_make_a_bound_hold_by_itself() {
    let job = Job::new(|_, limits| limits.torque_max = Some(Torque::n_m(3.0)));
    let half = step(0.0, 32, 64);
    check(&job.bound(&half, 0.7 * FEED_MM_S), Reason::Torque, 0.637, 5e-3);
    let slow = job.bound(&half, 0.6 * FEED_MM_S);
    check(&slow, Reason::Drives, 1.0, 0.0);
    assert_eq!(slow.load_max_ratio, 1.0);
    check(&job.bound(&step(0.0, 0, 0), 0.6 * FEED_MM_S), Reason::Drives, 1.0, 0.0);
}

#[test]
fn what_must_not_be_touched_is_not() {
    let half = step(0.0, 32, 64);
    let limited = |change: fn(&mut Segment, &mut Limits)| {
        let job = Job::new(|segment, limits| {
            limits.force_peak_xy = Some(Force::n(450.0));
            change(segment, limits);
        });
        job.bound(&half, FEED_MM_S)
    };
    check(&limited(|segment, _| segment.kind = SegmentKind::Rapid), Reason::Rapid, 1.0, 0.0);
    check(&limited(|segment, _| segment.forced = Some(ForcedReason::Synchronised)), Reason::Locked, 1.0, 0.0);
    let finish = limited(|_, limits| {
        limits.finish.insert(ToolNumber(1));
    });
    check(&finish, Reason::Finish, 1.0, 0.0);
    // Unknown: no flutes, no tool, no spindle speed.
    for (change, why) in [
        ((|segment, _| segment.tool = Some(ToolNumber(2))) as fn(&mut Segment, &mut Limits), UnknownLoad::Cutter),
        (|segment, _| segment.tool = None, UnknownLoad::Tool),
        (|segment, _| segment.tool = Some(ToolNumber(9)), UnknownLoad::Tool),
        (|segment, _| segment.spindle = None, UnknownLoad::Spindle),
        (|segment, _| segment.spindle = Some(RotaryVelocity::ZERO), UnknownLoad::Spindle),
    ] {
        check(&limited(change), Reason::Unknown, 1.0, 0.0);
        let job = Job::new(change);
        assert_eq!(job.models.of_step(&half, &job.path.segments()[0]), StepLoads::Unknown(why));
        assert_eq!(job.models.of_step(&step(0.0, 0, 0), &job.path.segments()[0]), StepLoads::Air);
    }
}

#[test]
fn a_plunge_is_slowed_and_a_drill_is_not() {
    let down = |segment: &mut Segment, _: &mut Limits| {
        let end = Point::new(0.0, 0.0, -50.0);
        segment.geometry = shared::motion::Geometry::Line { start: Point::origin(), end };
    };
    let mut job = Job::new(down);
    job.machine.spindle.power_max = Power::w(50_000.0);
    let hole = step(0.0, 0, 128);
    check(&job.bound(&hole, FEED_MM_S), Reason::Plunge, 0.7, 1e-12);
    check(&job.bound(&hole, 0.5 * FEED_MM_S), Reason::Drives, 1.0, 0.0);
    let drill = Tool { shape: CutterShape::Drill { point_angle: Angle::rad(FRAC_PI_2) }, ..tool(1, Some(2)) };
    job.models = LoadModels::new(&[drill], &material(), Runout::NONE);
    check(&job.bound(&hole, FEED_MM_S), Reason::Programmed, 1.0, 0.0);
}

#[test]
fn cusps_bound_the_feed_and_rubbing_bounds_them() {
    let half = step(0.0, 32, 64);
    // f_z²/(8R) with f_z 0.1 and R 10 is 0.125 µm; a quarter of it halves the feed.
    let bound = |limit_um: f64, rub_mm: Option<f64>| {
        let job = Job::new(|_, limits| {
            limits.surface_cusp_max = Some(Length::mm(limit_um * 1e-3));
            limits.chip_thickness_min = rub_mm.map(Length::mm);
        });
        job.bound(&half, FEED_MM_S)
    };
    check(&bound(0.125 / 4.0, None), Reason::Surface, 0.5, 1e-9);
    check(&bound(0.126, None), Reason::Programmed, 1.0, 0.0);
    let found = bound(0.125 / 4.0, None).binding;
    let near = |found: Option<f32>| (f64::from(found.expect("a figure")) / (0.125e-3 / 4.0) - 1.0).abs() < 1e-6;
    assert!(near(found.value) && near(found.limit), "{found:?}");
    // A surface is not made better by rubbing.
    check(&bound(0.125 / 4.0, Some(0.08)), Reason::Surface, 0.8, 1e-9);
}

#[test]
fn an_inside_arc_keeps_the_feed_along_its_contour_where_nobody_else_does() {
    use shared::machine::InsideArcs;
    // A path of radius 15 turning left about the origin, D20: the contour outside has radius 25.
    let job = |rule: InsideArcs, sweep_rad: f64, rev_s: f64| {
        let mut job = Job::new(|segment, _| {
            let end = Point::new(0.0, 15.0 * sweep_rad.signum(), 0.0);
            segment.geometry = shared::motion::Geometry::Arc {
                start: Point::new(15.0, 0.0, 0.0),
                end,
                centre: Point::origin(),
                normal: shared::geom::Vector::z(),
                sweep_rad,
            };
            segment.spindle = Some(RotaryVelocity::rev_s(rev_s));
        });
        job.machine.inside_arcs = rule;
        job
    };
    let speed = 5000.0 / 60.0;
    let (left_wall, right_wall, both) = (step(0.0, 0, 20), step(0.0, 44, 64), step(0.0, 0, 64));
    let reduce = |sweep: f64, rev_s: f64| job(InsideArcs::Reduce, sweep, rev_s);
    check(&reduce(FRAC_PI_2, speed).bound(&right_wall, FEED_MM_S), Reason::Contour, 15.0 / 25.0, 1e-12);
    check(&reduce(FRAC_PI_2, speed).bound(&both, FEED_MM_S), Reason::Contour, 15.0 / 25.0, 1e-12);
    check(&reduce(FRAC_PI_2, speed).bound(&left_wall, FEED_MM_S), Reason::Programmed, 1.0, 0.0);
    // Turning right, or with the spindle the other way round, the outer wall is the other one.
    check(&reduce(-FRAC_PI_2, speed).bound(&left_wall, FEED_MM_S), Reason::Contour, 15.0 / 25.0, 1e-12);
    check(&reduce(FRAC_PI_2, -speed).bound(&left_wall, FEED_MM_S), Reason::Contour, 15.0 / 25.0, 1e-12);
    let post = job(InsideArcs::AsProgrammed, FRAC_PI_2, speed);
    check(&post.bound(&right_wall, FEED_MM_S), Reason::Programmed, 1.0, 0.0);
}

#[test]
fn a_stated_limit_never_lifts_that_of_the_spindle_and_a_duty_chooses_its_rating() {
    use shared::machine::{SpindleDuty, SpindleRating};
    // Half immersion: 2052 W at the programmed feed.
    let bound = |own_w: f64, stated_w: Option<f64>, duty: SpindleDuty, s6_w: Option<f64>| {
        let mut job = Job::new(|_, limits| {
            limits.power_max = stated_w.map(Power::w);
            limits.spindle_duty = duty;
        });
        let spindle = &mut job.machine.spindle;
        (spindle.power_max, spindle.efficiency) = (Power::w(own_w), 1.0);
        let torque_max = spindle.torque_max;
        job.machine.spindle_s6 = s6_w.map(|w| SpindleRating { power_max: Power::w(w), torque_max });
        job.bound(&step(0.0, 32, 64), FEED_MM_S).binding
    };
    let binds = |binding: shared::plan::Binding, limit: f32| {
        assert_eq!((binding.reason, binding.limit), (Reason::Power, Some(limit)), "{binding:?}");
    };
    binds(bound(1500.0, None, SpindleDuty::S1, None), 1500.0);
    binds(bound(1500.0, Some(5000.0), SpindleDuty::S1, None), 1500.0);
    binds(bound(1500.0, Some(1200.0), SpindleDuty::S1, None), 1200.0);
    binds(bound(1500.0, None, SpindleDuty::S1, Some(1800.0)), 1500.0);
    binds(bound(1500.0, None, SpindleDuty::S6, Some(1800.0)), 1800.0);
    binds(bound(1500.0, None, SpindleDuty::S6, None), 1500.0);
}

#[test]
fn the_first_contact_is_slowed_one_radius_ahead_and_a_ripple_is_not() {
    let job = Job::new(|_, _| {});
    // Air, contact at 30, a gap of 4 mm at 35, in material to the end.
    let steps: Vec<CutStep> =
        (0..50).map(|i| step(f64::from(i), 32, if i < 30 || (35..39).contains(&i) { 32 } else { 64 })).collect();
    let loads: Vec<_> = steps.iter().map(|step| job.models.of_step(step, &job.path.segments()[0])).collect();
    let reached = vec![Feedrate::mm_s(FEED_MM_S); steps.len()];
    let bounds = bound_steps(&job.context(), &steps, &loads, &reached);
    for bound in &bounds {
        let at_mm = bound.from.as_mm();
        let slowed = (20.0..31.0).contains(&at_mm);
        assert_eq!(bound.binding.reason == Reason::FirstContact, slowed, "{bound:?}");
        assert_eq!(bound.feed_max_ratio, if slowed { 0.6 } else { 1.0 }, "{bound:?}");
    }
    // One long step in air is split where the slow-down begins.
    let long = [CutStep { to: Station::from_mm(30.0), ..step(0.0, 0, 0) }, step(30.0, 32, 64)];
    let loads = [StepLoads::Air, loads[30]];
    let bounds = bound_steps(&job.context(), &long, &loads, &reached[..2]);
    let borders: Vec<_> = bounds.iter().map(|bound| (bound.from.as_mm(), bound.binding.reason)).collect();
    let expected = [(0.0, Reason::Programmed), (20.0, Reason::FirstContact), (30.0, Reason::FirstContact)];
    assert_eq!(borders, expected);
    assert_eq!(job.limits.first_contact_factor, factor(600));
}

#[test]
fn cutting_power_is_specific_force_times_volume() {
    let job = Job::new(|_, _| {});
    let segment = &job.path.segments()[0];
    let loads = job.models.of_step(&step(0.0, 0, 64), segment);
    let full = loads.full().expect("known");
    // Slot of 20 × 5: 100 mm³ for each mm of path, at 796.1 N/mm².
    let energy_j_per_mm = full.power_cutting.as_w() / segment.feed.as_mm_s();
    assert!((energy_j_per_mm / (0.7961 * 100.0) - 1.0).abs() < 1e-6, "{energy_j_per_mm}");
    let specific_n_mm2 = full.specific_force().expect("material is removed").as_n_mm2();
    assert!((specific_n_mm2 - 796.1).abs() < 1e-6, "{specific_n_mm2}");
}

#[test]
fn verified_bounds_keep_the_limit_where_the_law_bends_the_lines() {
    let mut job = Job::new(|_, limits| limits.factor_min = factor(100));
    let law = CuttingLaw::Kienzle { k_c11: Stress::n_mm2(700.0), m_c: 0.4, radial_ratio: 0.4, axial_ratio: 0.2 };
    let runout = Runout { offset: Length::mm(0.012), angle: Angle::rad(0.7) };
    job.models = LoadModels::new(&[tool(1, Some(4))], &Material { law, ..material() }, runout);
    let steps: Vec<CutStep> = (0..12).map(|i| step(f64::from(i), 4 * i, 64)).collect();
    let segment = &job.path.segments()[0];
    let loads: Vec<_> = steps.iter().map(|step| job.models.of_step(step, segment)).collect();
    let peak = loads[0].full().expect("known").force_peak_xy;
    let mut lowered = 0;
    for share in [0.5, 0.6, 0.7, 0.8, 0.9] {
        let limit = peak * share;
        job.limits.force_peak_xy = Some(limit);
        let bound = |(step, loads): (&CutStep, &StepLoads)| bound_step(&job.context(), step, loads, segment.feed);
        let mut bounds: Vec<_> = steps.iter().zip(&loads).map(bound).collect();
        let before = bounds.clone();
        assert_eq!(verify_bounds(&job.context(), &steps, &loads, &mut bounds, WorkAllowance(0)), 0);
        assert_eq!(bounds, before);
        lowered += verify_bounds(&job.context(), &steps, &loads, &mut bounds, WorkAllowance(u32::MAX));
        for ((bound, before), step) in bounds.iter().zip(&before).zip(&steps) {
            assert!(bound.feed_max_ratio <= before.feed_max_ratio);
            let found = job.models.at_ratio(step, segment, bound.feed_max_ratio).expect("known").force_peak_xy;
            assert!(found <= limit * 1.003, "{bound:?}: {found} above {limit}");
        }
    }
    assert!(lowered > 0, "no bound was bent");
}

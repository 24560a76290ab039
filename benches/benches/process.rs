//! Cost of loads and plans, one core: loads from an engagement map at most 10 µs a station; bounds and
//! schedule of 1000 stations from affine coefficients at most 3 ms.
//!
//! Run with `cargo bench -p benches --bench process`.
#![allow(missing_docs)]

use std::collections::BTreeSet;
use std::hint::black_box;

use cloud_sim::engagement::CutStep;
use cloud_sim::loads::LoadModels;
use cloud_sim::optimise::{BoundContext, ScheduleInput, bound_steps, schedule, verify_bounds};
use criterion::{Criterion, criterion_group, criterion_main};
use shared::budget::WorkAllowance;
use shared::cutting::{
    CuttingData, CuttingLaw, CuttingModel, CuttingMotion, Engagement, EngagementSlice, Material, Runout,
};
use shared::geom::Point;
use shared::ident::ToolNumber;
use shared::machine::{Axis, Machine, SpindleDuty};
use shared::motion::{Geometry, Path, Segment, SegmentKind, Station};
use shared::plan::{Limits, Override};
use shared::program::Provenance;
use shared::tool::{CutterShape, Tool};
use shared::units::{Acceleration, Angle, Feedrate, Force, Length, RotaryVelocity, Seconds, Stress};

/// Slices of the engagement map.
const SLICES: u32 = 16;

fn tool(shape: CutterShape, flutes: u32) -> Tool {
    Tool {
        flutes: Some(flutes),
        helix: Angle::rad(30f64.to_radians()),
        flute_length: Length::mm(25.0),
        stickout: Length::mm(40.0),
        ..Tool::of_shape(shape, Length::mm(10.0))
    }
}

fn laws() -> [(&'static str, CuttingLaw); 2] {
    let mechanistic = CuttingLaw::Mechanistic {
        k_tc: Stress::n_mm2(796.1),
        k_rc: Stress::n_mm2(168.8),
        k_ac: Stress::n_mm2(222.0),
        k_te_n_mm: 27.7,
        k_re_n_mm: 30.8,
        k_ae_n_mm: 1.4,
    };
    let kienzle = CuttingLaw::Kienzle { k_c11: Stress::n_mm2(700.0), m_c: 0.25, radial_ratio: 0.35, axial_ratio: 0.2 };
    [("mechanistic", mechanistic), ("kienzle", kienzle)]
}

/// `engaged` of the slices over 5 mm in material; each slice a little less than the one below it, so that none
/// of them can be joined.
fn engagement(engaged: u32, first_bin: u32) -> Engagement {
    let height_mm = 5.0 / f64::from(SLICES);
    let slice = |i: u32| EngagementSlice {
        low_mm: f64::from(i) * height_mm,
        high_mm: f64::from(i + 1) * height_mm,
        mask: (first_bin + i % 3..64).fold(0u128, |mask, bin| mask | 1 << bin),
    };
    Engagement { slices: (0..engaged).map(slice).collect() }
}

fn loads(criterion: &mut Criterion) {
    let motion = CuttingMotion {
        spindle: RotaryVelocity::rev_s(150.0),
        across: Feedrate::mm_s(40.0),
        down: Feedrate::mm_s(0.5),
    };
    for (name, law) in laws() {
        let cases = [
            ("flat N4 slot, equal slices", tool(CutterShape::Flat, 4), {
                let mut slot = engagement(SLICES, 0);
                slot.slices.iter_mut().for_each(|slice| slice.mask = (1 << 64) - 1);
                slot
            }),
            ("flat N4 half immersion, every slice different", tool(CutterShape::Flat, 4), engagement(SLICES, 32)),
            ("ball N2 half of its slices", tool(CutterShape::Ball, 2), engagement(SLICES / 2, 24)),
            ("ball N2 slot, equal slices", tool(CutterShape::Ball, 2), {
                let mut slot = engagement(SLICES, 0);
                slot.slices.iter_mut().for_each(|slice| slice.mask = (1 << 64) - 1);
                slot
            }),
            ("ball N2 slot, every slice different", tool(CutterShape::Ball, 2), engagement(SLICES, 0)),
        ];
        for (cut, tool, engagement) in cases {
            let model = CuttingModel::new(&tool, &law, Runout::ASSUMED).expect("a sound tool and law");
            criterion.bench_function(&format!("loads/{name}/{cut}"), |bencher| {
                bencher.iter(|| model.loads(black_box(&engagement), black_box(&motion)));
            });
        }
    }
}

fn machine() -> Machine {
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

fn limits() -> Limits {
    let factor = |permille| Override::from_permille(permille).expect("in range");
    Limits {
        force_peak_xy: Some(Force::n(500.0)),
        torque_max: None,
        power_max: None,
        chip_thickness_max: Some(Length::mm(0.09)),
        chip_thickness_min: Some(Length::mm(0.005)),
        deflection_max: Some(Length::mm(0.05)),
        bending_stress_max: None,
        surface_cusp_max: None,
        spindle_duty: SpindleDuty::S1,
        factor_min: factor(200),
        factor_max: factor(1000),
        step_permille: 10,
        slew_per_s: 2.0,
        hold_min: Length::mm(0.5),
        uncertainty: 0.12,
        first_contact_factor: factor(600),
        first_contact_lead_radii: 1.0,
        plunge_factor: factor(700),
        finish: BTreeSet::new(),
        station_margin: Length::mm(0.2),
    }
}

/// 1000 stations of half a millimetre with changing depth; their loads are computed before, what is measured
/// is bounds and schedule, the verification of bounds, and the schedule alone.
fn plan(criterion: &mut Criterion) {
    let (machine, limits) = (machine(), limits());
    let material = Material {
        name: "Al7050-T7451".to_owned(),
        law: laws()[0].1,
        source: "bench".to_owned(),
        coefficient_sigma: None,
        data: CuttingData {
            cutting_speed: Feedrate::mm_s(5000.0),
            feed_per_tooth_of_diameter: 0.01,
            feed_per_tooth_max: Length::mm(0.2),
        },
    };
    let segment = Segment {
        kind: SegmentKind::Feed,
        geometry: Geometry::Line { start: Point::origin(), end: Point::new(500.0, 0.0, 0.0) },
        start: Station::START,
        end: Station::from_mm(500.0),
        length: Length::mm(500.0),
        feed: Feedrate::mm_s(60.0),
        spindle: Some(RotaryVelocity::rev_s(150.0)),
        tool: Some(ToolNumber(1)),
        at: Provenance::default(),
        forced: None,
        still: Seconds::ZERO,
        stop_at_end: false,
        corner: shared::motion::CornerRule::Machine,
        turn_rad: [0.0; 3],
    };
    let path = Path::new(vec![segment]).expect("one segment");
    let models = LoadModels::new(&[tool(CutterShape::Flat, 4)], &material, Runout::ASSUMED);
    let step = |i: u32| CutStep {
        segment: 0,
        from: Station::from_mm(f64::from(i) * 0.5),
        to: Station::from_mm(f64::from(i + 1) * 0.5),
        removed_mm3: 1.0,
        removed_cells: 1,
        engagement: engagement(1 + i * 7 % SLICES, 20 + i * 3 % 30),
        way: None,
    };
    let steps: Vec<_> = (0..1000).map(step).collect();
    let loads: Vec<_> = steps.iter().map(|step| models.of_step(step, &path.segments()[0])).collect();
    let reached = vec![Feedrate::mm_s(60.0); steps.len()];
    let context = BoundContext { path: &path, models: &models, machine: &machine, limits: &limits };
    let schedule_of = |bounds: &[_]| {
        let input = ScheduleInput { path: &path, bounds, limits: &limits, from: Station::START, to: path.end() };
        schedule(&input, WorkAllowance(u32::MAX)).expect("a plan")
    };
    criterion.bench_function("plan/1000 stations, loads to lines", |bencher| {
        bencher.iter(|| -> Vec<_> {
            steps.iter().map(|step| models.of_step(black_box(step), &path.segments()[0])).collect()
        });
    });
    criterion.bench_function("plan/1000 stations, bounds and schedule", |bencher| {
        bencher.iter(|| schedule_of(&bound_steps(&context, black_box(&steps), &loads, &reached)));
    });
    let bounds = bound_steps(&context, &steps, &loads, &reached);
    criterion.bench_function("plan/1000 stations, verification of bounds", |bencher| {
        let work = WorkAllowance(u32::MAX);
        bencher.iter(|| verify_bounds(&context, &steps, &loads, &mut black_box(bounds.clone()), work));
    });
    criterion.bench_function("plan/1000 stations, schedule alone", |bencher| {
        bencher.iter(|| schedule_of(black_box(&bounds)));
    });
}

criterion_group!(process, loads, plan);
criterion_main!(process);

//! The same bits: with one thread and with many, with SIMD and without, and on every processor.
//!
//! A fixed job of random moves with every form of cutter is cut, engaged and loaded, and the digests of what comes out
//! are written down here. They are a record of what the kernel computes, so that a change of it is seen; a change that is
//! meant puts the digests that the failing test prints in their place. `.ci/aarch64` runs this test on another
//! architecture.

use cloud_sim::executor::{Executor, Serial};
use cloud_sim::stock::Simd;
use cloud_sim::sweep::{Begins, Cutter, SegmentCut, SweepOptions, cut_segment};
use shared::cutting::{CuttingLaw, CuttingModel, CuttingMotion, Runout};
use shared::det::{DigestChain, Rng};
use shared::tool::{CutterShape, Tool};
use shared::units::{Angle, Feedrate, RotaryVelocity, Stress};

use crate::setup::*;

const STOCK: &str = "6cf2abaf2790bb3dc1461242fa290747b47aae3a2d4292acfe92dad2b7253ef4";
const ENGAGEMENT: &str = "80cbfe4cf54839d78046ef6a4ea4e3dc80f30e97764fd9d07cdc79922b769ab8";
const LOADS: &str = "1a779ccc37e5c454b72cac4b72730c200e7cb2826a0dad33705a6bd14a95f513";

fn cutters() -> Vec<Tool> {
    let drill = CutterShape::Drill { point_angle: Angle::rad(118f64.to_radians()) };
    let shapes = [
        (CutterShape::Flat, 8.0),
        (CutterShape::Ball, 6.0),
        (bull(1.0), 6.0),
        (cone(90.0), 5.0),
        (drill, 4.0),
        (CutterShape::Flat, 25.0),
        (general(5.0, 1.0, 0.8, 25.0), 7.0),
    ];
    shapes.into_iter().map(|(shape, diameter_mm)| tool(shape, diameter_mm)).collect()
}

/// Digests of stock, engagement and loads.
fn run(simd: Simd, executor: &dyn Executor) -> [String; 3] {
    let mut rng = Rng::new(2026);
    let mut map = block(60.0, 60.0, 12.0, 0.1);
    let (mut engagement, mut loads) = (DigestChain::new("engagement"), DigestChain::new("loads"));
    let law = CuttingLaw::Kienzle { k_c11: Stress::n_mm2(700.0), m_c: 0.25, radial_ratio: 0.35, axial_ratio: 0.2 };
    let motion = CuttingMotion {
        spindle: RotaryVelocity::rev_s(150.0),
        across: Feedrate::mm_s(40.0),
        down: Feedrate::mm_s(0.5),
    };
    for tool in cutters() {
        let cutter = Cutter::new(&tool).computed(simd);
        let model = CuttingModel::new(&tool, &law, Runout::ASSUMED);
        let mut at = point(rng.between(0.0, 60.0), rng.between(0.0, 60.0), rng.between(-4.0, 0.0));
        let mut cut = SegmentCut::default();
        for _ in 0..12 {
            let to = point(rng.between(-3.0, 63.0), rng.between(-3.0, 63.0), rng.between(-5.0, 0.5));
            let geometry = if rng.chance(0.3) {
                let centre = (at.x + rng.between(-9.0, 9.0), at.y + rng.between(-9.0, 9.0));
                arc(at, centre, rng.between(-4.0, 4.0), rng.between(-1.0, 1.0))
            } else {
                line(at, to)
            };
            let options =
                SweepOptions { step_mm: 2.0, last_mm: 0.15, beyond_mm: 0.0, contact_mm: 0.15, begins: Begins::Anew };
            cut_segment(&mut map, &cutter, 0, &segment(geometry), &options, executor, &mut cut);
            engagement.f64(cut.removed_mm3).u64(cut.steps.len() as u64);
            for step in &cut.steps {
                engagement.f64(step.removed_mm3).u64(u64::from(step.removed_cells));
                for slice in &step.engagement.slices {
                    engagement.f64(slice.low_mm).f64(slice.high_mm);
                    engagement.u64(slice.mask as u64).u64((slice.mask >> 64) as u64);
                }
                if let Some(model) = model.as_ref().filter(|_| !step.engagement.is_air()) {
                    loads.bytes(format!("{:?}", model.loads(&step.engagement, &motion)).as_bytes());
                }
            }
            at = geometry.end();
        }
    }
    [map.digest(), engagement.digest(), loads.digest()].map(|digest| digest.to_string())
}

#[test]
fn invariant_5_the_same_bits_with_any_threads_with_and_without_simd_and_everywhere() {
    let widest = run(Simd::widest(), &Serial);
    assert_eq!(run(Simd::SCALAR, &Serial), widest, "without SIMD");
    assert_eq!(run(Simd::PORTABLE, &Serial), widest, "with what every processor has");
    for threads in [1, 2, 4] {
        assert_eq!(run(Simd::widest(), &Threads(threads)), widest, "{threads} threads");
    }
    assert_eq!(widest, [STOCK, ENGAGEMENT, LOADS], "as on the machine where this was written down");
}

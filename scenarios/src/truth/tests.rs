use firmware_bridge::process::{CuttingProcess, ToolMotion};
use shared::det::Rng;
use shared::geom::Point;
use shared::ident::ToolNumber;
use shared::tool::{CutterMaterial, CutterShape, Tool};
use shared::units::{Angle, Feedrate, Length, RotaryVelocity, Seconds};

use super::*;

/// Al7050-T7451, PROCESS.md section 1 (Altintas).
const AL7050: TrueLaw = TrueLaw::Mechanistic(SixCoefficients {
    k_tc_n_mm2: 796.1,
    k_rc_n_mm2: 168.8,
    k_ac_n_mm2: 222.0,
    k_te_n_mm: 27.7,
    k_re_n_mm: 30.8,
    k_ae_n_mm: 1.4,
});

pub(super) fn tool(number: u32, shape: CutterShape, diameter_mm: f64, flutes: u32, helix_deg: f64) -> Tool {
    Tool {
        number: ToolNumber(number),
        name: format!("D{diameter_mm}"),
        shape,
        diameter: Length::mm(diameter_mm),
        flutes: Some(flutes),
        helix: Angle::rad(helix_deg.to_radians()),
        flute_length: Length::mm(3.0 * diameter_mm),
        shank_diameter: Length::mm(diameter_mm),
        stickout: Length::mm(60.0),
        holder: Vec::new(),
        length_offset: Length::ZERO,
        centre_cutting: true,
        material: CutterMaterial::Carbide,
    }
}

pub(super) fn exact(tool: Tool, stock: TrueStock, cell_mm: f64) -> TruthSetup {
    TruthSetup {
        stock,
        cell: Length::mm(cell_mm),
        tools: vec![tool],
        law: AL7050,
        spread: 0.0,
        runout: Length::ZERO,
        runout_angle: Angle::ZERO,
        noise: 0.0,
        evaluate_every: Length::mm(0.1),
        disturbances: Vec::new(),
        seeds: vec![1],
    }
}

pub(super) fn block(x: [f64; 2], y: [f64; 2], z: [f64; 2]) -> TrueStock {
    TrueStock::Box { min: Point::new(x[0], y[0], z[0]), max: Point::new(x[1], y[1], z[1]) }
}

fn feed(from: [f64; 3], to: [f64; 3], mm_s: f64, rev_min: f64) -> ToolMotion {
    let (from, to) = (Point::from(from), Point::from(to));
    ToolMotion {
        from,
        to,
        time: Seconds::s((to - from).norm() / mm_s),
        velocity: Feedrate::mm_s(mm_s),
        spindle: RotaryVelocity::rev_s(rev_min / 60.0),
        tool: Some(ToolNumber(1)),
        rapid: false,
    }
}

pub(super) fn near(what: &str, found: f64, expected: f64, share: f64) {
    let error = (found - expected).abs() / expected.abs();
    assert!(error <= share, "{what}: {found} instead of {expected}, off by {:.2} %", error * 100.0);
}

/// The last load of a straight cut along +x through a block of which `a_e` remains to the right of the path.
fn steady(setup: TruthSetup, to_mm: f64, mm_s: f64, rev_min: f64) -> TrueLoad {
    let mut truth = Truth::new(setup).expect("valid");
    truth.cut(&feed([-15.0, 0.0, -5.0], [to_mm, 0.0, -5.0], mm_s, rev_min));
    truth.load()
}

/// PROCESS.md section 4, first two rows: D20 N4 β30, f_z 0.1, a_p 5, 5000 rev/min.
#[test]
fn published_slot_and_half_immersion_come_out_by_dense_sampling() {
    let check = |name: &str, y: [f64; 2], mean_n: [f64; 3], peak_n: f64, torque_n_m: f64, power_w: f64| {
        let stock = block([0.0, 60.0], y, [-20.0, 0.0]);
        let load = steady(exact(tool(1, CutterShape::Flat, 20.0, 4, 30.0), stock, 0.1), 30.0, 2000.0 / 60.0, 5000.0);
        for (axis, expected) in mean_n.into_iter().enumerate() {
            near(&format!("{name}: mean force {axis}"), load.force_mean[axis].as_n(), expected, 0.002);
        }
        near(&format!("{name}: peak"), load.force_peak_xy.as_n(), peak_n, 0.01);
        near(&format!("{name}: torque"), load.torque.as_n_m(), torque_n_m, 0.002);
        near(&format!("{name}: power"), load.power.as_w(), power_w, 0.002);
    };
    check("slot", [-15.0, 15.0], [-280.48, 574.39, 155.33], 698.8, 7.8381, 4104.0);
    // Down-milling leaves φ from π/2 to π: the right half of the cutter is in material.
    check("half immersion", [-15.0, 0.0], [74.64, 412.10, 77.66], 579.6, 3.9191, 2052.0);
}

/// A rounding remainder between two blocks points anywhere; a tooth's way does not follow it.
#[test]
fn a_stretch_of_a_fraction_of_a_micrometre_turns_no_chip() {
    let setup =
        || exact(tool(1, CutterShape::Flat, 20.0, 4, 30.0), block([0.0, 60.0], [-15.0, 0.0], [-20.0, 0.0]), 0.1);
    let straight = steady(setup(), 30.0, 33.0, 5000.0);
    let mut truth = Truth::new(setup()).expect("valid");
    // The last evaluation falls on the remainder, which leads aside by 45°.
    let (near_end, end) = ([29.9999, 0.0, -5.0], [30.0001, 0.0002, -5.0]);
    truth.cut(&feed([-15.0, 0.0, -5.0], near_end, 33.0, 5000.0));
    truth.cut(&feed(near_end, end, 33.0, 5000.0));
    near("peak", truth.load().force_peak_xy.as_n(), straight.force_peak_xy.as_n(), 0.01);
    near("power", truth.load().power.as_w(), straight.power.as_w(), 0.01);
}

#[test]
fn mirrored_cuts_carry_mirrored_forces() {
    let stock = || block([0.0, 60.0], [-15.0, 0.0], [-20.0, 0.0]);
    let mirrored = block([0.0, 60.0], [0.0, 15.0], [-20.0, 0.0]);
    let cutter = || tool(1, CutterShape::Flat, 20.0, 4, 30.0);
    let right = steady(exact(cutter(), stock(), 0.1), 30.0, 33.0, 5000.0);
    let left = steady(exact(cutter(), mirrored, 0.1), 30.0, 33.0, -5000.0);
    near("peak", left.force_peak_xy.as_n(), right.force_peak_xy.as_n(), 0.01);
    near("power", left.power.as_w(), right.power.as_w(), 0.01);
}

#[test]
fn runout_raises_the_peak_and_keeps_the_chip() {
    let stock = || block([0.0, 60.0], [-15.0, 15.0], [-20.0, 0.0]);
    let setup = |runout_mm| TruthSetup {
        runout: Length::mm(runout_mm),
        ..exact(tool(1, CutterShape::Flat, 20.0, 4, 30.0), stock(), 0.1)
    };
    let plain = steady(setup(0.0), 20.0, 2000.0 / 60.0, 5000.0);
    let eccentric = steady(setup(0.010), 20.0, 2000.0 / 60.0, 5000.0);
    // The same volume goes in the same time, so the cutting part of the mean stays; the peak does not.
    near("torque", eccentric.torque.as_n_m(), plain.torque.as_n_m(), 0.02);
    let ratio = eccentric.force_peak_xy / plain.force_peak_xy;
    assert!((1.03..1.2).contains(&ratio), "peak with runout is {ratio} times the one without");
}

/// A tooth that is longer by more than the feed takes the whole chip: the load of one flute, not of two.
#[test]
fn great_runout_leaves_one_flute_to_cut() {
    let stock = || block([0.0, 40.0], [-15.0, 15.0], [-20.0, 0.0]);
    let law = TrueLaw::Mechanistic(SixCoefficients {
        k_te_n_mm: 0.0,
        k_re_n_mm: 0.0,
        k_ae_n_mm: 0.0,
        ..match AL7050 {
            TrueLaw::Mechanistic(six) => six,
            TrueLaw::Kienzle { .. } => unreachable!("the table above is mechanistic"),
        }
    });
    let two =
        TruthSetup { runout: Length::mm(0.2), law, ..exact(tool(1, CutterShape::Flat, 10.0, 2, 30.0), stock(), 0.1) };
    let one = TruthSetup { law, ..exact(tool(1, CutterShape::Flat, 10.0, 1, 30.0), stock(), 0.1) };
    let (two, one) = (steady(two, 20.0, 10.0, 6000.0), steady(one, 20.0, 10.0, 6000.0));
    near("peak", two.force_peak_xy.as_n(), one.force_peak_xy.as_n(), 0.01);
    near("torque", two.torque.as_n_m(), one.torque.as_n_m(), 0.01);
}

/// P = k_c·MRR for a law in proportion to the chip area, whatever the cutter (conservation of volume).
#[test]
fn power_is_specific_force_times_removed_volume_for_every_shape() {
    let k_n_mm2 = 1000.0;
    let law = TrueLaw::Kienzle { k_c11_n_mm2: k_n_mm2, m_c: 0.0, radial_ratio: 0.3, axial_ratio: 0.2 };
    let check = |shape: CutterShape, from: [f64; 3], to: [f64; 3], tolerance: f64| {
        let stock = block([0.0, 60.0], [-15.0, 3.0], [-20.0, 0.0]);
        let setup = TruthSetup { law, ..exact(tool(1, shape, 10.0, 3, 30.0), stock, 0.05) };
        let mut truth = Truth::new(setup).expect("valid");
        let mut sum_w_s = 0.0;
        let motion = feed(from, to, 10.0, 6000.0);
        let pieces = 400;
        for piece in 0..pieces {
            let at = |piece: i32| motion.from + (motion.to - motion.from) * (f64::from(piece) / f64::from(pieces));
            let part =
                ToolMotion { from: at(piece), to: at(piece + 1), time: motion.time / f64::from(pieces), ..motion };
            sum_w_s += truth.cut(&part).power.as_w() * part.time.as_s();
        }
        truth.cut(&ToolMotion { from: motion.to, to: motion.to, ..motion });
        let expected_w_s = k_n_mm2 * truth.counters().removed.as_mm3() * 1e-3;
        assert!(expected_w_s > 1.0, "{shape:?} cuts");
        near(&format!("{shape:?} from {from:?}"), sum_w_s, expected_w_s, tolerance);
    };
    let cone = CutterShape::Cone { point_angle: Angle::rad(std::f64::consts::FRAC_PI_2) };
    for shape in [CutterShape::Flat, CutterShape::Ball, CutterShape::BullNose { corner_radius: Length::mm(2.0) }, cone]
    {
        check(shape, [-8.0, 0.0, -3.0], [30.0, 0.0, -3.0], 0.005);
        // A ramp, and a plunge.
        check(shape, [10.0, -6.0, 0.0], [40.0, -6.0, -3.0], 0.015);
        check(shape, [20.0, -6.0, 0.5], [20.0, -6.0, -6.0], 0.03);
    }
}

#[test]
fn the_stock_loses_what_the_counters_say() {
    let stock = block([0.0, 20.0], [0.0, 20.0], [-10.0, 0.0]);
    let mut ensemble = TruthEnsemble::new(exact(tool(1, CutterShape::Ball, 6.0, 2, 30.0), stock, 0.1)).expect("valid");
    let before_mm3 = ensemble.volume_mm3();
    near("a box", before_mm3, 4000.0, 1e-6);
    let mut rng = Rng::new(3);
    let mut at = [10.0, 10.0, -1.0];
    for _ in 0..40 {
        let next = [rng.between(-2.0, 22.0), rng.between(-2.0, 22.0), rng.between(-4.0, 1.0)];
        ensemble.cut(&feed(at, next, 20.0, 9000.0), &mut |_| ());
        at = next;
    }
    ensemble.cut(&feed(at, at, 20.0, 9000.0), &mut |_| ());
    let gone_mm3 = ensemble.counters().removed.as_mm3();
    assert!(gone_mm3 > 500.0);
    near("volume", before_mm3 - ensemble.volume_mm3(), gone_mm3, 1e-4);
}

#[test]
fn cut_through_air_beside_and_above_is_nothing() {
    let stock =
        TrueStock::Cylinder { base: Point::new(0.0, 0.0, -10.0), diameter: Length::mm(20.0), height: Length::mm(10.0) };
    let mut truth = Truth::new(exact(tool(1, CutterShape::Flat, 10.0, 4, 30.0), stock, 0.1)).expect("valid");
    for motion in [
        feed([-30.0, 0.0, 0.0], [30.0, 0.0, 0.0], 30.0, 5000.0),
        feed([-30.0, 15.5, -5.0], [30.0, 15.5, -5.0], 30.0, 5000.0),
        // The corner of the bounding box holds nothing.
        feed([-13.0, -20.0, -5.0], [-13.0, -13.0, -5.0], 30.0, 5000.0),
        feed([-30.0, 0.0, -15.0], [-15.5, 0.0, -15.0], 30.0, 5000.0),
    ] {
        assert_eq!(truth.cut(&motion).force_peak_xy.as_n(), 0.0, "{motion:?}");
    }
    assert_eq!((truth.counters().in_material, truth.counters().removed.as_mm3()), (0, 0.0));
    // Below the underside there is nothing to cut either: a through cut feels the height of the stock only.
    let load = truth.cut(&feed([-30.0, 0.0, -15.0], [0.0, 0.0, -15.0], 30.0, 5000.0));
    assert!(load.power.as_w() > 0.0);
}

#[test]
fn a_surface_of_two_triangles_is_the_box_it_bounds() {
    let corner = |x: f64, y: f64, z: f64| Point::new(x, y, z);
    let top = vec![
        [corner(0.0, -15.0, 0.0), corner(60.0, -15.0, 0.0), corner(60.0, 15.0, 0.0)],
        [corner(0.0, -15.0, 0.0), corner(60.0, 15.0, 0.0), corner(0.0, 15.0, 0.0)],
        [corner(0.0, -15.0, -20.0), corner(60.0, -15.0, -20.0), corner(60.0, 15.0, -20.0)],
    ];
    let cutter = || tool(1, CutterShape::Flat, 20.0, 4, 30.0);
    let boxed = steady(exact(cutter(), block([0.0, 60.0], [-15.0, 15.0], [-20.0, 0.0]), 0.2), 20.0, 33.0, 5000.0);
    let meshed = steady(exact(cutter(), TrueStock::Surface(top), 0.2), 20.0, 33.0, 5000.0);
    assert_eq!(meshed, boxed);
}

#[test]
fn seeds_differ_within_the_spread_and_one_of_many_is_the_one_alone() {
    let stock = block([0.0, 60.0], [-15.0, 15.0], [-20.0, 0.0]);
    let setup = TruthSetup {
        spread: 0.10,
        noise: 0.01,
        runout: Length::mm(0.010),
        seeds: (0..20).collect(),
        ..exact(tool(1, CutterShape::Flat, 20.0, 4, 30.0), stock, 0.2)
    };
    let motion = feed([-15.0, 0.0, -5.0], [20.0, 0.0, -5.0], 2000.0 / 60.0, 5000.0);
    let mut ensemble = TruthEnsemble::new(setup.clone()).expect("valid");
    let mut count = 0;
    ensemble.cut(&motion, &mut |evaluation| count += evaluation.loads.len());
    assert_eq!(count, 20 * 349);
    for seed in [0, 7, 19] {
        let mut alone = Truth::new(TruthSetup { seeds: vec![seed], ..setup.clone() }).expect("valid");
        alone.cut(&motion);
        assert_eq!(alone.load(), ensemble.loads()[seed as usize], "seed {seed}");
    }
    let nominal = steady(TruthSetup { spread: 0.0, noise: 0.0, ..setup }, 20.0, 2000.0 / 60.0, 5000.0);
    let ratios: Vec<f64> = ensemble.loads().iter().map(|load| load.force_peak_xy / nominal.force_peak_xy).collect();
    let (low, high) = ratios.iter().fold((9.0f64, 0.0f64), |(low, high), ratio| (low.min(*ratio), high.max(*ratio)));
    assert!(low > 0.87 && high < 1.13 && high - low > 0.08, "{ratios:?}");
}

#[test]
fn a_disturbance_acts_from_its_place_on() {
    let stock = || block([0.0, 60.0], [-15.0, 15.0], [-20.0, 0.0]);
    let starts = [DisturbanceStart::Travel(Length::mm(30.0)), DisturbanceStart::Time(Seconds::s(1.0))];
    for from in starts {
        let disturbances = vec![Disturbance { from, factor: 1.3 }];
        let setup = TruthSetup { disturbances, ..exact(tool(1, CutterShape::Flat, 20.0, 4, 30.0), stock(), 0.2) };
        let mut disturbed = Truth::new(setup).expect("valid");
        let mut plain = Truth::new(exact(tool(1, CutterShape::Flat, 20.0, 4, 30.0), stock(), 0.2)).expect("valid");
        for piece in 0..40 {
            let at = |piece: i32| [-15.0 + f64::from(piece), 0.0, -5.0];
            let motion = feed(at(piece), at(piece + 1), 30.0, 5000.0);
            let ratio = disturbed.cut(&motion).power.as_w() / plain.cut(&motion).power.as_w().max(1e-9);
            if piece < 29 {
                assert!(ratio < 1.0 + 1e-9, "{from:?} at piece {piece}: {ratio}");
            } else if piece > 31 {
                assert!((ratio - 1.3).abs() < 1e-6, "{from:?} at piece {piece}: {ratio}");
            }
        }
    }
}

#[test]
fn setups_that_make_no_sense_are_refused() {
    let good = || exact(tool(1, CutterShape::Flat, 20.0, 4, 30.0), block([0.0, 1.0], [0.0, 1.0], [0.0, 1.0]), 0.1);
    let unknown_flutes = Tool { flutes: None, ..tool(1, CutterShape::Flat, 20.0, 4, 30.0) };
    let cases = [
        TruthSetup { seeds: Vec::new(), ..good() },
        TruthSetup { spread: 1.0, ..good() },
        TruthSetup { noise: f64::NAN, ..good() },
        TruthSetup { cell: Length::mm(0.0), ..good() },
        TruthSetup { cell: Length::mm(1e-5), ..good() },
        TruthSetup { stock: block([0.0, 0.0], [0.0, 1.0], [0.0, 1.0]), ..good() },
        TruthSetup { stock: TrueStock::Surface(Vec::new()), ..good() },
        TruthSetup { tools: vec![unknown_flutes], ..good() },
        TruthSetup { evaluate_every: Length::ZERO, ..good() },
        TruthSetup {
            law: TrueLaw::Kienzle { k_c11_n_mm2: 700.0, m_c: 1.0, radial_ratio: 0.3, axial_ratio: 0.2 },
            ..good()
        },
    ];
    for setup in cases {
        assert!(Truth::new(setup.clone()).is_err(), "{setup:?}");
    }
    assert!(Truth::new(good()).is_ok());
}

#[test]
fn what_cannot_be_judged_is_counted() {
    let stock = block([0.0, 20.0], [-15.0, 15.0], [-20.0, 0.0]);
    let mut truth = Truth::new(exact(tool(1, CutterShape::Flat, 10.0, 4, 30.0), stock, 0.2)).expect("valid");
    let unknown = ToolMotion { tool: Some(ToolNumber(9)), ..feed([-10.0, 0.0, -2.0], [30.0, 0.0, -2.0], 20.0, 5000.0) };
    assert_eq!(truth.cut(&unknown), CutLoad::default());
    assert_eq!((truth.counters().unknown_tool, truth.counters().removed.as_mm3()), (1, 0.0));
    assert_eq!(truth.cut(&feed([-10.0, 0.0, -2.0], [30.0, 0.0, -2.0], 20.0, 0.0)), CutLoad::default());
    assert!(truth.counters().spindle_stopped > 100 && truth.counters().removed.as_mm3() > 300.0);
    // At rest in material nothing is cut.
    assert!(truth.cut(&feed([30.0, 0.0, -4.0], [10.0, 0.0, -4.0], 20.0, 5000.0)).power.as_w() > 0.0);
    let rest = ToolMotion { time: Seconds::s(0.001), ..feed([10.0, 0.0, -4.0], [10.0, 0.0, -4.0], 20.0, 5000.0) };
    assert_eq!(truth.cut(&rest), CutLoad::default());
}

//! The estimator against a meter that is modelled apart: exact filter, whole steps, drifting idle.

use shared::det::{Rng, math};

use super::*;

const MODEL: SignalModel =
    SignalModel { filter_s: 0.3, step_w: 110.0, efficiency: 0.85, prediction_share: 0.03, idle_share: 0.05 };

const TENTH_S: f64 = 0.1;
const IDLE_W: f64 = 300.0;
const LOST: LostTooth = LostTooth { power_ratio: 0.912, peak_ratio: 1.568 };

/// A meter that is advanced in closed form over tenths of a second.
struct Meter {
    filtered_w: f64,
    drift: f64,
}

impl Meter {
    fn new(drift: f64) -> Self {
        Self { filtered_w: IDLE_W, drift }
    }

    fn read(&mut self, cut_w: f64) -> f64 {
        let now_w = IDLE_W * (1.0 + self.drift) + cut_w / MODEL.efficiency;
        self.filtered_w = now_w + (self.filtered_w - now_w) * math::exp(-TENTH_S / MODEL.filter_s);
        (self.filtered_w / MODEL.step_w).round() * MODEL.step_w
    }
}

fn estimator() -> Estimator {
    let mut estimator = Estimator::new(MODEL, Thresholds::CHOSEN);
    estimator.begin_use(Some(ToolNumber(1)));
    estimator
}

/// One reading: predicted powers, and what the cut really takes.
fn step(estimator: &mut Estimator, meter: &mut Meter, [cutting_w, edge_w]: [f64; 2], true_w: f64) -> Option<Alarm> {
    estimator.pass(&Stretch { cutting_w, edge_w, skin_per_mm: 0.0, idle_w: IDLE_W, time_s: TENTH_S });
    estimator.measure(meter.read(true_w), &|| Some(LOST))
}

fn air(estimator: &mut Estimator, meter: &mut Meter, seconds: usize) -> Vec<Alarm> {
    (0..seconds * 10).filter_map(|_| step(estimator, meter, [0.0; 2], 0.0)).collect()
}

#[test]
fn factors_off_by_thirty_per_cent_are_found_within_eight_after_thirty_seconds() {
    for (factor, drift) in [(0.7, 0.05), (1.3, -0.05), (1.3, 0.05), (0.7, -0.05)] {
        let (mut estimator, mut meter) = (estimator(), Meter::new(drift));
        assert!(air(&mut estimator, &mut meter, 6).is_empty());
        for tenth in 0..300 {
            // A cut that comes and goes in strength, as real ones do.
            let whole_w = if tenth / 50 % 2 == 0 { 2400.0 } else { 1500.0 };
            let parts = [0.65 * whole_w, 0.35 * whole_w];
            step(&mut estimator, &mut meter, parts, factor * whole_w);
        }
        let found = estimator.estimate().expect("it was observable");
        assert!(found.is_settled, "{found:?}");
        for part in [found.cutting, found.edge, found.power] {
            assert!((part / factor - 1.0).abs() < 0.08, "factor {factor}, drift {drift}: {found:?}");
        }
        assert!(estimator.raise(Some(ToolNumber(1))) >= 1.0);
    }
}

#[test]
fn what_is_not_above_idle_teaches_nothing() {
    let (mut estimator, mut meter) = (estimator(), Meter::new(0.0));
    for _ in 0..3000 {
        assert_eq!(step(&mut estimator, &mut meter, [60.0, 20.0], 200.0), None);
    }
    assert_eq!(estimator.estimate(), None);
    assert_eq!(estimator.raise(Some(ToolNumber(1))), 1.0);
}

#[test]
fn a_lost_tooth_raises_the_loads_though_the_power_falls() {
    let (mut estimator, mut meter) = (estimator(), Meter::new(0.03));
    air(&mut estimator, &mut meter, 6);
    let parts = [2000.0, 1000.0];
    for _ in 0..600 {
        assert_eq!(step(&mut estimator, &mut meter, parts, 3000.0), None);
    }
    let before = estimator.raise(Some(ToolNumber(1)));
    // A meter without noise stands on its step, and is the slowest to tell.
    let (tenth, alarm) = (0..1200)
        .find_map(|tenth| Some((tenth, step(&mut estimator, &mut meter, parts, 3000.0 * LOST.power_ratio)?)))
        .expect("it is found");
    assert!(tenth <= 900, "found after {tenth} tenths of a second");
    assert_eq!(alarm.symptom, Symptom::Fall);
    assert!(alarm.hypotheses.has(Hypothesis::FluteLoss) && alarm.hypotheses.are_indistinguishable(), "{alarm:?}");
    assert!(alarm.raise >= LOST.peak_ratio && before < 1.1, "{before} {alarm:?}");
    // And nothing that follows takes it back, the same tool taken again neither.
    for _ in 0..600 {
        step(&mut estimator, &mut meter, parts, 1500.0);
    }
    estimator.begin_use(Some(ToolNumber(2)));
    estimator.begin_use(Some(ToolNumber(1)));
    assert!(estimator.raise(Some(ToolNumber(1))) >= alarm.raise);
    // The operator arms the next part: the tool has been changed, and a new use begins afresh.
    estimator.begin_job();
    estimator.begin_use(Some(ToolNumber(1)));
    assert_eq!(estimator.raise(Some(ToolNumber(1))), 1.0);
}

#[test]
fn power_in_predicted_air_and_none_in_a_predicted_cut_are_found() {
    let (mut estimator, mut meter) = (estimator(), Meter::new(0.0));
    air(&mut estimator, &mut meter, 20);
    let found = (0..300).find_map(|_| step(&mut estimator, &mut meter, [0.0; 2], 700.0)).expect("load in air");
    assert_eq!(found.symptom, Symptom::LoadInAir);
    assert!(found.hypotheses.has(Hypothesis::WrongStock));
    let (mut estimator, mut meter) = (self::estimator(), Meter::new(0.0));
    air(&mut estimator, &mut meter, 6);
    let parts = [2000.0, 1000.0];
    (0..300).for_each(|_| assert_eq!(step(&mut estimator, &mut meter, parts, 3000.0), None));
    let found = (0..300).find_map(|_| step(&mut estimator, &mut meter, parts, 0.0)).expect("air in a cut");
    assert_eq!(found.symptom, Symptom::AirInCut);
}

#[test]
fn a_tool_taken_again_begins_at_what_was_learned_and_never_below_the_material_data() {
    let (mut estimator, mut meter) = (estimator(), Meter::new(0.0));
    let tool = Some(ToolNumber(1));
    air(&mut estimator, &mut meter, 6);
    let cut = |estimator: &mut Estimator, meter: &mut Meter, factor: f64, tenths: usize| {
        for _ in 0..tenths {
            assert_eq!(step(estimator, meter, [2000.0, 1000.0], 3000.0 * factor), None);
        }
    };
    cut(&mut estimator, &mut meter, 1.15, 600);
    let learned = estimator.estimate().expect("settled").power;
    assert!((learned - 1.15).abs() < 0.03, "{learned}");
    assert!(estimator.raise(tool) >= learned);
    estimator.begin_use(Some(ToolNumber(2)));
    assert_eq!(estimator.raise(Some(ToolNumber(2))), 1.0);
    estimator.begin_use(tool);
    assert_eq!(estimator.raise(tool), learned);
    let soft = [2000.0, 1000.0];
    let (mut estimator, mut meter) = (self::estimator(), Meter::new(0.0));
    for _ in 0..600 {
        assert_eq!(step(&mut estimator, &mut meter, soft, 3000.0 * 0.9), None);
    }
    estimator.begin_use(tool);
    assert_eq!(estimator.raise(tool), 1.0);
}

#[test]
fn within_a_use_the_factor_on_loads_never_falls_whatever_is_measured() {
    for seed in 0..200 {
        let mut rng = Rng::new(seed);
        let (mut estimator, mut meter) = (estimator(), Meter::new(rng.between(-0.05, 0.05)));
        let (mut parts, mut factor, mut raise) = ([0.0; 2], 1.0, 1.0);
        for _ in 0..2000 {
            if rng.chance(0.02) {
                let whole_w = if rng.chance(0.3) { 0.0 } else { rng.between(0.0, 6000.0) };
                parts = [0.7 * whole_w, 0.3 * whole_w];
            }
            if rng.chance(0.005) {
                factor = rng.between(0.0, 2.0);
            }
            if rng.chance(0.002) {
                estimator.restart();
            }
            step(&mut estimator, &mut meter, parts, factor * (parts[0] + parts[1]));
            let now = estimator.raise(Some(ToolNumber(1)));
            assert!((1.0..=RAISE_MAX).contains(&now) && now >= raise, "seed {seed}: {now} after {raise}");
            raise = now;
        }
    }
}

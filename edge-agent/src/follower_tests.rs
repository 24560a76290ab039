//! Merging chunks into what is held.

use super::*;
use shared::det::Rng;
use shared::ident::{Digest, Epoch};

fn envelope() -> Envelope {
    Envelope {
        factor_min: permille(100),
        factor_max: Override::PROGRAMMED,
        step_permille: 1,
        slew_per_s: 1.0,
        reach_max: Length::mm(1000.0),
    }
}

fn permille(value: u16) -> Override {
    Override::from_permille(value).expect("in range")
}

fn plan(spans: &[(f64, f64, u16)]) -> OverridePlan {
    let span = |&(from_mm, to_mm, factor): &(f64, f64, u16)| Span {
        from: Station::from_mm(from_mm),
        to: Station::from_mm(to_mm),
        factor: permille(factor),
        binding: Binding::plain(Reason::ForcePeak),
    };
    OverridePlan::new(spans.iter().map(span).collect()).expect("contiguous")
}

fn admitted(sequence: u64) -> Admitted {
    Admitted {
        sequence: PlanSequence(sequence),
        time_to_live: Duration::from_ms(100),
        basis_sent_at: Instant::ORIGIN,
        deadline: Deadline::at(Instant::ORIGIN.after(Duration::from_ms(100))),
    }
}

fn bounds(behind_mm: f64, commit_mm: f64) -> MergeBounds {
    MergeBounds {
        behind: Station::from_mm(behind_mm),
        commit_end: Station::from_mm(commit_mm),
        reach_end: Station::from_mm(1000.0),
    }
}

fn merge(follower: &mut Follower, chunk: &[(f64, f64, u16)], bounds: MergeBounds) -> Merge {
    let chunk = plan(chunk);
    let merge = follower.merge(Instant::ORIGIN, chunk.view(), bounds, &envelope());
    follower.swap(admitted(1));
    merge
}

fn factor_at(follower: &Follower, mm: f64) -> u16 {
    follower.held(Instant::ORIGIN).at(Station::from_mm(mm)).factor.permille()
}

const BASELINE: &[(f64, f64, u16)] = &[(0.0, 500.0, 600), (500.0, 2000.0, 700)];

fn with_baseline() -> Follower {
    let mut follower = Follower::new(Override::PROGRAMMED);
    let part = part(0, 1, BASELINE);
    assert!(follower.handle_part(part, context(), Station::from_mm(2000.0)));
    follower
}

fn context() -> ContextDigest {
    ContextDigest(Digest::of(b"context"))
}

fn part(index: u32, count: u32, spans: &[(f64, f64, u16)]) -> BaselinePart {
    BaselinePart { epoch: Epoch(1), context: context(), index, count, plan: plan(spans) }
}

#[test]
fn inside_the_commit_distance_only_slower_is_taken() {
    let mut follower = with_baseline();
    let first = merge(&mut follower, &[(0.0, 50.0, 900), (50.0, 100.0, 300)], bounds(0.0, 20.0));
    assert_eq!(first, Merge { clamped: true, taken: true });
    assert_eq!([10.0, 20.0, 60.0, 150.0].map(|mm| factor_at(&follower, mm)), [600, 900, 300, 600]);
    let second = merge(&mut follower, &[(10.0, 200.0, 800)], bounds(30.0, 60.0));
    assert_eq!(second, Merge { clamped: true, taken: true });
    assert_eq!([35.0, 55.0, 70.0, 199.0].map(|mm| factor_at(&follower, mm)), [800, 300, 800, 800]);
    let slower = merge(&mut follower, &[(30.0, 50.0, 200)], bounds(30.0, 60.0));
    assert_eq!(slower, Merge { clamped: false, taken: true });
    assert_eq!([35.0, 55.0, 199.0].map(|mm| factor_at(&follower, mm)), [200, 300, 800], "the rest is kept");
    let faster = follower.merge(Instant::ORIGIN, plan(&[(30.0, 50.0, 900)]).view(), bounds(30.0, 60.0), &envelope());
    assert_eq!(faster, Merge { clamped: true, taken: false }, "nothing but a raise inside the commit distance");
}

#[test]
fn a_gap_before_a_chunk_is_filled_with_the_baseline_and_never_guessed() {
    let mut follower = with_baseline();
    merge(&mut follower, &[(100.0, 200.0, 900)], bounds(0.0, 10.0));
    assert_eq!([50.0, 99.0, 100.0, 200.0].map(|mm| factor_at(&follower, mm)), [600, 600, 900, 600]);
    let mut bare = Follower::new(Override::PROGRAMMED);
    merge(&mut bare, &[(100.0, 200.0, 400)], bounds(0.0, 10.0));
    assert_eq!([50.0, 150.0, 250.0].map(|mm| factor_at(&bare, mm)), [1000, 400, 1000]);
}

#[test]
fn the_envelope_and_the_reach_cut() {
    let mut follower = with_baseline();
    let merge = merge(&mut follower, &[(0.0, 50.0, 50), (50.0, 60.0, 0), (60.0, 1500.0, 650)], bounds(0.0, 10.0));
    assert_eq!(merge, Merge { clamped: true, taken: true });
    assert_eq!([20.0, 55.0, 900.0, 1200.0].map(|mm| factor_at(&follower, mm)), [100, 0, 650, 700]);
}

#[test]
fn h7_an_expired_plan_is_no_longer_held_nor_merged() {
    let mut follower = with_baseline();
    merge(&mut follower, &[(0.0, 400.0, 200)], bounds(0.0, 0.0));
    let late = Instant::ORIGIN.after(Duration::from_ms(100));
    assert!(!follower.is_fresh(late) && follower.is_fresh(Instant::ORIGIN.after(Duration::from_ms(99))));
    assert_eq!(follower.held(late).at(Station::from_mm(10.0)).factor.permille(), 600);
    follower.merge(late, plan(&[(50.0, 60.0, 500)]).view(), bounds(0.0, 10.0), &envelope());
    follower.swap(Admitted { deadline: Deadline::at(late.after(Duration::from_ms(1))), ..admitted(2) });
    let held = follower.held(late);
    assert_eq!(held.at(Station::from_mm(10.0)).factor.permille(), 600, "the old plan was not carried over");
    assert_eq!(held.at(Station::from_mm(300.0)).factor.permille(), 600);
}

#[test]
fn the_baseline_is_assembled_in_order_and_must_cover_the_path() {
    let mut follower = Follower::new(Override::PROGRAMMED);
    let end = Station::from_mm(30.0);
    let parts = [part(0, 3, &[(0.0, 10.0, 500)]), part(1, 3, &[(10.0, 20.0, 600)]), part(2, 3, &[(20.0, 30.0, 700)])];
    assert!(!follower.handle_part(parts[1].clone(), context(), end));
    assert_eq!(follower.parts_have(), 0);
    assert!(!follower.handle_part(parts[0].clone(), context(), end));
    assert!(!follower.handle_part(parts[0].clone(), context(), end), "a repeated part changes nothing");
    assert!(!follower.handle_part(parts[2].clone(), context(), end));
    assert_eq!(follower.parts_have(), 1);
    assert!(!follower.handle_part(parts[1].clone(), context(), end));
    let foreign = BaselinePart { context: ContextDigest(Digest::of(b"other")), ..parts[2].clone() };
    assert!(!follower.handle_part(foreign, context(), end));
    assert!(follower.handle_part(parts[2].clone(), context(), end));
    assert_eq!(factor_at(&follower, 25.0), 700);
    let mut short = Follower::new(Override::PROGRAMMED);
    assert!(!short.handle_part(part(0, 1, &[(0.0, 29.0, 500)]), context(), end));
    assert_eq!(factor_at(&short, 5.0), 1000);
}

#[test]
fn inv3_random_merges_never_raise_inside_the_commit_distance_and_stay_contiguous() {
    let mut rng = Rng::new(3);
    let mut follower = with_baseline();
    for round in 0..400 {
        let behind_mm = rng.between(0.0, 300.0);
        let bounds = bounds(behind_mm, behind_mm + rng.between(0.0, 80.0));
        let mut at_mm = rng.between(0.0, 300.0);
        let spans: Vec<_> = (0..=rng.below(300))
            .map(|_| {
                let from_mm = at_mm;
                at_mm += rng.between(0.01, 5.0);
                (from_mm, at_mm, rng.below(1001) as u16)
            })
            .collect();
        let probes: Vec<_> = (0..200).map(|_| rng.between(behind_mm, bounds.commit_end.as_mm())).collect();
        let before: Vec<_> = probes.iter().map(|mm| factor_at(&follower, *mm)).collect();
        merge(&mut follower, &spans, bounds);
        for (mm, before) in probes.iter().zip(before) {
            assert!(factor_at(&follower, *mm) <= before, "round {round} at {mm} mm");
        }
        let held = follower.held(Instant::ORIGIN).plan.expect("fresh").spans();
        assert!(PlanView::new(held).is_ok() && held.len() <= PLAN_SPANS_MAX, "round {round}");
    }
}

#[test]
fn a_full_buffer_joins_at_the_lower_factor() {
    let mut spans = Vec::new();
    let at = |i: u64| Station::from_nm(i);
    for i in 0..PLAN_SPANS_MAX as u64 + 100 {
        let factor = permille(if i == PLAN_SPANS_MAX as u64 + 50 { 77 } else { 500 + (i % 2) as u16 });
        append(&mut spans, at(i), at(i + 1), factor, Binding::plain(Reason::ForcePeak));
    }
    assert_eq!(spans.len(), PLAN_SPANS_MAX);
    let last = spans.last().expect("full");
    assert_eq!((last.factor, last.to), (permille(77), at(PLAN_SPANS_MAX as u64 + 100)));
}

//! Eight at once on one pool: their order, and their share of the work, counted in segments.

use std::collections::BTreeMap;

use cloud_sim::ahead::{Ahead, MapChoice};
use cloud_sim::executor::Serial;
use cloud_sim::sweep::Workpiece;
use cloud_sim::turns::next_in_turn;
use cloud_sim::workers::Workers;
use shared::budget::WorkAllowance;
use shared::motion::Station;

use crate::cancel::job;

/// Segments of one turn.
const SLICE: u32 = 7;

#[test]
fn eight_sessions_on_one_pool_keep_their_order_and_share() {
    let (job, sources) = job();
    let choice = MapChoice { cell_mm: Some(0.2), memory_max_bytes: 1 << 28 };
    let (start, _) = Ahead::new(&job, &sources, choice, &Serial).expect("a plain box");
    let mut alone = start.clone();
    alone.extend(Station::MAX, WorkAllowance(u32::MAX), &Serial, &mut |_| {});
    let end = alone.map().digest();

    let workers = Workers::new(2).expect("two threads");
    let mut sessions: BTreeMap<u32, (Ahead, u32)> = (0..8).map(|name| (name, (start.clone(), 0))).collect();
    let (mut last, mut finished, mut turns) = (None, Vec::new(), 0);
    while let Some(next) = next_in_turn(&sessions, last.as_ref(), |(ahead, _)| !ahead.is_complete()) {
        let (ahead, done) = sessions.get_mut(&next).expect("one of the eight");
        ahead.extend(Station::MAX, WorkAllowance(SLICE), &workers, &mut |_| *done += 1);
        if ahead.is_complete() {
            assert_eq!(ahead.map().digest(), end, "session {next}: as if it were alone");
            finished.push(next);
        }
        turns += 1;
        last = Some(next);
        if finished.is_empty() {
            let share = sessions.values().map(|(_, done)| *done);
            let (least, most) = (share.clone().min().unwrap_or(0), share.max().unwrap_or(0));
            assert!(most - least <= SLICE, "turn {turns}: {least} to {most} segments");
        }
    }
    assert_eq!(finished, [0, 1, 2, 3, 4, 5, 6, 7], "in their order");
    assert!(turns > 8 * 10, "{turns} turns");
    assert!(workers.jobs_per_worker().iter().all(|jobs| *jobs > 0), "both threads worked");
}

#[test]
fn who_has_nothing_to_do_is_passed_over() {
    let all: BTreeMap<u32, bool> = [(1, true), (2, false), (3, true), (4, false)].into();
    let next = |last: Option<u32>| next_in_turn(&all, last.as_ref(), |working| *working);
    assert_eq!([next(None), next(Some(1)), next(Some(3)), next(Some(9))], [Some(1), Some(3), Some(1), Some(1)]);
    assert_eq!(next_in_turn(&BTreeMap::from([(1, false)]), None, |working| *working), None);
}

//! The emulated link under the real stacks: known answers, repeatable draws, partitions.
//!
//! Needs root and /dev/net/tun; where that is missing the tests say so and pass, except under `CI=true`.
#![cfg(feature = "live")]

use std::collections::BTreeMap;
use std::path::PathBuf;

use benches::emulator::{Emulator, EmulatorError, ForwarderEnd, Noted, PacketStamp, Side};
use benches::handoff::arms::Arm;
use benches::handoff::host::RealTime;
use benches::handoff::series::quantile;
use benches::handoff::transport::{ArmResult, Places, TransportPlan, measure, stages};
use scenarios::link::{DelayLaw, LinkProfile, LinkRules, Partition, Way};
use shared::time::Duration;

#[allow(clippy::print_stderr)] // A skip must be seen.
fn start(profile: &LinkProfile, seed: u64) -> Option<Emulator> {
    match Emulator::start(profile, seed, 1500) {
        Ok(emulator) => Some(emulator),
        Err(EmulatorError::NotAllowed { why }) => {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "CI must be able to emulate links: {why}");
            eprintln!("SKIPPED: no emulated link here: {why}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// Sends `count` messages of 256 bytes at 100 Hz through each arm.
fn through(profile: &LinkProfile, seed: u64, arms: &[Arm], count: u64) -> Option<(Vec<ArmResult>, ForwarderEnd)> {
    let emulator = start(profile, seed)?;
    let places = Places {
        edge: emulator.inside(Side::Edge),
        cloud: emulator.inside(Side::Cloud),
        address: Side::Cloud.address().to_string(),
    };
    let plan = TransportPlan {
        arms: arms.to_vec(),
        rate_hz: 100.0,
        count,
        rounds: 1,
        warm_up: 20,
        program: Some(PathBuf::from(env!("CARGO_BIN_EXE_handoff-bench"))),
        transport: "tcp".to_owned(),
        bytes: 256,
        timeout_ns: 1_000_000_000,
        budget_ns: 100_000_000,
    };
    let results = measure(&plan, &places, &RealTime::default(), &mut |_| {}).expect("the arms answer");
    Some((results, emulator.finish()))
}

fn fixed(ms: u64) -> LinkRules {
    LinkRules::new(DelayLaw::Fixed(Duration::from_ms(ms)))
}

#[test]
fn twenty_milliseconds_each_way_are_forty_and_the_loopback() {
    let profile = LinkProfile::symmetric("fixed-20", fixed(20));
    let Some((results, end)) = through(&profile, 1, &[Arm::Udp, Arm::Zenoh], 300) else { return };
    for result in &results {
        let sorted = result.series.sorted_ns();
        assert!(sorted[0] >= 40_000_000, "{}: nothing is faster than the link: {} ns", result.arm.name(), sorted[0]);
        let median = quantile(&sorted, 0.5).expect("300 messages");
        assert!(median < 45_000_000, "{}: p50 is {median} ns", result.arm.name());
        let stages = stages(&result.series, &end.stamps);
        assert!(stages.len() >= 290, "{}: {} of 300 seen both ways", result.arm.name(), stages.len());
        for stages in &stages {
            assert!(stages.up >= 20_000_000 && stages.down >= 20_000_000, "{stages:?}");
        }
    }
}

#[test]
fn a_packet_meets_the_fate_of_its_seed_direction_and_number() {
    let delay = DelayLaw::Uniform { middle: Duration::from_ms(5), half_width: Duration::from_ms(4) };
    let profile = LinkProfile::symmetric("drawn", LinkRules::new(delay).losing(0.1));
    let drawn = |end: &ForwarderEnd| -> BTreeMap<(&'static str, u64), Option<u64>> {
        let delay = |due: u64, entered: u64| (due > 0).then(|| due - entered);
        let entries = end.stamps.entries().iter();
        entries.map(|stamp| ((stamp.way.name(), stamp.number), delay(stamp.due_ns, stamp.entered_ns))).collect()
    };
    let Some((_, first)) = through(&profile, 7, &[Arm::Udp], 100) else { return };
    let Some((_, second)) = through(&profile, 7, &[Arm::Udp], 100) else { return };
    let Some((_, other)) = through(&profile, 8, &[Arm::Udp], 100) else { return };
    let (first, second, other) = (drawn(&first), drawn(&second), drawn(&other));
    let common: Vec<_> = first.keys().filter(|key| second.contains_key(*key)).collect();
    assert!(common.len() > 150, "{} packets in both runs", common.len());
    assert!(common.iter().all(|key| first[*key] == second[*key]), "the same seed, the same fates");
    let same = common.iter().filter(|key| first[**key].is_some() && other.get(**key) == Some(&first[**key])).count();
    assert!(same < 5, "{same} fates are the same under another seed");
}

#[test]
fn a_one_way_partition_loses_what_is_sent_in_it_and_nothing_else() {
    let ms = Duration::from_ms;
    let cut = Partition { at: ms(500), length: ms(400), every: Some(ms(2_000)), way: Some(Way::Down) };
    let profile = LinkProfile { partitions: vec![cut], ..LinkProfile::symmetric("cut", fixed(1)) };
    let Some((results, end)) = through(&profile, 1, &[Arm::Udp], 600) else { return };
    let entries = end.stamps.entries();
    assert!(entries.iter().all(|stamp| stamp.way == Way::Down || stamp.left_ns > 0), "the way up was always open");
    let cut_off = |number: u64| {
        let of_it = |stamp: &&PacketStamp| stamp.way == Way::Down && stamp.noted == Some(Noted::Marked { number });
        entries.iter().find(of_it).is_some_and(|stamp| stamp.left_ns == 0)
    };
    let mut lost = 0;
    for shot in &results[0].series.shots {
        assert_eq!(shot.received_ns.is_none(), cut_off(shot.number), "message {}", shot.number);
        lost += u64::from(shot.received_ns.is_none());
    }
    // Six seconds of messages meet two cuts whole, wherever they begin; four are the most.
    assert!((40..=165).contains(&lost), "{lost} lost");
}

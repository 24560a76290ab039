use firmware_bridge::controller::{Command, Execution};
use firmware_bridge::dialect::grbl::{FeedStep, Flavour, Register, Role, Session, SessionSettings, Taken, Tap};
use firmware_bridge::grbl_emulator::{Emulator, EmulatorConfig, Incident, IncidentKind, Noise};
use shared::det::Rng;
use shared::plan::Override;
use shared::time::{Duration, Instant};

use crate::rig::{FLAVOURS, Rig, settings};

/// A sender that knows nothing of the trap: it counts presses and writes them at once. On grblHAL it has to be one
/// that counts by ones to fall into it: tens hardly ever fill the queue.
fn naive(flavour: Flavour, from: u8, to: u8) -> Vec<u8> {
    let difference = i16::from(to) - i16::from(from);
    let (ten, one) = if difference < 0 { (0x92, 0x94) } else { (0x91, 0x93) };
    let count = usize::from(difference.unsigned_abs());
    match flavour {
        Flavour::Grbl => [vec![ten; count / 10], vec![one; count % 10]].concat(),
        Flavour::GrblHal => vec![one; count],
    }
}

/// A main loop that comes round every 4 ms, so that the pace matters; as fast as USB on grblHAL, so that a burst comes
/// between two of its turns.
fn at(flavour: Flavour, percent: u8) -> EmulatorConfig {
    let byte_time = Duration::from_us(if flavour == Flavour::Grbl { 87 } else { 1 });
    EmulatorConfig {
        byte_time,
        pass: Duration::from_ms(4),
        feed_override: percent,
        ..EmulatorConfig::router(flavour, 8)
    }
}

/// All ordered pairs of 100 random overrides. Up to 100 % we go there by a factor; above it lies only the operator's
/// own value, to which we let go.
#[test]
fn from_any_override_to_any_other_the_reported_value_converges() {
    for flavour in FLAVOURS {
        let mut rng = Rng::new(8);
        let mut values: Vec<u8> = (10..=200).collect();
        while values.len() > 100 {
            values.swap_remove(rng.below(values.len() as u64) as usize);
        }
        let (mut ways, mut bytes, mut worst, mut worst_ms, mut missed) = (0u64, 0, 0, 0, 0);
        for (from, to) in values.iter().flat_map(|from| values.iter().map(move |to| (*from, *to))) {
            if from == to {
                continue;
            }
            let mut settings = settings(flavour);
            settings.overrides.operator_before = Register::new(if to > 100 { to } else { 200 });
            let mut rig = Rig::attached(at(flavour, from), Session::new(settings, Role::Watching(Tap::new())));
            if to <= 100 {
                rig.factor(u16::from(to) * 10, 600_000);
            }
            rig.settle();
            rig.sent.clear();
            let began = rig.now;
            let arrived = rig.run_until(2000, |rig| rig.emulator.feed_override() == to && rig.reported() == Some(to));
            assert!(arrived, "{flavour:?} {from} → {to}: {:?}", rig.session.standing(rig.now));
            assert!(rig.highest_override <= from.max(to), "{flavour:?} {from} → {to} by {}", rig.highest_override);
            assert!(rig.override_spacing_min_ms >= 5.0, "two bytes {} ms apart", rig.override_spacing_min_ms);
            let took_ms = rig.now.since(began).as_ns() / 1_000_000;
            let count = 1 + rig.override_bytes();
            (ways, bytes, worst, worst_ms) = (ways + 1, bytes + count, worst.max(count), worst_ms.max(took_ms));
            assert_eq!((rig.session.standing(rig.now).lost, rig.emulator.bytes_dropped()), (0, 0));
            let mut trapped = Emulator::new(at(flavour, from), Instant::ORIGIN);
            trapped.handle_bytes(Instant::ORIGIN, &naive(flavour, from, to));
            trapped.advance_to(Instant::ORIGIN.after(Duration::from_ms(100)), &mut |_| ());
            missed += u64::from(trapped.feed_override() != to);
        }
        let mean = bytes as f64 / ways as f64;
        eprintln!(
            "{flavour:?}: {ways} ways, {mean:.2} bytes mean, {worst} worst, {worst_ms} ms worst; a naive sender misses {missed}"
        );
        // The shortest ways of all have 6.46 and 15; never to rise above the target costs a sixth of a byte.
        assert!(mean <= 6.65 && worst <= 15, "mean {mean}, worst {worst}");
        assert!(missed * 2 > ways, "the trap is not built in: a naive sender missed only {missed} of {ways}");
    }
}

/// Main loops that stall swallow presses; damaged reports lie. It still arrives, and the operator's value stands.
#[test]
fn it_converges_through_stalls_and_noise() {
    let mut lost = 0;
    for (flavour, seed) in FLAVOURS.into_iter().flat_map(|flavour| (0..20).map(move |seed| (flavour, seed))) {
        let mut rng = Rng::new(seed);
        let busy = |at| Incident { at: Duration::from_ms(at), kind: IncidentKind::Busy(Duration::from_ms(40)) };
        let config = EmulatorConfig {
            noise: Noise { garbled: 0.05, torn: 0.02, inserted: 0.02, swallowed: 0.02, joined: 0.0 },
            incidents: (1..400).map(|index| busy(index * 53)).collect(),
            ..EmulatorConfig::router(flavour, seed)
        };
        let mut rig = Rig::new(config);
        rig.settle();
        for _ in 0..8 {
            let to = 10 + rng.below(91) as u8;
            rig.factor(u16::from(to) * 10, 600_000);
            let arrived = rig.run_until(8000, |rig| rig.emulator.feed_override() == to);
            assert!(
                arrived,
                "{flavour:?} seed {seed}: {:?}, wanted {to}, is {}",
                rig.session.standing(rig.now),
                rig.emulator.feed_override()
            );
        }
        rig.session.let_go();
        let back = rig.run_until(8000, |rig| rig.emulator.feed_override() == 100);
        assert!(back, "{flavour:?} seed {seed}: {:?}", rig.session.standing(rig.now));
        assert!(rig.highest_override <= 100, "{flavour:?} seed {seed}: {} %", rig.highest_override);
        lost += rig.session.standing(rig.now).lost;
    }
    assert!(lost > 20, "only {lost} presses were lost: the stalls prove nothing");
}

fn press(at_ms: u64, step: FeedStep) -> Incident {
    Incident { at: Duration::from_ms(at_ms), kind: IncidentKind::Press(step) }
}

/// H27, and nothing stays slow: min(operator, plan) while we hold, the operator's value after.
#[test]
fn h27_the_operator_wins_downwards_and_gets_back_what_was_set() {
    for flavour in FLAVOURS {
        let presses = vec![
            press(3000, FeedStep::Minus10),
            press(5000, FeedStep::Plus10),
            press(7000, FeedStep::Reset),
            press(9000, FeedStep::Plus10),
        ];
        let mut rig = Rig::new(EmulatorConfig { incidents: presses, ..EmulatorConfig::router(flavour, 3) });
        rig.settle();
        rig.factor(600, 600_000);
        rig.run(2900);
        assert_eq!((rig.emulator.feed_override(), rig.operator()), (60, Some(100)));
        // Lower than we hold: that is the operator's value now, and ours does not go back above it.
        rig.run(2000);
        assert_eq!((rig.emulator.feed_override(), rig.operator()), (50, Some(50)), "{flavour:?}");
        // Up to where we hold.
        rig.run(2000);
        assert_eq!((rig.emulator.feed_override(), rig.operator()), (60, Some(60)), "{flavour:?}");
        // 100 % pressed: the operator's value, while we go on holding 60.
        rig.run(2000);
        assert_eq!((rig.emulator.feed_override(), rig.operator()), (60, Some(100)), "{flavour:?}");
        // +10 at 60 does not make 70 of the operator's 100.
        rig.run(2000);
        assert_eq!((rig.emulator.feed_override(), rig.operator()), (60, Some(100)), "{flavour:?}");
        rig.session.let_go();
        rig.run(2000);
        assert_eq!(rig.emulator.feed_override(), 100, "{flavour:?}");
        assert_eq!(rig.session.standing(rig.now).operator_changes, 4);
    }
}

/// While we hold nothing the register is the operator's, above 100 too, and no byte of ours goes out.
#[test]
fn without_a_command_nothing_is_written() {
    for flavour in FLAVOURS {
        let presses = (0..5).map(|index| press(1000 + 500 * index, FeedStep::Plus10)).collect();
        let mut rig = Rig::new(EmulatorConfig { incidents: presses, ..EmulatorConfig::router(flavour, 3) });
        rig.run(6000);
        assert_eq!((rig.emulator.feed_override(), rig.operator(), rig.override_bytes()), (150, Some(150), 0));
        rig.factor(1000, 600_000);
        rig.run(1000);
        assert_eq!(rig.emulator.feed_override(), 100, "a plan of 1.0 is as programmed");
        rig.session.let_go();
        rig.run(1000);
        assert_eq!(rig.emulator.feed_override(), 150);
    }
}

/// H25 on the sender's side: what is not renewed is given back, at the slew that was set. A killed process cannot.
#[test]
fn h25_a_command_that_is_not_renewed_is_given_back_at_the_slew() {
    for flavour in FLAVOURS {
        let mut settings = settings(flavour);
        settings.overrides.raise_slew_per_s = 0.5;
        let session = Session::new(settings, Role::Watching(Tap::new()));
        let mut rig = Rig::with(EmulatorConfig::router(flavour, 4), session);
        rig.settle();
        rig.factor(400, 1500);
        rig.run(1490);
        assert_eq!(rig.emulator.feed_override(), 40);
        rig.run(600);
        let halfway = rig.emulator.feed_override();
        assert!((60..=80).contains(&halfway), "{flavour:?}: {halfway} after 0.6 s at 0.5/s");
        rig.run(1000);
        assert_eq!(rig.emulator.feed_override(), 100, "{flavour:?}");
        assert!(!settings.flavour.declaration(settings.status_period).capabilities.watchdog);
    }
}

/// H26: overrides switched off by the program are noticed, said, and not hammered at.
#[test]
fn h26_a_controller_that_does_not_obey_is_said_to() {
    let off = |at_ms, off| Incident { at: Duration::from_ms(at_ms), kind: IncidentKind::OverridesOff(off) };
    let incidents = vec![off(1000, true), off(9000, false)];
    let mut rig = Rig::new(EmulatorConfig { incidents, ..EmulatorConfig::router(Flavour::GrblHal, 5) });
    rig.run(1500);
    rig.factor(500, 600_000);
    rig.sent.clear();
    rig.run(5000);
    assert_eq!(rig.sample.and_then(|sample| sample.factor_enabled), Some(false));
    let bytes = rig.override_bytes();
    assert!(bytes < 40, "{bytes} bytes in 5 s at a controller that does not obey");
    rig.run(5000);
    assert_eq!(rig.emulator.feed_override(), 50);
    assert_eq!(rig.sample.and_then(|sample| sample.factor_enabled), Some(true));
}

/// H11: after a reset nothing is wanted any more until it is asked for again.
#[test]
fn h11_a_reset_drops_what_was_wanted() {
    for flavour in FLAVOURS {
        let reset = Incident { at: Duration::from_ms(3000), kind: IncidentKind::PowerCycle };
        let mut rig = Rig::new(EmulatorConfig { incidents: vec![reset], ..EmulatorConfig::router(flavour, 6) });
        rig.settle();
        rig.factor(300, 600_000);
        rig.run(2900);
        assert_eq!(rig.emulator.feed_override(), 30);
        rig.run(3000);
        assert_eq!((rig.emulator.feed_override(), rig.resets, rig.operator()), (100, 2, Some(100)), "{flavour:?}");
    }
}

/// The factor cannot go above programmed, below the range is said, and zero is a hold that a person releases.
#[test]
fn commands_outside_the_range_are_said_to_be() {
    let mut rig = Rig::new(EmulatorConfig::router(Flavour::Grbl, 7));
    rig.settle();
    let command = |permille| Command::Factor {
        factor: Override::from_permille(permille).expect("in range"),
        time_to_live: Duration::from_ms(600_000),
    };
    let lowest = Override::from_permille(100).expect("in range");
    assert_eq!(rig.session.handle_command(rig.now, command(99)), Taken::BelowRange { lowest });
    assert_eq!(rig.session.handle_command(rig.now, command(557)), Taken::Factor);
    rig.run(500);
    assert_eq!(rig.emulator.feed_override(), 55, "rounded down");
    rig.emulator.handle_bytes(rig.now, b"G91G1X100F600\n");
    rig.run(500);
    rig.sent.clear();
    for _ in 0..10 {
        assert_eq!(rig.session.handle_command(rig.now, command(0)), Taken::Hold);
        rig.run(50);
    }
    assert_eq!(rig.sent.iter().filter(|byte| **byte == b'!').count(), 1, "held once, not hammered");
    assert_eq!(rig.sample.and_then(|sample| sample.execution), Some(Execution::FeedHold));
    rig.session.handle_command(rig.now, command(1000));
    rig.run(3000);
    assert!(!rig.sent.contains(&b'~'), "nothing of ours resumes");
    assert_eq!(rig.sample.and_then(|sample| sample.execution), Some(Execution::FeedHold));
}

/// The agent was killed while it held 40; a shell that kept the operator's value gives it to the next one.
#[test]
fn a_kept_operator_value_survives_the_agent() {
    let mut first = Rig::new(EmulatorConfig::router(Flavour::Grbl, 9));
    first.settle();
    first.factor(400, 600_000);
    first.run(1000);
    let kept = first.session.standing(first.now).operator;
    for (operator_before, end) in [(kept, 100), (None, 40)] {
        let mut settings: SessionSettings = settings(Flavour::Grbl);
        settings.overrides.operator_before = operator_before;
        let mut second =
            Rig::with(EmulatorConfig::router(Flavour::Grbl, 9), Session::new(settings, Role::Watching(Tap::new())));
        (second.emulator, second.now) = (first.emulator.clone(), first.now);
        second.run(4000);
        assert_eq!(second.emulator.feed_override(), end, "kept: {operator_before:?}");
    }
}

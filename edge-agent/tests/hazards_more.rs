//! More hazards, one at a time; the names carry their numbers.

mod world;

use edge_agent::guard::Condition;
use edge_agent::{DialRule, OperatorAction, Source};
use firmware_bridge::controller::{Execution, Objection};
use shared::plan::Override;
use shared::time::{Duration, Instant};
use shared::wire::Message;
use world::*;

/// Commands of a run with a dead cloud in it, cycle by cycle.
fn commands(world: &mut World) -> Vec<Option<Override>> {
    world.agent.handle_operator(world.now, OperatorAction::Arm);
    world.run(500);
    world.machine.execution = Execution::Active;
    world.cloud.wanted = |mm| if (60.0..90.0).contains(&mm) { 250 } else { 900 };
    world.run(6000);
    world.cloud.alive = false;
    world.run(2000);
    world.cloud.alive = true;
    world.run(4000);
    world.rows.iter().map(|row| row.command).collect()
}

#[test]
fn h5_what_the_clock_counts_from_changes_no_decision() {
    // The monotonic clock of the edge, the same clock counted from 1970, and one that has reached 2106.
    let origins_s = [1u64, 0, 1_700_000_000, 4_294_967_296];
    let runs = origins_s.map(|origin_s| {
        let start = Instant::ORIGIN.after(Duration::from_ms(origin_s * 1000));
        commands(&mut World::starting_at(start, config(), job(path(None))))
    });
    assert!(runs[0].iter().any(|command| *command == Some(permille(250))), "the plan was followed");
    assert!(runs[0].iter().any(|command| *command == Some(permille(BASELINE_PERMILLE))), "it fell back");
    for (run, origin_s) in runs.iter().zip(origins_s) {
        assert!(*run == runs[0], "a clock that counts from {origin_s} s decides otherwise");
    }
}

#[test]
fn h10_who_reads_the_trace_or_sends_may_stop_for_a_minute_without_a_cycle_noticing() {
    let normal = commands(&mut World::with(config(), job(path(None))));
    let mut unread = World::with(config(), job(path(None)));
    unread.drains = false;
    assert!(commands(&mut unread) == normal, "a reader that stands still changes decisions");

    let mut world = World::running();
    (world.transmits, world.drains) = (false, false);
    world.rows.clear();
    let cycles = 60_000 / CYCLE.as_ms() as usize;
    world.run(60_000);
    assert_eq!(world.rows.len(), cycles);
    assert!(world.rows.iter().all(|row| row.command.is_some()), "a command in every cycle");
    // Until the silence has ended the session, after four seconds.
    assert!(world.agent.samples_dropped() > 300, "samples give way: {}", world.agent.samples_dropped());
    let baseline = world.rows[1000..3000].iter().all(|row| row.command == Some(permille(BASELINE_PERMILLE)));
    assert!(baseline, "nothing is sent, so nothing fresh comes");
    world.check_every_row(2.0);
}

#[test]
fn h28_faster_than_without_us_needs_a_lease_a_fresh_plan_a_watchdog_and_an_armed_operator() {
    // A ceiling program: F words twice as high, so that 500 per mille is the speed without us.
    let without_us = permille(500);
    let check = |watchdog: bool, armed: bool, fresh: bool, leased: bool| {
        let mut settings = config();
        settings.without_us = without_us;
        let mut what = job(path(None));
        what.capabilities.watchdog = watchdog;
        let mut world = World::with(settings, what);
        world.machine.factor = without_us;
        if armed {
            world.agent.handle_operator(world.now, OperatorAction::Arm);
        }
        world.run(500);
        world.machine.execution = Execution::Active;
        world.run(4000);
        world.cloud.alive = fresh;
        if !leased {
            world.machine.execution = Execution::Stopped;
            world.cycle();
            world.machine.execution = Execution::Active;
        }
        world.run(3000);
        let faster = world.command().is_some_and(|command| command > 500);
        let case = format!("watchdog {watchdog}, armed {armed}, fresh {fresh}, leased {leased}");
        assert_eq!(faster, watchdog && armed && fresh && leased, "{case}: {:?}", world.command());
        if !(watchdog && armed) {
            assert!(world.rows.iter().all(|row| row.command <= Some(without_us)), "{case}");
        }
    };
    for case in 0..16u32 {
        check(case & 1 != 0, case & 2 != 0, case & 4 != 0, case & 8 != 0);
    }
}

#[test]
fn h34_no_command_for_the_spindle_exists() {
    use firmware_bridge::controller::Command;
    // A closed list: a second kind of command does not compile here without being looked at.
    let kinds = |command: Command| match command {
        Command::Factor { .. } => "feed",
        Command::FeedHold => "hold",
    };
    let factor = Command::Factor { factor: Override::PROGRAMMED, time_to_live: CYCLE };
    assert_eq!([kinds(factor), kinds(Command::FeedHold)], ["feed", "hold"]);
}

#[test]
fn h35_every_way_to_lose_the_plan_ends_a_slow_down() {
    type Fault = fn(&mut World);
    let faults: [(&str, u16, Fault); 6] = [
        ("the cloud dies", BASELINE_PERMILLE, |world| world.cloud.alive = false),
        ("the uplink is cut", BASELINE_PERMILLE, |world| world.uplink = false),
        ("the downlink is cut", BASELINE_PERMILLE, |world| world.downlink = false),
        ("the controller falls silent", 1000, |world| world.machine.silent = true),
        ("the controller is reset", 1000, |world| world.machine.execution = Execution::Stopped),
        ("the agent is switched off", 1000, |world| world.agent.handle_operator(world.now, OperatorAction::Off)),
    ];
    for (name, expected, fault) in faults {
        let mut world = World::running();
        world.cloud.wanted = |_| 200;
        world.run(8000);
        assert_eq!(world.command(), Some(200), "{name}");
        fault(&mut world);
        world.run(5000);
        assert_eq!(world.machine.factor, permille(expected), "{name}: the slow-down is frozen");
    }
}

#[test]
fn h35_a_plan_that_stands_still_with_the_machine_is_not_kept_alive_for_ever() {
    let mut world = World::running();
    (world.cloud.wanted, world.cloud.answers_triggers) = (|_| 200, false);
    let at_mm = world.machine.at_mm;
    let chunk = world.cloud.chunk(at_mm, at_mm + 30.0);
    world.agent.handle_message(world.now, &encoded(&Message::Plan(chunk)));
    world.run(30_000);
    assert_eq!((world.status().source, world.status().cause), (Source::Baseline, Some(Condition::HorizonEnd)));
    assert_eq!(world.command(), Some(BASELINE_PERMILLE), "beyond its own stretch a slow plan says nothing");
}

fn product() -> edge_agent::AgentConfig {
    edge_agent::AgentConfig { dial_rule: DialRule::Product, ..config() }
}

#[test]
fn h27_switched_off_it_falls_silent_and_leaves_a_dial_above_one_hundred_alone() {
    let mut world = World::running_with(product(), job(path(None)));
    world.machine.dial_permille = 1200;
    world.run(2000);
    world.agent.handle_operator(world.now, OperatorAction::Off);
    world.run(2000);
    assert_eq!((world.command(), world.machine.factor), (None, Override::PROGRAMMED));
}

#[test]
fn h27_h1_under_a_low_dial_a_slow_stretch_is_still_entered_at_its_speed() {
    let mut world = World::running_with(product(), job(path(None)));
    world.cloud.wanted = |mm| if (100.0..130.0).contains(&mm) { 150 } else { 1000 };
    world.run(1000);
    world.machine.dial_permille = 300;
    while world.machine.at_mm < 129.0 {
        world.run(10);
    }
    let inside: Vec<_> = world.rows.iter().filter(|row| (100.0..129.0).contains(&row.at_mm)).collect();
    assert!(inside.len() > 100);
    // The factor beside a dial of 300 that gives 150 is 500.
    assert!(inside.iter().all(|row| row.command <= Some(permille(500))), "{:?}", inside.first());
}

#[test]
fn h6_h13_a_first_command_waits_for_a_factor_that_was_read_back_just_now() {
    let mut world = World::with(config(), job(path(None)));
    world.agent.handle_operator(world.now, OperatorAction::Arm);
    world.machine.silent = true;
    world.run(200);
    assert!(world.rows.iter().all(|row| row.command.is_none()), "nothing was read back yet");
    world.machine.silent = false;
    world.machine.factor = permille(400);
    world.cycle();
    assert!(world.command() >= Some(400) && world.command() <= Some(420), "{:?}", world.command());
    world.agent.handle_operator(world.now, OperatorAction::Off);
    world.run(2000);
    (world.machine.silent, world.machine.factor) = (true, permille(700));
    world.run(1000);
    world.agent.handle_operator(world.now, OperatorAction::Arm);
    world.cycle();
    assert_eq!(world.command(), None, "what was read back is a second old");
}

#[test]
fn h8_h25_a_stall_that_cost_the_lease_heals_as_slowly_as_any_fault() {
    let mut world = World::running();
    world.now = world.now.after(Duration::from_ms(5000));
    world.machine.factor = Override::PROGRAMMED;
    world.rows.clear();
    world.run(5000);
    assert_eq!(world.status().epoch.map(|epoch| epoch.0), Some(2));
    let fresh = world.rows.iter().position(|row| row.status.horizon.as_mm() > row.at_mm).expect("plans again");
    let settled = world.rows[fresh..].iter().position(|row| row.command == Some(permille(BASELINE_PERMILLE)));
    let settled = fresh + settled.expect("the baseline is reached");
    let raised = world.rows[settled..].iter().position(|row| row.command > Some(permille(BASELINE_PERMILLE)));
    let waited = world.rows[settled + raised.expect("raised")].now.since(world.rows[fresh].now);
    assert!(waited >= Duration::from_ms(1000), "{waited:?}");
}

#[test]
fn h14_each_objection_ends_the_plan_and_the_lease_until_the_operator_has_seen_to_it() {
    for objection in Objection::ALL {
        let mut world = World::running();
        world.cycle();
        assert!(world.command().is_some_and(|command| command < 1000), "steered before");
        world.agent.handle_objection(world.now, objection);
        world.run(3000);
        let status = world.status();
        assert_eq!((status.cause, status.latched), (Some(Condition::from(objection)), true), "{objection:?}");
        assert_eq!((world.command(), status.epoch), (Some(1000), None), "{objection:?}: as programmed, no lease");
        world.check_every_row(2.0);
        world.agent.handle_operator(world.now, OperatorAction::ReArm);
        world.run(4000);
        assert!(world.status().epoch.is_some_and(|epoch| epoch.0 == 2), "{objection:?}: a new lease after the re-arm");
        // Where it is found again, it counts again.
        world.agent.handle_objection(world.now, objection);
        world.run(3000);
        assert_eq!(world.command(), Some(1000), "{objection:?}");
    }
}

#[test]
fn h28_on_a_first_part_a_plan_only_lowers_the_baseline() {
    let mut world = World::running();
    world.cloud.wanted = |_| 900;
    world.run(3000);
    let plan = world.command().expect("armed");
    assert!(plan > BASELINE_PERMILLE, "the plan is faster than the baseline: {plan}");
    world.agent.handle_operator(world.now, OperatorAction::ArmFirstPart);
    world.run(2000);
    assert_eq!((world.command(), world.status().cause), (Some(BASELINE_PERMILLE), Some(Condition::FirstPart)));
    world.agent.handle_operator(world.now, OperatorAction::Arm);
    world.run(2000);
    assert_eq!(world.command(), Some(plan), "the operator takes it back");
}

//! What the service has predicted to touch is not run into: the feed is held before it, and nobody but the operator
//! goes on.

mod world;

use edge_agent::guard::Condition;
use edge_agent::{AgentConfig, Arming, Lamp, OperatorAction};
use firmware_bridge::controller::Execution;
use world::*;

/// The tool must rest at 300 mm; the move that would touch ends at 400 mm, line 4.
const REST_MM: f64 = 300.0;
const END_MM: f64 = 400.0;

/// Armed and running towards the hold.
fn towards_the_hold(config: AgentConfig, dial_permille: u16) -> World {
    let mut world = World::with(config, job(path(None)));
    world.cloud.hold = Some((REST_MM, END_MM));
    world.cloud.wanted = |mm| if (REST_MM..END_MM).contains(&mm) { 0 } else { 900 };
    world.agent.handle_operator(world.now, OperatorAction::Arm);
    world.run(500);
    world.machine.dial_permille = dial_permille;
    world.machine.execution = Execution::Active;
    world
}

fn assert_held(world: &World) {
    assert_eq!(world.machine.execution, Execution::FeedHold, "at {} mm", world.machine.at_mm);
    assert!((REST_MM - 5.0..=REST_MM).contains(&world.machine.at_mm), "rests at {} mm", world.machine.at_mm);
    let status = world.status();
    assert_eq!((status.cause, status.lamp), (Some(Condition::CollisionAhead), Lamp::Fallback));
    assert_eq!((status.reason(), status.held_before_line), ("collision_ahead", Some(4)));
}

#[test]
fn h31_the_feed_is_held_before_a_predicted_collision_at_any_dial() {
    for dial_permille in [200, 1000, 1500, 2000] {
        let mut world = towards_the_hold(config(), dial_permille);
        world.run(100_000);
        assert_held(&world);
        let holds = world.machine.holds;
        assert!((1..=5).contains(&holds), "asked for until it holds: {holds}");
        world.run(10_000);
        assert_eq!(world.machine.holds, holds, "and no more");
    }
}

#[test]
fn h31_the_hold_is_in_the_baseline_and_needs_no_service() {
    let mut world = towards_the_hold(config(), 1000);
    world.run(2000);
    world.cloud.alive = false;
    world.run(60_000);
    assert_held(&world);
}

#[test]
fn h31_nothing_but_a_re_arm_goes_on() {
    let mut world = towards_the_hold(config(), 1000);
    world.run(60_000);
    let rest_mm = world.machine.at_mm;
    world.run(10_000);
    assert_eq!(world.machine.at_mm, rest_mm, "it does not go on by itself");
    // Cycle start alone: held again at once.
    world.machine.execution = Execution::Active;
    world.run(1000);
    assert_eq!(world.machine.execution, Execution::FeedHold);
    assert!(world.machine.at_mm < rest_mm + 2.0, "{} mm", world.machine.at_mm);
    let holds = world.machine.holds;
    world.agent.handle_operator(world.now, OperatorAction::ReArm);
    world.run(100);
    assert_eq!((world.status().latched, world.status().held_before_line), (false, None), "seen to");
    world.machine.execution = Execution::Active;
    world.run(60_000);
    assert_eq!((world.machine.holds, world.machine.execution), (holds, Execution::ProgramCompleted));
}

#[test]
fn h31_off_leaves_the_machine_to_the_operator() {
    let mut world = towards_the_hold(config(), 1000);
    world.run(60_000);
    let holds = world.machine.holds;
    world.agent.handle_operator(world.now, OperatorAction::Off);
    world.machine.execution = Execution::Active;
    world.run(60_000);
    assert_eq!((world.machine.holds, world.machine.execution), (holds, Execution::ProgramCompleted));
}

#[test]
fn h31_in_shadow_it_is_said_and_not_held() {
    let mut world = towards_the_hold(AgentConfig { arming: Arming::Shadow, ..config() }, 1000);
    world.run(15_000);
    assert_eq!((world.machine.holds, world.machine.execution), (0, Execution::Active));
    assert_eq!(world.status().held_before_line, Some(4));
}

//! The agent in a small world: sessions open, plans are followed, links fail, programs end.

mod world;

use edge_agent::blackbox::Event;
use edge_agent::guard::Condition;
use edge_agent::{Arming, Lamp, Phase, Source};
use firmware_bridge::controller::Execution;
use shared::motion::Station;
use shared::plan::Override;
use shared::time::Duration;
use shared::wire::{self, Message};
use world::*;

#[test]
fn a_session_opens_follows_the_plan_and_ends_with_the_program() {
    let mut world = World::with(config(), job(path(None)));
    world.agent.handle_operator(world.now, edge_agent::OperatorAction::Arm);
    world.cycle();
    assert_eq!((world.status().phase, world.status().lamp), (Phase::Opening, Lamp::Opening));
    world.run(490);
    assert_eq!((world.status().phase, world.status().lamp), (Phase::Ready, Lamp::Ok));
    assert_eq!(world.command(), Some(1000), "nothing runs, so nothing is slowed");
    world.machine.execution = Execution::Active;
    world.run(2000);
    assert_eq!(world.command(), Some(900));
    assert_eq!((world.status().source, world.status().lamp, world.status().cause), (Source::Plan, Lamp::Ok, None));
    assert_eq!(world.status().reason(), "force_peak");
    while world.machine.execution == Execution::Active {
        world.run(100);
    }
    world.run(1000);
    assert_eq!((world.status().phase, world.command()), (Phase::Ended, Some(1000)));
    let counts = world.agent.handoff_counts();
    assert!(counts.triggers >= 5 && counts.missed == 0, "{counts:?}");
    assert_eq!(world.agent.lease_wanted(), None);
    world.check_every_row(2.0);
    // 1000 mm at 18 mm/s, and nothing fell back on the way.
    let fallbacks = world.rows.iter().filter(|row| row.status.lamp == Lamp::Fallback).count();
    assert_eq!(fallbacks, 0);
}

#[test]
fn handoff_stages_add_up_to_the_total() {
    let mut world = World::running();
    world.run(20_000);
    let mut records = Vec::new();
    world.agent.drain_handoffs(&mut |record| records.push(record));
    assert!(records.len() >= 5);
    for record in records {
        let answer = record.answer.expect("answered");
        assert_eq!(answer.stages.sum().plus(answer.unexplained), record.total, "{record:?}");
        // 10 ms each way, on a grid of 10 ms.
        assert!((20.0..=40.0).contains(&record.total.as_ms()), "{record:?}");
        assert!(answer.unexplained <= Duration::from_ms(1), "{record:?}");
    }
}

/// The first instant at which no plan may be used any more: the newest basis that reached the edge, plus the
/// time to live. Computed from what the cloud was sent, not from the agent.
fn expiry_after_death(world: &mut World) -> shared::time::Instant {
    world.cloud.alive = false;
    let newest = world.cloud.newest.clone().expect("a batch");
    newest.samples.last().expect("a sample").sent_at.after(TIME_TO_LIVE)
}

#[test]
fn h7_h35_a_dead_cloud_leaves_the_machine_on_the_baseline_within_one_cycle_of_the_expiry() {
    let mut world = World::running();
    world.cloud.wanted = |_| 300;
    world.run(8000);
    assert_eq!(world.command(), Some(300));
    let expiry = expiry_after_death(&mut world);
    world.rows.clear();
    world.run(3000);
    let first = world.rows.iter().find(|row| row.status.source == Source::Baseline).expect("it falls back");
    assert!(first.now >= expiry && first.now.since(expiry) <= CYCLE, "{:?} after {expiry:?}", first.now);
    assert_eq!(first.status.cause, Some(Condition::PlanExpired));
    for row in &world.rows {
        // The fallback curve: from 0.3 towards the baseline at 2 a second from the cycle of the expiry on.
        let cycles = row.now.since(expiry).as_ns().div_ceil(CYCLE.as_ns());
        let curve = 300 + 20 * (if row.now < expiry { 0 } else { cycles + 1 });
        let command = u64::from(row.command.expect("armed").permille());
        assert!(command <= curve.min(u64::from(BASELINE_PERMILLE)), "{command} at {:?}", row.now);
    }
    assert_eq!(world.command(), Some(BASELINE_PERMILLE), "nothing stays slow");
    assert_eq!(world.status().lamp, Lamp::Fallback);
    world.check_every_row(2.0);
    world.run(75_000);
    assert_eq!((world.machine.execution, world.command()), (Execution::ProgramCompleted, Some(1000)));
}

#[test]
fn h7_from_above_the_baseline_the_command_falls_along_the_ramp() {
    let mut world = World::running();
    let expiry = expiry_after_death(&mut world);
    world.rows.clear();
    world.run(2000);
    for row in world.rows.iter().filter(|row| row.now >= expiry.after(CYCLE)) {
        let cycles = row.now.since(expiry).as_ns() / CYCLE.as_ns();
        let curve = 900u64.saturating_sub(20 * cycles).max(u64::from(BASELINE_PERMILLE));
        let command = u64::from(row.command.expect("armed").permille());
        assert!(command <= curve, "{command} above {curve} at {:?}", row.now);
    }
    assert_eq!(world.command(), Some(BASELINE_PERMILLE));
    world.check_every_row(2.0);
}

#[test]
fn without_a_baseline_a_dead_cloud_means_as_programmed() {
    let mut world = World::with(config(), job(path(None)));
    world.agent.handle_operator(world.now, edge_agent::OperatorAction::Arm);
    world.uplink = false;
    world.machine.execution = Execution::Active;
    world.run(2000);
    assert_eq!((world.command(), world.status().source), (Some(1000), Source::Baseline));
    assert_eq!(world.status().lamp, Lamp::Opening);
}

#[test]
fn h7_h8_a_cloud_that_pauses_is_trusted_again_only_after_the_healthy_interval() {
    let mut world = World::running();
    world.cloud.alive = false;
    world.run(2000);
    assert_eq!(world.command(), Some(BASELINE_PERMILLE));
    world.cloud.alive = true;
    world.rows.clear();
    world.run(3000);
    let fresh = world.rows.iter().find(|row| row.status.source == Source::LowerOfBoth).expect("plans again");
    let raised = world.rows.iter().find(|row| row.command > Some(permille(BASELINE_PERMILLE))).expect("raised");
    let waited = raised.now.since(fresh.now);
    assert!(waited >= Duration::from_ms(1000) && waited <= Duration::from_ms(1100), "{waited:?}");
    assert_eq!(world.command(), Some(900));
    assert_eq!(world.status().epoch.map(|epoch| epoch.0), Some(1), "two seconds do not cost the lease");
    world.check_every_row(2.0);
}

#[test]
fn after_recovery_a_slower_plan_counts_at_once() {
    let mut world = World::running();
    world.cloud.alive = false;
    world.run(2000);
    (world.cloud.alive, world.cloud.wanted) = (true, |_| 300);
    world.run(900);
    assert_eq!((world.command(), world.status().source), (Some(300), Source::LowerOfBoth));
}

#[test]
fn a_silent_cloud_costs_the_lease_and_a_new_session_opens_by_itself() {
    let mut world = World::running();
    world.cloud.alive = false;
    world.run(5000);
    assert_eq!(world.status().epoch.map(|epoch| epoch.0), Some(2));
    assert_eq!((world.status().phase, world.command()), (Phase::Opening, Some(BASELINE_PERMILLE)));
    world.cloud.alive = true;
    world.run(4000);
    assert_eq!((world.status().phase, world.command()), (Phase::Ready, Some(900)));
}

#[test]
fn h9_a_link_cut_one_way_ends_like_a_dead_cloud() {
    for (uplink, downlink) in [(false, true), (true, false), (false, false)] {
        let mut world = World::running();
        (world.uplink, world.downlink) = (uplink, downlink);
        world.run(TIME_TO_LIVE.as_ms() as u64 + 40);
        assert_eq!(world.status().source, Source::Baseline, "{uplink} {downlink}");
        world.run(500);
        assert_eq!(world.command(), Some(BASELINE_PERMILLE));
        (world.uplink, world.downlink) = (true, true);
        world.run(4000);
        assert_eq!(world.command(), Some(900), "{uplink} {downlink}");
        world.check_every_row(2.0);
    }
}

#[test]
fn a_cloud_too_slow_for_its_own_time_to_live_is_never_admitted() {
    let mut world = World::with(config(), job(path(None)));
    world.delay = Duration::from_ms(300);
    world.agent.handle_operator(world.now, edge_agent::OperatorAction::Arm);
    world.run(3000);
    world.machine.execution = Execution::Active;
    world.run(5000);
    assert_eq!(world.command(), Some(BASELINE_PERMILLE));
    assert!(world.agent.reject_count(shared::plan::RejectReason::Expired) > 0);
    assert!(world.agent.handoff_counts().missed >= 5, "{:?}", world.agent.handoff_counts());
    assert_eq!(world.agent.handoff_counts().answered, 0);
}

#[test]
fn the_end_of_the_horizon_is_reached_at_the_speed_of_the_baseline() {
    let mut world = World::running();
    (world.cloud.answers_triggers, world.cloud.wanted) = (false, |_| 1000);
    let horizon_mm = world.status().horizon.as_mm();
    world.rows.clear();
    while world.machine.at_mm < horizon_mm + 5.0 {
        world.run(10);
    }
    for row in world.rows.iter().filter(|row| row.at_mm >= horizon_mm) {
        assert!(row.command <= Some(permille(BASELINE_PERMILLE)), "{row:?}");
    }
    assert_eq!(world.status().cause, Some(Condition::HorizonEnd));
    let missed = world.agent.handoff_counts().missed;
    assert!(missed >= 3, "{missed} misses although no trigger was answered");
    world.check_every_row(2.0);
}

#[test]
fn it_lowers_early_so_that_no_slow_stretch_is_entered_too_fast() {
    let mut world = World::running();
    world.cloud.wanted = |mm| if (200.0..230.0).contains(&mm) { 250 } else { 1000 };
    world.run(18_000);
    let inside: Vec<_> = world.rows.iter().filter(|row| (200.0..230.0).contains(&row.at_mm)).collect();
    assert!(inside.len() > 100);
    for row in inside {
        assert!(row.command <= Some(permille(250)), "{row:?}");
    }
    assert!(world.rows.iter().any(|row| row.at_mm > 231.0 && row.command == Some(Override::PROGRAMMED)));
    world.check_every_row(2.0);
}

#[test]
fn a_virtual_machine_that_runs_faster_is_held_to_the_same_plan() {
    for time_scale in [4u64, 20] {
        let mut settings = config();
        settings.time_scale = time_scale as f64;
        settings.envelope.reach_max = shared::units::Length::mm(1000.0);
        let mut world = World::with(settings, job(path(None)));
        world.cloud.wanted = |mm| if (400.0..460.0).contains(&mm) { 250 } else { 900 };
        world.agent.handle_operator(world.now, edge_agent::OperatorAction::Arm);
        world.run(500);
        world.machine.execution = Execution::Active;
        while world.machine.execution == Execution::Active {
            world.run(10);
        }
        let slow: Vec<_> = world.rows.iter().filter(|row| (400.0..460.0).contains(&row.at_mm)).collect();
        assert!(slow.len() > 10 && slow.iter().all(|row| row.command <= Some(permille(250))), "{time_scale} x");
        assert!(world.rows.iter().any(|row| row.command == Some(permille(900))), "{time_scale} x");
        assert!(world.rows.iter().all(|row| row.status.lamp != Lamp::Fallback), "{time_scale} x");
        world.check_every_row(2.0 * time_scale as f64);
    }
}

#[test]
fn the_offer_is_sent_again_until_it_is_answered_and_waits_while_the_cloud_works() {
    let mut world = World::with(config(), job(path(None)));
    let (mut out, mut offers) = (Vec::new(), 0);
    let mut poll = |world: &mut World, span_ms: u64| {
        for _ in 0..span_ms {
            world.now = world.now.after(Duration::from_ms(1));
            while world.agent.poll_transmit(world.now, &mut out).is_some() {
                let is_offer = matches!(wire::decode(&out), Ok(Message::Offer(_)));
                offers += u32::from(is_offer);
            }
        }
        offers
    };
    assert_eq!(poll(&mut world, 100), 1);
    assert_eq!(poll(&mut world, 1000), 3, "every 500 ms");
    let working = encoded(&Message::Progress(wire::Progress { epoch: shared::ident::Epoch(1), done_permille: 0 }));
    for _ in 0..10 {
        world.agent.handle_message(world.now, &working);
        assert_eq!(poll(&mut world, 200), 3, "not while the cloud works on it");
    }
    assert_eq!(poll(&mut world, 600), 4);
}

#[test]
fn in_shadow_everything_is_decided_and_nothing_commanded() {
    let mut settings = config();
    settings.arming = Arming::Shadow;
    let mut world = World::with(settings, job(path(None)));
    world.run(500);
    world.machine.execution = Execution::Active;
    world.run(3000);
    assert!(world.rows.iter().all(|row| row.command.is_none()));
    let status = world.status();
    assert_eq!((status.lamp, status.source, status.factor), (Lamp::Shadow, Source::Plan, permille(900)));
}

#[test]
fn off_ramps_to_the_value_without_us_and_falls_silent() {
    let mut world = World::running();
    world.cloud.wanted = |_| 300;
    world.run(8000);
    world.agent.handle_operator(world.now, edge_agent::OperatorAction::Off);
    world.rows.clear();
    world.run(2000);
    assert_eq!((world.command(), world.machine.factor), (None, Override::PROGRAMMED));
    assert_eq!(world.status().lamp, Lamp::Off);
    world.check_every_row(2.0);
    world.agent.handle_operator(world.now, edge_agent::OperatorAction::Arm);
    world.run(3000);
    assert_eq!(world.command(), Some(300));
}

#[test]
fn unarmed_nothing_is_commanded() {
    let mut world = World::with(config(), job(path(None)));
    world.machine.execution = Execution::Active;
    world.run(3000);
    assert!(world.rows.iter().all(|row| row.command.is_none()));
    assert_eq!((world.status().lamp, world.status().horizon), (Lamp::Off, Station::START));
}

#[test]
fn the_same_inputs_give_the_same_trace() {
    let trace = || {
        let mut world = World::running();
        world.cloud.alive = false;
        world.run(1500);
        world.cloud.alive = true;
        world.run(5000);
        world.events
    };
    let first = trace();
    assert!(first.iter().any(|entry| matches!(entry.event, Event::Source { source: Source::Baseline, .. })));
    assert_eq!(first, trace());
}

//! A small job and settings for unit tests.

use std::sync::Arc;

use firmware_bridge::controller::Capabilities;
use shared::ident::{ContextDigest, Digest, Name, ProgramDigest};
use shared::motion::Path;
use shared::plan::{Envelope, Override};
use shared::time::Duration;
use shared::units::{Acceleration, Length};

use crate::config::{AgentConfig, AgentJob, Arming, Braking, DialRule, Trust};

/// Last line of the fixture's program.
pub(crate) const LINES_MAX: u32 = 50;

/// Settings with round figures.
pub(crate) fn config() -> AgentConfig {
    AgentConfig {
        envelope: Envelope {
            factor_min: Override::from_permille(100).expect("in range"),
            factor_max: Override::PROGRAMMED,
            step_permille: 1,
            slew_per_s: 2.0,
            reach_max: Length::mm(500.0),
        },
        arming: Arming::Active,
        trust: Trust::Unsigned,
        dial_rule: DialRule::LowerOfBoth,
        without_us: Override::PROGRAMMED,
        time_scale: 1.0,
        cycle_period: Duration::from_ms(10),
        command_time_to_live: Duration::from_ms(100),
        plan_time_to_live_max: Duration::from_ms(2000),
        latency_bound: Duration::from_ms(100),
        lead: Duration::from_ms(100),
        horizon_min: Duration::from_ms(1000),
        horizon_required: Duration::from_ms(2000),
        trigger_timeout: Duration::from_ms(500),
        state_period: Duration::from_ms(20),
        sample_age_max: Duration::from_ms(500),
        healthy_interval: Duration::from_ms(1000),
        session_silence_max: Duration::from_ms(5000),
        offer_retry: Duration::from_ms(1000),
        offer_part_spacing: Duration::from_ms(2),
        position_tolerance: Length::mm(0.5),
        braking: Braking { deceleration: Acceleration::mm_s2(1000.0), delay: Duration::ZERO },
        forged_per_minute_max: 100,
    }
}

/// A job for a path.
pub(crate) fn job(path: Arc<Path>) -> AgentJob {
    AgentJob {
        machine: Name::parse("mill-1").expect("valid"),
        path,
        program: ProgramDigest(Digest::of(b"program")),
        context: ContextDigest(Digest::of(b"context")),
        offer: Arc::from(b"job".as_slice()),
        capabilities: Capabilities {
            factor: true,
            factor_step_permille: 1,
            effect_time: Duration::from_ms(20),
            sample_period: Duration::from_ms(10),
            watchdog: true,
        },
        lines_max: LINES_MAX,
    }
}

#[test]
fn settings_out_of_range_are_named() {
    type Change = fn(&mut AgentConfig);
    let check = |field: &str, change: Change| {
        let mut changed = config();
        change(&mut changed);
        let error = changed.validate().expect_err(field).to_string();
        assert!(error.contains(field), "{error}");
    };
    assert_eq!(config().validate(), Ok(()));
    check("trust", |c| c.trust = Trust::Observer);
    check("time_scale", |c| c.time_scale = 0.0);
    check("time_scale", |c| c.time_scale = f64::NAN);
    check("slew_per_s", |c| c.envelope.slew_per_s = f64::INFINITY);
    check("factor_min", |c| c.without_us = Override::STOP);
    check("factor_max", |c| c.envelope.factor_max = Override::from_permille(500).expect("in range"));
    check("reach_max", |c| c.envelope.reach_max = Length::ZERO);
    check("position_tolerance", |c| c.position_tolerance = Length::mm(-1.0));
    check("command_time_to_live", |c| c.command_time_to_live = c.cycle_period);
    check("horizon_required", |c| c.horizon_required = Duration::ZERO);
    check("cycle_period", |c| c.cycle_period = Duration::ZERO);
}

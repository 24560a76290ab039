//! The agent's state in words, for displays and for agents of the shop: keys and values of an SHDR export.
//!
//! A display wants to show why the machine is slow without knowing us, so each value stands for itself: a factor in per
//! cent, a reason by its stable name, a place in millimetres. What is not known is `UNAVAILABLE`, as MTConnect has it.

use shared::time::Instant;

use crate::fallback::Source;
use crate::locator::Quality;
use crate::tally::phase_name;
use crate::{Phase, Status};

const UNAVAILABLE: &str = "UNAVAILABLE";

/// The state as pairs of an export, always the same keys in the same order. Allocates: not for the cycle.
pub fn exported(status: &Status, now: Instant) -> Vec<(&'static str, String)> {
    let known = |text: Option<String>| text.unwrap_or_else(|| UNAVAILABLE.to_owned());
    let placed = !matches!(status.quality, Quality::Unlocked | Quality::Lost);
    let fallback = !matches!(status.source, Source::Plan);
    let age_ms = |age: shared::time::Duration| format!("{:.0}", age.as_ms());
    vec![
        ("avail", "AVAILABLE".to_owned()),
        ("agent_lamp", status.lamp.name().to_owned()),
        ("agent_factor_pct", format!("{:.1}", f64::from(status.factor.permille()) / 10.0)),
        ("agent_reason", status.reason().to_owned()),
        ("agent_source", status.source.name().to_owned()),
        ("agent_fallback", if fallback { "ACTIVE" } else { "INACTIVE" }.to_owned()),
        ("agent_line", known(placed.then(|| status.line.to_string()))),
        ("agent_station_mm", known(placed.then(|| format!("{:.1}", status.station.as_mm())))),
        ("agent_uncertainty_mm", known(placed.then(|| format!("{:.1}", status.uncertainty.as_mm())))),
        ("agent_horizon_mm", format!("{:.1}", (status.horizon.as_mm() - status.station.as_mm()).max(0.0))),
        ("agent_lease", known(status.epoch.map(|epoch| epoch.0.to_string()))),
        ("agent_phase", phase_name(status.phase).to_owned()),
        ("agent_done_pct", known(done_pct(status.phase))),
        ("agent_latched", if status.latched { "ACTIVE" } else { "INACTIVE" }.to_owned()),
        ("agent_sample_age_ms", known(status.sample_age.map(age_ms))),
        ("agent_plan_expires_ms", known(status.fresh_until.map(|until| age_ms(until.since(now))))),
    ]
}

fn done_pct(phase: Phase) -> Option<String> {
    match phase {
        Phase::Computing { done_permille } => Some(format!("{:.1}", f64::from(done_permille) / 10.0)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use firmware_bridge::controller::{ControllerSample, Execution};
    use shared::geom::Point;
    use shared::ident::Epoch;

    use super::*;
    use crate::locator::testing::{path, straight};
    use crate::{Agent, OperatorAction, agent_fixture as fixture};

    #[test]
    fn the_state_is_told_in_words_and_what_is_not_known_as_such() {
        let job = fixture::job(Arc::new(path(&[straight(7, 0.0, 10.0, 10.0)])));
        let begin = Instant::from_ns(1_000_000_000);
        let mut agent = Agent::new(fixture::config(), job, Epoch(3), begin).expect("valid settings");
        let told = |agent: &Agent, now: Instant| -> BTreeMap<&'static str, String> {
            exported(&agent.status(now), now).into_iter().collect()
        };
        let before = told(&agent, begin);
        assert_eq!((before["agent_line"].as_str(), before["agent_station_mm"].as_str()), (UNAVAILABLE, UNAVAILABLE));
        assert_eq!((before["agent_lease"].as_str(), before["agent_lamp"].as_str()), ("3", "off"));
        agent.handle_operator(begin, OperatorAction::Arm);
        let now = begin.after(shared::time::Duration::from_ms(100));
        let sample = ControllerSample {
            execution: Some(Execution::Active),
            line: Some(7),
            position: Some(Point::new(1.0, 0.0, 0.0)),
            ..ControllerSample::unavailable(now)
        };
        agent.handle_sample(now, &sample);
        agent.poll_command(now);
        let after = told(&agent, now);
        assert_eq!((after["agent_line"].as_str(), after["agent_station_mm"].as_str()), ("7", "1.0"));
        assert_eq!((after["agent_factor_pct"].as_str(), after["agent_fallback"].as_str()), ("100.0", "ACTIVE"));
        assert_eq!(after["agent_sample_age_ms"], "0");
        assert!(before.keys().eq(after.keys()), "always the same keys");
        assert_ne!(after["agent_reason"], "");
    }
}

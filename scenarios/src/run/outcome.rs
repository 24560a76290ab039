use std::path::PathBuf;

use edge_agent::shell::EdgeSummary;
use serde_json::Value;

use crate::hidden::{Feeling, WorstPlace};

/// What a run in real time leaves behind.
#[derive(Clone, Debug, PartialEq)]
pub struct RunOutcome {
    /// The edge's own account: handoffs, fallbacks, coverage, digest.
    pub edge: EdgeSummary,
    /// The machine's account.
    pub controller: ControllerOutcome,
    /// The service's counts, as JSON; `None` where it was killed and not started again.
    pub cloud: Option<Value>,
    /// Faults injected, with the time after the program began to run, s.
    pub faults: Vec<(f64, &'static str)>,
    /// The recording, where one was asked for.
    pub recording: Option<PathBuf>,
    /// Wall time of the whole run with starting and ending, s.
    pub wall_s: f64,
}

impl RunOutcome {
    /// What happened, faults and the edge's events together, in order of time.
    pub fn events(&self) -> Vec<(f64, String)> {
        let faults = self.faults.iter().map(|(at_s, name)| (*at_s, (*name).to_owned()));
        let edge = self.edge.events.iter().map(|event| (event.at_s, event.event.clone()));
        // Stable, faults first: at one instant the cause stands before its effect.
        let mut events: Vec<_> = faults.chain(edge).collect();
        events.sort_by(|a, b| a.0.total_cmp(&b.0));
        events
    }
}

/// What the virtual machine knows.
#[derive(Clone, Debug, PartialEq)]
pub struct ControllerOutcome {
    /// True where the program reached its end.
    pub completed: bool,
    /// Machine time of the program, s.
    pub cycle_time_s: f64,
    /// Latest that the machine was moved behind the wall clock, ms.
    pub late_max_ms: f64,
    /// How long it stood still because its process was not run, ms.
    pub stood_still_ms: f64,
    /// Commands taken.
    pub commands: u64,
    /// Lines that were no command.
    pub commands_refused: u64,
    /// How often a factor's time to live ran out while the program was running.
    pub expiries: u64,
    /// How the cut felt.
    pub feeling: Feeling,
}

impl ControllerOutcome {
    /// Reads the line that the controller says at its end; `None` for anything else.
    pub(super) fn read(line: &Value) -> Option<Self> {
        if line.get("kind")?.as_str()? != "controller_summary" {
            return None;
        }
        let number = |key: &str| line.get(key)?.as_f64();
        let count = |key: &str| line.get(key)?.as_u64();
        let numbers = |key: &str| line.get(key)?.as_array()?.iter().map(Value::as_f64).collect::<Option<Vec<f64>>>();
        Some(Self {
            completed: line.get("completed")?.as_bool()?,
            cycle_time_s: number("cycle_time_s")?,
            late_max_ms: number("late_max_ms")?,
            stood_still_ms: number("stood_still_ms")?,
            commands: count("commands")?,
            commands_refused: count("commands_refused")?,
            expiries: count("expiries")?,
            feeling: Feeling {
                peak_n: numbers("peak_n")?,
                overshoots: count("overshoots")?,
                overshoot_s: number("overshoot_s")?,
                entry_peaks_n: numbers("entry_peaks_n")?,
                evaluations: count("evaluations")?,
                worst: worst(line.get("worst")?),
            },
        })
    }
}

/// Where the highest peak was felt, as the controller says it; `None` where it felt nothing.
fn worst(value: &Value) -> Option<WorstPlace> {
    let number = |key: &str| value.get(key)?.as_f64();
    let at: Vec<f64> = value.get("at_mm")?.as_array()?.iter().filter_map(Value::as_f64).collect();
    Some(WorstPlace {
        peak_n: number("peak_n")?,
        time_s: number("time_s")?,
        at_mm: at.try_into().ok()?,
        feed_mm_min: number("feed_mm_min")?,
    })
}

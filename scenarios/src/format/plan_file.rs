//! The plan as a file: what `cosim simulate --plan` writes and `cosim rewrite --plan` reads.
//!
//! JSON with two views of the same plan. `spans` is the plan itself, over station; `lines` is what a program can
//! carry, one factor a line: the lowest of the plan on all stretches the line makes, in all its passes. A plan
//! belongs to the program whose digest it names and to no other.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use shared::motion::{SegmentKind, Station};
use shared::plan::Reason;
use shared::program::LineFactors;

use crate::simulate::Simulation;

/// This version of the format.
const SCHEMA: u32 = 1;

/// A plan in a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanFile {
    schema: u32,
    /// Name of the program, for people.
    pub program: String,
    /// Digest of the program's bytes.
    pub program_digest: String,
    /// Lines that run slower than programmed.
    pub lines: Vec<PlanLine>,
    /// The plan over station.
    pub spans: Vec<PlanSpan>,
}

/// One line of the program.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanLine {
    /// Physical line, from 1.
    pub line: u32,
    /// Factor of the programmed feed, per mille.
    pub override_permille: u16,
    /// What binds there.
    pub reason: String,
}

/// One stretch of the plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanSpan {
    /// First station, mm.
    pub from_mm: f64,
    /// First station no longer part of it, mm.
    pub to_mm: f64,
    /// Factor of the programmed feed, per mille.
    pub override_permille: u16,
    /// What binds there.
    pub reason: String,
    /// The load that binds, as predicted at this factor, in the unit of its limit: N, N·m, W, mm or N/mm²; absent where
    /// the reason has no figure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<f32>,
    /// The limit it was held against.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<f32>,
}

impl PlanFile {
    /// The plan of a simulation.
    pub fn of(program: &str, simulation: &Simulation) -> Self {
        let spans = simulation.plan.spans().iter().map(|span| PlanSpan {
            from_mm: span.from.as_mm(),
            to_mm: span.to.as_mm(),
            override_permille: span.factor.permille(),
            reason: span.binding.reason.name().to_owned(),
            value: span.binding.value,
            limit: span.binding.limit,
        });
        let lines = slowed(simulation).into_iter().map(|(line, (permille, reason))| PlanLine {
            line,
            override_permille: permille,
            reason: reason.name().to_owned(),
        });
        Self {
            schema: SCHEMA,
            program: program.to_owned(),
            program_digest: simulation.job.program.0.to_string(),
            lines: lines.collect(),
            spans: spans.collect(),
        }
    }

    /// Reads a plan.
    ///
    /// # Errors
    /// A sentence for the user.
    pub fn parse(text: &str) -> Result<Self, String> {
        let plan: Self = serde_json::from_str(text).map_err(|error| format!("it is no plan: {error}"))?;
        if plan.schema != SCHEMA {
            return Err(format!("schema {} is not known; this version reads schema {SCHEMA}", plan.schema));
        }
        match plan.lines.iter().find(|line| line.override_permille > 1000 || line.line == 0) {
            Some(line) => Err(format!(
                "line {} with {} per mille: lines count from 1, factors lie from 0 to 1000",
                line.line, line.override_permille
            )),
            None => Ok(plan),
        }
    }

    /// Factors by line; of two for one line the lower.
    pub fn factors(&self) -> LineFactors {
        let mut factors = LineFactors::new();
        for line in &self.lines {
            let factor = factors.entry(line.line).or_insert(line.override_permille);
            *factor = line.override_permille.min(*factor);
        }
        factors
    }
}

/// The lowest factor of each line that feeds, where it is below one, and why.
fn slowed(simulation: &Simulation) -> BTreeMap<u32, (u16, Reason)> {
    let mut lines: BTreeMap<u32, (u16, Reason)> = BTreeMap::new();
    for segment in simulation.job.path.segments() {
        if segment.kind != SegmentKind::Feed || segment.at.source.0 > 0 {
            continue;
        }
        let last = Station::from_nm(segment.station(1.0).as_nm() - 1);
        let Some(span) = simulation.plan.lowest(segment.start, last) else { continue };
        let found = (span.factor.permille(), span.binding.reason);
        let line = lines.entry(segment.at.line).or_insert(found);
        if found.0 < line.0 {
            *line = found;
        }
    }
    lines.retain(|_, (permille, _)| *permille < 1000);
    lines
}

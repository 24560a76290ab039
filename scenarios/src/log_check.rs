//! Does a controller's log belong to a program?
//!
//! A log in SHDR lines is fed to the edge's own locator. A line that the program does not have, or a tool
//! that it cannot have there, proves another revision; an agent that met it live would refuse all plans.

use std::sync::Arc;

use edge_agent::locator::{Finding, Locator};
use edge_agent::setup::{Budget, agent_config, agent_job};
use edge_agent::{Arming, Trust};
use firmware_bridge::dialect::shdr::{Completeness, Decoder, Event};
use firmware_bridge::dialect::virtual_link::capabilities;
use shared::ident::{Name, ToolNumber};
use shared::job::Job;
use shared::time::{Duration, Instant};

/// Usual time between two lines of a log; only the order matters here.
const LINE_PERIOD: Duration = Duration::from_ms(140);

/// What a log says about a program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogVerdict {
    /// Reports read.
    pub reports: u64,
    /// Lines that were garbage, torn or too long.
    pub damaged: u64,
    /// Greatest physical line reported.
    pub line_max: u32,
    /// The first report that the program cannot have made: line, and the tool if it was the tool.
    pub foreign: Option<(u32, Option<ToolNumber>)>,
}

/// Reads a log against a job; `bundle` is what the job was compiled from.
///
/// # Panics
/// Never: the settings used here are constants that are valid.
pub fn check_log(job: &Job, bundle: Vec<u8>, log: &[u8]) -> LogVerdict {
    let capabilities = capabilities(&job.machine, LINE_PERIOD);
    let budget = Budget {
        end_to_end: Duration::from_ms(50),
        horizon_min: Duration::from_ms(500),
        horizon_target: Duration::from_ms(1500),
        time_to_live: Duration::from_ms(200),
        cycle: Duration::from_ms(5),
    };
    let config = agent_config(job, &budget, &capabilities, (Arming::Shadow, Trust::Observer));
    let machine = Name::parse("log").expect("a valid name");
    let mut locator = Locator::new(&config, &agent_job(machine, job, Arc::from(bundle), capabilities));
    let mut decoder = Decoder::new(Completeness::WholePairs);
    let mut verdict = LogVerdict::default();
    let mut now = Instant::ORIGIN;
    for line in log.split_inclusive(|byte| *byte == b'\n') {
        now = now.after(LINE_PERIOD);
        decoder.feed(line, now, &mut |event| {
            let Event::Report(report) = event else { return };
            verdict.reports += 1;
            let Some(reported) = report.sample.line else { return };
            verdict.line_max = verdict.line_max.max(reported);
            let found = match locator.handle_sample(&report.sample) {
                Finding::RevisionLine { line } => Some((line, None)),
                Finding::RevisionTool { line, tool } => Some((line, Some(tool))),
                Finding::None | Finding::Locked | Finding::Relocked | Finding::Lost => None,
            };
            verdict.foreign = verdict.foreign.or(found);
        });
    }
    let counters = decoder.counters();
    verdict.damaged = counters.garbage_lines + counters.torn_lines + counters.long_lines;
    verdict
}

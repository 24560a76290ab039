//! A controller's log played to an edge agent: does it know where the tool is, and how soon again when it did not?
//!
//! A log of a real machine is the hardest thing a locator meets: lines are sampled and late, stretches are missing, a
//! person holds and dials. Here its bytes come when their stamps say, at any speed and on any clock, through the reader of
//! the field into a whole agent in shadow mode, which follows by the line alone (`edge_agent::locator`), since such logs
//! have no position.
//!
//! The station it believes is held against one it had no part in: the motion that the planner predicts for this program
//! on this machine, at the time that has passed since the program became active, less the times in which a person held it.
//! The prediction is off by some tenths of a second itself ([`crate::fit`]), and the figures are the sum of both.

use std::sync::Arc;

use edge_agent::blackbox::Event as TraceEvent;
use edge_agent::locator::{Finding, Quality};
use edge_agent::setup::{Budget, agent_config, agent_job};
use edge_agent::{Agent, AgentError, Arming, Trust};
use firmware_bridge::controller::{ControllerSample, Execution};
use firmware_bridge::dialect::mtconnect::capabilities;
use firmware_bridge::dialect::shdr::{Completeness, Decoder, Event};
use firmware_bridge::dialect::{Replay, SourceTime};
use shared::ident::{Epoch, Name, ToolNumber};
use shared::job::Job;
use shared::motion::{Profile, plan_profile};
use shared::time::{Duration, Instant};
use shared::units::Seconds;

use crate::fit::Recording;

/// How late a log may tell its line, in its own time: twice what adapters of mills take between two looks.
const LINE_LATE_S: f64 = 0.3;
/// A log that is silent for longer has a gap: controllers count their running time every second.
const GAP_S: f64 = 2.5;
/// The agent's clock starts here, so that nothing lies before it.
const BEGIN: Instant = Instant::from_ns(1_000_000_000);

/// What is played.
#[derive(Clone, Debug)]
pub struct LogRun<'a> {
    /// The program on its machine.
    pub job: &'a Job,
    /// What the job was compiled from.
    pub bundle: Arc<[u8]>,
    /// The log, as it is played.
    pub log: &'a [u8],
    /// How fast: seconds of the log in one of the clock.
    pub speed: f64,
    /// The run it is of, undamaged, where the station is to be judged.
    pub truth: Option<&'a Recording>,
    /// Time in the log at which the agent is started again, s.
    pub restart_at_s: Option<f64>,
}

/// Why a place that was known was not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LostAfter {
    /// The agent was started in mid-program.
    Restart,
    /// A gap.
    Silence,
    /// The program did not run.
    Hold,
    /// A line that cannot be reached from the last place by then, or has no move near it.
    Unreachable,
    /// A line that comes several times.
    Several,
}

impl LostAfter {
    /// Its name in tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Restart => "restart",
            Self::Silence => "silence",
            Self::Hold => "hold",
            Self::Unreachable => "line out of reach",
            Self::Several => "line comes again",
        }
    }
}

/// A time for which a place that had been known was not.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Episode {
    /// Since the beginning of the log, s.
    pub at_s: f64,
    /// The reported line.
    pub line: u32,
    /// What went before.
    pub after: LostAfter,
    /// How long it took to know it again, s of the log; `None` where it never came.
    pub for_s: Option<f64>,
    /// True where the place was given up, not only held.
    pub given_up: bool,
}

/// Proof that the log is of another revision.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Refusal {
    /// Since the beginning of the log, s.
    pub at_s: f64,
    /// The line that the program does not have, or has with another tool.
    pub line: u32,
    /// The tool, if it was the tool.
    pub tool: Option<ToolNumber>,
}

/// How the agent fared.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LogReport {
    /// Reports read.
    pub reports: u64,
    /// Lines that were torn, garbage or too long.
    pub damaged: u64,
    /// Gaps: when, and how long, s.
    pub gaps: Vec<(f64, f64)>,
    /// Reports while the program was active, and how many of them found the place known.
    pub active: u64,
    /// See [`Self::active`].
    pub located: u64,
    /// Of the judged fixes, those that had the predicted place within their uncertainty.
    pub within: u64,
    /// Uncertainty of the judged fixes, mm, ascending.
    pub uncertainty_mm: Vec<f64>,
    /// How far the predicted place lay outside, mm, ascending; zero within.
    pub off_mm: Vec<f64>,
    /// The same in time of the prediction, s.
    pub off_s: Vec<f64>,
    /// Times for which the place was not known.
    pub episodes: Vec<Episode>,
    /// Places given up, and places found that were no continuation, as the agent's trace has them.
    pub given_up: u64,
    /// See [`Self::given_up`].
    pub relocked: u64,
    /// The first proof of another revision.
    pub refused: Option<Refusal>,
    /// True where the place was known at the last report of the running program.
    pub known_at_end: bool,
}

/// The value that a share of an ascending list stays within; zero for none.
pub fn quantile(ascending: &[f64], share: f64) -> f64 {
    let index = (share * ascending.len() as f64) as usize;
    ascending.get(index.min(ascending.len().saturating_sub(1))).copied().unwrap_or(0.0)
}

/// Plays a log. `wait` is the clock: told when something is due, it returns, once it is or later, the time since the
/// beginning; on a virtual clock that is what it was told.
///
/// # Errors
/// [`AgentError`] for a job that no agent takes.
pub fn replay_log(run: &LogRun<'_>, wait: &mut dyn FnMut(Duration) -> Duration) -> Result<LogReport, AgentError> {
    let mut listener = Listener::new(run)?;
    let mut replay = Replay::of(run.log.to_vec(), run.speed);
    let mut decoder = Decoder::new(Completeness::WholePairs);
    let (mut bytes, mut samples, mut cycle_due) = (Vec::new(), Vec::new(), Duration::ZERO);
    while let Some(line_due) = replay.poll_timeout() {
        let since = wait(line_due.min(cycle_due));
        let now = BEGIN.after(since);
        bytes.clear();
        replay.poll_bytes(since, &mut bytes);
        decoder.feed(&bytes, now, &mut |event| {
            if let Event::Report(report) = event {
                samples.push((report.source, report.sample));
            }
        });
        for (source, sample) in samples.drain(..) {
            listener.report(now, source, &sample)?;
        }
        if since >= cycle_due {
            cycle_due = since.plus(CYCLE);
            listener.cycle(now);
        }
    }
    decoder.disconnect();
    let counters = decoder.counters();
    let damaged = counters.garbage_lines + counters.torn_lines + counters.long_lines;
    Ok(listener.finish(counters.reports, damaged))
}

const CYCLE: Duration = Duration::from_ms(5);

/// An agent and what it is judged by.
struct Listener<'a> {
    run: &'a LogRun<'a>,
    agent: Agent,
    epoch: u64,
    profile: Profile,
    restart_at_s: Option<f64>,
    first: Option<SourceTime>,
    /// When the last report was, and what it said of the run.
    last_s: f64,
    was_known: bool,
    /// What happened since the place was known last.
    cause: Option<LostAfter>,
    open: Option<Episode>,
    report: LogReport,
}

impl<'a> Listener<'a> {
    fn new(run: &'a LogRun<'a>) -> Result<Self, AgentError> {
        Ok(Self {
            run,
            agent: agent(run, Epoch(1), BEGIN)?,
            epoch: 1,
            profile: plan_profile(&run.job.path, &run.job.machine, &[]),
            restart_at_s: run.restart_at_s,
            first: None,
            last_s: 0.0,
            was_known: false,
            cause: None,
            open: None,
            report: LogReport::default(),
        })
    }

    fn report(
        &mut self,
        now: Instant,
        source: Option<SourceTime>,
        sample: &ControllerSample,
    ) -> Result<(), AgentError> {
        let Some(source) = source else { return Ok(()) };
        let first = *self.first.get_or_insert(source);
        let at_s = source.as_ns().saturating_sub(first.as_ns()) as f64 * 1e-9;
        if self.restart_at_s.is_some_and(|restart_s| at_s >= restart_s) {
            self.restart_at_s = None;
            self.epoch += 1;
            self.agent = agent(self.run, Epoch(self.epoch), now)?;
            self.cause = Some(LostAfter::Restart);
        }
        if at_s - self.last_s > GAP_S && self.report.reports > 0 {
            self.report.gaps.push((self.last_s, at_s - self.last_s));
            self.cause = self.cause.or(Some(LostAfter::Silence));
        }
        self.last_s = self.last_s.max(at_s);
        self.report.reports += 1;
        self.agent.handle_sample(now, sample);
        self.trace(at_s);
        if sample.execution == Some(Execution::Active) {
            self.judge(now, at_s, sample.line.unwrap_or(0));
        } else if self.was_known {
            self.cause = Some(LostAfter::Hold);
        }
        Ok(())
    }

    fn cycle(&mut self, now: Instant) {
        let command = self.agent.poll_command(now);
        assert!(command.is_none(), "a log was commanded");
        self.trace(self.last_s);
    }

    fn trace(&mut self, at_s: f64) {
        let report = &mut self.report;
        self.agent.drain_events(&mut |entry| {
            let TraceEvent::Located { finding, .. } = entry.event else { return };
            let foreign = match finding {
                Finding::Lost => {
                    report.given_up += 1;
                    None
                }
                Finding::Relocked => {
                    report.relocked += 1;
                    None
                }
                Finding::RevisionLine { line } => Some(Refusal { at_s, line, tool: None }),
                Finding::RevisionTool { line, tool } => Some(Refusal { at_s, line, tool: Some(tool) }),
                Finding::None | Finding::Locked => None,
            };
            report.refused = report.refused.or(foreign);
        });
    }

    fn judge(&mut self, now: Instant, at_s: f64, line: u32) {
        let status = self.agent.status(now);
        let known = status.quality == Quality::Located;
        self.report.active += 1;
        self.report.located += u64::from(known);
        self.report.known_at_end = known;
        match (known, &mut self.open) {
            (true, open) => {
                if let Some(episode) = open.take() {
                    self.report.episodes.push(Episode { for_s: Some(at_s - episode.at_s), ..episode });
                }
                (self.was_known, self.cause) = (true, None);
            }
            (false, Some(episode)) => episode.given_up |= status.quality == Quality::Lost,
            (false, None) if self.was_known => {
                let several = self.run.job.path.segments().iter().filter(|segment| segment.at.line == line).count() > 1;
                let line_says = if several { LostAfter::Several } else { LostAfter::Unreachable };
                let after = self.cause.unwrap_or(line_says);
                let given_up = status.quality == Quality::Lost;
                self.open = Some(Episode { at_s, line, after, for_s: None, given_up });
            }
            (false, None) => {}
        }
        if known {
            self.compare(at_s, status.station.as_mm(), status.uncertainty.as_mm());
        }
    }

    /// Holds a fix against the predicted motion.
    fn compare(&mut self, at_s: f64, station_mm: f64, uncertainty_mm: f64) {
        let Some(truth) = self.run.truth else { return };
        let active_s = at_s - truth.before_s;
        if !(0.0..=truth.duration_s).contains(&active_s) || truth.held_s(active_s - 1e-3, active_s) > 0.0 {
            return;
        }
        let (path, clock_s) = (&self.run.job.path, active_s - truth.held_s(0.0, active_s));
        let predicted_mm = self.profile.station_at(path, Seconds::s(clock_s)).as_mm();
        let reach_mm = (station_mm - uncertainty_mm, station_mm + uncertainty_mm);
        let off_mm = (predicted_mm - predicted_mm.clamp(reach_mm.0, reach_mm.1)).abs();
        let time_s = |mm: f64| self.profile.time_at(path, shared::motion::Station::from_mm(mm)).as_s();
        let reach_s = (time_s(reach_mm.0.max(0.0)), time_s(reach_mm.1.min(path.end().as_mm())));
        self.report.within += u64::from(off_mm <= 0.0);
        self.report.uncertainty_mm.push(uncertainty_mm);
        self.report.off_mm.push(off_mm);
        self.report.off_s.push((clock_s - clock_s.clamp(reach_s.0, reach_s.1.max(reach_s.0))).abs());
    }

    fn finish(mut self, reports: u64, damaged: u64) -> LogReport {
        self.report.episodes.extend(self.open);
        (self.report.reports, self.report.damaged) = (reports, damaged);
        for list in [&mut self.report.uncertainty_mm, &mut self.report.off_mm, &mut self.report.off_s] {
            list.sort_by(f64::total_cmp);
        }
        self.report
    }
}

fn agent(run: &LogRun<'_>, epoch: Epoch, now: Instant) -> Result<Agent, AgentError> {
    let capabilities = capabilities(Duration::from_s(LINE_LATE_S / run.speed));
    let budget = Budget {
        end_to_end: Duration::from_ms(50),
        horizon_min: Duration::from_ms(500),
        horizon_target: Duration::from_ms(1500),
        time_to_live: Duration::from_ms(200),
        cycle: CYCLE,
    };
    let mut config = agent_config(run.job, &budget, &capabilities, (Arming::Shadow, Trust::Observer));
    config.time_scale = run.speed;
    let machine = Name::parse("log").expect("a valid name");
    Agent::new(config, agent_job(machine, run.job, Arc::clone(&run.bundle), capabilities), epoch, now)
}

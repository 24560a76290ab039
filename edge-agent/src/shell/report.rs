use std::collections::BTreeMap;

use rtrb::Consumer;
use shared::plan::RejectReason;
use shared::time::{Duration, Instant};

use super::Kept;
use super::cycle::{CycleCounts, CycleEnd, CycleNote};
use super::journal::JournalEnd;
use super::network::NetworkState;
use super::summary::{
    CycleFigures, EdgeSummary, EffectFigures, EventLine, FallbackLine, LinuxCncLine, StageFigures, StatusLine,
};
use crate::blackbox::TraceEntry;
use crate::handoff::HandoffRecord;
use crate::tally::{Quantiles, Tally, phase_name};
use crate::{Agent, Phase, Status};
use firmware_bridge::controller::Execution;
use firmware_bridge::dialect::linuxcnc::EffectTimes;
use firmware_bridge::link::LinuxCncFigures;

/// Time between two lines of progress.
const LINE_PERIOD: Duration = Duration::from_ms(500);
/// Most lateness figures that are kept: five hours at 5 ms.
const LATE_MAX: usize = 4_000_000;

/// What the cycle says, collected beside it.
pub(super) struct Reporter {
    notes: Consumer<CycleNote>,
    traces: Consumer<TraceEntry>,
    handoffs: Consumer<HandoffRecord>,
    tally: Tally,
    late: Vec<Duration>,
    next_line: Instant,
    newest: Option<(Instant, Status)>,
}

/// What is known when the cycle has ended.
pub(super) struct Ending<'a> {
    pub(super) agent: &'a Agent,
    pub(super) end: CycleEnd,
    pub(super) counts: CycleCounts,
    pub(super) period: Duration,
    pub(super) time_scale: f64,
    pub(super) network: &'a NetworkState,
    pub(super) journal: &'a JournalEnd,
    pub(super) kept: Kept,
}

impl Reporter {
    pub(super) fn new(
        notes: Consumer<CycleNote>,
        traces: Consumer<TraceEntry>,
        handoffs: Consumer<HandoffRecord>,
    ) -> Self {
        Self {
            notes,
            traces,
            handoffs,
            tally: Tally::default(),
            late: Vec::new(),
            next_line: Instant::ORIGIN,
            newest: None,
        }
    }

    /// Takes in what waits and gives lines of progress to `say`.
    pub(super) fn collect(&mut self, mut say: impl FnMut(&StatusLine)) {
        while let Ok(record) = self.handoffs.pop() {
            self.tally.handoff(&record);
        }
        while let Ok(note) = self.notes.pop() {
            // The rings run side by side: a cycle is judged with what had happened up to it, and nothing later.
            self.take_events(note.at);
            self.tally.cycle(note.at, &note.status);
            self.newest = Some((note.at, note.status));
            if self.late.len() < LATE_MAX {
                self.late.push(note.late);
            }
            if note.at >= self.next_line {
                self.next_line = note.at.after(LINE_PERIOD);
                say(&self.line(&note));
            }
        }
    }

    /// The newest cycle and the state after it.
    pub(super) fn newest(&self) -> Option<&(Instant, Status)> {
        self.newest.as_ref()
    }

    /// Takes in events up to and including an instant.
    fn take_events(&mut self, until: Instant) {
        while self.traces.peek().is_ok_and(|entry| entry.at <= until) {
            if let Ok(entry) = self.traces.pop() {
                self.tally.event(&entry);
            }
        }
    }

    fn line(&self, note: &CycleNote) -> StatusLine {
        let status = &note.status;
        let load = match (status.binding.value, status.binding.limit) {
            (Some(value), Some(limit)) if limit > 0.0 => Some(f64::from(value / limit)),
            _ => None,
        };
        let done_permille = match status.phase {
            Phase::Computing { done_permille } => Some(done_permille),
            _ => None,
        };
        StatusLine {
            kind: "status".to_owned(),
            t_ms: note.at.as_s() * 1e3,
            lamp: status.lamp.name().to_owned(),
            line: status.line,
            station_mm: status.station.as_mm(),
            factor: status.factor.ratio(),
            reason: status.reason().to_owned(),
            load,
            spindle_power_w: note.spindle_power_w,
            handoff_ms: self.tally.last_handoff().map(|record| record.total.as_ms()),
            horizon_mm: (status.horizon.as_mm() - status.station.as_mm()).max(0.0),
            phase: phase_name(status.phase).to_owned(),
            done_permille,
            running: status.execution == Some(Execution::Active),
            effect_ms: note.effect.map(Duration::as_ms),
        }
    }

    /// The summary, once everything has been collected.
    pub(super) fn summary(mut self, ending: &Ending<'_>) -> EdgeSummary {
        self.take_events(Instant::from_ns(u64::MAX));
        let Self { tally, late, .. } = self;
        let began = tally.first_running().unwrap_or_default();
        let since_s = |at: Instant| at.as_s() - began.as_s();
        let last = tally.run_time();
        let handoffs = ending.agent.handoff_counts();
        let removed = &ending.journal.removed_cells;
        let admitted = tally.admitted();
        EdgeSummary {
            kind: "edge_summary".to_owned(),
            ended: end_name(ending.end).to_owned(),
            run_wall_s: last.as_s(),
            cycle_time_s: last.as_s() * ending.time_scale,
            handoff: tally.stages().into_iter().map(|(name, q)| (name.to_owned(), figures(q))).collect(),
            triggered: handoffs.triggers,
            answered: handoffs.answered,
            misses: handoffs.missed,
            horizon_slack_min_ms: tally.slack_min().map(Duration::as_ms),
            chunks_admitted: admitted.len() as u64,
            cells_removed: admitted.iter().filter_map(|(epoch, number)| removed.get(&(epoch.0, number.0))).sum(),
            fallbacks: tally
                .fallbacks()
                .iter()
                .map(|fallback| FallbackLine {
                    at_s: since_s(fallback.began),
                    line: fallback.line,
                    reason: fallback.cause.name().to_owned(),
                    source: fallback.source.name().to_owned(),
                    for_s: fallback.ended.unwrap_or(began.after(last)).since(fallback.began).as_s(),
                    reaction_ms: fallback.reaction.map(Duration::as_ms),
                })
                .collect(),
            covered_share: tally.covered_share(),
            rejects: rejects(ending.agent),
            events: tally
                .happenings()
                .iter()
                .map(|happening| EventLine { at_s: since_s(happening.at), event: happening.name.clone() })
                .collect(),
            cycle: cycle_figures(ending, late),
            losses: losses(ending, tally.left_out()),
            recording_digest: ending.journal.end.digest.to_string(),
            recording_entries: ending.journal.end.entries,
            recording_lost: ending.journal.end.lost,
            linuxcnc: ending.counts.linuxcnc.as_ref().map(linuxcnc_line),
        }
    }
}

fn linuxcnc_line(figures: &LinuxCncFigures) -> LinuxCncLine {
    let effect = |times: EffectTimes| EffectFigures {
        count: times.count,
        p50_ms: times.p50.as_ms(),
        p95_ms: times.p95.as_ms(),
        max_ms: times.max.as_ms(),
    };
    LinuxCncLine {
        ticks: figures.ticks,
        ticks_lost: figures.ticks_lost,
        reports: figures.reports,
        reports_dropped: figures.reports_dropped,
        write_to_factor: effect(figures.taken),
        write_to_velocity: effect(figures.felt),
        unanswered: figures.unanswered,
        effect_basis: if figures.measured.is_some() { "measured" } else { "declared" }.to_owned(),
    }
}

const fn end_name(end: CycleEnd) -> &'static str {
    match end {
        CycleEnd::ProgramCompleted => "program_completed",
        CycleEnd::LinkClosed => "link_closed",
        CycleEnd::Stopped => "stopped",
    }
}

fn us(span: Duration) -> f64 {
    span.as_ns() as f64 * 1e-3
}

fn figures(quantiles: Quantiles) -> StageFigures {
    let Quantiles { count, p50, p99, max } = quantiles;
    StageFigures { count, p50_us: us(p50), p99_us: us(p99), max_us: us(max) }
}

fn rejects(agent: &Agent) -> BTreeMap<String, u64> {
    let counted = RejectReason::ALL.into_iter().map(|reason| (reason.name().to_owned(), agent.reject_count(reason)));
    counted.filter(|(_, count)| *count > 0).collect()
}

fn cycle_figures(ending: &Ending<'_>, late: Vec<Duration>) -> CycleFigures {
    let late = Quantiles::of(late);
    let counts = &ending.counts;
    CycleFigures {
        period_ms: ending.period.as_ms(),
        count: counts.cycles,
        real_time: counts.real_time,
        pinned: ending.kept.pinned,
        memory_locked: ending.kept.memory_locked,
        overruns: counts.overruns,
        late_p50_us: us(late.p50),
        late_p99_us: us(late.p99),
        late_max_us: us(late.max),
        samples: counts.samples,
        messages: counts.messages,
        commands: counts.commands,
    }
}

fn losses(ending: &Ending<'_>, left_out: u64) -> BTreeMap<String, u64> {
    use std::sync::atomic::Ordering::Relaxed;
    let (counts, network) = (&ending.counts, ending.network);
    [
        ("commands_refused", counts.commands_refused),
        ("journal", counts.journal_lost),
        ("outbox", counts.outbox_dropped),
        ("notes", counts.notes_dropped),
        ("events", ending.agent.events_dropped()),
        ("samples", ending.agent.samples_dropped()),
        ("report", left_out),
        ("inbox", network.inbox_dropped.load(Relaxed)),
        ("foreign", network.foreign.load(Relaxed)),
        ("puts_failed", network.puts_failed.load(Relaxed)),
    ]
    .into_iter()
    .map(|(name, count)| (name.to_owned(), count))
    .collect()
}

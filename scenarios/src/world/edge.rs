use std::collections::BTreeMap;
use std::io::Cursor;

use edge_agent::recording::{Entry, EntryChain, Recorder, RecordingHead, TRANSMITS_PER_CYCLE_MAX, Transmitted};
use edge_agent::setup::agent_job;
use edge_agent::tally::{Happening, Tally};
use edge_agent::{Agent, AgentConfig, Inbound, OperatorAction};
use firmware_bridge::controller::Capabilities;
use firmware_bridge::controller::{Command, Execution};
use firmware_bridge::dialect::virtual_link::{ReportDecoder, ReportEvent, report_decoder};
use shared::ident::{Epoch, Name};
use shared::job::Job;
use shared::plan::RejectReason;
use shared::time::Instant;
use shared::units::Seconds;
use shared::wire::{Message, decode};

use super::WorldError;
use super::outcome::WorldOutcome;

/// The agent, as a shell would run it: reports decoded, leases granted, every input and decision recorded.
pub struct EdgeSide {
    agent: Agent,
    decoder: ReportDecoder,
    recorder: Option<Recorder<Cursor<Vec<u8>>>>,
    chain: EntryChain,
    body: Vec<u8>,
    out: Vec<u8>,
    transmits_left: usize,
    execution: Option<Execution>,
    line: Option<u32>,
    tear_next: bool,
    tally: Tally,
    cells_removed: u64,
}

impl EdgeSide {
    pub(super) fn new(
        job: &Job,
        bundle: Vec<u8>,
        machine: Name,
        (config, capabilities): (AgentConfig, Capabilities),
        record: bool,
        now: Instant,
    ) -> Result<Self, WorldError> {
        let epoch = Epoch(1);
        let head =
            RecordingHead { epoch, started_at: now, machine: &machine, config: &config, capabilities, job: &bundle };
        let chain = EntryChain::new(&head);
        let recorder = if record { Some(Recorder::new(Cursor::new(Vec::new()), &head)?) } else { None };
        let agent_job = agent_job(machine.clone(), job, bundle.into(), capabilities);
        let mut side = Self {
            agent: Agent::new(config, agent_job, epoch, now)?,
            decoder: report_decoder(),
            recorder,
            chain,
            body: Vec::new(),
            out: Vec::new(),
            transmits_left: 0,
            execution: None,
            line: None,
            tear_next: false,
            tally: Tally::default(),
            cells_removed: 0,
        };
        side.agent.handle_operator(now, OperatorAction::Arm);
        side.note(now, &Entry::Operator(OperatorAction::Arm))?;
        Ok(side)
    }

    fn note(&mut self, now: Instant, entry: &Entry<'_>) -> Result<(), WorldError> {
        self.body.clear();
        entry.encode(&mut self.body);
        self.chain.push(entry.kind(), now, &self.body);
        if let Some(recorder) = &mut self.recorder {
            recorder.record_encoded(entry.kind(), now, &self.body)?;
        }
        Ok(())
    }

    /// True once session and baseline stand, so that the program may start.
    pub(super) fn is_ready(&self) -> bool {
        self.agent.is_ready()
    }

    /// True once the agent has been told that the program has ended.
    pub(super) fn has_seen_the_end(&self) -> bool {
        self.execution == Some(Execution::ProgramCompleted)
    }

    /// True once the feed is held for what would touch: it goes on by an operator's hand only, and there is none here.
    pub(super) fn is_held(&self, now: Instant) -> bool {
        self.execution == Some(Execution::FeedHold) && self.agent.status(now).held_before_line.is_some()
    }

    /// Physical line last reported.
    pub(super) fn line(&self) -> Option<u32> {
        self.line
    }

    /// The next report line arrives without its end.
    pub(super) fn tear_next_report(&mut self) {
        self.tear_next = true;
    }

    pub(super) fn handle_controller_bytes(&mut self, now: Instant, bytes: &[u8]) -> Result<(), WorldError> {
        if bytes.is_empty() {
            return Ok(());
        }
        let torn = std::mem::take(&mut self.tear_next);
        let arrived = if torn { &bytes[..bytes.len() / 2] } else { bytes };
        let mut samples = Vec::new();
        self.decoder.feed(arrived, now, &mut |event| {
            if let ReportEvent::Report(report) = event {
                samples.push(report.sample);
            }
        });
        for sample in samples {
            self.execution = sample.execution.or(self.execution);
            self.line = sample.line.or(self.line);
            self.note(now, &Entry::Sample(sample))?;
            self.agent.handle_sample(now, &sample);
        }
        Ok(())
    }

    pub(super) fn handle_message(&mut self, now: Instant, bytes: &[u8]) -> Result<(), WorldError> {
        self.note(now, &Entry::Message { received_at: now, bytes })?;
        if let Ok(Message::Plan(plan)) = decode(bytes) {
            self.cells_removed += plan.chunk.removed_cells;
        }
        self.agent.handle_inbound(now, Inbound { received_at: now, bytes });
        Ok(())
    }

    /// Grants the lease the agent wants. Nothing is on disk here: the world dies with its process.
    pub(super) fn grant_if_wanted(&mut self, now: Instant) -> Result<(), WorldError> {
        if let Some(epoch) = self.agent.lease_wanted()
            && self.agent.handle_grant(now, epoch).is_ok()
        {
            self.note(now, &Entry::Grant(epoch))?;
        }
        Ok(())
    }

    /// One cycle, if it is due: at most one command.
    pub(super) fn cycle(&mut self, now: Instant) -> Result<Option<Command>, WorldError> {
        if self.agent.poll_timeout().is_none_or(|at| now < at) {
            return Ok(None);
        }
        let command = self.agent.poll_command(now);
        self.note(now, &Entry::Cycle(command))?;
        self.transmits_left = TRANSMITS_PER_CYCLE_MAX;
        let Self { agent, tally, .. } = self;
        tally.cycle(now, &agent.status(now));
        agent.drain_events(&mut |entry| tally.event(&entry));
        agent.drain_handoffs(&mut |record| tally.handoff(&record));
        Ok(command)
    }

    /// The next message for the cloud; there are some only after a cycle.
    pub(super) fn transmit(&mut self, now: Instant) -> Result<Option<&[u8]>, WorldError> {
        if self.transmits_left == 0 {
            return Ok(None);
        }
        let mut out = std::mem::take(&mut self.out);
        let channel = self.agent.poll_transmit(now, &mut out);
        self.out = out;
        let Some(channel) = channel else {
            self.transmits_left = 0;
            return Ok(None);
        };
        self.transmits_left -= 1;
        let transmitted = Transmitted::of(channel, &self.out);
        self.note(now, &Entry::Transmit(transmitted))?;
        Ok(Some(&self.out))
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.agent.poll_timeout()
    }

    /// Closes the books.
    pub(super) fn finish(
        self,
        started: Instant,
        cycle_time: Seconds,
        mut events: Vec<Happening>,
    ) -> Result<WorldOutcome, WorldError> {
        let rejects: BTreeMap<&'static str, u64> = RejectReason::ALL
            .iter()
            .map(|reason| (reason.name(), self.agent.reject_count(*reason)))
            .filter(|(_, count)| *count > 0)
            .collect();
        let recording = match self.recorder {
            Some(recorder) => Some(recorder.finish()?.0.into_inner()),
            None => None,
        };
        events.extend(self.tally.happenings().iter().cloned());
        // Stable: what happened at one instant stays in the order in which it was noted.
        events.sort_by_key(|event| event.at);
        Ok(WorldOutcome {
            started,
            cycle_time,
            events,
            counts: self.agent.handoff_counts(),
            rejects,
            cells_removed: self.cells_removed,
            digest: self.chain.end(0).digest,
            learned: Vec::new(),
            recording,
            tally: self.tally,
        })
    }
}

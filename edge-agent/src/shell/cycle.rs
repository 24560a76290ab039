use std::sync::Arc;
use std::thread::Thread;

use firmware_bridge::controller::{Command, ControllerSample, Execution, Objection};
use firmware_bridge::link::{CYCLE_PRIORITY, ControllerLink, LinuxCncFigures, schedule_real_time};
use rtrb::{Consumer, Producer};
use shared::ident::Epoch;
use shared::time::{Duration, Instant};
use shared::wire::{Lane, MESSAGE_BYTES_MAX};

use super::clock::Clock;
use super::config::Start;
use super::frames::{FrameReader, FrameWriter};
use super::stop::{Stop, say};
use crate::blackbox::TraceEntry;
use crate::handoff::HandoffRecord;
use crate::recording::{Entry, TRANSMITS_PER_CYCLE_MAX, Transmitted};
use crate::{Agent, Inbound, OperatorAction, Phase, Status};

/// Most messages taken from each inbox in one cycle; the rest waits for the next.
const MESSAGES_PER_CYCLE_MAX: usize = 64;
/// How long the cycle goes on after the program has ended, so that the session is closed in order.
const AFTER_END: Duration = Duration::from_ms(200);
/// How long it goes on after it was told to stop, so that the factor ramps back before commands cease.
const AFTER_STOP: Duration = Duration::from_ms(700);

/// Why the cycle ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CycleEnd {
    /// The program has reached its end.
    ProgramCompleted,
    /// The controller closed the link, or it broke.
    LinkClosed,
    /// A signal, or whoever started the process.
    Stopped,
}

/// What a cycle says to the reporter.
#[derive(Clone, Copy, Debug)]
pub(super) struct CycleNote {
    pub(super) at: Instant,
    /// How late the cycle began, against its absolute timer.
    pub(super) late: Duration,
    pub(super) status: Status,
    pub(super) spindle_power_w: Option<f64>,
    /// From command to effect, once measured.
    pub(super) effect: Option<Duration>,
}

/// Entries that found a ring full, by ring; nothing waits for any of them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct CycleCounts {
    pub(super) cycles: u64,
    pub(super) overruns: u64,
    pub(super) samples: u64,
    pub(super) messages: u64,
    pub(super) commands: u64,
    pub(super) commands_refused: u64,
    pub(super) journal_lost: u64,
    pub(super) outbox_dropped: u64,
    pub(super) notes_dropped: u64,
    /// Whether the system granted real-time scheduling.
    pub(super) real_time: bool,
    /// What the link to a LinuxCNC has counted.
    pub(super) linuxcnc: Option<LinuxCncFigures>,
}

/// The rings around the cycle.
pub(super) struct Rings {
    /// Plans and keep-alives, received instant before the bytes.
    pub(super) control_in: FrameReader,
    /// Answers to the offer and parts of the baseline.
    pub(super) bulk_in: FrameReader,
    pub(super) operators: Consumer<OperatorAction>,
    pub(super) grants: Consumer<Epoch>,
    pub(super) lease_wishes: Producer<Epoch>,
    pub(super) control_out: FrameWriter,
    pub(super) bulk_out: FrameWriter,
    pub(super) journal: FrameWriter,
    pub(super) notes: Producer<CycleNote>,
    pub(super) traces: Producer<TraceEntry>,
    pub(super) handoffs: Producer<HandoffRecord>,
    /// Threads to wake when something was pushed for them.
    pub(super) control_sender: Option<Thread>,
    pub(super) bulk_sender: Option<Thread>,
}

/// The cycle: it alone owns the agent and the link to the controller.
///
/// Each turn takes what has come, asks the agent for one command and for messages, and hands everything else to
/// rings. It waits for nothing but its timer; what a ring does not take is counted.
pub(super) struct Cycle {
    agent: Agent,
    link: ControllerLink,
    /// What is started: the bytes that the job was compiled from.
    program: Arc<[u8]>,
    rings: Rings,
    clock: Clock,
    period: Duration,
    start: Start,
    started: bool,
    program_ended: bool,
    wished: Option<Epoch>,
    objected: Option<Objection>,
    spindle_power_w: Option<f64>,
    counts: CycleCounts,
    message: Vec<u8>,
    body: Vec<u8>,
}

impl Cycle {
    pub(super) fn new(
        agent: Agent,
        (link, program): (ControllerLink, Arc<[u8]>),
        rings: Rings,
        clock: Clock,
        timing: (Duration, Start),
    ) -> Self {
        let (period, start) = timing;
        Self {
            agent,
            link,
            program,
            rings,
            clock,
            period,
            start,
            started: false,
            program_ended: false,
            wished: None,
            objected: None,
            spindle_power_w: None,
            counts: CycleCounts::default(),
            message: Vec::with_capacity(MESSAGE_BYTES_MAX + 8),
            body: Vec::with_capacity(MESSAGE_BYTES_MAX + 64),
        }
    }

    /// Runs until the program has ended, the link has closed, or a stop is wanted. `armed` is handed in as the
    /// operator's first action.
    pub(super) fn run(mut self, started_at: Instant, armed: bool, stop: &Arc<Stop>) -> (Agent, CycleEnd, CycleCounts) {
        self.counts.real_time = schedule_real_time(CYCLE_PRIORITY).is_ok();
        let mut due = started_at;
        let mut leave_at: Option<(Instant, CycleEnd)> = None;
        if armed {
            self.operator(started_at, OperatorAction::Arm);
        }
        let end = loop {
            self.clock.sleep_until(due);
            let now = self.clock.now();
            let late = now.since(due);
            // The agent counts its cycles the same way: on the grid while in time, from now on after an overrun.
            let on_time = due.after(self.period);
            due = if now < on_time {
                on_time
            } else {
                self.counts.overruns += 1;
                now.after(self.period)
            };
            self.counts.cycles += 1;
            let link_open = self.take_samples(now);
            self.take_objection(now);
            self.take_inputs(now);
            self.command(now);
            self.transmit(now);
            self.note(now, late);
            if !link_open {
                break CycleEnd::LinkClosed;
            }
            if leave_at.is_none() {
                leave_at = self.leave(now, stop);
            }
            if let Some((_, end)) = leave_at.filter(|(at, _)| now >= *at) {
                break end;
            }
        };
        self.counts.linuxcnc = self.link.linuxcnc_figures();
        (self.agent, end, self.counts)
    }

    /// Decides whether it is time to leave, and when.
    fn leave(&mut self, now: Instant, stop: &Stop) -> Option<(Instant, CycleEnd)> {
        if self.program_ended {
            return Some((now.after(AFTER_END), CycleEnd::ProgramCompleted));
        }
        if stop.is_wanted() {
            self.operator(now, OperatorAction::Off);
            return Some((now.after(AFTER_STOP), CycleEnd::Stopped));
        }
        None
    }

    /// Reads what the controller has sent; false once the link is closed.
    fn take_samples(&mut self, now: Instant) -> bool {
        let Self { link, agent, rings, body, counts, .. } = self;
        let (program_ended, started, power) = (&mut self.program_ended, &mut self.started, &mut self.spindle_power_w);
        link.receive(now, &mut |sample: ControllerSample| {
            // Before the start a virtual controller may still stand at the end of the program before.
            *started |= sample.execution == Some(Execution::Active);
            *program_ended |= *started && sample.execution == Some(Execution::ProgramCompleted);
            *power = sample.spindle_power.map(|power| power.as_w());
            counts.samples += 1;
            journal(&mut rings.journal, body, counts, now, &Entry::Sample(sample));
            agent.handle_sample(now, &sample);
        })
    }

    /// Tells the agent what the controller has otherwise, once for each that comes.
    fn take_objection(&mut self, now: Instant) {
        let found = self.link.objection();
        if std::mem::replace(&mut self.objected, found) == found {
            return;
        }
        if let Some(objection) = found {
            journal(&mut self.rings.journal, &mut self.body, &mut self.counts, now, &Entry::Objection(objection));
            self.agent.handle_objection(now, objection);
        }
    }

    fn take_inputs(&mut self, now: Instant) {
        self.take_messages(now, Lane::Control);
        self.take_messages(now, Lane::Bulk);
        while let Ok(action) = self.rings.operators.pop() {
            self.operator(now, action);
        }
        while let Ok(epoch) = self.rings.grants.pop() {
            journal(&mut self.rings.journal, &mut self.body, &mut self.counts, now, &Entry::Grant(epoch));
            // An epoch that does not advance cannot come from the epoch file; it would change nothing.
            let _ = self.agent.handle_grant(now, epoch);
        }
        if let Some(epoch) = self.agent.lease_wanted().filter(|epoch| self.wished != Some(*epoch))
            && self.rings.lease_wishes.push(epoch).is_ok()
        {
            self.wished = Some(epoch);
        }
    }

    fn take_messages(&mut self, now: Instant, lane: Lane) {
        for _ in 0..MESSAGES_PER_CYCLE_MAX {
            let inbox = if lane == Lane::Control { &mut self.rings.control_in } else { &mut self.rings.bulk_in };
            if !inbox.pop(&mut self.message) {
                return;
            }
            let Some((stamp, bytes)) = self.message.split_first_chunk::<8>() else { continue };
            let received_at = Instant::from_ns(u64::from_le_bytes(*stamp)).min(now);
            self.counts.messages += 1;
            let entry = Entry::Message { received_at, bytes };
            journal(&mut self.rings.journal, &mut self.body, &mut self.counts, now, &entry);
            self.agent.handle_inbound(now, Inbound { received_at, bytes });
        }
    }

    fn operator(&mut self, now: Instant, action: OperatorAction) {
        journal(&mut self.rings.journal, &mut self.body, &mut self.counts, now, &Entry::Operator(action));
        self.agent.handle_operator(now, action);
        if action == OperatorAction::ReArm {
            self.link.accept();
            self.objected = None;
        }
    }

    fn command(&mut self, now: Instant) {
        let command = self.agent.poll_command(now);
        journal(&mut self.rings.journal, &mut self.body, &mut self.counts, now, &Entry::Cycle(command));
        if let Some(command) = command {
            let taken = self.link.command(now, command);
            self.counts.commands += u64::from(taken && matches!(command, Command::Factor { .. }));
            self.counts.commands_refused += u64::from(!taken);
        }
        self.start_program(now);
        let Self { link, agent, rings, body, counts, .. } = self;
        link.flush(now, &mut |sample| {
            journal(&mut rings.journal, body, counts, now, &Entry::Sample(sample));
            agent.handle_sample(now, &sample);
        });
    }

    /// Starts the program, once: on a virtual controller, or as the sender.
    fn start_program(&mut self, now: Instant) {
        let Start::WhenReady { within } = self.start else { return };
        let ready = self.agent.status(now).phase == Phase::Ready;
        if ready || now >= Instant::ORIGIN.after(within) {
            self.start = Start::Operator;
            let started = self.link.start(&self.program);
            self.counts.commands_refused += u64::from(!matches!(started, Ok(true)));
            if let Err(fault) = started {
                say(&format!("the program is not sent: {fault}"));
            }
        }
    }

    fn transmit(&mut self, now: Instant) {
        let (mut control, mut bulk) = (false, false);
        for _ in 0..TRANSMITS_PER_CYCLE_MAX {
            let Some(channel) = self.agent.poll_transmit(now, &mut self.message) else { break };
            let entry = Entry::Transmit(Transmitted::of(channel, &self.message));
            journal(&mut self.rings.journal, &mut self.body, &mut self.counts, now, &entry);
            let fits = match channel.lane() {
                Lane::Control => {
                    control = true;
                    self.rings.control_out.push(&[&self.message])
                }
                Lane::Bulk => {
                    bulk = true;
                    self.rings.bulk_out.push(&[&self.message])
                }
            };
            self.counts.outbox_dropped += u64::from(!fits);
        }
        // Waking a thread that does not sleep costs nothing, waking one that does a system call.
        if let Some(sender) = self.rings.control_sender.as_ref().filter(|_| control) {
            sender.unpark();
        }
        if let Some(sender) = self.rings.bulk_sender.as_ref().filter(|_| bulk) {
            sender.unpark();
        }
    }

    fn note(&mut self, now: Instant, late: Duration) {
        let Self { agent, rings, counts, .. } = self;
        let (status, effect) = (agent.status(now), self.link.effect_time());
        let note = CycleNote { at: now, late, status, spindle_power_w: self.spindle_power_w, effect };
        counts.notes_dropped += u64::from(rings.notes.push(note).is_err());
        agent.drain_events(&mut |entry| counts.notes_dropped += u64::from(rings.traces.push(entry).is_err()));
        agent.drain_handoffs(&mut |record| counts.notes_dropped += u64::from(rings.handoffs.push(record).is_err()));
    }
}

/// Hands one entry to the recorder.
fn journal(ring: &mut FrameWriter, body: &mut Vec<u8>, counts: &mut CycleCounts, now: Instant, entry: &Entry<'_>) {
    body.clear();
    entry.encode(body);
    let head = now.as_ns().to_le_bytes();
    counts.journal_lost += u64::from(!ring.push(&[&[entry.kind() as u8], &head, body]));
}

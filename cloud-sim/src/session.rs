//! One machine's session with the service: an offer becomes a job, the job a baseline, the samples chunks.
//!
//! The session is a state machine without clock, thread or socket. Messages go in by
//! [`Session::handle_message`], replies come out by [`Session::poll_transmit`], and work is done in
//! [`Session::step`], which is given how much of it to do. A step never takes longer than its allowance of
//! segments; the shell decides how often it is called and what other sessions get in between.
//!
//! ```text
//! Idle ── offer and parts ──▶ Receiving ── compiled, digests equal ──▶ Planning ── baseline sent ──▶ Live
//!   ▲                             │ digests differ, bad job                                            │
//!   └──────── close, newer offer ─┴────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! Whatever arrives under another epoch than the current offer's is ignored: a session serves one lease.
//! What it knows can be built again from the offer and the last station (DESIGN.md section 8); nothing is kept on disk.

use std::collections::VecDeque;
use std::sync::Arc;

use shared::budget::WorkAllowance;
use shared::ident::{ContextDigest, Digest, Epoch, PlanSequence, ToolNumber};
use shared::job::{Job, JobSources};
use shared::time::{Duration, Instant};
use shared::wire::{self, Accept, Channel, Message, Offer, OfferPart, PlanMessage, Refuse};

use crate::estimator::{Alarm, Estimate, Estimator};
use crate::executor::Executor;
use crate::live::{Live, Planning};

/// What a session needs to know beside the job.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SessionConfig {
    /// How far ahead chunks reach, in time on the clock.
    pub horizon_target: Duration,
    /// How long a chunk may be used without news.
    pub time_to_live: Duration,
    /// Longest silence towards the edge; at most a third of the time to live.
    pub keep_alive_period: Duration,
    /// Cell of the stock map in mm; chosen from the tools where `None`.
    pub cell_mm: Option<f64>,
    /// Most memory of one stock map in bytes.
    pub memory_max_bytes: u64,
}

/// Something worth telling the operator of the service.
#[derive(Clone, Debug, PartialEq)]
pub enum SessionEvent {
    /// A job was read and both sides agree on it.
    Accepted {
        /// Its name.
        job: String,
    },
    /// A job was refused.
    Refused {
        /// Why, as sent to the edge.
        reason: String,
    },
    /// The baseline is complete.
    BaselineReady {
        /// Spans of the baseline.
        spans: usize,
        /// Highest predicted peak force at 100 %, N; `None` where no force is known.
        force_peak_n: Option<f64>,
    },
    /// What was learned of a tool has moved its bounds.
    Learned {
        /// The tool.
        tool: ToolNumber,
        /// Factor on its predicted loads from now on, at least 1.
        raise: f64,
        /// What it rests on; `None` where a tool was taken again and nothing has been measured yet.
        estimate: Option<Estimate>,
    },
    /// Another stretch of observable cutting has been seen.
    Estimated {
        /// The tool.
        tool: ToolNumber,
        /// What has been learned of it.
        estimate: Estimate,
    },
    /// Spindle power no longer fits what was learned.
    Residual(Alarm),
    /// Something of the machine will touch what it must not, if the program runs as it is.
    ContactAhead {
        /// Source line, from 1.
        line: u32,
        /// What touches what, in words.
        what: String,
    },
    /// The session ended.
    Closed,
    /// A message could not be read.
    Malformed,
}

/// Most events kept until they are drained; the oldest go first.
const EVENTS_MAX: usize = 256;
/// Most replies kept until they are sent; the oldest go first, as they are absolute and repeated.
const OUTBOX_MAX: usize = 2048;

impl SessionEvent {
    /// Where it is about what the machine has taught: `alarm`, `tightened` or `estimate`, and a sentence.
    pub fn learning(&self) -> Option<(&'static str, String)> {
        match self {
            Self::Learned { tool, raise, estimate: Some(estimate) } => {
                Some(("tightened", format!("{tool}: loads count {raise:.2} times; the cut takes {estimate}")))
            }
            Self::Learned { tool, raise, estimate: None } => {
                Some(("tightened", format!("{tool}: loads count {raise:.2} times, as learned when it cut before")))
            }
            Self::Estimated { tool, estimate } => Some(("estimate", format!("{tool}: the cut takes {estimate}"))),
            Self::Residual(alarm) => Some(("alarm", alarm.to_string())),
            _ => None,
        }
    }
}

/// A machine's session.
pub struct Session {
    config: SessionConfig,
    state: State,
    outbox: Outbox,
    events: VecDeque<SessionEvent>,
    /// What was learned under this context, for the next part of the same job.
    learned: Option<(ContextDigest, Estimator)>,
}

enum State {
    Idle,
    Receiving(Receiving),
    Planning(Box<Planning>),
    Live(Box<Live>),
    /// The offer of this epoch was refused; said again when it is offered again.
    Refused(Epoch, String),
}

struct Receiving {
    offer: Offer,
    parts: Vec<Option<Vec<u8>>>,
}

/// Replies that wait to be sent.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    queue: VecDeque<Message>,
    /// When the newest chunk's planning began and its basis arrived: its stamps end when it is handed over.
    timing: Option<ChunkTiming>,
    last_sent: Instant,
}

/// Instants on the cloud's clock from which the last stamps of a chunk are made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ChunkTiming {
    pub(crate) basis_arrived: Instant,
    pub(crate) plan_began: Instant,
}

impl Outbox {
    pub(crate) fn push(&mut self, message: Message) {
        if self.queue.len() == OUTBOX_MAX {
            self.queue.pop_front();
        }
        self.queue.push_back(message);
    }

    pub(crate) fn push_chunk(&mut self, chunk: PlanMessage, timing: ChunkTiming) {
        self.timing = Some(timing);
        self.push(Message::Plan(chunk));
    }

    /// The next reply; a chunk gets its last stamps now.
    fn pop(&mut self, now: Instant) -> Option<Message> {
        let mut message = self.queue.pop_front()?;
        if let (Message::Plan(chunk), Some(timing)) = (&mut message, self.timing) {
            chunk.chunk.stamps.plan = now.since(timing.plan_began);
            chunk.chunk.stamps.total = now.since(timing.basis_arrived);
        }
        self.last_sent = now;
        Some(message)
    }
}

impl Session {
    /// A session that waits for an offer.
    pub fn new(config: SessionConfig) -> Self {
        Self { config, state: State::Idle, outbox: Outbox::default(), events: VecDeque::new(), learned: None }
    }

    /// Takes one message from the edge. What is damaged, or of another epoch, changes nothing.
    pub fn handle_message(&mut self, now: Instant, bytes: &[u8]) {
        match wire::decode(bytes) {
            Ok(Message::Offer(offer)) => self.handle_offer(offer),
            Ok(Message::OfferPart(part)) => self.handle_part(part),
            Ok(Message::State(batch)) => match &mut self.state {
                State::Live(live) if live.epoch() == batch.epoch => {
                    let events = &mut self.events;
                    live.handle_state(now, &batch, &mut |event| keep(events, event));
                }
                State::Planning(planning) if planning.epoch() == batch.epoch => planning.handle_state(now, &batch),
                _ => {}
            },
            Ok(Message::Close { epoch }) => {
                if self.epoch() == Some(epoch) {
                    self.keep_learned();
                    self.state = State::Idle;
                    self.note(SessionEvent::Closed);
                }
            }
            Ok(_) => {}
            Err(_) => self.note(SessionEvent::Malformed),
        }
    }

    /// True while [`Self::step`] has something to do.
    pub fn work_pending(&self, now: Instant) -> bool {
        match &self.state {
            State::Idle | State::Refused(..) => false,
            State::Receiving(receiving) => receiving.parts.iter().all(Option::is_some),
            State::Planning(_) => true,
            State::Live(live) => live.work_pending(now, &self.config),
        }
    }

    /// Does one stage of at most `allowance` segments. A live chunk takes two calls, one that cuts and one
    /// that plans: the difference of their `now` is the stamp of the first stage, and the call of
    /// [`Self::poll_transmit`] that hands the chunk over ends the second.
    ///
    /// Returns the segments that were really cut; zero for a stage that cuts none.
    pub fn step(&mut self, now: Instant, allowance: WorkAllowance, executor: &dyn Executor) -> WorkAllowance {
        let mut used = WorkAllowance(0);
        match std::mem::replace(&mut self.state, State::Idle) {
            State::Receiving(receiving) if receiving.parts.iter().all(Option::is_some) => {
                self.compile(receiving, executor);
            }
            State::Planning(mut planning) => {
                let ready;
                (used, ready) = planning.step(allowance, executor, &mut self.outbox);
                self.state = match ready {
                    None => State::Planning(planning),
                    Some(Ok(mut live)) => {
                        if let Some((_, estimator)) = self.learned.take_if(|(context, _)| *context == live.context()) {
                            live.begin_with(estimator);
                        }
                        self.note(live.ready_event());
                        live.contacts().into_iter().for_each(|contact| self.note(contact));
                        State::Live(live)
                    }
                    Some(Err(reason)) => self.refusal(planning.epoch(), reason),
                };
            }
            State::Live(mut live) => {
                used = live.step(now, allowance, executor, &self.config, &mut self.outbox);
                self.state = State::Live(live);
            }
            unchanged => self.state = unchanged,
        }
        used
    }

    /// The next reply, written into `out`, with its channel; `None` when all is sent.
    pub fn poll_transmit(&mut self, now: Instant, out: &mut Vec<u8>) -> Option<Channel> {
        if self.outbox.queue.is_empty()
            && let State::Live(live) = &mut self.state
            && now.since(self.outbox.last_sent) >= self.config.keep_alive_period
            && let Some(keep_alive) = live.keep_alive()
        {
            self.outbox.push(Message::KeepAlive(keep_alive));
        }
        let message = self.outbox.pop(now)?;
        // Only a message longer than the wire allows does not encode, and all that is built here is bounded.
        wire::encode(&message, out).ok().map(|()| Channel::of(message.kind()))
    }

    /// When to call again although no message arrived.
    pub fn poll_timeout(&self) -> Option<Instant> {
        matches!(self.state, State::Live(_)).then(|| self.outbox.last_sent.after(self.config.keep_alive_period))
    }

    /// What happened since the last call, oldest first.
    pub fn drain_events(&mut self) -> impl Iterator<Item = SessionEvent> + '_ {
        self.events.drain(..)
    }

    fn epoch(&self) -> Option<Epoch> {
        match &self.state {
            State::Idle => None,
            State::Receiving(receiving) => Some(receiving.offer.epoch),
            State::Planning(planning) => Some(planning.epoch()),
            State::Live(live) => Some(live.epoch()),
            State::Refused(epoch, _) => Some(*epoch),
        }
    }

    /// A newer offer takes the place of whatever was; a repeated one is answered again.
    fn handle_offer(&mut self, offer: Offer) {
        match &self.state {
            State::Refused(epoch, reason) if *epoch == offer.epoch => {
                let refuse = Refuse { epoch: *epoch, reason: reason.clone() };
                self.outbox.push(Message::Refuse(refuse));
            }
            State::Planning(planning) if planning.epoch() == offer.epoch => {
                self.outbox.push(Message::Accept(planning.accept()));
            }
            State::Live(live) if live.epoch() == offer.epoch => live.offered_again(&mut self.outbox),
            _ if self.epoch().is_none_or(|epoch| epoch < offer.epoch) => {
                let parts = vec![None; offer.parts as usize];
                self.keep_learned();
                self.state = State::Receiving(Receiving { offer, parts });
            }
            _ => {}
        }
    }

    /// The job ends: what its spindle taught serves the next part, as long as nothing of the job is changed.
    fn keep_learned(&mut self) {
        if let State::Live(live) = &self.state {
            self.learned = Some((live.context(), live.estimator().clone()));
        }
    }

    fn handle_part(&mut self, part: OfferPart) {
        if let State::Receiving(receiving) = &mut self.state
            && receiving.offer.epoch == part.epoch
            && let Some(place) = receiving.parts.get_mut(part.index as usize)
        {
            *place = Some(part.bytes);
        }
    }

    /// All parts are here: read the job, compile it, and compare what both sides made of it.
    fn compile(&mut self, receiving: Receiving, executor: &dyn Executor) {
        let offer = receiving.offer;
        self.state = match agreed_job(&offer, &receiving.parts) {
            Err(reason) => self.refusal(offer.epoch, reason),
            Ok((job, sources)) => {
                self.note(SessionEvent::Accepted { job: job.name.clone() });
                let accept =
                    Accept { epoch: offer.epoch, program: job.program, context: job.context, path: job.path.digest() };
                self.outbox.push(Message::Accept(accept));
                match Planning::new(accept, &job, &sources, &self.config, executor) {
                    Ok(planning) => State::Planning(Box::new(planning)),
                    Err(reason) => self.refusal(offer.epoch, reason),
                }
            }
        };
    }

    fn refusal(&mut self, epoch: Epoch, reason: String) -> State {
        self.outbox.push(Message::Refuse(Refuse { epoch, reason: reason.clone() }));
        self.note(SessionEvent::Refused { reason: reason.clone() });
        State::Refused(epoch, reason)
    }

    fn note(&mut self, event: SessionEvent) {
        keep(&mut self.events, event);
    }
}

fn keep(events: &mut VecDeque<SessionEvent>, event: SessionEvent) {
    if events.len() == EVENTS_MAX {
        events.pop_front();
    }
    events.push_back(event);
}

/// Puts the parts together, compiles the job and compares digests.
fn agreed_job(offer: &Offer, parts: &[Option<Vec<u8>>]) -> Result<(Arc<Job>, JobSources), String> {
    let blob: Vec<u8> = parts.iter().flatten().flatten().copied().collect();
    if blob.len() as u64 != offer.bytes || Digest::of(&blob) != offer.blob {
        return Err("the offered bytes are not those that were announced".to_owned());
    }
    let sources = JobSources::from_bytes(&blob).map_err(|error| error.to_string())?;
    let (job, diagnostics) = Job::compile(&sources);
    let Some(job) = job else {
        let first = diagnostics.iter().find(|diagnostic| diagnostic.is_error());
        return Err(first.map_or_else(|| "the job does not compile".to_owned(), ToString::to_string));
    };
    let differing = [
        ("program", job.program == offer.program),
        ("path", job.path.digest() == offer.path),
        ("context", job.context == offer.context),
    ];
    match differing.iter().find(|(_, equal)| !equal) {
        Some((what, _)) => {
            Err(format!("edge and cloud read the {what} differently; use the same version on both sides"))
        }
        None => Ok((Arc::new(job), sources)),
    }
}

/// Numbers chunks and keep-alives of one epoch.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Numbering {
    last: PlanSequence,
}

impl Numbering {
    pub(crate) fn next(&mut self) -> PlanSequence {
        self.last = self.last.next();
        self.last
    }
}

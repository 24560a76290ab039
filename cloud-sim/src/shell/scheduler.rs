use shared::ident::Name;
use shared::time::Duration;
use shared::wire::{CloudKeys, Sealer};

use super::clock::Clock;
use super::gateway::{Inbox, Losses, Outbound, Outboxes};
use super::sessions::{Ignored, Sessions};
use super::stop::{Stop, say};
use crate::session::{SessionConfig, SessionEvent};
use crate::workers::Workers;

/// Longest time for one session before messages are looked at again and the next session has its turn.
const SLICE_MAX: Duration = Duration::from_ms(4);
/// Longest sleep when nothing is to be done.
const IDLE: Duration = Duration::from_ms(100);

/// What the service has done.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    messages: u64,
    no_session: u64,
    not_an_offer: u64,
    full: u64,
    steps: u64,
    units_cut: u64,
    work_ns: u64,
    step_ns_max: u64,
    sent: u64,
}

/// Most sentences of what machines have taught that are kept for the line at the end; what comes later is only said.
const LEARNED_MAX: usize = 256;

/// The one thread that decides: takes messages, gives each session its share of work in turn, and hands over
/// replies. It never calls the network.
pub(super) struct Scheduler {
    sessions: Sessions,
    clock: Clock,
    workers: Workers,
    counts: Counts,
    /// What machines have taught, for the line at the end.
    learned: Vec<serde_json::Value>,
    keys: Option<CloudKeys>,
}

impl Scheduler {
    pub(super) fn new(config: SessionConfig, sessions_max: usize, clock: Clock, workers: Workers) -> Self {
        Self {
            sessions: Sessions::new(config, sessions_max),
            clock,
            workers,
            counts: Counts::default(),
            learned: Vec::new(),
            keys: None,
        }
    }

    /// Signs everything that is sent from now on.
    pub(super) fn sign_with(&mut self, keys: Option<CloudKeys>) {
        self.keys = keys;
    }

    pub(super) fn run(&mut self, inbox: &Inbox, outboxes: &Outboxes, stop: &Stop) {
        while !stop.is_wanted() {
            self.take_messages(inbox);
            let worked = self.work();
            self.hand_over(outboxes);
            if !worked {
                inbox.wait(std::time::Duration::from_nanos(self.idle_time().as_ns()));
            }
        }
    }

    fn take_messages(&mut self, inbox: &Inbox) {
        while let Some(inbound) = inbox.pop() {
            self.counts.messages += 1;
            // The instant of arrival, so that waiting in the ring counts as queueing.
            let handled = self.sessions.handle(inbound.at, &inbound.machine, inbound.channel, &inbound.bytes);
            match handled {
                Ok(()) => {}
                Err(Ignored::NoSession) => self.counts.no_session += 1,
                Err(Ignored::NotAnOffer) => self.counts.not_an_offer += 1,
                Err(Ignored::Full) => {
                    self.counts.full += 1;
                    say(&format!("{}: offer ignored, as many machines are served as allowed", inbound.machine));
                }
            }
        }
    }

    /// One step of the next session with work; false if none has any.
    fn work(&mut self) -> bool {
        let began = self.clock.now();
        let left = self.sessions.poll_timeout().map_or(SLICE_MAX, |due| due.since(began).min(SLICE_MAX));
        let Some((_, slot)) = self.sessions.next_with_work(began) else { return false };
        let allowance = slot.pace.allowance(left);
        let used = slot.session.step(began, allowance, &self.workers);
        let took = self.clock.now().since(began);
        slot.pace.note(used, took);
        self.counts.steps += 1;
        self.counts.units_cut += u64::from(used.0);
        self.counts.work_ns += took.as_ns();
        self.counts.step_ns_max = self.counts.step_ns_max.max(took.as_ns());
        true
    }

    fn hand_over(&mut self, outboxes: &Outboxes) {
        let (clock, counts, keys) = (self.clock, &mut self.counts, &mut self.keys);
        self.sessions.transmit(
            || clock.now(),
            |machine, channel, mut bytes| {
                // Without its seal nobody would take it: it is lost, as on a network, and asked for again.
                if keys.as_mut().is_some_and(|keys| keys.seal(machine, &mut bytes).is_err()) {
                    return;
                }
                counts.sent += 1;
                outboxes.push(Outbound { machine: machine.clone(), channel, bytes });
            },
        );
        let learned = &mut self.learned;
        self.sessions.drain_events(|machine, event| {
            say(&sentence(machine, &event));
            if let Some((kind, what)) = event.learning().filter(|_| learned.len() < LEARNED_MAX) {
                learned.push(serde_json::json!({ "kind": kind, "what": what }));
            }
        });
    }

    fn idle_time(&self) -> Duration {
        let now = self.clock.now();
        self.sessions.poll_timeout().map_or(IDLE, |due| due.since(now).min(IDLE))
    }

    /// Counts for the line at the end.
    pub(super) fn summary(&self, losses: &Losses) -> serde_json::Value {
        let counts = &self.counts;
        serde_json::json!({
            "kind": "cloud_summary",
            "messages": counts.messages,
            "sent": counts.sent,
            "steps": counts.steps,
            "units_cut": counts.units_cut,
            "work_ms": counts.work_ns as f64 * 1e-6,
            "step_ms_max": counts.step_ns_max as f64 * 1e-6,
            "learned": self.learned,
            "jobs_per_worker": self.workers.jobs_per_worker(),
            "ignored": {
                "no_session": counts.no_session,
                "not_an_offer": counts.not_an_offer,
                "full": counts.full,
                "foreign": losses.foreign,
            },
            "dropped": {
                "states": losses.states_dropped,
                "offers": losses.offers_dropped,
                "control": losses.control_dropped,
                "bulk": losses.bulk_dropped,
                "puts_failed": losses.puts_failed,
            },
        })
    }
}

fn sentence(machine: &Name, event: &SessionEvent) -> String {
    match event {
        SessionEvent::Accepted { job } => format!("{machine}: job {job} accepted, both sides read it alike"),
        SessionEvent::Refused { reason } => format!("{machine}: job refused: {reason}"),
        SessionEvent::BaselineReady { spans, force_peak_n: Some(force) } => {
            format!("{machine}: baseline of {spans} spans is ready, peak force at 100 % {force:.0} N")
        }
        SessionEvent::BaselineReady { spans, force_peak_n: None } => {
            format!("{machine}: baseline of {spans} spans is ready, no force is known")
        }
        SessionEvent::Learned { .. } | SessionEvent::Estimated { .. } | SessionEvent::Residual(_) => {
            format!("{machine}: {}", event.learning().unwrap_or_default().1)
        }
        SessionEvent::ContactAhead { line, what } => format!("{machine}: COLLISION AHEAD, line {line}: {what}"),
        SessionEvent::Closed => format!("{machine}: session closed"),
        SessionEvent::Malformed => format!("{machine}: a message did not read"),
    }
}

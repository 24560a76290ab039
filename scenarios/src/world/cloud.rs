use cloud_sim::executor::Executor;
use cloud_sim::session::{Session, SessionConfig, SessionEvent};
use shared::budget::WorkAllowance;
use shared::time::{Duration, Instant};

/// Segments one step of the cloud may cut, and the virtual time such a step takes. The figures stand for a
/// service that cuts 20 000 segments a second, an order below what the kernel's bench shows.
const STEP_ALLOWANCE: WorkAllowance = WorkAllowance(20);
const STEP_TIME: Duration = Duration::from_ms(1);

/// The same while nobody waits for a plan: a whole program is cut before the machine starts.
const PLANNING_ALLOWANCE: WorkAllowance = WorkAllowance(2000);

/// Most of what was learned that is kept; what comes later is not.
const LEARNED_MAX: usize = 4096;

/// The service, as a shell would run it.
pub(super) struct CloudSide<'a> {
    session: Session,
    config: SessionConfig,
    executor: &'a dyn Executor,
    /// Stopped or dead until then.
    away_until: Option<Instant>,
    died: bool,
    busy_until: Instant,
    live: bool,
    out: Vec<u8>,
    learned: Vec<(Instant, SessionEvent)>,
}

impl<'a> CloudSide<'a> {
    pub(super) fn new(config: SessionConfig, executor: &'a dyn Executor) -> Self {
        Self {
            session: Session::new(config),
            config,
            executor,
            away_until: None,
            died: false,
            busy_until: Instant::ORIGIN,
            live: false,
            out: Vec::new(),
            learned: Vec::new(),
        }
    }

    /// The process is stopped: messages wait for it, as they do in its sockets, and are read when it goes on.
    pub(super) fn stop(&mut self, until: Instant) {
        self.away_until = Some(until);
    }

    /// The process is gone, and what it knew with it.
    pub(super) fn kill(&mut self, until: Instant) {
        self.away_until = Some(until);
        self.died = true;
        self.session = Session::new(self.config);
        self.live = false;
    }

    /// Comes back when the time has come; says what happened.
    pub(super) fn revive(&mut self, now: Instant) -> Option<&'static str> {
        self.away_until.filter(|until| now >= *until)?;
        self.away_until = None;
        Some(if std::mem::take(&mut self.died) { "cloud_restarted" } else { "cloud_continued" })
    }

    /// A message arrives. While the process does not run, what arrives is lost: the newest state supersedes.
    pub(super) fn handle_message(&mut self, now: Instant, bytes: &[u8]) {
        if self.away_until.is_none() {
            self.session.handle_message(now, bytes);
        }
    }

    /// Works and sends what there is to send.
    pub(super) fn work(&mut self, now: Instant, send: &mut dyn FnMut(&[u8])) {
        if self.away_until.is_some() {
            return;
        }
        if now >= self.busy_until && self.session.work_pending(now) {
            let allowance = if self.live { STEP_ALLOWANCE } else { PLANNING_ALLOWANCE };
            self.session.step(now, allowance, self.executor);
            self.busy_until = now.after(STEP_TIME);
        }
        for event in self.session.drain_events() {
            use SessionEvent::{BaselineReady, Estimated, Learned, Residual};
            self.live |= matches!(event, BaselineReady { .. });
            let of_learning = matches!(event, Learned { .. } | Estimated { .. } | Residual(_));
            if of_learning && self.learned.len() < LEARNED_MAX {
                self.learned.push((now, event));
            }
        }
        while self.session.poll_transmit(now, &mut self.out).is_some() {
            send(&self.out);
        }
    }

    /// What it has learned and found, with the instants.
    pub(super) fn into_learned(self) -> Vec<(Instant, SessionEvent)> {
        self.learned
    }

    pub(super) fn poll_timeout(&self, now: Instant) -> Option<Instant> {
        if let Some(until) = self.away_until {
            return (until < Instant::from_ns(u64::MAX)).then_some(until);
        }
        if self.session.work_pending(now) { Some(self.busy_until.max(now)) } else { self.session.poll_timeout() }
    }
}

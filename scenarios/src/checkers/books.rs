use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::Breach;

/// One millisecond.
pub(super) const MS: u64 = 1_000_000;

/// No plan speaks here.
pub(super) const NOTHING: u16 = u16::MAX;
/// Nobody knows whether one speaks here.
pub(super) const MURKY: u16 = u16::MAX - 1;

/// Figures that the oracles know beforehand.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Greatest change of the factor, per mille a second.
    pub slew_permille_s: u64,
    /// Time between two commands, ns.
    pub cycle_ns: u64,
    /// Longest life of a plan, ns.
    pub life_max_ns: u64,
    /// Fault-free time before plans may raise above the baseline again, ns.
    pub healthy_ns: u64,
    /// Factor of the baseline, per mille, by whole millimetres from the start.
    pub baseline: Vec<u16>,
    /// Forbidden stretch, mm.
    pub forced_mm: (f64, f64),
    /// Damaged or foreign messages in a minute beyond which the agent must latch.
    pub forged_max: u32,
    /// Longest way ahead that a chunk may begin, mm.
    pub reach_mm: f64,
    /// No message may raise what lies nearer than speed × this, s.
    pub commit_s: f64,
}

/// Why a message must not be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flaw {
    /// Not sealed, or by another key.
    Seal,
    /// Bytes that are no message of ours, sealed by the right key.
    Body,
    /// Damaged on the way.
    Damaged,
    /// For another program.
    Program,
    /// For another context.
    Context,
    /// Rests on a sample that was not sent, or states another instant.
    Basis,
    /// Of another lease than the one it was sent under.
    Epoch,
    /// Another major version.
    Version,
}

/// A chunk as its sender made it.
#[derive(Clone, Debug)]
pub struct ChunkRecord {
    /// Lease.
    pub epoch: u64,
    /// Number.
    pub sequence: u64,
    /// Sample it rests on.
    pub basis: u64,
    /// Life from the sending of that sample, ns.
    pub life_ns: u64,
    /// First station, mm.
    pub from_mm: usize,
    /// Factors by whole millimetres from there, per mille.
    pub factors: Vec<u16>,
}

/// A keep-alive as its sender made it.
#[derive(Clone, Copy, Debug)]
pub struct KeepAliveRecord {
    /// Lease.
    pub epoch: u64,
    /// Number.
    pub sequence: u64,
    /// Sample it rests on.
    pub basis: u64,
    /// Oldest chunk it stands behind.
    pub stands_behind: u64,
}

/// A message on its way to the edge.
#[derive(Clone, Debug)]
pub enum Sent {
    /// A stretch of plan.
    Chunk(ChunkRecord),
    /// A sign of life.
    KeepAlive(KeepAliveRecord),
    /// The cloud's digests; false where they are not ours.
    Accept(u64, bool),
    /// A part of the baseline: lease, index, count.
    Part(u64, u32, u32),
    /// The cloud does not plan for this lease.
    Refuse(u64),
    /// Anything else.
    Other,
}

/// What is really so at one instant.
#[derive(Clone, Copy, Debug)]
pub struct Truth {
    /// Place on the path, mm.
    pub at_mm: f64,
    /// Greatest speed of the last 50 ms, mm/s.
    pub speed_mm_s: f64,
    /// Dial, per mille.
    pub dial: u16,
    /// The program runs in automatic mode, on its path, as the agreed revision.
    pub orderly: bool,
    /// The program is started and not held or ended.
    pub active: bool,
    /// Samples arrive.
    pub sampled: bool,
    /// Factor in force at the machine, per mille.
    pub factor: u16,
}

/// The books.
#[derive(Debug)]
pub struct Oracle {
    pub(super) rules: Rules,
    pub(super) now: u64,
    pub(super) breaches: Vec<Breach>,
    // Leases and what was sent under the present one.
    pub(super) granted: Option<u64>,
    pub(super) last_epoch: u64,
    pub(super) basis_sent: BTreeMap<u64, u64>,
    pub(super) sequence_sent: u64,
    pub(super) valid_at_sent: u64,
    pub(super) accepted: bool,
    pub(super) admitted: BTreeSet<u64>,
    pub(super) newest_seen: u64,
    pub(super) parts: BTreeSet<u32>,
    pub(super) baseline_here: bool,
    // The admitted plan.
    /// Per mille by whole millimetres; [`NOTHING`] where no plan speaks.
    pub(super) overlay: Vec<u16>,
    /// The same from below: where two chunks may speak, the slower.
    pub(super) floor: Vec<u16>,
    pub(super) newest_keep_alive: u64,
    pub(super) deadline: Option<u64>,
    pub(super) life_ns: u64,
    pub(super) newest_admitted: u64,
    pub(super) cautious_until: u64,
    pub(super) expired: bool,
    // People and machine.
    pub(super) armed: bool,
    pub(super) off: bool,
    pub(super) latched: bool,
    pub(super) unconfirmed: bool,
    pub(super) truth: Option<Truth>,
    pub(super) truths: VecDeque<(u64, f64)>,
    pub(super) orderly_since: u64,
    pub(super) disorderly_since: u64,
    pub(super) sampled_since: u64,
    pub(super) active_since: u64,
    pub(super) jumped_at: Option<u64>,
    pub(super) unconfirmed_since: u64,
    pub(super) forged: VecDeque<u64>,
    // Commands.
    pub(super) last: Option<(u64, u16)>,
    pub(super) disturbed_at: u64,
    pub(super) passing_since: Option<u64>,
    pub(super) healthy_since: Option<u64>,
    pub(super) admitted_at: u64,
    /// Chunks that were valid beyond doubt, and how many of those were admitted.
    pub valid: u64,
    /// See [`Self::valid`].
    pub valid_admitted: u64,
}

impl Oracle {
    /// Empty books, opened at an instant.
    pub fn new(rules: Rules, now: u64) -> Self {
        Self {
            now,
            breaches: Vec::new(),
            granted: None,
            last_epoch: 0,
            basis_sent: BTreeMap::new(),
            sequence_sent: 0,
            valid_at_sent: 0,
            accepted: false,
            admitted: BTreeSet::new(),
            newest_seen: 0,
            parts: BTreeSet::new(),
            baseline_here: false,
            overlay: vec![NOTHING; rules.baseline.len()],
            floor: vec![NOTHING; rules.baseline.len()],
            newest_keep_alive: 0,
            deadline: None,
            life_ns: 0,
            newest_admitted: 0,
            cautious_until: 0,
            expired: false,
            armed: false,
            off: false,
            latched: false,
            unconfirmed: false,
            truth: None,
            truths: VecDeque::new(),
            orderly_since: now,
            disorderly_since: now,
            sampled_since: now,
            active_since: now,
            jumped_at: None,
            unconfirmed_since: 0,
            forged: VecDeque::new(),
            last: None,
            disturbed_at: now,
            passing_since: None,
            healthy_since: None,
            admitted_at: now,
            valid: 0,
            valid_admitted: 0,
            rules,
        }
    }

    /// What was broken so far.
    pub fn breaches(&self) -> &[Breach] {
        &self.breaches
    }

    pub(super) fn breach(&mut self, promise: u8, what: String) {
        self.breaches.push(Breach { promise, at_ns: self.now, what });
    }

    /// A lease was granted; nothing of an earlier one holds.
    pub fn granted(&mut self, now: u64, epoch: u64) {
        self.now = now;
        if epoch <= self.last_epoch {
            self.breach(7, format!("lease {epoch} was granted after lease {}", self.last_epoch));
        }
        (self.granted, self.last_epoch) = (Some(epoch), epoch.max(self.last_epoch));
        self.forget_session();
    }

    pub(super) fn forget_session(&mut self) {
        self.basis_sent.clear();
        self.accepted = false;
        self.admitted.clear();
        (self.newest_seen, self.newest_admitted, self.newest_keep_alive) = (0, 0, 0);
        self.parts.clear();
        self.speak_no_more();
        self.deadline = None;
        self.disturbed_at = self.now;
    }

    /// No plan speaks any more.
    pub(super) fn speak_no_more(&mut self) {
        self.overlay.fill(NOTHING);
        self.floor.fill(NOTHING);
    }

    /// The agent was started anew: it knows nothing, and begins at the factor it finds.
    pub fn restarted(&mut self, now: u64, factor: u16) {
        self.now = now;
        self.granted = None;
        self.forget_session();
        (self.baseline_here, self.latched, self.unconfirmed, self.armed, self.off) =
            (false, false, false, false, false);
        (self.sequence_sent, self.valid_at_sent, self.expired, self.cautious_until) = (0, 0, false, 0);
        self.woke(now, factor);
        self.forged.clear();
        self.admitted_at = now;
    }

    /// The agent was not run for a while: what it finds may have changed, and it may step as after three cycles.
    pub fn woke(&mut self, now: u64, factor: u16) {
        self.now = now;
        (self.disturbed_at, self.orderly_since) = (now, now);
        self.last = Some((now.saturating_sub(3 * self.rules.cycle_ns), factor));
    }

    /// Bytes that were damaged on their way up were read as a message.
    pub fn damage_passed(&mut self, now: u64) {
        self.now = now;
        self.breach(4, "a damaged message was read".to_owned());
    }

    /// The operator did something.
    pub fn operator(&mut self, now: u64, armed: bool, off: bool, rearmed: bool, confirmed: bool) {
        self.now = now;
        self.disturbed_at = now;
        if armed || rearmed {
            (self.armed, self.off) = (true, false);
        }
        if off {
            self.off = true;
        }
        if rearmed {
            self.latched = false;
            self.forged.clear();
        }
        if confirmed {
            self.unconfirmed = false;
        }
    }

    /// The controller stopped: the lease is void until the next grant, and the agent latches.
    pub fn stopped(&mut self, now: u64) {
        self.now = now;
        (self.latched, self.unconfirmed, self.granted) = (true, true, None);
        self.unconfirmed_since = now;
        self.forget_session();
    }

    /// Another revision runs: the agent latches.
    pub fn another_revision(&mut self, now: u64) {
        self.now = now;
        self.latched = true;
        self.disturbed_at = now;
    }

    /// The stock may not be what was simulated.
    pub fn unconfirmed(&mut self, now: u64) {
        self.now = now;
        self.unconfirmed = true;
        self.unconfirmed_since = now;
        self.disturbed_at = now;
    }

    /// The link and the cloud work, or do not.
    pub fn healthy(&mut self, now: u64, healthy: bool) {
        self.healthy_since = if healthy { self.healthy_since.or(Some(now)) } else { None };
    }

    /// What the machine does now.
    pub fn machine(&mut self, now: u64, truth: Truth) {
        self.now = now;
        if let Some(before) = self.truth {
            if before.dial != truth.dial || before.active != truth.active || before.sampled != truth.sampled {
                self.disturbed_at = now;
            }
            if (truth.orderly && !before.orderly) || (truth.sampled && !before.sampled) {
                self.orderly_since = now;
            }
            if truth.active && !before.active {
                self.active_since = now;
            }
            if truth.sampled && !before.sampled {
                self.sampled_since = now;
            }
            if before.orderly && !truth.orderly {
                self.disorderly_since = now;
            }
        }
        if !truth.orderly || !truth.sampled {
            self.disturbed_at = now;
        }
        let seen_since = self.orderly_since.max(self.sampled_since).max(self.active_since);
        let found = |jumped_at: u64| now.saturating_sub(jumped_at.max(seen_since)) > 2500 * MS;
        if truth.orderly && truth.sampled && truth.active && self.jumped_at.is_some_and(found) {
            self.jumped_at = None;
        }
        self.truth = Some(truth);
        self.truths.push_back((now, truth.at_mm));
        while self.truths.front().is_some_and(|(at, _)| now - at > 2000 * MS) {
            self.truths.pop_front();
        }
    }

    /// The tool was put somewhere else.
    pub fn jumped(&mut self, now: u64) {
        self.now = now;
        self.truths.clear();
        // What plans said behind the tool the agent may have forgotten or not; until somebody speaks of it again
        // the books are silent.
        let behind = self.truth.map_or(0, |truth| truth.at_mm as usize).min(self.overlay.len());
        self.overlay[..behind].fill(MURKY);
        self.floor[..behind].fill(0);
        self.orderly_since = now;
        self.disturbed_at = now;
        self.jumped_at = Some(now);
        self.unconfirmed = true;
        self.unconfirmed_since = now;
    }

    /// A state batch left the edge: lease, samples as (number, valid at, station mm, uncertainty mm), newest admitted.
    pub fn state_sent(&mut self, now: u64, epoch: u64, samples: &[(u64, u64, f64, f64)], admitted: Option<u64>) {
        self.now = now;
        if self.granted != Some(epoch) {
            self.breach(7, format!("state of lease {epoch} while {:?} is granted", self.granted));
        }
        if let Some(sequence) = admitted.filter(|sequence| !self.admitted.contains(sequence)) {
            self.breach(4, format!("chunk {sequence} is said to be admitted under lease {epoch}, and was not"));
        }
        let settled = now.saturating_sub(self.orderly_since) > 2500 * MS || self.disorderly_since > self.orderly_since;
        let settled = settled && self.jumped_at.is_none();
        for &(sequence, valid_at, station_mm, uncertainty_mm) in samples {
            if sequence <= self.sequence_sent || valid_at <= self.valid_at_sent {
                self.breach(
                    7,
                    format!(
                        "sample {sequence} of {valid_at} ns after {} of {}",
                        self.sequence_sent, self.valid_at_sent
                    ),
                );
            }
            (self.sequence_sent, self.valid_at_sent) = (sequence, valid_at);
            self.basis_sent.insert(sequence, now);
            let truth = self.truths.iter().rev().find(|(at, _)| *at <= valid_at);
            if let Some(&(_, at_mm)) = truth.filter(|_| settled)
                && (station_mm - at_mm).abs() > uncertainty_mm + 0.05
            {
                self.breach(7, format!("said to be at {station_mm:.2} ± {uncertainty_mm:.2} mm, is at {at_mm:.2} mm"));
            }
        }
    }
}

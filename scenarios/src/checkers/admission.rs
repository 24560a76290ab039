use super::books::{ChunkRecord, Flaw, KeepAliveRecord, MS, MURKY, NOTHING, Oracle, Sent};

impl Oracle {
    /// A message arrived at the edge and was dealt with. `admitted` is the chunk the agent says it has taken, with the
    /// station in mm up to which its plan reaches now.
    pub fn delivered(&mut self, now: u64, sent: &Sent, flaw: Option<Flaw>, admitted: Option<(u64, f64)>) {
        self.now = now;
        self.expire();
        let foreign = matches!(flaw, Some(Flaw::Seal | Flaw::Body | Flaw::Damaged | Flaw::Version));
        if foreign {
            self.count_foreign();
        }
        match sent {
            Sent::Chunk(chunk) => self.chunk(chunk, flaw, admitted),
            _ if admitted.is_some() => self.breach(4, format!("{sent:?} was taken for a chunk")),
            _ if flaw.is_some() => {}
            Sent::KeepAlive(keep_alive) => self.keep_alive(*keep_alive),
            Sent::Accept(epoch, ours) => {
                if self.granted == Some(*epoch) && *ours {
                    self.accepted = true;
                } else if self.granted == Some(*epoch) {
                    self.latched = true;
                    (self.accepted, self.baseline_here) = (false, false);
                    self.speak_no_more();
                    self.deadline = None;
                    self.disturbed_at = now;
                }
            }
            Sent::Part(epoch, index, count) => {
                if self.granted == Some(*epoch) && self.accepted && self.parts.len() as u32 == *index {
                    self.parts.insert(*index);
                    if self.parts.len() as u32 == *count && !self.baseline_here {
                        (self.baseline_here, self.disturbed_at) = (true, now);
                    }
                }
            }
            Sent::Refuse(epoch) => {
                if self.granted == Some(*epoch) {
                    self.accepted = false;
                    self.speak_no_more();
                    (self.deadline, self.disturbed_at) = (None, now);
                }
            }
            Sent::Other => {}
        }
    }

    fn keep_alive(&mut self, keep_alive: KeepAliveRecord) {
        let Some(&sent_at) = self.basis_sent.get(&keep_alive.basis) else { return };
        if self.granted != Some(keep_alive.epoch) || !self.accepted || keep_alive.sequence <= self.newest_keep_alive {
            return;
        }
        self.newest_keep_alive = keep_alive.sequence;
        let stands = keep_alive.stands_behind <= self.newest_admitted;
        if let Some(deadline) = self.deadline.filter(|_| stands) {
            self.deadline = Some(deadline.max(sent_at + self.life_ns));
        }
    }

    /// The time to live passed: what was admitted no longer speaks.
    pub(super) fn expire(&mut self) {
        if self.deadline.is_some_and(|deadline| self.now >= deadline) {
            self.deadline = None;
            self.speak_no_more();
            (self.expired, self.disturbed_at) = (true, self.now);
        }
    }

    fn count_foreign(&mut self) {
        // A life is shorter than the minute over which the agent counts, so nothing is forgotten but by a re-arm.
        self.forged.push_back(self.now);
        if self.forged.len() as u32 > self.rules.forged_max && !self.latched {
            self.latched = true;
            self.disturbed_at = self.now;
        }
    }

    /// Why a chunk must not be admitted now; `None` where it may be.
    fn refusal(&self, chunk: &ChunkRecord, flaw: Option<Flaw>) -> Option<String> {
        if let Some(flaw) = flaw {
            return Some(format!("{flaw:?}"));
        }
        if self.granted != Some(chunk.epoch) {
            return Some(format!("lease {:?} is granted, not {}", self.granted, chunk.epoch));
        }
        if !self.armed || self.off || self.latched {
            return Some("not armed, or latched".to_owned());
        }
        if !self.accepted {
            return Some("nothing was agreed".to_owned());
        }
        if chunk.sequence <= self.newest_seen {
            return Some(format!("number {} came after {}", chunk.sequence, self.newest_seen));
        }
        let Some(sent_at) = self.basis_sent.get(&chunk.basis) else {
            return Some(format!("sample {} was never sent under this lease", chunk.basis));
        };
        if self.now >= sent_at + chunk.life_ns.min(self.rules.life_max_ns) {
            return Some("it is too old".to_owned());
        }
        let (from_mm, to_mm) = (chunk.from_mm as f64, (chunk.from_mm + chunk.factors.len()) as f64);
        let truth =
            self.truth.filter(|truth| truth.orderly && self.now.saturating_sub(self.orderly_since) > 2500 * MS)?;
        let behind = to_mm < truth.at_mm - 5.0;
        let beyond = from_mm > truth.at_mm + self.rules.reach_mm + 5.0;
        (behind || beyond).then(|| format!("it speaks of {from_mm} to {to_mm} mm, the tool is at {:.1}", truth.at_mm))
    }

    fn chunk(&mut self, chunk: &ChunkRecord, flaw: Option<Flaw>, admitted: Option<(u64, f64)>) {
        let refusal = self.refusal(chunk, flaw);
        if refusal.is_none() {
            self.count_valid(chunk, admitted.is_some());
        }
        if flaw.is_none() && self.granted == Some(chunk.epoch) && self.accepted {
            self.newest_seen = self.newest_seen.max(chunk.sequence);
        }
        let Some((sequence, horizon_mm)) = admitted else { return };
        if let Some(reason) = refusal {
            self.breach(4, format!("chunk {sequence} was admitted: {reason}"));
            return;
        }
        if sequence != chunk.sequence || !self.admitted.insert(sequence) {
            self.breach(4, format!("chunk {sequence} was admitted when {} arrived", chunk.sequence));
        }
        let to_mm = (chunk.from_mm + chunk.factors.len()) as f64;
        let reach = self.truth.map_or(f64::INFINITY, |truth| truth.at_mm + self.rules.reach_mm - 5.0);
        if horizon_mm + 1e-6 < to_mm.min(reach) {
            self.breach(4, format!("chunk {sequence} reaches {to_mm} mm, the plan only {horizon_mm}"));
        }
        self.take(chunk);
    }

    /// Valid beyond doubt: far from every border.
    fn count_valid(&mut self, chunk: &ChunkRecord, admitted: bool) {
        let Some(truth) = self.truth else { return };
        let calm = self.now.saturating_sub(self.disturbed_at) > 3000 * MS && truth.active && truth.orderly;
        let sent_at = self.basis_sent.get(&chunk.basis).copied().unwrap_or(0);
        let young = self.now + 20 * MS < sent_at + chunk.life_ns.min(self.rules.life_max_ns);
        let (from_mm, to_mm) = (chunk.from_mm as f64, (chunk.from_mm + chunk.factors.len()) as f64);
        if calm && young && from_mm < truth.at_mm + 1.0 && to_mm > truth.at_mm + 20.0 {
            self.valid += 1;
            self.valid_admitted += u64::from(admitted);
            if !admitted {
                self.breach(4, format!("chunk {} is valid and was not admitted", chunk.sequence));
            }
        }
    }

    fn take(&mut self, chunk: &ChunkRecord) {
        let sent_at = self.basis_sent.get(&chunk.basis).copied().unwrap_or(self.now);
        self.life_ns = chunk.life_ns.min(self.rules.life_max_ns);
        self.deadline = Some(sent_at + self.life_ns);
        (self.newest_admitted, self.admitted_at) = (chunk.sequence, self.now);
        if std::mem::take(&mut self.expired) {
            self.cautious_until = self.now + self.rules.healthy_ns - self.rules.cycle_ns;
        }
        let truth = self.truth;
        let commit_mm = truth.map_or(0.0, |truth| truth.at_mm + truth.speed_mm_s * self.rules.commit_s);
        // Where the agent is not sure of the place, what it must not raise reaches farther than the truth does.
        let calm = truth.is_some_and(|truth| truth.orderly && truth.sampled && truth.active)
            && self.now.saturating_sub(self.orderly_since.max(self.active_since)) > 4000 * MS;
        let near_mm = truth.map_or(f64::INFINITY, |truth| truth.at_mm + 20.0);
        for (index, &factor) in chunk.factors.iter().enumerate() {
            let cell = chunk.from_mm + index;
            let old = self.permitted_at(cell);
            let new = if ((cell + 1) as f64) < commit_mm { old.min(factor) } else { factor };
            let near =
                truth.is_some_and(|truth| (cell as f64) < truth.at_mm + 60.0 && (cell as f64) > truth.at_mm - 10.0);
            if near && factor != old {
                self.disturbed_at = self.now;
            }
            let of_baseline = self.baseline_at(cell);
            let doubtful = !calm || (cell as f64) < near_mm;
            if let Some(place) = self.floor.get_mut(cell) {
                let old = if *place == NOTHING { of_baseline } else { *place };
                *place = if doubtful { old.min(factor) } else { factor };
            }
            if let Some(place) = self.overlay.get_mut(cell) {
                *place = new;
            }
        }
    }

    /// What plan, else baseline, else nobody permits at a place, per mille.
    pub(super) fn permitted_at(&self, cell: usize) -> u16 {
        match self.overlay.get(cell).copied() {
            None | Some(NOTHING) => self.baseline_at(cell),
            Some(MURKY) => 1000,
            Some(factor) => factor,
        }
    }

    pub(super) fn baseline_at(&self, cell: usize) -> u16 {
        let known = self.baseline_here.then(|| self.rules.baseline.get(cell).copied()).flatten();
        known.unwrap_or(1000)
    }
}

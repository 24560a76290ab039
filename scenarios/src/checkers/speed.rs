use super::books::{MS, NOTHING, Oracle, Truth};

/// After a disturbance this long, the commands must have come to rest: the ramp over everything, and some cycles.
const SETTLED: u64 = 1000 * MS;
/// As long again for states that end with a time of their own.
const PASSING: u64 = 1200 * MS;
/// Rounding of factors, per mille.
const GRAIN: u16 = 2;
/// On a healthy link plans come back within this, sessions opened anew included.
const HEALED: u64 = 12_000 * MS;

impl Oracle {
    /// One cycle's command, per mille; `None` where nothing was commanded.
    pub fn command(&mut self, now: u64, command: Option<u16>) {
        self.now = now;
        self.expire();
        let Some(truth) = self.truth else { return };
        self.liveness(&truth);
        let passing = self.must_pass(&truth);
        self.passing_since = if passing { self.passing_since.or(Some(now)) } else { None };
        let passed = self.passing_since.is_some_and(|since| now - since > PASSING);
        let Some(command) = command else {
            let sampled = truth.sampled && now.saturating_sub(self.sampled_since) > 100 * MS;
            if self.armed && !self.off && sampled && now.saturating_sub(self.disturbed_at) > SETTLED {
                self.breach(5, "an armed agent is silent".to_owned());
            }
            // While nothing is commanded the machine's own factor is where the next command begins.
            self.last = Some((now, truth.factor));
            return;
        };
        if !self.armed {
            self.breach(5, format!("{command} is commanded by an agent that nobody armed"));
        }
        self.slew(command, &truth);
        if self.off && passed {
            self.breach(5, format!("{command} is commanded by an agent that was switched off"));
        } else if passed && command != 1000 {
            self.breach(5, format!("{command} is commanded where nothing may be"));
        }
        if !passing {
            self.upper(command, &truth);
            self.lower(command, &truth);
        }
        self.last = Some((now, command));
    }

    fn slew(&mut self, command: u16, truth: &Truth) {
        let Some((at, before)) = self.last else { return };
        let elapsed = self.now - at;
        // Beyond the life of a command the controller has let go, and the agent begins at what it finds.
        let let_go = elapsed > 90 * MS;
        let before = if let_go { truth.factor } else { before };
        let span = elapsed.min(3 * self.rules.cycle_ns);
        let step = (self.rules.slew_permille_s * span / 1_000_000_000) as u16 + GRAIN;
        // What it finds is as old as the newest sample.
        let step = if let_go { step + 60 } else { step };
        if command.abs_diff(before) > step {
            self.breach(1, format!("a step from {before} to {command} within {} ms", elapsed / MS));
        }
    }

    /// True where the value without us must be reached: nothing may be believed or nobody wants it.
    fn must_pass(&self, truth: &Truth) -> bool {
        let known_for = self.now.saturating_sub(self.disorderly_since.max(self.sampled_since).max(self.active_since));
        let lost = !truth.orderly && known_for > 800 * MS;
        self.latched || self.off || (truth.sampled && (!truth.active || lost))
    }

    /// Uncertain times in which the agent may know less than the oracle.
    fn calm(&self, truth: &Truth) -> bool {
        truth.orderly
            && truth.sampled
            && truth.active
            && self.now.saturating_sub(self.orderly_since.max(self.active_since)) > 4000 * MS
    }

    fn is_forced(&self, at_mm: f64) -> bool {
        let (from_mm, to_mm) = self.rules.forced_mm;
        at_mm >= from_mm && at_mm < to_mm
    }

    /// Greatest effective factor where the tool is until the command has its effect.
    fn bound(&self, truth: &Truth) -> u16 {
        let ahead_mm = truth.at_mm + truth.speed_mm_s.min(20.0) * 0.02;
        let cautious = self.now < self.cautious_until || self.expired || self.is_unconfirmed();
        let of = |cell: usize| {
            let permitted = self.permitted_at(cell);
            if cautious { permitted.min(self.baseline_at(cell)) } else { permitted }
        };
        (truth.at_mm as usize..=ahead_mm as usize).map(of).min().unwrap_or(1000)
    }

    fn is_unconfirmed(&self) -> bool {
        // The agent finds a jump out only after it has lost the place.
        self.unconfirmed && self.now - self.unconfirmed_since > 3000 * MS
    }

    /// What must be commanded so that factor and dial give `effective`.
    fn beside_dial(truth: &Truth, effective: u16) -> u16 {
        let dial = u32::from(truth.dial.max(1));
        ((u32::from(effective) * 1000 / dial) as u16).min(1000)
    }

    fn upper(&mut self, command: u16, truth: &Truth) {
        let (from_mm, to_mm) = self.rules.forced_mm;
        let near_forced = truth.at_mm > from_mm - 15.0 && truth.at_mm < to_mm + 15.0;
        if !self.calm(truth) || near_forced {
            return;
        }
        let bound = Self::beside_dial(truth, self.bound(truth)) + GRAIN;
        if command <= bound {
            return;
        }
        let step = (self.rules.slew_permille_s * self.rules.cycle_ns / 1_000_000_000) as u16;
        let falling = self.last.is_some_and(|(_, before)| command + step <= before + GRAIN);
        let since = self.now - self.disturbed_at;
        if !falling && since > self.rules.cycle_ns {
            self.breach(2, format!("{command} is commanded at {:.2} mm where {bound} is permitted", truth.at_mm));
        } else if since > SETTLED {
            self.breach(3, format!("{command} is still commanded at {:.2} mm, known to be {bound}", truth.at_mm));
        }
    }

    fn lower(&mut self, command: u16, truth: &Truth) {
        let settled = self.now - self.disturbed_at > SETTLED && self.calm(truth);
        // The book is long to read: every eighth cycle is often enough for something that must not last.
        if !settled || !(self.now / self.rules.cycle_ns).is_multiple_of(8) {
            return;
        }
        if self.is_forced(truth.at_mm - 12.0) && self.is_forced(truth.at_mm + 2.0) {
            if command + GRAIN < 1000 {
                self.breach(
                    9,
                    format!("{command} is commanded at {:.1} mm, where overrides are forbidden", truth.at_mm),
                );
            }
            return;
        }
        let first = (truth.at_mm - 25.0).max(0.0) as usize;
        let of = |cell: usize| match self.floor.get(cell) {
            None | Some(&NOTHING) => self.baseline_at(cell),
            Some(floor) => (*floor).min(self.baseline_at(cell)),
        };
        let lowest = (first..truth.at_mm as usize + 80).map(of).min().unwrap_or(0);
        let expected = Self::beside_dial(truth, lowest).saturating_sub(3 * GRAIN);
        if command < expected {
            self.breach(6, format!("{command} is commanded at {:.1} mm, nothing there is below {lowest}", truth.at_mm));
        }
    }

    fn liveness(&mut self, truth: &Truth) {
        let able = truth.active && truth.orderly && truth.sampled && self.armed && !self.off && !self.latched;
        let end_mm = self.rules.baseline.len() as f64;
        let since = self.healthy_since.unwrap_or(self.now).max(self.orderly_since).max(self.disturbed_by_people());
        // A plan that is kept alive until it is nearly used up needs no other.
        if !able || self.deadline.is_some() {
            self.admitted_at = self.now;
        }
        let waited = self.now - since.max(self.admitted_at).min(self.now);
        if able && truth.at_mm < end_mm - 100.0 && waited > HEALED {
            self.breach(8, format!("nothing was admitted for {} ms on a healthy link", waited / MS));
            self.admitted_at = self.now;
        }
    }

    fn disturbed_by_people(&self) -> u64 {
        self.unconfirmed_since
    }
}

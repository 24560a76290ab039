//! One stretch with constant limits: speed up, hold, slow down.

/// A trapezoid of velocity over a stretch. `top` is what is reached; where the stretch is too short for
/// its limit, it is a triangle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Ramp {
    pub(super) length_mm: f64,
    pub(super) entry_mm_s: f64,
    pub(super) top_mm_s: f64,
    pub(super) exit_mm_s: f64,
    pub(super) acceleration_mm_s2: f64,
}

/// A place in a ramp.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Instance {
    pub(super) velocity_mm_s: f64,
    pub(super) time_s: f64,
    pub(super) done_mm: f64,
}

impl Ramp {
    /// The quickest ramp over a stretch between two speeds under a limit. Both speeds must lie at or below
    /// the limit and within reach of each other, which the look-ahead has seen to; what rounding leaves is
    /// absorbed.
    pub(super) fn new(length_mm: f64, entry_mm_s: f64, exit_mm_s: f64, cap_mm_s: f64, acceleration_mm_s2: f64) -> Self {
        let squares = (entry_mm_s * entry_mm_s + exit_mm_s * exit_mm_s) / 2.0;
        let peak_mm_s = (squares + acceleration_mm_s2 * length_mm).sqrt();
        let top_mm_s = peak_mm_s.min(cap_mm_s).max(entry_mm_s).max(exit_mm_s);
        Self { length_mm, entry_mm_s, top_mm_s, exit_mm_s, acceleration_mm_s2 }
    }

    /// Lengths of the three parts. They sum to the length exactly.
    fn parts_mm(&self) -> [f64; 3] {
        let room = |low: f64| (self.top_mm_s * self.top_mm_s - low * low) / (2.0 * self.acceleration_mm_s2);
        let up = room(self.entry_mm_s).min(self.length_mm);
        let down = room(self.exit_mm_s).min(self.length_mm - up);
        [up, (self.length_mm - up - down).max(0.0), down]
    }

    /// Time over the whole stretch, s.
    pub(super) fn time_s(&self) -> f64 {
        let [up, hold, down] = self.parts_mm();
        stretch_s(up, self.entry_mm_s, self.top_mm_s)
            + stretch_s(hold, self.top_mm_s, self.top_mm_s)
            + stretch_s(down, self.top_mm_s, self.exit_mm_s)
    }

    /// State after a length, limited to the stretch.
    pub(super) fn at_mm(&self, done_mm: f64) -> Instance {
        let done_mm = done_mm.clamp(0.0, self.length_mm);
        let [up, hold, down] = self.parts_mm();
        let up_s = stretch_s(up, self.entry_mm_s, self.top_mm_s);
        if done_mm < up {
            let velocity_mm_s = after(self.entry_mm_s, self.top_mm_s, done_mm / up);
            return Instance { velocity_mm_s, time_s: stretch_s(done_mm, self.entry_mm_s, velocity_mm_s), done_mm };
        }
        if done_mm < up + hold {
            let time_s = up_s + (done_mm - up) / self.top_mm_s;
            return Instance { velocity_mm_s: self.top_mm_s, time_s, done_mm };
        }
        let slowed_mm = done_mm - up - hold;
        let velocity_mm_s =
            if down > 0.0 { after(self.top_mm_s, self.exit_mm_s, slowed_mm / down) } else { self.exit_mm_s };
        let time_s =
            up_s + stretch_s(hold, self.top_mm_s, self.top_mm_s) + stretch_s(slowed_mm, self.top_mm_s, velocity_mm_s);
        Instance { velocity_mm_s, time_s, done_mm }
    }

    /// State after a time, limited to the stretch.
    pub(super) fn at_s(&self, time_s: f64) -> Instance {
        let [up, hold, down] = self.parts_mm();
        let up_s = stretch_s(up, self.entry_mm_s, self.top_mm_s);
        let hold_s = stretch_s(hold, self.top_mm_s, self.top_mm_s);
        let down_s = stretch_s(down, self.top_mm_s, self.exit_mm_s);
        let time_s = time_s.clamp(0.0, up_s + hold_s + down_s);
        if time_s < up_s {
            let rate = (self.top_mm_s - self.entry_mm_s) / up_s;
            let velocity_mm_s = self.entry_mm_s + rate * time_s;
            return Instance { velocity_mm_s, time_s, done_mm: time_s * (self.entry_mm_s + velocity_mm_s) / 2.0 };
        }
        if time_s < up_s + hold_s {
            return Instance { velocity_mm_s: self.top_mm_s, time_s, done_mm: up + (time_s - up_s) * self.top_mm_s };
        }
        let slowing_s = time_s - up_s - hold_s;
        let rate = if down_s > 0.0 { (self.exit_mm_s - self.top_mm_s) / down_s } else { 0.0 };
        let velocity_mm_s = self.top_mm_s + rate * slowing_s;
        let done_mm = up + hold + slowing_s * (self.top_mm_s + velocity_mm_s) / 2.0;
        Instance { velocity_mm_s, time_s, done_mm: done_mm.min(self.length_mm) }
    }
}

/// Speed at a share of the length of a uniform ramp: v² is linear in the length.
fn after(from_mm_s: f64, to_mm_s: f64, share: f64) -> f64 {
    let squared = from_mm_s * from_mm_s + (to_mm_s * to_mm_s - from_mm_s * from_mm_s) * share;
    squared.max(0.0).sqrt()
}

/// Time of a uniform change of speed over a length; zero for no length.
pub(super) fn stretch_s(length_mm: f64, from_mm_s: f64, to_mm_s: f64) -> f64 {
    if length_mm > 0.0 { 2.0 * length_mm / (from_mm_s + to_mm_s) } else { 0.0 }
}

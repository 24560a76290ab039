//! Changes of speed with limited jerk, in closed form.
//!
//! A drive that steps its acceleration shakes the machine; most ramp it. Going from rest of acceleration at
//! v₀ to rest of acceleration at v₁ then takes
//!
//! ```text
//! T = Δv/a + a/j   where Δv ≥ a²/j (the limit a is reached),   else   T = 2·√(Δv/j)
//! ```
//!
//! and covers (v₀ + v₁)/2 · T, since the ramp is symmetric about its middle (L. Biagiotti and C. Melchiorri,
//! "Trajectory Planning for Automatic Machines and Robots", 2008, section 3.4, the double S).

/// Most steps of Newton's method; each is convex and starts on the far side, so it converges at once.
const NEWTON_MAX: usize = 40;

/// Limits of a change of speed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Bounds {
    pub(super) acceleration_mm_s2: f64,
    pub(super) jerk_mm_s3: f64,
}

/// Speed and acceleration at an instant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct State {
    pub(super) velocity_mm_s: f64,
    pub(super) acceleration_mm_s2: f64,
}

/// A time of constant jerk.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Phase {
    pub(super) time_s: f64,
    pub(super) jerk_mm_s3: f64,
}

impl State {
    /// Standstill.
    pub(super) const REST: Self = Self::level(0.0);

    /// A speed that does not change.
    pub(super) const fn level(velocity_mm_s: f64) -> Self {
        Self { velocity_mm_s, acceleration_mm_s2: 0.0 }
    }

    /// State and length after a time of constant jerk.
    pub(super) fn after(self, jerk_mm_s3: f64, time_s: f64) -> (Self, f64) {
        let (v, a, t) = (self.velocity_mm_s, self.acceleration_mm_s2, time_s);
        let velocity_mm_s = (v + t * (a + 0.5 * t * jerk_mm_s3)).max(0.0);
        let state = Self { velocity_mm_s, acceleration_mm_s2: a + t * jerk_mm_s3 };
        (state, t * (v + t * (0.5 * a + t * jerk_mm_s3 / 6.0)))
    }

    /// Time into a phase at which a length is covered, at most the whole phase. The phase must not go back.
    pub(super) fn time_over(self, phase: Phase, length_mm: f64) -> f64 {
        let (v, a) = (self.velocity_mm_s, self.acceleration_mm_s2);
        if phase.jerk_mm_s3 == 0.0 {
            let end_mm_s = (v * v + 2.0 * a * length_mm).max(0.0).sqrt();
            return (2.0 * length_mm / (v + end_mm_s)).clamp(0.0, phase.time_s);
        }
        let (mut low, mut high) = (0.0, phase.time_s);
        // Newton's method from the mean speed, inside a bracket that is halved whenever Newton leaves it.
        let whole_mm = self.after(phase.jerk_mm_s3, phase.time_s).1;
        let mut guess = (phase.time_s * length_mm / whole_mm).clamp(0.0, phase.time_s);
        for _ in 0..NEWTON_MAX {
            let (state, way_mm) = self.after(phase.jerk_mm_s3, guess);
            let error_mm = way_mm - length_mm;
            if error_mm > 0.0 {
                high = guess;
            } else {
                low = guess;
            }
            let newton = guess - error_mm / state.velocity_mm_s;
            let next = if newton > low && newton < high { newton } else { 0.5 * (low + high) };
            if (next - guess).abs() <= 1e-15 * phase.time_s {
                return next;
            }
            guess = next;
        }
        guess
    }
}

/// State and length after phases.
pub(super) fn travel(from: State, phases: &[Phase]) -> (State, f64) {
    phases.iter().fold((from, 0.0), |(state, length), phase| {
        let (state, way) = state.after(phase.jerk_mm_s3, phase.time_s);
        (state, length + way)
    })
}

impl Bounds {
    /// The tighter of both, limit by limit.
    pub(super) fn least(self, other: Self) -> Self {
        Self {
            acceleration_mm_s2: self.acceleration_mm_s2.min(other.acceleration_mm_s2),
            jerk_mm_s3: self.jerk_mm_s3.min(other.jerk_mm_s3),
        }
    }

    /// The wider of both, limit by limit.
    pub(super) fn most(self, other: Self) -> Self {
        Self {
            acceleration_mm_s2: self.acceleration_mm_s2.max(other.acceleration_mm_s2),
            jerk_mm_s3: self.jerk_mm_s3.max(other.jerk_mm_s3),
        }
    }

    /// True if both limits are at least the other's.
    pub(super) fn allows(self, other: Self) -> bool {
        self.least(other) == other
    }

    /// Length from one speed to another, acceleration zero at both ends; the same in both directions.
    pub(super) fn ramp_mm(self, from_mm_s: f64, to_mm_s: f64) -> f64 {
        let change = (to_mm_s - from_mm_s).abs();
        let (a, j) = (self.acceleration_mm_s2, self.jerk_mm_s3);
        let time_s = if change * j >= a * a { change / a + a / j } else { 2.0 * (change / j).sqrt() };
        0.5 * (from_mm_s + to_mm_s) * time_s
    }

    /// The speed above `from_mm_s` that a ramp of a length reaches.
    pub(super) fn reach_mm_s(self, from_mm_s: f64, length_mm: f64) -> f64 {
        let (a, j) = (self.acceleration_mm_s2, self.jerk_mm_s3);
        let full = a * a / j;
        if self.ramp_mm(from_mm_s, from_mm_s + full) <= length_mm {
            // (v₀ + v₁)/2 · ((v₁ − v₀)/a + a/j) = ℓ, a quadratic in v₁.
            let constant = from_mm_s * (full - from_mm_s) - 2.0 * a * length_mm;
            return 0.5 * ((full * full - 4.0 * constant).sqrt() - full);
        }
        // (2v₀ + j·x²)·x = ℓ with x the time of either half: convex, from above.
        let mut x = a / j;
        if from_mm_s > 0.0 {
            x = x.min(0.5 * length_mm / from_mm_s);
        }
        for _ in 0..NEWTON_MAX {
            let next = x - (x * (2.0 * from_mm_s + j * x * x) - length_mm) / (2.0 * from_mm_s + 3.0 * j * x * x);
            if next >= x * (1.0 - 1e-15) {
                break;
            }
            x = next;
        }
        from_mm_s + j * x * x
    }

    /// Length from acceleration zero at one speed to where a higher one is passed, still accelerating.
    pub(super) fn passing_mm(self, from_mm_s: f64, to_mm_s: f64) -> f64 {
        let (a, j) = (self.acceleration_mm_s2, self.jerk_mm_s3);
        let ramped_mm_s = from_mm_s + 0.5 * a * a / j;
        if to_mm_s <= ramped_mm_s {
            let time_s = (2.0 * (to_mm_s - from_mm_s).max(0.0) / j).sqrt();
            return time_s * (from_mm_s + j * time_s * time_s / 6.0);
        }
        let ramp_s = a / j;
        ramp_s * (from_mm_s + a * ramp_s / 6.0) + 0.5 * (to_mm_s * to_mm_s - ramped_mm_s * ramped_mm_s) / a
    }

    /// The ramp between two speeds, acceleration zero at both ends.
    pub(super) fn ramp(self, from_mm_s: f64, to_mm_s: f64) -> [Phase; 3] {
        let change = (to_mm_s - from_mm_s).abs();
        let (a, j) = (self.acceleration_mm_s2, self.jerk_mm_s3);
        let (bend_s, straight_s) =
            if change * j >= a * a { (a / j, change / a - a / j) } else { ((change / j).sqrt(), 0.0) };
        let jerk_mm_s3 = if to_mm_s >= from_mm_s { j } else { -j };
        [
            Phase { time_s: bend_s, jerk_mm_s3 },
            Phase { time_s: straight_s, jerk_mm_s3: 0.0 },
            Phase { time_s: bend_s, jerk_mm_s3: -jerk_mm_s3 },
        ]
    }

    /// The speed that a state ends at if its acceleration is brought to zero at once.
    pub(super) fn settled_mm_s(self, from: State) -> f64 {
        from.velocity_mm_s + from.acceleration_mm_s2 * from.acceleration_mm_s2.abs() / (2.0 * self.jerk_mm_s3)
    }

    /// Brings the acceleration to zero at once.
    pub(super) fn settle(self, from: State) -> Phase {
        let jerk_mm_s3 = if from.acceleration_mm_s2 > 0.0 { -self.jerk_mm_s3 } else { self.jerk_mm_s3 };
        Phase { time_s: from.acceleration_mm_s2.abs() / self.jerk_mm_s3, jerk_mm_s3 }
    }

    /// The quickest change from a state that is slowing down to a speed at or below the one it settles at.
    pub(super) fn slow_down(self, from: State, to_mm_s: f64) -> [Phase; 3] {
        let (a, j) = (self.acceleration_mm_s2, self.jerk_mm_s3);
        let slope = -from.acceleration_mm_s2;
        let loss = (from.velocity_mm_s - to_mm_s).max(0.0);
        let peak = (j * loss + 0.5 * slope * slope).sqrt().min(a).max(slope);
        let bends = (peak * peak - slope * slope + peak * peak) / (2.0 * j);
        let straight_s = if peak < a { 0.0 } else { ((loss - bends) / peak).max(0.0) };
        [
            Phase { time_s: (peak - slope) / j, jerk_mm_s3: -j },
            Phase { time_s: straight_s, jerk_mm_s3: 0.0 },
            Phase { time_s: peak / j, jerk_mm_s3: j },
        ]
    }
}

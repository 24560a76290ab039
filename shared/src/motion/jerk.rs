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
//! "Trajectory Planning for Automatic Machines and Robots", 2008, section 3.4, the double S). A change that
//! begins while the speed is already changing has no such symmetry; it is put together from its phases.

/// Most phases of a ride between two speeds over a length: three up, one hold, three down.
pub(super) const PHASES: usize = 7;

/// Halvings in the search for the greatest speed of a ride: more than the 53 bits of a mantissa.
const HALVINGS: usize = 60;

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

/// A ride as phases; those that take no time are there too.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Ride {
    pub(super) phases: [Phase; PHASES],
}

impl State {
    /// Standstill.
    pub(super) const REST: Self = Self { velocity_mm_s: 0.0, acceleration_mm_s2: 0.0 };
}

impl Bounds {
    /// No limit yet: the identity of [`Bounds::with`].
    pub(super) const NONE: Self = Self { acceleration_mm_s2: f64::INFINITY, jerk_mm_s3: f64::INFINITY };

    /// The tighter of both, limit by limit.
    pub(super) fn with(self, other: Self) -> Self {
        Self {
            acceleration_mm_s2: self.acceleration_mm_s2.min(other.acceleration_mm_s2),
            jerk_mm_s3: self.jerk_mm_s3.min(other.jerk_mm_s3),
        }
    }

    /// Length from one speed to another, acceleration zero at both ends; the same in both directions.
    pub(super) fn length_mm(self, from_mm_s: f64, to_mm_s: f64) -> f64 {
        let change = (to_mm_s - from_mm_s).abs();
        let (a, j) = (self.acceleration_mm_s2, self.jerk_mm_s3);
        let time_s = if change >= a * a / j { change / a + a / j } else { 2.0 * (change / j).sqrt() };
        0.5 * (from_mm_s + to_mm_s) * time_s
    }

    /// Greatest speed that can be reached from a speed within a length, at most `limit_mm_s`.
    pub(super) fn reach_mm_s(self, from_mm_s: f64, length_mm: f64, limit_mm_s: f64) -> f64 {
        if limit_mm_s <= from_mm_s || self.length_mm(from_mm_s, limit_mm_s) <= length_mm {
            return limit_mm_s;
        }
        let (mut low, mut high) = (from_mm_s, limit_mm_s);
        for _ in 0..HALVINGS {
            let middle = 0.5 * (low + high);
            if self.length_mm(from_mm_s, middle) <= length_mm { low = middle } else { high = middle }
        }
        low
    }

    /// Length from acceleration zero at one speed to where a higher one is passed, still accelerating.
    pub(super) fn passing_length_mm(self, from_mm_s: f64, to_mm_s: f64) -> f64 {
        let (a, j) = (self.acceleration_mm_s2, self.jerk_mm_s3);
        let ramped_mm_s = from_mm_s + 0.5 * a * a / j;
        if to_mm_s <= ramped_mm_s {
            let time_s = (2.0 * (to_mm_s - from_mm_s).max(0.0) / j).sqrt();
            return time_s * (from_mm_s + j * time_s * time_s / 6.0);
        }
        let ramp_s = a / j;
        ramp_s * (from_mm_s + a * ramp_s / 6.0) + 0.5 * (to_mm_s * to_mm_s - ramped_mm_s * ramped_mm_s) / a
    }

    /// The quickest change from a state to a speed with acceleration zero.
    pub(super) fn change(self, from: State, to_mm_s: f64) -> [Phase; 3] {
        let (a_max, j) = (self.acceleration_mm_s2, self.jerk_mm_s3);
        let a_from = from.acceleration_mm_s2;
        // Speed that is left if the acceleration is brought to zero at once: on which side of it lies the aim?
        let settled_mm_s = from.velocity_mm_s + a_from * a_from.abs() / (2.0 * j);
        let sign = if to_mm_s >= settled_mm_s { 1.0 } else { -1.0 };
        let (a_from, gain) = (sign * a_from, sign * (to_mm_s - from.velocity_mm_s));
        let peak = (j * gain + 0.5 * a_from * a_from).max(0.0).sqrt().min(a_max);
        let up = Phase { time_s: (peak - a_from).abs() / j, jerk_mm_s3: sign * if peak >= a_from { j } else { -j } };
        let gained = 0.5 * (a_from + peak) * up.time_s;
        let left = gain - gained - peak * peak / (2.0 * j);
        let hold = Phase { time_s: if peak > 0.0 { (left / peak).max(0.0) } else { 0.0 }, jerk_mm_s3: 0.0 };
        // The hold is only real where the limit of the acceleration binds; below it, it is rounding.
        let hold = if peak < a_max { Phase::default() } else { hold };
        [up, hold, Phase { time_s: peak / j, jerk_mm_s3: -sign * j }]
    }

    /// The quickest ride over a length from a state to a speed with acceleration zero, under a greatest
    /// speed. `None` where the length is too short for it.
    pub(super) fn ride(self, from: State, to_mm_s: f64, length_mm: f64, cap_mm_s: f64) -> Option<Ride> {
        let over = |top_mm_s: f64| {
            let up = self.change(from, top_mm_s);
            let down = self.change(State { velocity_mm_s: top_mm_s, acceleration_mm_s2: 0.0 }, to_mm_s);
            let length = travel(from, &up).1 + 0.5 * (top_mm_s + to_mm_s) * down.iter().map(|p| p.time_s).sum::<f64>();
            (up, down, length)
        };
        let cap_mm_s = cap_mm_s.max(to_mm_s);
        let mut top_mm_s = cap_mm_s;
        let (mut up, mut down, mut used_mm) = over(top_mm_s);
        if used_mm > length_mm {
            let (mut low, mut high) = (to_mm_s, cap_mm_s);
            for _ in 0..HALVINGS {
                let middle = 0.5 * (low + high);
                if over(middle).2 <= length_mm { low = middle } else { high = middle }
            }
            top_mm_s = low;
            (up, down, used_mm) = over(low);
        }
        if used_mm > length_mm + SLACK_MM {
            return None;
        }
        // Below the cap the search has used up the length; what is left is rounding, and at a creeping top
        // would take a time of its own.
        let holds = top_mm_s >= cap_mm_s && top_mm_s > 0.0;
        let hold_s = if holds { (length_mm - used_mm).max(0.0) / top_mm_s } else { 0.0 };
        let hold = Phase { time_s: hold_s, jerk_mm_s3: 0.0 };
        let phases = [up[0], up[1], up[2], hold, down[0], down[1], down[2]];
        Some(Ride { phases })
    }
}

/// By how much a ride may miss its length for rounding, mm: a tenth of the station's grain.
const SLACK_MM: f64 = 1e-7;

/// State and length after a time of constant jerk.
pub(super) fn after(from: State, jerk_mm_s3: f64, time_s: f64) -> (State, f64) {
    let (v, a, t) = (from.velocity_mm_s, from.acceleration_mm_s2, time_s);
    let state =
        State { velocity_mm_s: (v + t * (a + 0.5 * t * jerk_mm_s3)).max(0.0), acceleration_mm_s2: a + t * jerk_mm_s3 };
    (state, t * (v + t * (0.5 * a + t * jerk_mm_s3 / 6.0)))
}

/// State and length after phases.
pub(super) fn travel(from: State, phases: &[Phase]) -> (State, f64) {
    phases.iter().fold((from, 0.0), |(state, length), phase| {
        let (state, way) = after(state, phase.jerk_mm_s3, phase.time_s);
        (state, length + way)
    })
}

/// Time into a phase at which a length is covered; the phase must move forwards and be long enough.
pub(super) fn time_over(from: State, phase: Phase, length_mm: f64) -> f64 {
    let (mut low, mut high) = (0.0, phase.time_s);
    // Newton's method from the mean speed, kept inside a bracket that halves whenever Newton leaves it.
    let mut guess = high * 0.5;
    for _ in 0..HALVINGS {
        let (state, way) = after(from, phase.jerk_mm_s3, guess);
        let error_mm = way - length_mm;
        if error_mm > 0.0 {
            high = guess
        } else {
            low = guess
        }
        let newton = guess - error_mm / state.velocity_mm_s;
        let next = if newton > low && newton < high { newton } else { 0.5 * (low + high) };
        if (next - guess).abs() <= f64::EPSILON * phase.time_s {
            return next;
        }
        guess = next;
    }
    guess
}

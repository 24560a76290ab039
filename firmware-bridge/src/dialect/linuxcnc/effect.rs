//! How long a write takes until the machine follows it: measured on the machine that runs, by the writes it gets anyway.
//!
//! A self-test that moved axes would be a test nobody allows, and one at rest shows nothing. But every change of the
//! factor is a question to the controller, and the ticks that follow are the answer: the first one with another factor
//! says when the real-time thread took it, the first one with another speed when the axes felt it. The second only means
//! something where the speed was steady before, in a feed; other changes are measured by the first alone.
//!
//! Until a change has been seen the effect time is a declared one ([`super::Basis`]).

use shared::time::{Duration, Instant};

use super::reader::TickSample;
use super::tick::MotionType;

/// Most changes that are kept; later ones are counted only.
const KEPT_MAX: usize = 4096;
/// Ticks of the same speed before a change for the speed to count as steady.
const STEADY_TICKS: u32 = 3;
/// A change without an answer is given up after this; it then counts as this long.
const ANSWER_MAX: Duration = Duration::from_ms(1000);
/// Smaller steps of a written factor, and smaller relative changes of a speed, are none.
const STEP: f64 = 0.002;
const SPEED_SHARE: f64 = 1e-5;

/// A write that waits for its answer.
#[derive(Clone, Copy, Debug)]
struct Question {
    at: Instant,
    factor: f64,
    /// The steady speed before; `None` where it was none.
    speed: Option<f64>,
    taken: bool,
}

/// Quantiles over a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EffectTimes {
    /// How many.
    pub count: usize,
    /// Half of them.
    pub p50: Duration,
    /// 95 of 100.
    pub p95: Duration,
    /// All.
    pub max: Duration,
}

/// Watches writes and ticks.
#[derive(Clone, Debug)]
pub struct EffectMeter {
    question: Option<Question>,
    last_speed: f64,
    steady: u32,
    taken: Vec<Duration>,
    felt: Vec<Duration>,
    unanswered: u64,
}

impl EffectMeter {
    /// With room for a run.
    pub fn new() -> Self {
        let [taken, felt] = [(); 2].map(|()| Vec::with_capacity(KEPT_MAX));
        Self { question: None, last_speed: 0.0, steady: 0, taken, felt, unanswered: 0 }
    }

    /// A factor was written at an instant; `newest` is the tick before it. Allocates nothing.
    pub fn handle_write(&mut self, at: Instant, ratio: f64, newest: &TickSample) {
        let tick = &newest.tick;
        let feeds = matches!(tick.motion_type, MotionType::Feed | MotionType::Arc) && tick.granted && !tick.feed_hold;
        if self.question.is_some() || !feeds || (ratio - tick.factor).abs() < STEP {
            return;
        }
        let speed = (self.steady >= STEADY_TICKS && tick.current_vel > 0.0).then_some(tick.current_vel);
        self.question = Some(Question { at, factor: tick.factor, speed, taken: false });
    }

    /// A tick came. Allocates nothing.
    pub fn handle_tick(&mut self, seen: &TickSample) {
        let tick = &seen.tick;
        let same = (tick.current_vel - self.last_speed).abs() <= SPEED_SHARE * self.last_speed.abs();
        self.steady = if same { self.steady.saturating_add(1) } else { 0 };
        self.last_speed = tick.current_vel;
        let Some(question) = &mut self.question else { return };
        if seen.sample.valid_at < question.at {
            return;
        }
        let took = seen.sample.valid_at.since(question.at);
        if !question.taken && (tick.factor - question.factor).abs() > STEP / 2.0 {
            question.taken = true;
            keep(&mut self.taken, took);
        }
        let felt = question.speed.is_none_or(|before| (tick.current_vel - before).abs() > SPEED_SHARE * before);
        if question.taken && felt {
            if question.speed.is_some() {
                keep(&mut self.felt, took);
            }
            self.question = None;
        } else if took >= ANSWER_MAX {
            self.unanswered += u64::from(!question.taken);
            if !question.taken {
                keep(&mut self.taken, took);
            }
            self.question = None;
        }
    }

    /// From a write to the first tick with another factor.
    pub fn taken(&self) -> EffectTimes {
        EffectTimes::of(&self.taken)
    }

    /// From a write to the first tick with another speed, of the writes at a steady speed.
    pub fn felt(&self) -> EffectTimes {
        EffectTimes::of(&self.felt)
    }

    /// How many writes had no answer at all.
    pub fn unanswered(&self) -> u64 {
        self.unanswered
    }

    /// The middle one of the first changes, once there are `wanted` of them: what a self-test goes by. Allocates.
    pub fn first(&self, wanted: usize) -> Option<Duration> {
        (self.taken.len() >= wanted).then(|| EffectTimes::of(&self.taken[..wanted]).p50)
    }

    /// How many changes were measured.
    pub fn count(&self) -> usize {
        self.taken.len()
    }
}

impl Default for EffectMeter {
    fn default() -> Self {
        Self::new()
    }
}

fn keep(times: &mut Vec<Duration>, took: Duration) {
    if times.len() < KEPT_MAX {
        times.push(took);
    }
}

impl EffectTimes {
    fn of(times: &[Duration]) -> Self {
        let mut times = times.to_vec();
        times.sort_unstable();
        let Some(last) = times.len().checked_sub(1) else { return Self::default() };
        Self { count: times.len(), p50: times[last / 2], p95: times[last * 95 / 100], max: times[last] }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tick::{FIELDS, Tick};
    use super::*;
    use crate::controller::ControllerSample;

    fn seen(ms: u64, factor: f64, speed: f64) -> TickSample {
        let mut words = [0; FIELDS];
        (words[6], words[9], words[15], words[17]) = (speed.to_bits(), factor.to_bits(), 2, 1);
        let sample = ControllerSample::unavailable(Instant::from_ns(ms * 1_000_000));
        TickSample { sample, tick: Tick::from_words(ms as u32, &words), lost: 0 }
    }

    #[test]
    fn a_change_is_measured_to_the_factor_and_to_the_speed() {
        let mut meter = EffectMeter::new();
        (0..10).for_each(|ms| meter.handle_tick(&seen(ms, 1.0, 20.0)));
        meter.handle_write(Instant::from_ns(9_400_000), 0.5, &seen(9, 1.0, 20.0));
        // A second write before the answer is no second question.
        meter.handle_write(Instant::from_ns(9_600_000), 0.4, &seen(9, 1.0, 20.0));
        for (ms, factor, speed) in [(10, 1.0, 20.0), (11, 0.5, 20.0), (13, 0.5, 19.5)] {
            meter.handle_tick(&seen(ms, factor, speed));
        }
        assert_eq!((meter.taken().count, meter.taken().max), (1, Duration::from_us(1600)));
        assert_eq!((meter.felt().count, meter.felt().p50), (1, Duration::from_us(3600)));
        assert_eq!(meter.first(1), Some(Duration::from_us(1600)));
        assert_eq!(meter.first(2), None);
    }

    #[test]
    fn what_never_has_an_effect_is_counted_and_long() {
        let mut meter = EffectMeter::new();
        (0..10).for_each(|ms| meter.handle_tick(&seen(ms, 1.0, 20.0)));
        meter.handle_write(Instant::from_ns(9_000_000), 0.5, &seen(9, 1.0, 20.0));
        (10..1200).for_each(|ms| meter.handle_tick(&seen(ms, 1.0, 20.0)));
        assert_eq!((meter.unanswered(), meter.taken().count), (1, 1));
        assert!(meter.taken().max >= ANSWER_MAX);
    }

    #[test]
    fn rapids_and_tiny_steps_are_no_questions() {
        let mut meter = EffectMeter::new();
        meter.handle_write(Instant::from_ns(1), 1.0, &seen(0, 1.0, 20.0));
        let mut rapid = seen(0, 1.0, 20.0);
        rapid.tick.motion_type = MotionType::Traverse;
        meter.handle_write(Instant::from_ns(1), 0.5, &rapid);
        meter.handle_tick(&seen(5, 0.5, 10.0));
        assert_eq!(meter.taken().count, 0);
    }
}

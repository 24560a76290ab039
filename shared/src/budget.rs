//! The latency budget: stages of a handoff, and effort as an integer.
//!
//! A handoff begins when the edge finds that it needs a newer plan and ends when a chunk that answers this
//! need is admitted (DESIGN.md section 4). On the way it passes [`Stage`]s; each has a span of its own, and
//! what they do not explain is reported as a column of its own instead of being spread over them.

use crate::time::Duration;

/// Stages of a handoff in the order they are passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Stage {
    /// Trigger to the sample that carries it read and located.
    Read = 0,
    /// Sample located to bytes handed to the transport.
    Encode = 1,
    /// Edge to cloud. One way, estimated as half of what the network took; the bound is ± that half.
    Uplink = 2,
    /// In the cloud, before work begins.
    Queue = 3,
    /// Cutting and engagement.
    Simulate = 4,
    /// Loads, bounds, schedule and encoding.
    Plan = 5,
    /// Cloud to edge, estimated as the other half.
    Downlink = 6,
    /// Bytes at the edge to the chunk admitted.
    Admit = 7,
}

impl Stage {
    /// Every stage, in order.
    pub const ALL: [Self; 8] =
        [Self::Read, Self::Encode, Self::Uplink, Self::Queue, Self::Simulate, Self::Plan, Self::Downlink, Self::Admit];

    /// Its stable name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Encode => "encode",
            Self::Uplink => "uplink",
            Self::Queue => "queue",
            Self::Simulate => "simulate",
            Self::Plan => "plan",
            Self::Downlink => "downlink",
            Self::Admit => "admit",
        }
    }
}

/// Time spent in each stage of one handoff.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StageTimes {
    times: [Duration; Stage::ALL.len()],
}

impl StageTimes {
    /// Sets one stage.
    pub fn set(&mut self, stage: Stage, time: Duration) {
        self.times[stage as usize] = time;
    }

    /// One stage.
    pub fn get(&self, stage: Stage) -> Duration {
        self.times[stage as usize]
    }

    /// All stages together.
    pub fn sum(&self) -> Duration {
        self.times.iter().fold(Duration::ZERO, |sum, time| sum.plus(*time))
    }

    /// What a measured total leaves unexplained.
    pub fn unexplained(&self, total: Duration) -> Duration {
        total.minus(self.sum())
    }
}

/// Integer effort granted to one planning step: how many stations it may simulate and refine.
///
/// The shell turns the time that is left into this number and records it; the core never sees time. A
/// replay grants the same number and gets the same plan, however fast its machine is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkAllowance(pub u32);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_stages_leave_is_unexplained_and_never_negative() {
        let mut stages = StageTimes::default();
        stages.set(Stage::Uplink, Duration::from_ms(3));
        stages.set(Stage::Plan, Duration::from_ms(4));
        assert_eq!(stages.unexplained(Duration::from_ms(10)), Duration::from_ms(3));
        assert_eq!(stages.unexplained(Duration::from_ms(5)), Duration::ZERO);
        assert_eq!(Stage::ALL.map(|stage| stage as usize), [0, 1, 2, 3, 4, 5, 6, 7]);
    }
}

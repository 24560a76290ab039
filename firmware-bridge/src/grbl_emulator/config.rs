use shared::time::Duration;

use crate::dialect::grbl::{FeedStep, Flavour};

/// What the emulated controller is like. No default: a test says what it tests.
#[derive(Clone, Debug, PartialEq)]
pub struct EmulatorConfig {
    /// Which of the two: buffers, and what becomes of bursts.
    pub flavour: Flavour,
    /// For all that is drawn.
    pub seed: u64,
    /// Time of one byte on the line, each way: 87 µs at 115200 baud.
    pub byte_time: Duration,
    /// How often the main loop comes round, at most one request of each kind a time.
    pub pass: Duration,
    /// `$10` bit 0: machine positions (work offset now and then) instead of work positions.
    pub machine_position: bool,
    /// `$10` bit 1: `Bf` in every report.
    pub buffer_in_report: bool,
    /// Whether reports carry `Ln`.
    pub line_numbers: bool,
    /// Work offset, mm: work = machine − offset.
    pub work_offset_mm: [f64; 3],
    /// Acceleration of the path, mm/s².
    pub acceleration_mm_s2: f64,
    /// Speed of rapids, mm/s.
    pub rapid_mm_s: f64,
    /// Feed override at the start, per cent; a reset puts it to 100.
    pub feed_override: u8,
    /// How long motion prepared before an override goes on without it.
    pub segment_lag: Duration,
    /// Damage on the line.
    pub noise: Noise,
    /// What happens when, in the order of time.
    pub incidents: Vec<Incident>,
}

/// Damage on the line, as shares of lines (towards the sender) or line ends (towards the controller).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Noise {
    /// A byte of the line becomes another.
    pub garbled: f64,
    /// A byte of the line is lost, its line end perhaps.
    pub torn: f64,
    /// Up to twelve drawn bytes come before the line.
    pub inserted: f64,
    /// The whole line is lost.
    pub swallowed: f64,
    /// A line end on the way to the controller is lost, so that two lines become one.
    pub joined: f64,
}

impl Noise {
    /// A clean line.
    pub const NONE: Self = Self { garbled: 0.0, torn: 0.0, inserted: 0.0, swallowed: 0.0, joined: 0.0 };
}

/// Something happens at the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Incident {
    /// When, since the emulator was made.
    pub at: Duration,
    /// What.
    pub kind: IncidentKind,
}

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IncidentKind {
    /// Its own reset button or a dip of the supply: it starts anew.
    PowerCycle,
    /// An alarm. 1 and 2 lock it until a reset.
    Alarm(u8),
    /// The hold button.
    Hold,
    /// The start button.
    Resume,
    /// The door.
    Door,
    /// A press on a pendant that does not go through the sender.
    Press(FeedStep),
    /// The main loop does not come round for so long (a write to its memory, a long computation).
    Busy(Duration),
    /// Drawn bytes on the line.
    Garbage(u16),
    /// M50 P0: from now on override bytes have no effect (grblHAL), or have again.
    OverridesOff(bool),
}

impl EmulatorConfig {
    /// A small router of a flavour on a clean line, with the given seed.
    pub fn router(flavour: Flavour, seed: u64) -> Self {
        Self {
            flavour,
            seed,
            byte_time: Duration::from_us(87),
            pass: Duration::from_ms(1),
            machine_position: true,
            buffer_in_report: true,
            line_numbers: flavour == Flavour::GrblHal,
            work_offset_mm: [10.0, 20.0, -5.0],
            acceleration_mm_s2: 500.0,
            rapid_mm_s: 50.0,
            feed_override: 100,
            segment_lag: Duration::from_ms(20),
            noise: Noise::NONE,
            incidents: Vec::new(),
        }
    }
}

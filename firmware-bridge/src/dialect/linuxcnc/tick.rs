//! One servo tick as the sampler recorded it.

/// Fields of a record.
pub const FIELDS: usize = 21;

/// Their types, as the sampler names them: f floating point, s 32-bit integer, b bit. In the order of `cosim.hal`.
pub const FIELD_TYPES: &str = "ffffffffffffffssbbbbb";

const _: () = assert!(FIELD_TYPES.len() == FIELDS);

/// What kind of motion runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MotionType {
    /// None.
    Idle,
    /// G0.
    Traverse,
    /// A straight feed; also threads and rigid taps.
    Feed,
    /// An arc.
    Arc,
    /// The way to the tool change position.
    ToolChange,
    /// A probing move.
    Probing,
    /// A rotary axis is unlocked and turned.
    IndexRotary,
    /// A number we do not know.
    Unknown(i32),
}

/// One servo tick. Lengths in the machine's own units (see [`super::ReaderConfig`]), everything read in one pass of the
/// real-time thread.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tick {
    /// Counted from when LinuxCNC started; the next record has the next number. Wraps.
    pub number: u32,
    /// Commanded places of X Y Z A B C in the machine frame, machine units and degrees.
    pub axes: [f64; 6],
    /// Speed along the path, machine units a second.
    pub current_vel: f64,
    /// Programmed speed after LinuxCNC's own limits, without any override, machine units a second.
    pub requested_vel: f64,
    /// Left of the current motion, machine units.
    pub distance_to_go: f64,
    /// `motion.adaptive-feed` in this tick.
    pub factor: f64,
    /// Programmed F times all overrides in force, mm/s; only for feeds.
    pub feed_mm_s: f64,
    /// Commanded spindle speed, rev/s, negative counter-clockwise.
    pub speed_out_rev_s: f64,
    /// Measured spindle speed, rev/s, where the machine wires one.
    pub speed_in_rev_s: f64,
    /// What the machine wires to `cosim-power`, W.
    pub power_w: f64,
    /// Source line of the motion that runs, 0 where none does.
    pub program_line: i32,
    /// What kind of motion runs.
    pub motion_type: MotionType,
    /// Our feed hold is in force.
    pub feed_hold: bool,
    /// The watchdog hears the agent and the operator's switch is on.
    pub granted: bool,
    /// Nothing moves or wants to.
    pub in_position: bool,
    /// The machine is on.
    pub motion_enabled: bool,
    /// Motion follows a program or a single command, not a jog.
    pub coordinated: bool,
}

impl Tick {
    /// From the record's words as LinuxCNC lays them out: a number in 8 bytes, an integer in the low 4, a bit in the
    /// lowest. What is above an integer or a bit is not written by LinuxCNC and not looked at.
    pub fn from_words(number: u32, words: &[u64; FIELDS]) -> Self {
        let float = |field: usize| f64::from_bits(words[field]);
        let integer = |field: usize| (words[field] & 0xFFFF_FFFF) as u32 as i32;
        let bit = |field: usize| words[field] & 0xFF != 0;
        Self {
            number,
            axes: [float(0), float(1), float(2), float(3), float(4), float(5)],
            current_vel: float(6),
            requested_vel: float(7),
            distance_to_go: float(8),
            factor: float(9),
            feed_mm_s: float(10),
            speed_out_rev_s: float(11),
            speed_in_rev_s: float(12),
            power_w: float(13),
            program_line: integer(14),
            motion_type: MotionType::from_number(integer(15)),
            feed_hold: bit(16),
            granted: bit(17),
            in_position: bit(18),
            motion_enabled: bit(19),
            coordinated: bit(20),
        }
    }
}

impl MotionType {
    /// LinuxCNC's numbers, the same in HAL and in NML.
    pub const fn from_number(number: i32) -> Self {
        match number {
            0 => Self::Idle,
            1 => Self::Traverse,
            2 => Self::Feed,
            3 => Self::Arc,
            4 => Self::ToolChange,
            5 => Self::Probing,
            6 => Self::IndexRotary,
            other => Self::Unknown(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_by_their_types_and_nothing_above_them() {
        let mut words = [0_u64; FIELDS];
        for (field, kind) in FIELD_TYPES.bytes().enumerate() {
            words[field] = match kind {
                b'f' => (field as f64 + 0.5).to_bits(),
                // Dirt above, as a stack leaves it.
                b's' => 0xDEAD_BEEF_0000_0000 | u64::from((-(field as i32)) as u32),
                _ => 0xDEAD_BEEF_DEAD_BE00 | u64::from(field % 2 == 0),
            };
        }
        let tick = Tick::from_words(7, &words);
        assert_eq!((tick.number, tick.axes), (7, [0.5, 1.5, 2.5, 3.5, 4.5, 5.5]));
        let floats = [tick.current_vel, tick.requested_vel, tick.distance_to_go, tick.factor, tick.feed_mm_s];
        assert_eq!(floats, [6.5, 7.5, 8.5, 9.5, 10.5]);
        assert_eq!([tick.speed_out_rev_s, tick.speed_in_rev_s, tick.power_w], [11.5, 12.5, 13.5]);
        assert_eq!((tick.program_line, tick.motion_type), (-14, MotionType::Unknown(-15)));
        let bits = [tick.feed_hold, tick.granted, tick.in_position, tick.motion_enabled, tick.coordinated];
        assert_eq!(bits, [true, false, true, false, true]);
    }
}

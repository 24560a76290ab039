//! What went into the core and what came out, so that any run can be told again bit for bit.
//!
//! The agent is a function of its configuration, its job and a list of inputs with their instants. Writing
//! that list down is therefore enough to repeat every decision on another computer; writing the decisions
//! beside it makes the repetition a proof (DESIGN.md, invariants 5 and 6). This room knows no file and no clock:
//! it writes to anything that is `Write + Seek` and reads bytes.
//!
//! A recording is an MCAP file (<https://mcap.dev/spec>, profile `cosim-edge`), so that common tools can list,
//! cut and plot it. It holds the metadata record `cosim.head`, the attachments `config.json` (configuration
//! and capabilities) and `job.cosim-job` (the job bundle as the cloud gets it), one message an entry, and the
//! metadata record `cosim.end` with count, loss and digest. `log_time` is the edge's monotonic clock in ns and
//! `sequence` the number of the entry over all channels; no wall time and no version of a library enters, so
//! equal entries give equal bytes. Bodies, little endian, floats by their bits:
//!
//! ```text
//! 1 in/sample    valid_at u64, mask u16, then at full width, zeros where the mask's bit is clear:
//!                execution u8, mode u8, line u32, x y z f64 mm, path feedrate f64 mm/s, dial u16 ‰,
//!                factor u16 ‰, factor enabled u8, rotary velocity f64 rev/s, spindle power f64 W, tool u32
//! 2 in/message   received at u64, then the bytes as they came
//! 3 in/operator  action u8
//! 4 in/grant     epoch u64
//! 5 out/cycle    0, or 1 with factor u16 ‰ and time to live u64 ns, or 2 (feed hold)
//! 6 out/transmit channel u8, length u32, BLAKE3 digest of the message
//! ```
//!
//! Each cycle asks once for a command and then takes messages until there is none, at most
//! [`TRANSMITS_PER_CYCLE_MAX`]; [`replay()`] does the same.

mod entry;
mod head;
mod recorder;
mod replay;
mod tape;

#[cfg(test)]
mod tests;

pub use entry::{Entry, EntryError, EntryKind, Transmitted};
pub use head::{HeadError, RecordingHead};
pub use recorder::{EntryChain, RecordError, Recorder, RecordingEnd};
pub use replay::{Difference, ReplayError, ReplayResult, replay, replay_with};
pub use tape::{Tape, TapeError};

/// Most messages taken from the core in one cycle.
pub const TRANSMITS_PER_CYCLE_MAX: usize = 16;

/// Version of the layout above.
const LAYOUT: &str = "2";
const PROFILE: &str = "cosim-edge";
const METADATA_HEAD: &str = "cosim.head";
const METADATA_END: &str = "cosim.end";
const ATTACHMENT_CONFIG: &str = "config.json";
const ATTACHMENT_JOB: &str = "job.cosim-job";

//! Codecs: bytes from a controller to events, commands to bytes.
//!
//! A codec owns no socket and no clock. It is fed bytes as they come, in pieces of any size, together with
//! the instant they came, and gives the same events however the stream was cut. What it cannot read it
//! counts: a controller on a factory floor sends torn lines, half records and noise, and none of that may
//! end the run, grow memory or be mistaken for a value.

pub mod grbl;
pub(crate) mod lines;
pub mod linuxcnc;
pub mod mtconnect;
mod replay;
pub mod shdr;
mod source_time;
pub mod virtual_link;

pub use replay::Replay;
pub use source_time::SourceTime;

//! A recording as a controller would have sent it: its bytes, when their stamps say.
//!
//! Lines keep their bytes, torn and broken ones too; what the stamps are for is the rhythm. A line without
//! a stamp comes with the line before it, and a stamp that goes back does not take time back.

use std::ops::Range;

use shared::time::Duration;

use super::SourceTime;

/// A recording that is played.
#[derive(Clone, Debug)]
pub struct Replay {
    bytes: Vec<u8>,
    lines: Vec<(Duration, Range<usize>)>,
    next: usize,
}

impl Replay {
    /// A recording that is in memory already.
    pub fn of(bytes: Vec<u8>, speed: f64) -> Self {
        let speed = if speed.is_finite() && speed > 0.0 { speed } else { 1.0 };
        let (mut lines, mut start, mut first_ns, mut at_ns) = (Vec::new(), 0, None, 0);
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            let stamp = line.split(|byte| *byte == b'|').next().and_then(|stamp| std::str::from_utf8(stamp).ok());
            // Without a bar there is no stamp, only something that may look like one.
            if let Some(stamp) = stamp.filter(|_| line.contains(&b'|')).and_then(SourceTime::parse) {
                let first_ns = *first_ns.get_or_insert(stamp.as_ns());
                at_ns = at_ns.max(stamp.as_ns().saturating_sub(first_ns));
            }
            lines.push((Duration::from_s(at_ns as f64 * 1e-9 / speed), start..start + line.len()));
            start += line.len();
        }
        Self { bytes, lines, next: 0 }
    }

    /// Appends what is due at a time since the start of the replay.
    pub fn poll_bytes(&mut self, since_start: Duration, into: &mut Vec<u8>) {
        while let Some((_, range)) = self.lines.get(self.next).filter(|(due, _)| *due <= since_start) {
            into.extend_from_slice(&self.bytes[range.clone()]);
            self.next += 1;
        }
    }

    /// When the next line is due; `None` at the end.
    pub fn poll_timeout(&self) -> Option<Duration> {
        self.lines.get(self.next).map(|(due, _)| *due)
    }
}

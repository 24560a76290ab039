//! Cuts a byte stream into lines with bounded memory.

/// One line of a stream, without its line end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Line<'a> {
    /// Complete.
    Whole(&'a [u8]),
    /// Longer than the splitter holds; its bytes are gone.
    TooLong,
}

/// Collects bytes until a line feed. Carriage returns at either end of a line are dropped: both `\r\n` and
/// `\n\r` occur in the field. Empty lines are not reported.
#[derive(Clone, Debug)]
pub(crate) struct LineSplitter {
    held: Vec<u8>,
    len_max: usize,
    too_long: bool,
}

impl LineSplitter {
    /// For lines of at most `len_max` bytes; this is all the memory it ever holds.
    pub(crate) fn new(len_max: usize) -> Self {
        Self { held: Vec::with_capacity(len_max), len_max, too_long: false }
    }

    /// Takes bytes and hands every completed line to `line`.
    pub(crate) fn feed(&mut self, bytes: &[u8], mut line: impl FnMut(Line<'_>)) {
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            self.hold(&rest[..end]);
            rest = &rest[end + 1..];
            if self.too_long {
                line(Line::TooLong);
            } else {
                let whole = trimmed(&self.held);
                if !whole.is_empty() {
                    line(Line::Whole(whole));
                }
            }
            self.held.clear();
            self.too_long = false;
        }
        self.hold(rest);
    }

    /// Forgets an unfinished line; true where there was one.
    pub(crate) fn reset(&mut self) -> bool {
        let unfinished = self.too_long || !trimmed(&self.held).is_empty();
        self.held.clear();
        self.too_long = false;
        unfinished
    }

    /// Bytes of memory behind it; never grows.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.held.capacity()
    }

    fn hold(&mut self, bytes: &[u8]) {
        let room = self.len_max - self.held.len();
        self.too_long |= bytes.len() > room;
        self.held.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }
}

fn trimmed(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    line.strip_prefix(b"\r").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(bytes: &[u8], piece: usize) -> Vec<Option<Vec<u8>>> {
        let mut splitter = LineSplitter::new(8);
        let mut found = Vec::new();
        for part in bytes.chunks(piece) {
            splitter.feed(part, |line| {
                found.push(match line {
                    Line::Whole(whole) => Some(whole.to_vec()),
                    Line::TooLong => None,
                });
            });
        }
        found
    }

    #[test]
    fn any_cut_gives_the_same_lines_and_long_ones_are_named() {
        let stream = b"one\r\ntwo\n\r\n\n\rthree\n123456789\n12345678\nunfinished";
        let expected: Vec<Option<Vec<u8>>> =
            [Some("one"), Some("two"), Some("three"), None, Some("12345678")].map(|line| line.map(Into::into)).to_vec();
        for piece in 1..=stream.len() {
            assert_eq!(lines(stream, piece), expected, "pieces of {piece}");
        }
    }

    #[test]
    fn an_unfinished_line_is_forgotten_on_reset() {
        let mut splitter = LineSplitter::new(8);
        splitter.feed(b"half", |_| ());
        assert!(splitter.reset() && !splitter.reset());
        let mut seen = 0;
        splitter.feed(b"\nwhole\n", |line| seen += usize::from(line == Line::Whole(b"whole")));
        assert_eq!(seen, 1);
    }
}

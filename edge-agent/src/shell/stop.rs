use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether the process should end: set once, by a signal or by the end of standard input.
#[derive(Debug, Default)]
pub(super) struct Stop {
    wanted: AtomicBool,
}

impl Stop {
    pub(super) fn is_wanted(&self) -> bool {
        self.wanted.load(Ordering::Relaxed)
    }

    pub(super) fn want(&self) {
        self.wanted.store(true, Ordering::Relaxed);
    }

    /// Ends on interrupt, termination and hang-up.
    pub(super) fn on_signals(self: &Arc<Self>) -> Result<(), ctrlc::Error> {
        let stop = Arc::clone(self);
        ctrlc::set_handler(move || stop.want())
    }
}

/// One line to standard output, at once: whoever started the process reads it. A closed pipe is no reason to
/// stop serving.
pub(super) fn announce(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// One line to standard error, control characters escaped.
pub(super) fn say(line: &str) {
    let clean: String =
        line.chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] }).collect();
    let _ = writeln!(std::io::stderr().lock(), "edge-agent: {clean}");
}

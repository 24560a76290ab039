use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

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

    /// Ends when whoever started the process has closed its standard input, or has died.
    pub(super) fn when_stdin_closes(self: &Arc<Self>) -> std::io::Result<()> {
        let stop = Arc::clone(self);
        thread::Builder::new().name("stdin".to_owned()).spawn(move || {
            let mut sink = [0; 256];
            while matches!(std::io::stdin().read(&mut sink), Ok(count) if count > 0) {}
            stop.want();
        })?;
        Ok(())
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
    let _ = writeln!(std::io::stderr().lock(), "cloud-sim: {clean}");
}

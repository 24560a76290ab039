use std::collections::VecDeque;
use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::RunError;

/// Lines that wait to be looked at; a child that says more waits.
const LINES_MAX: usize = 1024;
/// Longest line of a child: a summary with a long list of events.
const LINE_BYTES_MAX: u64 = 64 << 20;
/// Last words that are kept of a child.
const LAST_WORDS_MAX: usize = 12;
/// Time between two looks at a child that is leaving.
const LEAVE_TURN: Duration = Duration::from_millis(10);

/// Which process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Who {
    Controller,
    Cloud,
    Edge,
}

impl Who {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Controller => "virtual controller",
            Self::Cloud => "simulation service",
            Self::Edge => "edge agent",
        }
    }

    /// The hidden command of `cosim`.
    const fn command(self) -> &'static str {
        match self {
            Self::Controller => "__controller",
            Self::Cloud => "__cloud",
            Self::Edge => "__edge",
        }
    }
}

/// One line of a child.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// On standard output: for this process.
    Said(Who, String),
    /// On standard error: for a person.
    Noted(Who, String),
}

/// What all children say.
pub(super) struct Ears {
    sender: SyncSender<Heard>,
    lines: Receiver<Heard>,
}

impl Ears {
    pub(super) fn new() -> Self {
        let (sender, lines) = sync_channel(LINES_MAX);
        Self { sender, lines }
    }

    /// The next line, if one comes in time.
    pub(super) fn hear(&self, within: Duration) -> Option<Heard> {
        // This end holds a sender: the channel is never disconnected, and the only error is the time-out.
        self.lines.recv_timeout(within).ok()
    }
}

/// A process of the run. It is ended when this is dropped, whatever happened.
pub(super) struct Process {
    who: Who,
    child: Child,
    stdin: Option<ChildStdin>,
    last_words: VecDeque<String>,
}

impl Process {
    /// Starts `program`, or this program again, under a hidden command.
    ///
    /// `inside` stands before the command line: a program that starts it somewhere else, such as in a namespace.
    pub(super) fn start(
        (inside, program): (&[OsString], Option<&Path>),
        who: Who,
        args: &[OsString],
        ears: &Ears,
    ) -> Result<Self, RunError> {
        let doing = format!("starting the {}", who.name());
        let program = match program {
            Some(program) => program.to_owned(),
            None => std::env::current_exe().map_err(RunError::io(doing.as_str()))?,
        };
        let mut command = match inside.split_first() {
            None => Command::new(&program),
            Some((first, rest)) => {
                let mut command = Command::new(first);
                command.args(rest).arg(&program);
                command
            }
        };
        let mut child = command
            .arg(who.command())
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(RunError::io(doing.as_str()))?;
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let process = Self { who, child, stdin, last_words: VecDeque::new() };
        let (said, noted) = (ears.sender.clone(), ears.sender.clone());
        if let Some(stdout) = stdout {
            listen(stdout, said, move |line| Heard::Said(who, line)).map_err(RunError::io(doing.as_str()))?;
        }
        if let Some(stderr) = stderr {
            listen(stderr, noted, move |line| Heard::Noted(who, line)).map_err(RunError::io(doing))?;
        }
        Ok(process)
    }

    pub(super) fn who(&self) -> Who {
        self.who
    }

    /// Keeps a line for an error message.
    pub(super) fn remember(&mut self, line: &str) {
        if self.last_words.len() == LAST_WORDS_MAX {
            self.last_words.pop_front();
        }
        self.last_words.push_back(line.to_owned());
    }

    /// Its last words, as the end of a sentence.
    pub(super) fn last_words(&self) -> String {
        if self.last_words.is_empty() {
            return String::new();
        }
        let lines: Vec<&str> = self.last_words.iter().map(String::as_str).collect();
        format!("; it said:\n  {}", lines.join("\n  "))
    }

    /// How it ended, if it did.
    pub(super) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Sends a signal.
    pub(super) fn signal(&self, signal: Signal) -> Result<(), RunError> {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let Some(pid) = pid else { return Ok(()) };
        kill_process(pid, signal)
            .map_err(|error| RunError::io(format!("a signal to the {}", self.who.name()))(error.into()))
    }

    /// Kills it and waits until it is gone, so that its port is free.
    pub(super) fn kill(&mut self) -> Result<(), RunError> {
        let doing = format!("killing the {}", self.who.name());
        self.child.kill().and_then(|()| self.child.wait()).map(|_| ()).map_err(RunError::io(doing))
    }

    /// Tells it to leave.
    pub(super) fn dismiss(&mut self) {
        self.stdin = None;
    }

    /// Tells it to leave and waits for a while; false if it had to be killed.
    pub(super) fn leave(&mut self, within: Duration) -> bool {
        self.dismiss();
        let until = Instant::now() + within;
        while self.ended().is_none() {
            if Instant::now() >= until {
                // Killing what has just ended by itself is no failure.
                let _ = self.kill();
                return false;
            }
            thread::sleep(LEAVE_TURN);
        }
        true
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.ended().is_none() {
            let _ = self.kill();
        }
    }
}

/// Reads lines in a thread of its own until the child closes its end. Bytes that are not UTF-8 are replaced.
fn listen(
    from: impl Read + Send + 'static,
    to: SyncSender<Heard>,
    heard: impl Fn(String) -> Heard + Send + 'static,
) -> io::Result<()> {
    thread::Builder::new().name("listen".to_owned()).spawn(move || {
        let mut reader = BufReader::new(from);
        let mut line = Vec::new();
        loop {
            line.clear();
            match reader.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line) {
                Ok(0) | Err(_) => return,
                Ok(_) => {
                    let text = String::from_utf8_lossy(&line).trim_end().to_owned();
                    if to.send(heard(text)).is_err() {
                        return;
                    }
                }
            }
        }
    })?;
    Ok(())
}

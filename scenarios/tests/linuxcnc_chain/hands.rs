//! The operator's hands, the service and the agent, each a process.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{JoinHandle, park_timeout, spawn};
use std::time::{Duration, Instant};

use edge_agent::shell::{EdgeSummary, StatusLine};

/// LinuxCNC's module is Debian's own Python's.
const PYTHON: &str = "/usr/bin/python3";
/// Longest wait for anything.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);
/// Time between two looks.
const TURN: Duration = Duration::from_millis(5);
/// Last words that are kept.
const WORDS_MAX: usize = 30;

/// What goes wrong, said where it does not hold.
pub(crate) fn ensure(holds: bool, what: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what()) }
}

/// Until something holds, or the time is up.
pub(crate) fn until(within: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + within;
    loop {
        if holds() {
            return true;
        }
        if Instant::now() >= end {
            return false;
        }
        park_timeout(TURN);
    }
}

/// Lets time pass.
pub(crate) fn pass(time: Duration) {
    until(time, || false);
}

/// Lines of a stream, from a thread of its own.
fn lines(from: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    spawn(move || BufReader::new(from).lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
    receiver
}

/// LinuxCNC's own tool.
pub(crate) fn halcmd(words: &[&str]) -> Result<String, String> {
    let output = Command::new("halcmd").args(words).output().map_err(|error| format!("halcmd: {error}"))?;
    let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    ensure(output.status.success(), || format!("halcmd {words:?}: {}", String::from_utf8_lossy(&output.stderr)))?;
    Ok(said)
}

/// A mark in the record, by a signal of ours that nothing is wired to.
pub(crate) fn mark(on: bool) -> Result<(), String> {
    halcmd(&["sets", "cosim-power", if on { "1" } else { "0" }]).map(drop)
}

/// Sends a signal to a process of ours.
pub(crate) fn signal(name: &str, process: u32) -> Result<(), String> {
    let status = Command::new("sh").arg("-c").arg(format!("kill -{name} {process}")).status();
    ensure(status.is_ok_and(|status| status.success()), || format!("kill -{name} {process} failed"))
}

/// A command of the agent's command line; what it said, where it went well.
pub(crate) fn edge(words: &[&str]) -> Result<String, String> {
    let output = Command::new("./cosim").arg("__edge").args(words).output().map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).trim().to_owned();
    ensure(output.status.success(), || format!("edge-agent {words:?} ended with {}: {said}", output.status))?;
    Ok(said)
}

/// The operator at LinuxCNC.
pub(crate) struct Console {
    child: Child,
    hands: ChildStdin,
    answers: Receiver<String>,
}

impl Console {
    pub(crate) fn start() -> Self {
        let mut command = Command::new(PYTHON);
        command.args(["-u", "console.py"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("python3 is LinuxCNC's own need");
        let (hands, said) = (child.stdin.take().expect("piped"), child.stdout.take().expect("piped"));
        Self { child, hands, answers: lines(said) }
    }

    pub(crate) fn ask(&mut self, order: &str) -> Result<String, String> {
        writeln!(self.hands, "{order}").map_err(|error| format!("{order}: {error}"))?;
        self.answers.recv_timeout(PATIENCE).map_err(|_| format!("{order}: no answer"))
    }

    pub(crate) fn tell(&mut self, order: &str) -> Result<(), String> {
        let answer = self.ask(order)?;
        ensure(answer == "ok", || format!("{order}: {answer}"))
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The service.
pub(crate) struct Cloud {
    child: Child,
    /// Where it listens.
    pub(crate) address: String,
    // Its end ends the service.
    _stdin: Option<ChildStdin>,
}

impl Cloud {
    pub(crate) fn start() -> Result<Self, String> {
        let mut command = Command::new("./cosim");
        command.args(["__cloud", "serve", "--listen", "tcp/127.0.0.1:0", "--until-stdin-closes"]);
        command.args(["--horizon-s", "1.5", "--time-to-live-ms", "250"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = command.spawn().map_err(|error| format!("the service: {error}"))?;
        let (stdin, said) = (child.stdin.take(), lines(child.stdout.take().expect("piped")));
        let mut cloud = Self { child, address: String::new(), _stdin: stdin };
        let end = Instant::now() + PATIENCE;
        while let Ok(line) = said.recv_timeout(end.saturating_duration_since(Instant::now())) {
            if let Some(place) = line.strip_prefix("READY tcp/") {
                place.clone_into(&mut cloud.address);
                spawn(move || said.into_iter().for_each(drop));
                return Ok(cloud);
            }
        }
        Err("the service is not ready".to_owned())
    }

    pub(crate) fn signal(&self, name: &str) -> Result<(), String> {
        signal(name, self.child.id())
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A cable between agent and service that can be cut: while it is, bytes go in and do not come out, both ways, as with a
/// partition; nobody is told.
pub(crate) struct Cable {
    /// Where the agent connects.
    pub(crate) address: String,
    cut: Arc<AtomicBool>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Cable {
    pub(crate) fn lay(to: &str) -> Result<Self, String> {
        let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
        let address = listener.local_addr().map_err(|error| error.to_string())?.to_string();
        listener.set_nonblocking(true).map_err(|error| error.to_string())?;
        let (cut, over) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (is_cut, is_over, to) = (Arc::clone(&cut), Arc::clone(&over), to.to_owned());
        let thread = spawn(move || {
            while !is_over.load(Ordering::Relaxed) {
                match listener.accept() {
                    Ok((near, _)) if !is_cut.load(Ordering::Relaxed) => {
                        let Ok(far) = TcpStream::connect(&to) else { continue };
                        let _ = near.set_nonblocking(false);
                        carry(&near, &far, &is_cut, &is_over);
                        carry(&far, &near, &is_cut, &is_over);
                    }
                    _ => park_timeout(TURN),
                }
            }
        });
        Ok(Self { address, cut, over, thread: Some(thread) })
    }

    pub(crate) fn cut(&self, cut: bool) {
        self.cut.store(cut, Ordering::Relaxed);
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// One direction, in a thread of its own.
fn carry(from: &TcpStream, to: &TcpStream, cut: &Arc<AtomicBool>, over: &Arc<AtomicBool>) {
    let (Ok(mut from), Ok(mut to)) = (from.try_clone(), to.try_clone()) else { return };
    let (cut, over) = (Arc::clone(cut), Arc::clone(over));
    spawn(move || {
        let mut bytes = [0; 16 << 10];
        while let Ok(count) = from.read(&mut bytes) {
            // What is on a cable that is cut waits, as it does in a queue.
            while cut.load(Ordering::Relaxed) && !over.load(Ordering::Relaxed) {
                park_timeout(TURN);
            }
            if count == 0 || over.load(Ordering::Relaxed) || to.write_all(&bytes[..count]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Both);
    });
}

/// What an agent has said.
#[derive(Default)]
struct Heard {
    status: Option<StatusLine>,
    summary: Option<EdgeSummary>,
    reasons: Vec<(String, String)>,
    words: VecDeque<String>,
}

/// The agent.
pub(crate) struct Agent {
    child: Child,
    stdin: Option<ChildStdin>,
    heard: Arc<Mutex<Heard>>,
    config: String,
}

/// Whether it may command.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Shadow,
    Active,
}

impl Agent {
    /// Starts one for a case, connected at `address`.
    pub(crate) fn start(case: &str, address: &str, mode: Mode) -> Result<Self, String> {
        let config = format!("{case}.agent.toml");
        let mode = if mode == Mode::Active { "mode = \"active\"\n" } else { "" };
        // Plans live as long as the service says (250 ms); how long it may be silent while it computes the baseline of a
        // whole program follows from what is permitted here, on a machine that does a lot else.
        let text = format!(
            "machine_name = \"mill-1\"\njob = \"{case}.job\"\nstate_dir = \"state\"\nrecording = \"{case}.mcap\"\n{mode}\
             [controller]\nkind = \"linuxcnc\"\nini = \"mill.ini\"\neffect_time_max_ms = 200.0\n[cloud]\n\
             connect = \"tcp/{address}\"\nunsigned = \"accept\"\n[budget]\nend_to_end_ms = 100.0\n\
             time_to_live_ms = 2000.0\n"
        );
        std::fs::write(&config, text).map_err(|error| error.to_string())?;
        let mut command = Command::new("./cosim");
        command.args(["__edge", "run", "--config", &config, "--until-stdin-closes"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| format!("the agent: {error}"))?;
        let heard = Arc::new(Mutex::new(Heard::default()));
        let (said, noted) = (lines(child.stdout.take().expect("piped")), lines(child.stderr.take().expect("piped")));
        let (of_out, of_err) = (Arc::clone(&heard), Arc::clone(&heard));
        spawn(move || said.into_iter().for_each(|line| take(&of_out, &line)));
        spawn(move || {
            for line in noted {
                let mut heard = of_err.lock().unwrap_or_else(PoisonError::into_inner);
                if heard.words.len() == WORDS_MAX {
                    heard.words.pop_front();
                }
                heard.words.push_back(line);
            }
        });
        let stdin = child.stdin.take();
        Ok(Self { child, stdin, heard, config })
    }

    fn with<T>(&self, look: impl FnOnce(&Heard) -> T) -> T {
        look(&self.heard.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn status(&self) -> Option<StatusLine> {
        self.with(|heard| heard.status.clone())
    }

    /// Lamps and reasons so far, each change once.
    pub(crate) fn reasons(&self) -> Vec<(String, String)> {
        self.with(|heard| heard.reasons.clone())
    }

    /// Waits for a line of state that fits.
    pub(crate) fn wait(&self, what: &str, fits: impl Fn(&StatusLine) -> bool) -> Result<(), String> {
        let fits = || self.status().is_some_and(|status| fits(&status));
        ensure(until(PATIENCE, fits), || {
            let words = self.with(|heard| heard.words.iter().cloned().collect::<Vec<_>>().join("\n  "));
            format!("the agent is never {what}: {:?}; it said\n  {words}", self.status())
        })
    }

    /// Waits until a reason is told, now or since `from` changes ago.
    pub(crate) fn wait_for_reason(&self, from: usize, reason: &str) -> Result<(), String> {
        let told = || self.reasons().iter().skip(from).any(|(_, told)| told == reason);
        ensure(until(PATIENCE, told), || format!("`{reason}` is never told: {:?}", self.reasons()))
    }

    /// One of the agent's own commands, from outside.
    pub(crate) fn say(&self, word: &str) -> Result<String, String> {
        edge(&[word, "--config", &self.config])
    }

    /// Sends it home; what the run amounts to.
    pub(crate) fn leave(mut self) -> Result<EdgeSummary, String> {
        self.stdin = None;
        let gone = until(PATIENCE, || self.child.try_wait().is_ok_and(|status| status.is_some()));
        ensure(gone, || "the agent does not leave".to_owned())?;
        until(Duration::from_secs(2), || self.with(|heard| heard.summary.is_some()));
        self.with(|heard| heard.summary.clone()).ok_or_else(|| {
            let words = self.with(|heard| heard.words.iter().cloned().collect::<Vec<_>>().join("\n  "));
            format!("the agent leaves without a summary; it said\n  {words}")
        })
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // A stopped process takes this signal too.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn take(heard: &Mutex<Heard>, line: &str) {
    let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
    if let Ok(status) = serde_json::from_str::<StatusLine>(line) {
        let told = (status.lamp.clone(), status.reason.clone());
        if heard.reasons.last() != Some(&told) {
            heard.reasons.push(told);
        }
        heard.status = Some(status);
    } else if let Ok(summary) = serde_json::from_str::<EdgeSummary>(line) {
        heard.summary = Some(summary);
    }
}

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Lines, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use super::arms::{Arm, Order};
use super::host::RealTime;
use super::series::Shot;

/// How long a process may take to leave.
const LEAVE_MAX: Duration = Duration::from_secs(3);
/// Time between two looks at a process that is leaving.
const LEAVE_TURN: Duration = Duration::from_millis(10);

/// This binary again under a hidden command; it ends when this is dropped.
pub(super) struct Helper {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Lines<BufReader<ChildStdout>>,
    /// Where it says that it listens.
    pub(super) place: String,
}

/// How helpers are started.
pub(super) struct Starter<'a> {
    /// This program where absent.
    pub(super) program: Option<&'a Path>,
    pub(super) real_time: &'a RealTime,
}

impl Starter<'_> {
    /// Starts `command` behind the words of `inside`, and waits until it is ready.
    pub(super) fn start(&self, inside: &[OsString], command: &[&str]) -> anyhow::Result<Helper> {
        let own = match self.program {
            Some(program) => program.to_owned(),
            None => std::env::current_exe().context("this program")?,
        };
        let mut words: Vec<OsString> = inside.to_vec();
        words.push(own.into());
        words.extend(command.iter().map(OsString::from));
        words.extend(self.real_time.words().into_iter().map(OsString::from));
        let mut child = Command::new(&words[0])
            .args(&words[1..])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("starting {}", command.join(" ")))?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().context("a pipe")?;
        let mut lines = BufReader::new(stdout).lines();
        let ready = lines.next().and_then(Result::ok);
        let Some(place) = ready.as_deref().and_then(|line| line.strip_prefix("READY ")) else {
            let _ = child.kill();
            let _ = child.wait();
            bail!("`{}` did not come up", command.join(" "));
        };
        let place = place.to_owned();
        Ok(Helper { child, stdin, lines, place })
    }
}

impl Helper {
    /// Gives a client one row to do and waits for what came back.
    pub(super) fn measure(&mut self, order: &Order) -> anyhow::Result<Vec<Shot>> {
        let stdin = self.stdin.as_mut().context("the client is gone")?;
        writeln!(stdin, "{}", order.line()).and_then(|()| stdin.flush()).context("the client is gone")?;
        let mut shots = Vec::with_capacity(order.count as usize);
        loop {
            let line = self.lines.next().context("the client is gone")??;
            if line == "DONE" {
                return Ok(shots);
            }
            shots.push(shot(&line).with_context(|| format!("a client said `{line}`"))?);
        }
    }
}

/// `number scheduled sent received`, the last zero where nothing came.
fn shot(line: &str) -> Option<Shot> {
    let mut fields = line.split(' ').map(|field| field.parse::<u64>().ok());
    let mut next = || fields.next().flatten();
    let (number, scheduled_ns, sent_ns, received) = (next()?, next()?, next()?, next()?);
    Some(Shot { number, scheduled_ns, sent_ns, received_ns: (received > 0).then_some(received) })
}

impl Drop for Helper {
    fn drop(&mut self) {
        self.stdin = None;
        let until = Instant::now() + LEAVE_MAX;
        while matches!(self.child.try_wait(), Ok(None)) {
            if Instant::now() >= until {
                let _ = self.child.kill();
                let _ = self.child.wait();
                return;
            }
            std::thread::sleep(LEAVE_TURN);
        }
    }
}

/// The processes of one arm.
pub(super) struct Ends {
    pub(super) arm: Arm,
    pub(super) client: Helper,
    _echo: Helper,
}

/// Where the processes are.
pub struct Places {
    /// In front of what runs at the edge.
    pub edge: Vec<OsString>,
    /// In front of what runs at the cloud.
    pub cloud: Vec<OsString>,
    /// Address of the cloud's end.
    pub address: String,
}

impl Ends {
    /// Starts echo and client of an arm; the router runs already.
    pub(super) fn start(arm: Arm, places: &Places, router: &str, starter: &Starter<'_>) -> anyhow::Result<Self> {
        let listen = format!("udp/{}:0", places.address);
        let far = if arm == Arm::Udp { listen.as_str() } else { router };
        let echo = starter.start(&places.cloud, &["__echo", arm.name(), far])?;
        let near = if arm == Arm::Udp { echo.place.clone() } else { router.to_owned() };
        let client = starter.start(&places.edge, &["__client", arm.name(), &near])?;
        Ok(Self { arm, client, _echo: echo })
    }
}

//! `doctor`: what an agent needs, looked at one by one, with advice.

use std::fs;
use std::io::Write;
use std::net::{TcpStream, ToSocketAddrs};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use firmware_bridge::link::hal::{HalError, HalLink};
use firmware_bridge::link::{CYCLE_PRIORITY, Port, PortAddress, schedule_real_time};
use shared::time::Duration as Span;

use super::clock::Clock;
use super::config::{self, Config, Controller, LinuxCncConfig, Pin};
use super::control::ask_status;
use super::install::missing;
use super::stop::announce;
use super::{arguments::AgentArgs, network, read_job};
use crate::config::Arming;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Finding {
    /// As it should be.
    Well,
    /// Worth knowing.
    Know,
    /// The agent cannot steer like this.
    Fails,
}

impl Finding {
    const fn word(self) -> &'static str {
        match self {
            Self::Well => "ok  ",
            Self::Know => "note",
            Self::Fails => "FAIL",
        }
    }
}

/// Wait for a connection.
const CONNECT_MAX: Duration = Duration::from_millis(2000);
/// Connections whose time is taken.
const ROUND_TRIPS: usize = 5;
/// Turns of the timer that are measured, and their period.
const TURNS: usize = 200;
const TURN: Span = Span::from_ms(2);
/// A recording of a day at a thousand samples a second, and room to spare.
const DISK_BYTES_MIN: u64 = 2 << 30;
/// Memory of an agent with a large job.
const LOCKED_BYTES_MIN: u64 = 256 << 20;

/// Looks at everything and says it; the worst finding.
pub(super) fn doctor(args: &AgentArgs) -> anyhow::Result<Finding> {
    let config = config::read(&args.config)?;
    let mut worst = Finding::Well;
    let mut say = |what: &str, (finding, text): (Finding, String)| {
        worst = worst.max(finding);
        announce(&format!("{}  {what:<13} {text}", finding.word()));
    };
    say("configuration", mode(&config));
    say("job", job(&config));
    say("controller", controller(&config));
    if let Controller::LinuxCnc(linuxcnc) = &config.controller {
        say("installation", installation(linuxcnc));
        say("status", python(linuxcnc));
    }
    say("clock", clock(&config));
    say("scheduling", scheduling());
    say("memory", memory());
    say("disk", disk(&config.state_dir));
    say("network", round_trip(&config));
    say("key", key(&config));
    Ok(worst)
}

fn mode(config: &Config) -> (Finding, String) {
    match config.arming {
        Arming::Shadow => {
            (Finding::Know, "shadow: nothing is commanded; mode = \"active\" lets `arm` count".to_owned())
        }
        Arming::Active => (Finding::Well, "active: commands go out once it is armed".to_owned()),
    }
}

fn job(config: &Config) -> (Finding, String) {
    match read_job(&config.job) {
        Ok(job) => (Finding::Well, format!("{}, {} lines", job.job.name, job.job.facts.lines)),
        Err(error) => (Finding::Fails, format!("{error:#}; pack it again with cosim bundle")),
    }
}

fn controller(config: &Config) -> (Finding, String) {
    match &config.controller {
        Controller::Port(PortAddress::Tcp(address)) => match TcpStream::connect_timeout(address, CONNECT_MAX) {
            Ok(_) => (Finding::Well, format!("{address} answers")),
            Err(error) => (Finding::Fails, format!("{address}: {error}; is the controller on, and the address right?")),
        },
        Controller::Port(address) => match Port::open(address, Span::from_ms(2000)) {
            Ok(_) => (Finding::Well, format!("{address} opens")),
            Err(error) => (Finding::Fails, format!("{error}; is the cable in, and may this user open it?")),
        },
        Controller::LinuxCnc(_) if ask_status(&config.state_dir).is_ok() => {
            (Finding::Well, "an agent runs and is in HAL".to_owned())
        }
        Controller::LinuxCnc(linuxcnc) => match HalLink::open(&linuxcnc.library, linuxcnc.sampler) {
            Ok(hal) => (Finding::Well, format!("HAL can be entered as {}", hal.name())),
            Err(error @ HalError::NotRunning) => (Finding::Know, format!("{error}; the agent waits for it")),
            Err(error) => (Finding::Fails, error.to_string()),
        },
    }
}

fn installation(linuxcnc: &LinuxCncConfig) -> (Finding, String) {
    let Some(ini) = &linuxcnc.ini else {
        return (
            Finding::Know,
            "[controller] ini is not given, so the machine's INI file was not looked at".to_owned(),
        );
    };
    match missing(ini) {
        Ok(missing) if missing.is_empty() => (Finding::Well, format!("{} has the co-simulation", ini.display())),
        Ok(missing) => (Finding::Fails, missing.join("; ")),
        Err(error) => (Finding::Fails, format!("{error:#}")),
    }
}

fn python(linuxcnc: &LinuxCncConfig) -> (Finding, String) {
    if let Some(socket) = &linuxcnc.status_socket {
        let there = socket.exists();
        let finding = if there { Finding::Well } else { Finding::Fails };
        return (finding, format!("{} {}", socket.display(), if there { "is there" } else { "is not there" }));
    }
    let mut command = Command::new(&linuxcnc.python);
    let output = command.args(["-c", "import linuxcnc"]).stdin(Stdio::null()).stderr(Stdio::null()).status();
    match output {
        Ok(status) if status.success() => {
            (Finding::Well, format!("{} has LinuxCNC's module", linuxcnc.python.display()))
        }
        _ => {
            let python = linuxcnc.python.display();
            (Finding::Fails, format!("{python} has no module linuxcnc: dial, modes and offsets would stay unknown"))
        }
    }
}

/// How late the system wakes a thread that sleeps on an absolute timer.
fn clock(config: &Config) -> (Finding, String) {
    let clock = Clock::start();
    let mut due = clock.now();
    let mut late_ms: Vec<f64> = (0..TURNS)
        .map(|_| {
            due = due.after(TURN);
            clock.sleep_until(due);
            clock.now().since(due).as_ms()
        })
        .collect();
    late_ms.sort_by(f64::total_cmp);
    let (half, most) = (late_ms[TURNS / 2], late_ms[TURNS - 1]);
    let cycle_ms = config.budget.cycle.as_ms();
    let text = format!("monotonic; woken {half:.2} ms late (p50), {most:.2} ms at most, of a cycle of {cycle_ms} ms");
    if most <= cycle_ms {
        return (Finding::Well, text);
    }
    (Finding::Know, text + "; give the agent a processor of its own, or a longer cycle_ms")
}

fn scheduling() -> (Finding, String) {
    let tried = thread::spawn(|| schedule_real_time(CYCLE_PRIORITY)).join();
    match tried {
        Ok(Ok(())) => (Finding::Well, format!("real-time priority {CYCLE_PRIORITY} is granted")),
        Ok(Err(error)) => {
            let advice = "under load the cycle comes late; allow it with `rtprio 80` in /etc/security/limits.d";
            (Finding::Know, format!("{error}; {advice}"))
        }
        Err(_) => (Finding::Know, "it could not be tried".to_owned()),
    }
}

fn memory() -> (Finding, String) {
    let text = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("Max locked memory")).unwrap_or_default();
    let soft = line.split_whitespace().next().unwrap_or("unknown").to_owned();
    let enough = soft == "unlimited" || soft.parse::<u64>().is_ok_and(|bytes| bytes >= LOCKED_BYTES_MIN);
    let text = format!("{soft} bytes may be locked; lock_memory = true under [real_time] asks for it");
    if enough { (Finding::Well, text) } else { (Finding::Know, text + "; keep the gateway out of swap") }
}

/// Whether the state folder can be written, and how much room is left.
fn disk(state_dir: &Path) -> (Finding, String) {
    let probe = state_dir.join("doctor.probe");
    let written = fs::create_dir_all(state_dir)
        .and_then(|()| fs::File::create(&probe))
        .and_then(|mut file| file.write_all(b"probe").and_then(|()| file.sync_all()));
    let _ = fs::remove_file(&probe);
    if let Err(error) = written {
        return (Finding::Fails, format!("{}: {error}; no lease can be granted", state_dir.display()));
    }
    match rustix::fs::statvfs(state_dir) {
        Ok(found) => {
            let free = found.f_bavail.saturating_mul(found.f_frsize);
            let text = format!("{} is writable, {} MB free", state_dir.display(), free >> 20);
            let enough = free >= DISK_BYTES_MIN;
            if enough { (Finding::Well, text) } else { (Finding::Know, text + "; recordings may not fit") }
        }
        Err(error) => {
            (Finding::Know, format!("{} is writable; its free space is not told ({error})", state_dir.display()))
        }
    }
}

/// The time of a connection, which is one round trip, and whether a Zenoh router is there.
fn round_trip(config: &Config) -> (Finding, String) {
    let endpoint = config.cloud.endpoint.as_str();
    let Some(text) = endpoint.strip_prefix("tcp/").or_else(|| endpoint.strip_prefix("tls/")) else {
        return match network::reachable(&config.cloud) {
            Ok(()) => (Finding::Well, format!("{endpoint} answers; without a stream its round trip is not measured")),
            Err(error) => (Finding::Fails, format!("{endpoint} does not answer as a Zenoh router: {error:#}")),
        };
    };
    let Some(address) = text.to_socket_addrs().ok().and_then(|mut found| found.next()) else {
        return (Finding::Fails, format!("{text} is no address, or its name is not known"));
    };
    let clock = Clock::start();
    let mut times_ms = Vec::new();
    for _ in 0..ROUND_TRIPS {
        let before = clock.now();
        if let Err(error) = TcpStream::connect_timeout(&address, CONNECT_MAX) {
            return (Finding::Fails, format!("{address}: {error}; is the service running, and the port open?"));
        }
        times_ms.push(clock.now().since(before).as_ms());
    }
    times_ms.sort_by(f64::total_cmp);
    let (half, most) = (times_ms[ROUND_TRIPS / 2], times_ms[ROUND_TRIPS - 1]);
    let budget_ms = config.budget.end_to_end.as_ms();
    let said = format!("{address}: round trip {half:.2} ms (p50), {most:.2} ms at most, of a budget of {budget_ms} ms");
    match network::reachable(&config.cloud) {
        Err(error) => (Finding::Fails, format!("{said}; but it is no Zenoh router: {error:#}")),
        Ok(()) if most * 2.0 > budget_ms => (Finding::Know, said + "; that leaves the service less than half of it"),
        Ok(()) => (Finding::Well, said),
    }
}

fn key(config: &Config) -> (Finding, String) {
    let transport = match config.cloud.tls {
        Some(_) => "the transport is encrypted, with certificates of both sides",
        None => "the transport is plain, without certificates",
    };
    match config.pin {
        Pin::Key(_) => (Finding::Well, format!("the service's signatures are checked; {transport}")),
        Pin::AcceptUnsigned => {
            (Finding::Know, format!("unsigned messages are believed; {transport}: demonstrations only"))
        }
        Pin::Nobody => (Finding::Know, format!("no key is named, so nothing may be commanded; {transport}")),
    }
}

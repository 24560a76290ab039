//! The links, over sockets and a file.
#![allow(clippy::disallowed_methods)] // Real sockets need threads and patience.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration as StdDuration, Instant as StdInstant};

use firmware_bridge::controller::{Command, ControllerSample, Execution};
use firmware_bridge::link::{
    ControllerKind, ControllerLink, ControllerLinkSettings, LinkError, PortAddress, ProgramSender, ShdrExport,
};
use shared::plan::Override;
use shared::time::{Duration, Instant};

use crate::agent::{Agent, Answer, Coding};

/// Ends a test that hangs; far longer than the slowest machine needs.
const PATIENCE: StdDuration = StdDuration::from_secs(60);

/// A link, and what has come and was not looked at yet: what comes together is looked at one by one.
struct Followed {
    link: ControllerLink,
    came: VecDeque<ControllerSample>,
}

fn open(address: &str) -> Followed {
    let settings = ControllerLinkSettings {
        kind: ControllerKind::Advisory,
        address: PortAddress::parse(address).expect("an address"),
        sample_period: Duration::from_ms(10),
        raise_slew_per_s: 1.0,
        sender: ProgramSender::Agent,
    };
    let link = ControllerLink::open(&settings, Duration::from_ms(1000)).expect("nobody has to be there yet");
    Followed { link, came: VecDeque::new() }
}

/// Takes samples until one fits; false where the link has ended before.
#[track_caller]
fn wait_for(followed: &mut Followed, fits: impl Fn(&ControllerSample) -> bool) -> bool {
    let began = StdInstant::now();
    loop {
        let (Followed { link, came }, now) = (&mut *followed, Instant::from_ns(1 << 40));
        let open = link.receive(now, &mut |sample| {
            assert!(sample.valid_at <= now);
            came.push_back(sample);
        });
        while let Some(sample) = came.pop_front() {
            if fits(&sample) {
                return true;
            }
        }
        if !open {
            return false;
        }
        assert!(began.elapsed() < PATIENCE, "it never came");
        std::thread::park_timeout(StdDuration::from_millis(1));
    }
}

fn at_line(line: u32) -> impl Fn(&ControllerSample) -> bool {
    move |sample| sample.line == Some(line)
}

/// Our agent behind a socket. A change of `generation` closes every stream.
#[derive(Clone)]
struct Peer {
    agent: Arc<Mutex<Agent>>,
    generation: Arc<AtomicU64>,
    over: Arc<AtomicBool>,
}

impl Peer {
    fn serve(agent: Agent) -> (Self, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
        let address = listener.local_addr().expect("bound");
        let peer = Self { agent: Arc::new(Mutex::new(agent)), generation: Arc::default(), over: Arc::default() };
        let serving = peer.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if serving.over.load(Ordering::Relaxed) {
                    return;
                }
                let (peer, Ok(stream)) = (serving.clone(), stream) else { continue };
                std::thread::spawn(move || peer.answer(stream));
            }
        });
        (peer, address)
    }

    /// Serves one connection; a client that goes away ends it.
    fn answer(&self, mut stream: TcpStream) -> Option<()> {
        let mut request = String::new();
        let mut lines = BufReader::new(stream.try_clone().ok()?);
        while lines.read_line(&mut request).ok()? > 2 {}
        let generation = self.generation.load(Ordering::Relaxed);
        let answer = self.agent.lock().ok()?.answer(&request);
        let (head, mut from) = match answer {
            Answer::Whole(bytes) => return stream.write_all(&bytes).ok(),
            Answer::Stream { head, from } => (head, from),
        };
        stream.write_all(&head).ok()?;
        while self.generation.load(Ordering::Relaxed) == generation && !self.over.load(Ordering::Relaxed) {
            let (bytes, next) = self.agent.lock().ok()?.part(from);
            from = next;
            stream.write_all(&bytes).ok()?;
            std::thread::park_timeout(StdDuration::from_millis(5));
        }
        None
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // Streams hold clones of their own; the one of the test ends them all.
        if Arc::strong_count(&self.over) <= 2 {
            self.over.store(true, Ordering::Relaxed);
        }
    }
}

#[test]
fn an_agent_is_followed_through_its_restart_and_never_commanded() {
    let mut agent = Agent::new(1, 500, Coding::Chunks(100));
    agent.hear(1.0, "m1-exec", "ACTIVE");
    agent.hear(1.0, "m1-line", "117");
    let (peer, address) = Peer::serve(agent);
    let mut link = open(&format!("http://{address}/m1"));
    let notices = link.link.take_notices().expect("the first gets them");
    assert!(link.link.take_notices().is_none());
    assert!(wait_for(&mut link, at_line(117)));
    peer.agent.lock().expect("not poisoned").hear(2.0, "m1-line", "118");
    assert!(wait_for(&mut link, at_line(118)));
    let command = Command::Factor { factor: Override::PROGRAMMED, time_to_live: Duration::from_ms(100) };
    assert!(!link.link.command(Instant::ORIGIN, command), "there is no way to write");
    assert_eq!(link.link.start(&Arc::from(&b"G1X1"[..])).ok(), Some(false));
    // Started again: what was agreed is void, and the new one is followed by itself.
    let mut fresh = Agent::new(2, 500, Coding::Plain);
    fresh.hear(9.0, "m1-line", "7");
    *peer.agent.lock().expect("not poisoned") = fresh;
    assert!(wait_for(&mut link, |sample| sample.execution == Some(Execution::Stopped) && sample.line.is_none()));
    assert!(wait_for(&mut link, at_line(7)));
    // What is heard now comes by the stream only: once it is here, there is one to close.
    peer.agent.lock().expect("not poisoned").hear(10.0, "m1-line", "8");
    assert!(wait_for(&mut link, at_line(8)));
    peer.generation.fetch_add(1, Ordering::Relaxed);
    assert!(wait_for(&mut link, |sample| sample.execution == Some(Execution::Stopped)));
    assert!(wait_for(&mut link, at_line(8)), "it is asked again");
    let said: Vec<String> = notices.try_iter().collect();
    assert!(
        said.iter().any(|line| line.contains("instance 1, now 2") && line.ends_with("the lease is void")),
        "{said:?}"
    );
    peer.over.store(true, Ordering::Relaxed);
}

#[test]
fn an_adapter_is_pinged_and_its_silence_is_a_break() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
    let address = listener.local_addr().expect("bound");
    let adapter = std::thread::spawn(move || {
        let mut pings = 0;
        for answers in [true, false] {
            let (mut stream, _) = listener.accept().expect("it comes back");
            let mut lines = BufReader::new(stream.try_clone().expect("a socket"));
            let mut line = String::new();
            stream.write_all(b"2026-03-01T12:00:00Z|exec|X|LineNumber|5|Execution|ACTIVE\n").expect("it reads");
            // Answers the first ping, then says nothing more.
            while lines.read_line(&mut line).is_ok_and(|count| count > 0) {
                pings += line.matches("* PING").count();
                if answers && pings == 1 {
                    stream.write_all(b"* PONG 150\n").expect("it reads");
                }
                line.clear();
                if !answers {
                    stream.write_all(b"2026-03-01T12:00:09Z|LineNumber|6\n").expect("it reads");
                    return pings;
                }
            }
        }
        pings
    });
    let mut link = open(&format!("tcp:{address}"));
    let notices = link.link.take_notices().expect("the first gets them");
    assert!(wait_for(&mut link, at_line(5)));
    assert!(wait_for(&mut link, |sample| sample.execution == Some(Execution::Stopped)), "two heartbeats of nothing");
    assert!(wait_for(&mut link, at_line(6)), "it is connected to again");
    assert!(adapter.join().expect("no panic") >= 3);
    let said: Vec<String> = notices.try_iter().collect();
    assert!(said.first().is_some_and(|line| line.contains("nothing is heard")), "{said:?}");
}

#[test]
fn a_recording_is_played_and_ends() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("run.txt");
    #[allow(clippy::disallowed_methods, reason = "a test makes its file")]
    std::fs::write(&path, "0|Block_Number|1\n500|Block_Number|2\ntorn\n1000|Block_Number|3\n").expect("a file");
    let mut link = open(&format!("file:{}@20", path.display()));
    let notices = link.link.take_notices().expect("the first gets them");
    assert!(wait_for(&mut link, at_line(3)));
    assert!(!wait_for(&mut link, |_| false), "it ends");
    assert!(notices.recv().is_ok_and(|said| said.contains("3 reports, 1 damaged")));
    let missing = ControllerLinkSettings {
        kind: ControllerKind::Advisory,
        address: PortAddress::parse("file:no-such-recording.txt").expect("an address"),
        sample_period: Duration::from_ms(10),
        raise_slew_per_s: 1.0,
        sender: ProgramSender::Agent,
    };
    let error = ControllerLink::open(&missing, Duration::ZERO).expect_err("missing").to_string();
    assert!(error.contains("no-such-recording.txt"), "{error}");
}

struct Display {
    lines: BufReader<TcpStream>,
}

impl Display {
    fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        Self { lines: BufReader::new(stream) }
    }

    /// The next line without its stamp.
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("it comes");
        match line.split_once('|') {
            Some((stamp, rest)) if stamp.ends_with('Z') => rest.trim_end().to_owned(),
            _ => line.trim_end().to_owned(),
        }
    }
}

fn state(lamp: &str, factor: &str) -> Vec<(&'static str, String)> {
    vec![("agent_lamp", lamp.to_owned()), ("agent_factor", factor.to_owned())]
}

#[test]
fn our_state_is_shown_to_several_and_a_slow_one_is_dropped() {
    let open_to_all = ShdrExport::open(SocketAddr::from(([0, 0, 0, 0], 0)));
    assert!(matches!(open_to_all, Err(LinkError::NotLoopback { .. })));
    let export = ShdrExport::open(SocketAddr::from(([127, 0, 0, 1], 0))).expect("loopback");
    let mut first = Display::connect(export.address());
    export.publish(state("SHADOW", "100.0"));
    assert_eq!(first.line(), "agent_lamp|SHADOW|agent_factor|100.0");
    let mut second = Display::connect(export.address());
    assert_eq!(second.line(), "agent_lamp|SHADOW|agent_factor|100.0", "a new one is told everything");
    export.publish(state("SHADOW", "85.0"));
    export.publish(state("SHADOW", "85.0"));
    export.publish(state("a|b\nc", "85.0"));
    for display in [&mut first, &mut second] {
        assert_eq!(display.line(), "agent_factor|85.0");
        assert_eq!(display.line(), "agent_lamp|a b c", "nothing we say can break a line");
    }
    second.lines.get_mut().write_all(b"garbage\n\xff\xfe\n* PING\nfactor 500 100\n").expect("it listens");
    assert_eq!(second.line(), "* PONG 10000");
    // A client that does not read: kernels take some megabytes before they refuse.
    let mut slow = TcpStream::connect(export.address()).expect("it listens");
    let began = StdInstant::now();
    let mut turn = 0_u64;
    let reading = std::thread::spawn(move || {
        let mut first = first;
        loop {
            let line = first.line();
            if line.ends_with("|last") || line.is_empty() {
                return line;
            }
        }
    });
    while export.counts().dropped == 0 && began.elapsed() < PATIENCE {
        turn += 1;
        export.publish(state(&format!("{turn} {}", "x".repeat(30_000)), "85.0"));
        std::thread::park_timeout(StdDuration::from_micros(200));
        if turn == 1 {
            // It stays connected; the second, which does not read either, is gone with it or before.
            assert!(slow.set_read_timeout(Some(PATIENCE)).is_ok());
        }
    }
    let dropped = export.counts().dropped;
    while !reading.is_finished() && began.elapsed() < PATIENCE {
        export.publish(state("x", "last"));
        export.publish(state("y", "100.0"));
        std::thread::park_timeout(StdDuration::from_millis(1));
    }
    assert!(reading.join().expect("no panic").ends_with("last"), "who reads is served on");
    let counts = export.counts();
    assert!(dropped >= 1 && counts.dropped <= 2 && counts.clients == 3 && counts.refused == 0, "{counts:?}");
    drop(export);
    // What was under way may still come; then the end.
    let mut rest = Vec::new();
    assert!(slow.read_to_end(&mut rest).is_ok() || rest.len() > 1000);
}

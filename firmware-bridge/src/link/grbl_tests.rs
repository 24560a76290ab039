#![allow(clippy::disallowed_methods, reason = "a test of links needs threads and a clock")]

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use shared::machine::LengthUnit;
use shared::plan::Override;
use shared::time::{Duration, Instant};

use super::*;
use crate::controller::Command;
use crate::dialect::grbl::{
    Flavour, Numbering, Occurrence, OnTrouble, OverrideSettings, SessionSettings, StreamEnd, Streamer,
};
use crate::grbl_emulator::{Emulator, EmulatorConfig};

/// Far longer than anything here takes: it ends a test that hangs.
const TURNS_MAX: u32 = 60_000;

fn settings() -> SessionSettings {
    SessionSettings {
        flavour: Flavour::GrblHal,
        status_period: Duration::from_ms(20),
        overrides: OverrideSettings { raise_slew_per_s: 0.0, operator_before: None },
        report_unit: LengthUnit::Millimetre,
    }
}

struct Served {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<(u64, u8)>,
}

/// An emulator on a thread of its own; in the end it says how many lines it took and its override.
fn serve(mut line: EmulatorLine) -> Served {
    let stop = Arc::new(AtomicBool::new(false));
    let thread = std::thread::spawn({
        let stop = Arc::clone(&stop);
        move || {
            let config = EmulatorConfig::router(Flavour::GrblHal, 1);
            let (mut emulator, mut lines) = (Emulator::new(config, Instant::ORIGIN), 0);
            serve_grbl_emulator(&mut line, &mut emulator, &stop, &mut |happening| {
                lines += u64::from(matches!(happening, crate::grbl_emulator::Happening::Answered { error: 0, .. }));
            });
            (lines, emulator.feed_override())
        }
    });
    Served { stop, thread }
}

impl Served {
    fn end(self) -> (u64, u8) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("the emulator does not panic")
    }
}

/// Turns a link until something holds. What is awaited is what is said, never a time; the millisecond between two turns
/// only leaves the processor to the other thread.
fn turn_until(
    link: &mut GrblLink,
    clock: LinkClock,
    mut holds: impl FnMut(&GrblLink, GrblTurn, Option<StreamEnd>) -> bool,
) {
    let mut ended = None;
    for _ in 0..TURNS_MAX {
        let turn = link.turn(clock.now(), &mut |occurrence| {
            if let Occurrence::StreamEnded(end) = occurrence {
                ended = Some(end);
            }
        });
        if holds(link, turn, ended) {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    panic!("it never came: {:?}", link.session().standing(clock.now()));
}

fn program() -> Streamer {
    let text: String = (1..=40).map(|line| format!("G1 X{} F3000\n", f64::from(line) / 10.0)).collect();
    let declaration = Flavour::GrblHal.declaration(Duration::from_ms(20));
    Streamer::new(text.into_bytes().into(), &declaration, OnTrouble::HoldAndStop, Numbering::AsWritten).expect("valid")
}

/// Override, stream and letting go over a link that is really there.
fn drive(address: PortAddress, served: Served) {
    let clock = LinkClock::start();
    let mut link = GrblLink::open(address, settings(), false, Duration::from_ms(5000)).expect("it is there");
    turn_until(&mut link, clock, |link, _, _| link.session().standing(clock.now()).reported.is_some());
    let half = Override::from_permille(500).expect("in range");
    let time_to_live = Duration::from_ms(600_000);
    link.command(clock.now(), Command::Factor { factor: half, time_to_live });
    turn_until(&mut link, clock, |link, _, _| {
        link.session().standing(clock.now()).reported.is_some_and(|value| value.percent() == 50)
    });
    assert!(link.send_program(program()));
    turn_until(&mut link, clock, |_, _, ended| ended == Some(StreamEnd::Completed));
    link.let_go();
    turn_until(&mut link, clock, |link, _, _| {
        link.session().standing(clock.now()).reported.is_some_and(|value| value.percent() == 100)
    });
    let (lines, percent) = served.end();
    assert!(lines >= 41 && percent == 100, "{lines} lines, {percent} %");
}

#[test]
fn a_grbl_is_driven_through_a_pseudo_terminal() {
    let pty = Pty::open().expect("the system has one");
    let address = PortAddress::Serial { path: pty.path().to_owned(), baud: 115_200 };
    drive(address, serve(EmulatorLine::Pty(pty)));
}

#[test]
fn a_grbl_is_driven_over_tcp() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
    let address = PortAddress::Tcp(listener.local_addr().expect("bound"));
    drive(address, serve(EmulatorLine::tcp(listener).expect("it listens")));
}

/// The link goes in mid-stream and comes back: the stream has ended, nothing goes on, and the session hears again.
#[test]
fn a_port_that_goes_and_comes_back_resumes_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
    let address = listener.local_addr().expect("bound");
    let served = serve(EmulatorLine::tcp(listener.try_clone().expect("cloned")).expect("it listens"));
    let clock = LinkClock::start();
    let within = Duration::from_ms(5000);
    let mut link = GrblLink::open(PortAddress::Tcp(address), settings(), false, within).expect("it is there");
    turn_until(&mut link, clock, |link, _, _| link.session().standing(clock.now()).reported.is_some());
    let time_to_live = Duration::from_ms(600_000);
    let slow = Override::from_permille(100).expect("in range");
    link.command(clock.now(), Command::Factor { factor: slow, time_to_live });
    assert!(link.send_program(program()));
    turn_until(&mut link, clock, |link, _, _| {
        link.session().streamer().is_some_and(|streamer| streamer.report().sent_through > 0)
    });
    // The process behind the port ends, and another one takes its place.
    let (lines, _) = served.end();
    turn_until(&mut link, clock, |_, turn, ended| turn == GrblTurn::Away && ended == Some(StreamEnd::Disconnected));
    assert!(!link.session().standing(clock.now()).holding, "what was wanted is forgotten");
    let served = serve(EmulatorLine::tcp(listener).expect("it listens"));
    turn_until(&mut link, clock, |_, turn, _| turn == GrblTurn::Reopened);
    turn_until(&mut link, clock, |link, _, _| link.session().standing(clock.now()).reported.is_some());
    let (again, percent) = served.end();
    assert_eq!((again, percent), (0, 100), "{lines} lines before, none after");
}

/// Another sender has a port of its own, through us.
#[test]
fn another_sender_works_through_our_port() {
    let pty = Pty::open().expect("the system has one");
    let address = PortAddress::Serial { path: pty.path().to_owned(), baud: 115_200 };
    let served = serve(EmulatorLine::Pty(pty));
    let clock = LinkClock::start();
    let mut link = GrblLink::open(address, settings(), true, Duration::from_ms(5000)).expect("it is there");
    assert!(!link.send_program(program()), "the other one sends");
    let path = link.sender_path().expect("it has a port").to_owned();
    let mut sender = SerialLink::open(&path, 115_200).expect("it opens");
    let factor = Override::from_permille(700).expect("in range");
    let time_to_live = Duration::from_ms(600_000);
    sender.send(b"G1 X1 F600\nG1 X2\n").expect("it takes them");
    let (mut heard, mut bytes) = (Vec::new(), [0; 1024]);
    turn_until(&mut link, clock, |link, _, _| {
        while let Ok(Received::Bytes(count)) = sender.receive(&mut bytes) {
            heard.extend_from_slice(&bytes[..count]);
        }
        let oks = String::from_utf8_lossy(&heard).lines().filter(|line| line.trim() == "ok").count();
        oks == 2 && link.session().standing(clock.now()).reported.is_some()
    });
    link.command(clock.now(), Command::Factor { factor, time_to_live });
    turn_until(&mut link, clock, |link, _, _| {
        link.session().standing(clock.now()).reported.is_some_and(|value| value.percent() == 70)
    });
    assert_eq!(served.end(), (2, 70));
}

#[test]
fn what_is_no_port_is_said_with_its_name() {
    let error = SerialLink::open(std::path::Path::new("/dev/no-such-port"), 115_200).expect_err("missing");
    assert!(error.to_string().contains("/dev/no-such-port at 115200 baud"), "{error}");
    let error = SerialLink::open(std::path::Path::new("/dev/null"), 115_200).expect_err("no terminal");
    assert!(error.to_string().contains("/dev/null"), "{error}");
}

/// As the cycle of an agent uses it: samples in, commands out, a program streamed with its physical lines.
#[test]
fn an_agent_s_link_runs_a_program_on_a_grblhal() {
    let pty = Pty::open().expect("the system has one");
    let address = PortAddress::Serial { path: pty.path().to_owned(), baud: 115_200 };
    let served = serve(EmulatorLine::Pty(pty));
    let settings = ControllerLinkSettings {
        kind: ControllerKind::Grbl(Flavour::GrblHal),
        address,
        sample_period: Duration::from_ms(20),
        raise_slew_per_s: 0.0,
        sender: ProgramSender::Agent,
    };
    let clock = LinkClock::start();
    let mut link = ControllerLink::open(&settings, Duration::from_ms(5000)).expect("it is there");
    let program: Arc<[u8]> = b"G90 F3000\nG1 X5\n\nG1 X6 Y1\nM30\n".to_vec().into();
    let half = Override::from_permille(500).expect("in range");
    let (mut started, mut completed, mut lines, mut lowest) = (false, false, Vec::new(), 1000);
    for _ in 0..TURNS_MAX {
        let now = clock.now();
        let mut ready = false;
        assert!(link.receive(now, &mut |sample| {
            ready |= sample.execution == Some(crate::controller::Execution::Ready) && sample.factor.is_some();
            completed |= started && sample.execution == Some(crate::controller::Execution::ProgramCompleted);
            lines.extend(sample.line);
            lowest = lowest.min(sample.factor.map_or(1000, Override::permille));
        }));
        if ready && !started {
            started = link.start(&program).expect("it can be streamed");
        }
        assert!(link.command(now, Command::Factor { factor: half, time_to_live: Duration::from_ms(2000) }));
        link.flush(now, &mut |_| ());
        if completed {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    lines.dedup();
    assert!(completed && lines == [2, 4] && lowest == 500, "{completed} {lines:?} {lowest}");
    assert!(served.end().0 >= 4);
}

#![allow(clippy::disallowed_methods, reason = "a test may read files and take the platform's functions as an oracle")]

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use shared::plan::Override;
use shared::time::{Duration, Instant};

use super::*;
use crate::controller::Execution;
use crate::dialect::virtual_link::{LinkCommand, ReportEvent, encode_command, report_decoder};
use crate::process::Air;
use crate::virtual_controller::VirtualController;
use crate::virtual_controller::tests::{config, machine, straight};

const PATIENCE: Duration = Duration::from_ms(30_000);

fn command(command: LinkCommand) -> Vec<u8> {
    let mut bytes = Vec::new();
    assert!(encode_command(command, &mut bytes));
    bytes
}

/// The whole way: a process body on one thread, a client on the other. Everything is awaited by what is said,
/// nothing by time.
#[test]
fn a_client_runs_a_program_over_tcp_and_others_are_turned_away() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
    let address = listener.local_addr().expect("bound");
    let stop = Arc::new(AtomicBool::new(false));
    let server = std::thread::spawn({
        let stop = Arc::clone(&stop);
        move || {
            let config = crate::virtual_controller::VirtualConfig { time_scale: 50.0, ..config() };
            let mut controller =
                VirtualController::new(machine(), straight(), Box::new(Air), config, Instant::ORIGIN).expect("valid");
            let options = ServeOptions { stop: &stop, linger: Duration::from_ms(600_000) };
            let mut steps = 0u64;
            let summary = serve_virtual_controller(&listener, &mut controller, options, &mut |_| steps += 1);
            (summary.expect("the listener works"), steps)
        }
    });
    let mut buffer = [0; 4096];
    // A client that comes and goes without a word leaves the machine for the next one. It is in once it has
    // heard a report.
    let mut first = TcpLink::connect(address, PATIENCE).expect("the server listens");
    assert!(matches!(first.receive_within(&mut buffer, PATIENCE), Ok(Received::Bytes(_))));
    let mut other = TcpLink::connect(address, PATIENCE).expect("the backlog takes it");
    assert!(matches!(other.receive_within(&mut buffer, PATIENCE), Ok(Received::Closed) | Err(_)));
    drop(first);
    let mut link = loop {
        let mut link = TcpLink::connect(address, PATIENCE).expect("the server listens");
        if matches!(link.receive_within(&mut buffer, PATIENCE), Ok(Received::Bytes(_))) {
            break link;
        }
    };
    // The factor first: how long lies between the two commands must not matter.
    let half = Override::from_permille(500).expect("in range");
    let factor = LinkCommand::Factor { factor: half, time_to_live: Duration::from_ms(10_000) };
    link.send(&command(factor)).expect("connected");
    link.send(&command(LinkCommand::Run)).expect("connected");
    let mut decoder = report_decoder();
    let (mut last, mut reports) = (None, 0);
    while last != Some(Execution::ProgramCompleted) {
        match link.receive_within(&mut buffer, PATIENCE).expect("connected") {
            Received::Bytes(count) => decoder.feed(&buffer[..count], Instant::ORIGIN, &mut |event| {
                if let ReportEvent::Report(report) = event {
                    (last, reports) = (report.sample.execution, reports + 1);
                }
            }),
            other => panic!("the machine is silent: {other:?}"),
        }
    }
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    let (summary, steps) = server.join().expect("the server does not panic");
    assert!(summary.completed && summary.clients >= 2 && summary.clients_refused >= 1, "{summary:?}");
    // 100 mm at half of 20 mm/s, with 10/500 s to speed up and slow down.
    assert!((10_019..=10_022).contains(&steps), "{steps} steps of 1 ms");
    assert!(reports > 5);
}

#[test]
fn a_peer_that_does_not_read_is_an_error_and_not_a_wait() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
    let mut link = TcpLink::connect(listener.local_addr().expect("bound"), PATIENCE).expect("the backlog takes it");
    let mut buffer = [0; 16];
    assert_eq!(link.receive(&mut buffer).expect("connected"), Received::Nothing);
    // Kernels take some megabytes before they refuse.
    let refused = (0..1_000_000).find_map(|_| link.send(&[b'x'; 512]).err());
    assert!(matches!(refused, Some(LinkError::Stuck { .. })), "{refused:?}");
    drop(listener);
}

#[test]
fn nobody_there_is_said_with_the_address() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
    let address = listener.local_addr().expect("bound");
    drop(listener);
    let error = TcpLink::connect(address, PATIENCE).expect_err("nobody listens");
    assert!(error.to_string().contains(&address.to_string()), "{error}");
}

#[test]
fn a_recording_plays_in_its_rhythm_and_keeps_every_byte() {
    let text = "1000|A|1\n1100|B|2\n|torn\n2017\n1050|C|3\n1300.5|D|4";
    let mut replay = Replay::of(text.as_bytes().to_vec(), 2.0);
    let mut played = Vec::new();
    let mut times = Vec::new();
    while let Some(due) = replay.poll_timeout() {
        let before = played.len();
        replay.poll_bytes(due.minus(Duration::from_ns(1)), &mut played);
        assert!(played.len() == before || due == Duration::ZERO, "nothing comes early");
        replay.poll_bytes(due, &mut played);
        times.push(due);
    }
    assert_eq!(played, text.as_bytes());
    assert_eq!(times.iter().map(|due| due.as_ms()).collect::<Vec<_>>(), [0.0, 50.0, 150.25]);
    let missing = Replay::read(std::path::Path::new("no-such-recording.txt"), 1.0).expect_err("missing");
    assert!(missing.to_string().contains("no-such-recording.txt"), "{missing}");
}

//! Time lines of a conversation with an agent, without a socket.

use firmware_bridge::controller::{ControllerMode, Execution};
use firmware_bridge::dialect::mtconnect::{
    Break, DOCUMENT_BYTES_MAX, DocumentFault, Event, Fault, HttpFault, Session, SessionSettings, Turn,
};
use firmware_bridge::dialect::shdr::Report;
use shared::geom::Point;
use shared::ident::ToolNumber;
use shared::time::{Duration, Instant};
use shared::units::Feedrate;

use crate::agent::{Agent, Answer, Coding};

const HEARTBEAT: Duration = Duration::from_ms(1000);

pub(crate) fn settings() -> SessionSettings {
    SessionSettings {
        host: "peer:5000".to_owned(),
        device: Some("m1".to_owned()),
        interval: Duration::from_ms(0),
        heartbeat: HEARTBEAT,
        count: 1000,
        retry: Duration::from_ms(500),
    }
}

/// A session and its agent, joined by hand.
struct Rig {
    session: Session,
    agent: Agent,
    now: Instant,
    /// Where the agent's stream goes on; `None` where none is open.
    from: Option<u64>,
    events: Vec<Event>,
    /// Bytes are handed over in pieces of this length.
    piece: usize,
    asked: Vec<String>,
}

impl Rig {
    fn new(agent: Agent, piece: usize) -> Self {
        let (session, now) = (Session::new(settings()), Instant::from_ns(10_000_000_000));
        Self { session, agent, now, from: None, events: Vec::new(), piece, asked: Vec::new() }
    }

    fn bytes(&mut self, bytes: &[u8]) {
        let Self { session, events, now, piece, .. } = self;
        for part in bytes.chunks(*piece) {
            session.handle_bytes(*now, part, &mut |event| events.push(event));
        }
    }

    /// Answers what is asked until the session listens or rests.
    fn turn(&mut self) -> Turn {
        for _ in 0..10 {
            let turn = {
                let Self { session, events, now, .. } = self;
                session.poll(*now, &mut |event| events.push(event))
            };
            let Turn::Ask(request) = turn else { return turn };
            let request = String::from_utf8(request).expect("a request is text");
            assert!(request.ends_with("\r\n\r\n") && request.contains("\r\nHost: peer:5000\r\n"), "{request}");
            self.asked.push(request.lines().next().unwrap_or("").to_owned());
            match self.agent.answer(&request) {
                Answer::Whole(bytes) => {
                    self.from = None;
                    self.bytes(&bytes);
                    self.closed();
                }
                Answer::Stream { head, from } => {
                    self.bytes(&head);
                    self.from = Some(from);
                    self.part();
                }
            }
        }
        panic!("the session asks without end: {:?}", self.asked);
    }

    fn part(&mut self) {
        if let Some(from) = self.from {
            let (bytes, next) = self.agent.part(from);
            self.from = Some(next);
            self.bytes(&bytes);
        }
    }

    fn closed(&mut self) {
        let Self { session, events, now, .. } = self;
        session.handle_closed(*now, &mut |event| events.push(event));
    }

    fn wait(&mut self, ms: u64) {
        self.now = self.now.after(Duration::from_ms(ms));
    }

    fn reports(&mut self) -> Vec<Report> {
        let mut found = Vec::new();
        self.events.retain(|event| match event {
            Event::Report(report) => {
                found.push(*report);
                false
            }
            Event::Break(_) => true,
        });
        found
    }

    fn breaks(&mut self) -> Vec<Break> {
        let breaks = self.events.iter().filter_map(|event| match event {
            Event::Break(broke) => Some(*broke),
            Event::Report(_) => None,
        });
        let found = breaks.collect();
        self.events.clear();
        found
    }
}

fn running_agent(coding: Coding) -> Agent {
    let mut agent = Agent::new(77, 1000, coding);
    for (id, value) in [
        ("m1-avail", "AVAILABLE"),
        ("m1-exec", "ACTIVE"),
        ("m1-mode", "AUTOMATIC"),
        ("m1-program", "O1001"),
        ("m1-old-line", "1"),
        ("m1-line", "117"),
        ("m1-inc", "3"),
        ("m1-mpos", "-500 -300 -100"),
        ("m1-pos", "1.5 -2.25 3"),
        ("m1-fcmd", "99"),
        ("m1-feed", "12.5"),
        ("m1-dial", "85"),
        ("m1-rapid", "50"),
        ("m1-speed", "8000"),
        ("m1-watt", "1250"),
        ("m1-tool", "21"),
    ] {
        agent.hear(1.0, id, value);
    }
    agent
}

#[test]
fn what_an_agent_says_becomes_samples_however_its_answers_are_cut() {
    for coding in [Coding::Plain, Coding::Chunks(7), Coding::Chunks(4096)] {
        for piece in [1, 13, 1_000_000] {
            let mut rig = Rig::new(running_agent(coding), piece);
            let turn = rig.turn();
            assert!(matches!(turn, Turn::Listen(_)), "{turn:?}");
            let (followed, program) = rig.session.binding().followed();
            assert!(program && followed.len() == 10, "{followed:?}");
            let reports = rig.reports();
            let report = reports.last().expect("the state is said once");
            let sample = &report.sample;
            assert_eq!((sample.execution, sample.mode), (Some(Execution::Active), Some(ControllerMode::Automatic)));
            assert_eq!((sample.line, sample.position), (Some(117), Some(Point::new(1.5, -2.25, 3.0))));
            assert_eq!((sample.path_feedrate, sample.dial_permille), (Some(Feedrate::mm_s(12.5)), Some(850)));
            assert_eq!((report.rapid_override_permille, sample.tool), (Some(500), Some(ToolNumber(21))));
            assert_eq!(sample.rotary_velocity.map(|speed| speed.as_rpm().round()), Some(8000.0));
            assert_eq!(sample.spindle_power.map(|power| power.as_w()), Some(1250.0));
            assert_eq!((sample.factor, sample.factor_enabled), (None, None), "there is no factor in MTConnect");
            // News come one report an instant, in the order of their numbers though not of the document.
            rig.wait(100);
            rig.agent.hear(2.0, "m1-line", "118");
            rig.agent.hear(2.0, "m1-speed", "UNAVAILABLE");
            rig.agent.hear(2.5, "m1-exec", "FEED_HOLD");
            rig.part();
            let reports = rig.reports();
            let seen: Vec<_> = reports.iter().map(|report| (report.sample.line, report.sample.execution)).collect();
            let expected = [(Some(118), Some(Execution::Active)), (Some(118), Some(Execution::FeedHold))];
            assert_eq!(seen, expected, "{coding:?} {piece}");
            assert_eq!(reports[0].sample.rotary_velocity, None, "UNAVAILABLE is a value");
            assert_eq!(reports[1].sample.valid_at, rig.now);
            assert_eq!(reports[1].sample.valid_at.since(reports[0].sample.valid_at), Duration::from_ms(500));
            assert!(rig.breaks().is_empty(), "nothing broke");
            assert_eq!(rig.session.counters().bad_values, 0);
        }
    }
}

#[test]
fn a_restarted_agent_and_a_lost_stretch_are_breaks() {
    let mut rig = Rig::new(running_agent(Coding::Plain), 4096);
    rig.turn();
    rig.breaks();
    // The stream drops; the agent is the same, and 30 observations pass unseen.
    rig.closed();
    assert_eq!(rig.breaks(), [Break::Disconnected]);
    assert!(matches!(rig.turn(), Turn::Rest(_)), "not at once");
    for line in 0..30 {
        rig.agent.hear(3.0 + f64::from(line), "m1-line", &line.to_string());
    }
    rig.wait(500);
    rig.turn();
    assert_eq!(rig.reports().len(), 1, "the state, once");
    assert_eq!(rig.breaks(), [Break::Gap { missing: 30 }]);
    // Started again while the stream is open: the part says so.
    let next = rig.agent.next();
    rig.agent = Agent::new(78, 1000, Coding::Plain);
    rig.agent.hear(40.0, "m1-line", "5");
    rig.part();
    assert!(rig.reports().is_empty(), "nothing of another instance is read before its probe");
    assert_eq!(rig.breaks(), [Break::InstanceChanged { from: 77, to: 78 }]);
    rig.wait(500);
    rig.turn();
    assert_eq!(rig.reports().last().and_then(|report| report.sample.line), Some(5));
    assert!(rig.breaks().is_empty(), "said once");
    // Started again while nobody was connected.
    rig.closed();
    rig.agent = running_agent(Coding::Plain);
    rig.agent.instance = 79;
    rig.wait(1000);
    rig.turn();
    assert_eq!(rig.breaks(), [Break::Disconnected, Break::InstanceChanged { from: 78, to: 79 }]);
    assert!(rig.session.counters().missing == 30 && next > 30);
}

#[test]
fn what_the_agent_no_longer_has_is_a_gap() {
    let mut agent = Agent::new(1, 40, Coding::Plain);
    agent.hear(1.0, "m1-line", "1");
    let mut rig = Rig::new(agent, 4096);
    rig.turn();
    rig.breaks();
    // The stream is slow: 100 observations come while the agent keeps 40.
    let next = rig.agent.next();
    for line in 0..100 {
        rig.agent.hear(2.0 + f64::from(line) * 0.01, "m1-line", &line.to_string());
    }
    rig.part();
    let lines: Vec<_> = rig.reports().iter().filter_map(|report| report.sample.line).collect();
    assert_eq!(lines, (60..100).collect::<Vec<_>>());
    assert_eq!((rig.breaks(), rig.agent.next()), (vec![Break::Gap { missing: 60 }], next + 100));
    // Numbers of the same instance that go back are no continuation either.
    rig.agent = Agent::new(1, 40, Coding::Plain);
    rig.part();
    assert!(matches!(rig.breaks()[..], [Break::SequenceBack { .. }]));
}

#[test]
fn silence_is_noticed_and_heartbeats_end_it() {
    let mut rig = Rig::new(running_agent(Coding::Plain), 4096);
    let Turn::Listen(until) = rig.turn() else { panic!("the stream is open") };
    assert_eq!(until.since(rig.now), Duration::from_ms(2000));
    for _ in 0..5 {
        rig.wait(1900);
        rig.part();
        assert!(matches!(rig.turn(), Turn::Listen(_)));
    }
    assert!(rig.breaks().is_empty());
    rig.wait(1999);
    assert!(matches!(rig.turn(), Turn::Listen(_)));
    // Bytes that drip do not count.
    rig.bytes(b"--mt-");
    rig.wait(1);
    assert!(matches!(rig.turn(), Turn::Rest(_)));
    assert_eq!(rig.breaks(), [Break::Silent]);
}

#[test]
fn stamps_that_go_back_and_numbers_that_come_twice_mislead_nobody() {
    let mut rig = Rig::new(running_agent(Coding::Plain), 4096);
    rig.turn();
    rig.breaks();
    rig.wait(100);
    rig.agent.hear(5.0, "m1-line", "200");
    // From a source whose clock is behind.
    rig.agent.hear(4.0, "m1-feed", "3.5");
    let again = rig.from;
    rig.part();
    let reports = rig.reports();
    let last = reports.last().expect("a report").sample;
    assert_eq!((last.line, last.path_feedrate), (Some(200), Some(Feedrate::mm_s(3.5))));
    assert!(reports.windows(2).all(|pair| pair[0].sample.valid_at <= pair[1].sample.valid_at));
    rig.from = again;
    rig.part();
    assert!(rig.reports().is_empty(), "they came before");
    let counters = rig.session.counters();
    assert_eq!((counters.out_of_order, counters.duplicates), (1, 2));
    assert!(rig.breaks().is_empty());
}

#[test]
fn another_program_is_a_break() {
    let mut rig = Rig::new(running_agent(Coding::Plain), 4096);
    rig.turn();
    rig.breaks();
    rig.agent.hear(5.0, "m1-program", "O1001");
    rig.agent.hear(5.0, "m1-program", "O1002");
    rig.part();
    assert_eq!(rig.breaks(), [Break::ProgramChanged]);
}

const PART: &str = "HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace;boundary=b\r\n\r\n--b\r\n";

#[test]
fn what_is_no_answer_ends_the_connection_with_its_reason() {
    let xml = |text: &str| format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{text}", text.len());
    let ok = |head: &str, body: &str| format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n{body}");
    let announced = |bytes| Fault::Http(HttpFault::LongDocument { bytes });
    let head = "<Header instanceId='1'/>";
    let devices = |rest: &str| xml(&format!("<MTConnectDevices>{head}<Devices>{rest}</Devices></MTConnectDevices>"));
    let max = DOCUMENT_BYTES_MAX as u64;
    let cases = [
        ("HTTP/1.1 503 Busy\r\n\r\n".to_owned(), HttpFault::Status(503).into()),
        ("220 smtp ready\r\n\r\n".to_owned(), HttpFault::NotHttp.into()),
        ("x".repeat(20_000), HttpFault::LongLine { max: 16 << 10 }.into()),
        (ok("Content-Encoding: gzip", ""), HttpFault::Coding.into()),
        (ok("Content-Length: -3", ""), HttpFault::Framing.into()),
        (ok("Transfer-Encoding: chunked", "+5\r\n"), HttpFault::Framing.into()),
        (format!("{PART}\r\n"), HttpFault::Framing.into()),
        (format!("{PART}Content-length: {}\r\n\r\n", u64::MAX), announced(u64::MAX)),
        (ok(&format!("Content-Length: {}", max + 1), ""), announced(max + 1)),
        (ok("X: y", &"x".repeat(DOCUMENT_BYTES_MAX + 1)), announced(4096 * (max / 4096 + 1))),
        (xml("<a>"), DocumentFault::Syntax.into()),
        (xml("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"), DocumentFault::Syntax.into()),
        (xml(&"<a>".repeat(150_000)), DocumentFault::Syntax.into()),
        (xml(&format!("{}{}", "<a>".repeat(150_000), "</a>".repeat(150_000))), DocumentFault::Kind.into()),
        (xml(&format!("<a>{}</a>", "<b/>".repeat(210_000))), DocumentFault::Syntax.into()),
        (xml(&format!("<MTConnectError>{head}</MTConnectError>")), DocumentFault::Refused.into()),
        (devices("<Device name='m2'/>"), DocumentFault::NoDevice.into()),
        (devices("<Device name='m1'/>"), DocumentFault::NothingFollowed.into()),
    ];
    for (answer, expected) in cases {
        let mut rig = Rig::new(running_agent(Coding::Plain), 4096);
        let Turn::Ask(_) = rig.session.poll(rig.now, &mut |_| ()) else { panic!("it asks") };
        rig.bytes(answer.as_bytes());
        let shown = &answer[..answer.len().min(200)];
        // The length of a document that is too long depends on how it is cut.
        match (rig.session.fault(), expected) {
            (Some(Fault::Http(HttpFault::LongDocument { bytes })), Fault::Http(HttpFault::LongDocument { .. })) => {
                assert!(bytes > max, "{shown}");
            }
            (found, expected) => assert_eq!(found, Some(expected), "{shown}"),
        }
        assert!(rig.breaks().is_empty(), "nothing was known that a fault could take back");
        assert!(matches!(rig.session.poll(rig.now, &mut |_| ()), Turn::Rest(_)), "{shown}");
        assert!(rig.session.memory_bytes() < 1 << 17, "{} bytes are kept after {shown}", rig.session.memory_bytes());
    }
    // In the middle of a stream it takes everything back.
    let mut rig = Rig::new(running_agent(Coding::Plain), 4096);
    rig.turn();
    rig.breaks();
    rig.bytes(b"--other\r\n");
    assert_eq!(rig.breaks(), [Break::Fault(Fault::Http(HttpFault::Framing))]);
}

#[test]
fn several_devices_want_a_name() {
    let mut rig = Rig::new(running_agent(Coding::Plain), 4096);
    rig.session = Session::new(SessionSettings { device: None, ..settings() });
    rig.turn();
    assert_eq!(rig.session.fault(), Some(DocumentFault::SeveralDevices.into()));
}

#[test]
fn attempts_are_made_ever_less_often_and_never_cease() {
    let mut session = Session::new(settings());
    let (mut now, mut waits) = (Instant::from_ns(1), Vec::new());
    for _ in 0..12 {
        assert!(matches!(session.poll(now, &mut |_| ()), Turn::Ask(_)));
        session.handle_closed(now, &mut |_| panic!("nothing was known"));
        let Turn::Rest(until) = session.poll(now, &mut |_| ()) else { panic!("it rests") };
        waits.push(until.since(now).as_ns() / 1_000_000);
        now = until;
    }
    assert_eq!(&waits[..6], [500, 1000, 2000, 4000, 8000, 10_000]);
    assert_eq!(waits.last(), Some(&10_000));
}

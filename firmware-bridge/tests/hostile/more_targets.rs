//! Readers of MTConnect and of LinuxCNC, and what their languages look like when they are whole.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use firmware_bridge::dialect::linuxcnc::{FIELDS, Reader, ReaderConfig, StatusDecoder, StatusEvent, Tick};
use firmware_bridge::dialect::mtconnect::{Adapter, AdapterTurn, Event, Session, SessionSettings, Turn};
use shared::time::{Duration, Instant};

use crate::hunt::Target;

/// Answers as they are on the line; an empty line ends a head here as `\r\n\r\n` does.
pub(crate) const ANSWERS: &[&[u8]] = &[
    b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 10\r\n\r\n<a b='c'/>",
    b"HTTP/1.1 200 OK\nContent-Type: multipart/x-mixed-replace;boundary=part\n\n--part\nContent-type: text/xml\nContent-length: 4\n\n<a/>\n--part--",
    b"HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n4;x=y\n<a/>\n0\n\n",
    b"HTTP/1.1 200 OK\nContent-Type: multipart/x-mixed-replace; boundary=\"--part\"\nTransfer-Encoding: chunked\n\n2b\n--part\nContent-type: text/xml\nContent-length: 4\n\n\n4\n<a/>\n",
    b"HTTP/1.1 404 Not Found\nContent-Length: 0\n\n",
];

/// What stands in an answer: observations inside a document that the target puts around them.
pub(crate) const DOCUMENTS: &[&[u8]] = &[
    b"<Events><Execution dataItemId='x' sequence='7' timestamp='2026-03-01T12:00:01.5Z'>ACTIVE</Execution></Events>",
    b"<Events><LineNumber dataItemId='l' sequence='8' timestamp='2026-03-01T12:00:01.5Z'>117</LineNumber></Events>",
    b"<Samples><PathPosition dataItemId='p' sequence='9' timestamp='2026-03-01T12:00:02Z'>1 2 3</PathPosition></Samples>",
    b"<Samples><PathFeedrate dataItemId='f' sequence='10' timestamp='2026-03-01T11:00:02Z'>16.6</PathFeedrate></Samples>",
    b"<Events><Program dataItemId='g' sequence='11'>O1001 &amp; &#x41;</Program></Events>",
    b"<Execution dataItemId='x' sequence='12' timestamp='bad'>UNAVAILABLE</Execution><!-- c --><![CDATA[ <x> ]]>",
    b"<a><a><a><a><a><a><a><a><a><a><a><a></a></a></a></a></a></a></a></a></a></a></a></a>",
];

/// What the small program beside LinuxCNC writes.
pub(crate) const STATUS: &[&[u8]] = &[
    br#"{"v":1,"n":1,"mode":2,"interp":2,"exec":2,"paused":false,"feed":1.0,"rapid":0.5,"feed_on":true,"adaptive_on":true}"#,
    br#"{"v":1,"n":2,"file":"/nc/part.ngc","motion_line":21,"read_line":2531,"tool":3,"units_per_mm":1.0}"#,
    br#"{"v":1,"n":3,"g":[1,2,3],"m":[0,48,52,53],"g5x":1,"g5x_offset":[0,0,0,0,0,0,0,0,0],"rotation":0.0}"#,
    br#"{"v":2,"n":4}"#,
    br#"{"v":1,"n":1e999,"row":{"n":3,"d":6.0,"o":[0,0,1e308,0,0,0,0,0,0]}}"#,
    b"[1,2,3]",
];

/// Words of the sampler, as the bytes they are.
pub(crate) const RECORDS: &[&[u8]] = &[
    &[0; 8 * FIELDS],
    &[0x3f; 8 * FIELDS],
    &[0xff; 8 * FIELDS],
    &[0x7f, 0xf0, 0, 0, 0, 0, 0, 0, 0x7f, 0xf8, 0, 0, 0, 0, 0, 1, 0x40, 0x59, 0, 0, 0, 0, 0, 0],
];

const PROBE: &str = "<MTConnectDevices><Header instanceId='1'/><Devices><Device name='m'><DataItems>\
    <DataItem id='x' type='EXECUTION'/><DataItem id='l' type='LINE_NUMBER'/><DataItem id='p' type='PATH_POSITION'/>\
    <DataItem id='f' type='PATH_FEEDRATE' units='MILLIMETER/SECOND'/><DataItem id='g' type='PROGRAM'/>\
    </DataItems></Device></Devices></MTConnectDevices>";

/// A session whose bytes are counted and whose clock goes on far enough for it to ask again.
struct Agent {
    session: Session,
    now: Instant,
    framed: bool,
    sequence: u64,
}

impl Agent {
    fn hear(&mut self, bytes: &[u8]) -> u64 {
        let (mut events, now) = (0, self.now);
        self.session.handle_bytes(now, bytes, &mut |event| {
            if let Event::Report(report) = event {
                assert!(report.sample.valid_at <= now, "a report from the future");
            }
            events += 1;
        });
        events
    }

    fn answer(&mut self, document: &str) -> u64 {
        self.hear(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{document}", document.len()).as_bytes())
    }

    /// Damaged contents in whole framing: probe, current, and a part of a stream.
    fn framed(&mut self, input: &[u8]) -> u64 {
        self.answer(PROBE);
        self.ask();
        self.sequence += 100;
        let next = self.sequence;
        let body = String::from_utf8_lossy(input);
        let head = format!("<Header instanceId='1' firstSequence='1' nextSequence='{next}'/>");
        let document = format!("<MTConnectStreams>{head}<Streams>{body}</Streams></MTConnectStreams>");
        let mut events = self.answer(&document);
        if self.ask() {
            let part = format!("--b\r\nContent-length: {}\r\n\r\n{document}\r\n", document.len());
            events += self.hear(b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace;boundary=b\r\n\r\n");
            events += self.hear(part.replace("nextSequence='", "nextSequence='1").as_bytes());
        }
        events
    }

    fn ask(&mut self) -> bool {
        matches!(self.session.poll(self.now, &mut |_| ()), Turn::Ask(_))
    }
}

impl Target for Agent {
    fn read(&mut self, input: &[u8]) -> u64 {
        self.now = self.now.after(Duration::from_ms(20_000));
        while !self.ask() {
            self.now = self.now.after(Duration::from_ms(20_000));
        }
        let before = self.session.counters();
        let events = if self.framed {
            self.framed(input)
        } else {
            // Half by half, so that every layer is cut somewhere.
            let cut = usize::from(input.first().copied().unwrap_or(0)).min(input.len());
            self.hear(&input[..cut]) + self.hear(&input[cut..])
        };
        self.session.handle_closed(self.now, &mut |_| ());
        assert!(self.session.memory_bytes() <= Session::MEMORY_BYTES_MAX, "more is held than is said");
        let after = self.session.counters();
        events + (after.documents - before.documents) + (after.faults - before.faults)
    }
}

fn agent(framed: bool) -> Box<dyn Target> {
    let session = Session::new(SessionSettings {
        host: "peer:5000".to_owned(),
        device: None,
        interval: Duration::from_ms(100),
        heartbeat: Duration::from_ms(1000),
        count: 100,
        retry: Duration::from_ms(1),
    });
    Box::new(Agent { session, now: Instant::ORIGIN, framed, sequence: 100 })
}

pub(crate) fn answers(_: &Arc<AtomicBool>) -> Box<dyn Target> {
    agent(false)
}

pub(crate) fn documents(_: &Arc<AtomicBool>) -> Box<dyn Target> {
    agent(true)
}

struct AdapterTarget(Adapter, Instant);

impl Target for AdapterTarget {
    fn read(&mut self, input: &[u8]) -> u64 {
        self.1 = self.1.after(Duration::from_ms(10));
        let Self(adapter, now) = self;
        let mut events = 0;
        match adapter.poll(*now, &mut |_| ()) {
            AdapterTurn::Connect => adapter.handle_connected(*now),
            AdapterTurn::Rest(until) => *now = until,
            AdapterTurn::Say(_, until) | AdapterTurn::Listen(until) => assert!(until > *now, "time goes back"),
        }
        adapter.handle_bytes(*now, input, &mut |_| events += 1);
        events + 1
    }
}

pub(crate) fn adapter(_: &Arc<AtomicBool>) -> Box<dyn Target> {
    Box::new(AdapterTarget(Adapter::new(Duration::from_ms(1)), Instant::ORIGIN))
}

fn reader() -> Reader {
    Reader::new(ReaderConfig {
        tick_period: Duration::from_ms(1),
        status_age_max: Duration::from_ms(500),
        power_wired: true,
        spindle_measured: true,
    })
}

struct Status(StatusDecoder, Reader, Instant);

impl Target for Status {
    fn read(&mut self, input: &[u8]) -> u64 {
        self.2 = self.2.after(Duration::from_ms(10));
        let Self(decoder, reader, now) = self;
        let mut events = 0;
        let before = decoder.refused();
        decoder.feed(input, |event| {
            if let StatusEvent::Status(status) = event {
                reader.handle_status(*now, &status);
            }
            events += 1;
        });
        reader.handle_ticks(*now, &[Tick::from_words(1, &[0; FIELDS])], |sample| {
            let finite = sample.sample.position.is_none_or(|place| place.iter().all(|value| value.is_finite()));
            assert!(finite, "a place that is none");
        });
        events + (decoder.refused() - before)
    }
}

pub(crate) fn status(_: &Arc<AtomicBool>) -> Box<dyn Target> {
    Box::new(Status(StatusDecoder::new(), reader(), Instant::ORIGIN))
}

struct Sampler(Reader, StatusDecoder, Instant);

impl Target for Sampler {
    fn read(&mut self, input: &[u8]) -> u64 {
        self.2 = self.2.after(Duration::from_ms(10));
        let Self(reader, decoder, now) = self;
        decoder.feed(STATUS[1], |_| ());
        decoder.feed(b"\n", |event| {
            if let StatusEvent::Status(status) = event {
                reader.handle_status(*now, &status);
            }
        });
        let mut samples = 0;
        let ticks = input.chunks(8 * FIELDS).enumerate().map(|(index, record)| {
            let mut words = [0; FIELDS];
            for (word, bytes) in words.iter_mut().zip(record.chunks(8)) {
                let mut whole = [0; 8];
                whole[..bytes.len()].copy_from_slice(bytes);
                *word = u64::from_le_bytes(whole);
            }
            // The count comes from outside as well.
            let number = record.iter().take(4).fold(index as u32, |sum, byte| sum.rotate_left(8) ^ u32::from(*byte));
            Tick::from_words(number, &words)
        });
        let ticks: Vec<_> = ticks.collect();
        reader.handle_ticks(*now, &ticks, |sample| {
            let known = sample.sample.path_feedrate.is_none_or(|feedrate| feedrate.is_finite())
                && sample.sample.spindle_power.is_none_or(|power| power.is_finite());
            assert!(known && sample.sample.valid_at <= *now, "{:?}", sample.sample);
            samples += 1;
        });
        samples + 1
    }
}

pub(crate) fn sampler(_: &Arc<AtomicBool>) -> Box<dyn Target> {
    Box::new(Sampler(reader(), StatusDecoder::new(), Instant::ORIGIN))
}

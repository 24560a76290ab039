//! Every reader of the crate, and what its language looks like when it is whole.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use firmware_bridge::dialect::grbl::{
    Decoder, Flavour, Numbering, OnTrouble, OverrideSettings, Role, Session, SessionSettings, Streamer, Tap,
};
use firmware_bridge::dialect::shdr::Completeness;
use firmware_bridge::dialect::{shdr, virtual_link};
use firmware_bridge::grbl_emulator::{Emulator, EmulatorConfig};
use shared::machine::LengthUnit;
use shared::time::{Duration, Instant};

use crate::hunt::Target;

pub(crate) const GRBL: &[&[u8]] = &[
    b"<Idle|MPos:0.000,0.000,0.000|Bf:15,128|FS:0,0|WCO:0.000,0.000,0.000>",
    b"<Run|WPos:12.345,-6.789,0.100,45.000|Bf:3,12|Ln:117|FS:1200,8000,7990|Pn:XP|Ov:85,100,100|A:SF>",
    b"<Hold:1|MPos:1.0,2.0,3.0|F:100>\r",
    b"<Alarm|MPos:0.000,0.000,0.000|FS:0,0|H:1|FW:grblHAL>",
    b"ok\r",
    b"\rok",
    b"error:20",
    b"ALARM:3",
    b"Grbl 1.1h ['$' for help]",
    b"GrblHAL 1.1f ['$' or '$HELP' for help]",
    b"[MSG:'$H'|'$X' to unlock]",
    b"[GC:G0 G54 G17 G21 G90 G94 M5 M9 T0 F0 S0]",
    b"$10=255",
    b"$13=1",
    b">G54G20:ok",
];

pub(crate) const SHDR: &[&[u8]] = &[
    b"2017-03-01T12:00:00.123Z|Execution|ACTIVE|ControllerMode|AUTOMATIC|LineNumber|117|Fields|3",
    b"2017-03-01 12:00:01|Block_Number|44|Feed_Rate|12.8|Feed_Override|100",
    b"1488369600.5|PathPosition|1.0 2.0 -3.5|PathFeedrate|16.6|PathFeedrateFactor|850|Fields|3",
    b"1488369600.6@5|SpindlePower|1200.5|RotaryVelocity|-133.3|ToolNumber|3|PathFeedrateFactorState|ENABLED|Fields|4",
    b"|Program_Status|FEED_HOLD|Current_Tool|0|Program_Runtime_Seconds|75|Fields|3",
    b"* PONG 10000",
    b"* PING",
    b"* device: mill",
    b"2017-03-01T12:00:02Z|Execution|UNAVAILABLE|Fields|1",
];

pub(crate) const COMMANDS: &[&[u8]] = &[b"factor 850 100", b"factor 0 1", b"hold", b"resume", b"run", b"* PING"];

pub(crate) const BLOCKS: &[&[u8]] = &[
    b"G90 G21 G1 X10.5 Y-3 F1200",
    b"G2 X10 Y0 I5 J0 F600 (arc)",
    b"G3X0Y0I-5J0",
    b"G91G0Z5",
    b"G4 P0.1",
    b"M3 S8000",
    b"$G",
    b"$$",
    b"$X",
    b"?!~\x90\x91\x92\x93\x94\x84",
    b"N100 M30",
    b"\x18",
];

/// The clock of a target: ten milliseconds an input.
#[derive(Default)]
struct Ticks(u64);

impl Ticks {
    fn next(&mut self) -> Instant {
        self.0 += 1;
        Instant::ORIGIN.after(Duration::from_ms(10 * self.0))
    }
}

struct GrblLines(Decoder);

impl Target for GrblLines {
    fn read(&mut self, input: &[u8]) -> u64 {
        let mut events = 0;
        self.0.feed(input, &mut |event| {
            std::hint::black_box(event);
            events += 1;
        });
        events
    }
}

pub(crate) fn grbl_lines(_: &Arc<AtomicBool>) -> Box<dyn Target> {
    Box::new(GrblLines(Decoder::new()))
}

struct GrblSession {
    session: Session,
    streams: bool,
    ticks: Ticks,
    out: Vec<u8>,
}

impl Target for GrblSession {
    fn read(&mut self, input: &[u8]) -> u64 {
        let now = self.ticks.next();
        let mut things = 0;
        // Halves, so that lines are cut; the first byte decides where.
        let cut = usize::from(input.first().copied().unwrap_or(0)).min(input.len());
        for part in [&input[..cut], &input[cut..]] {
            self.session.handle_bytes(now, part, &mut |occurrence| {
                std::hint::black_box(occurrence);
                things += 1;
            });
            things += u64::from(self.session.handle_sender(now, part) > part.len());
        }
        self.out.clear();
        self.session.poll_bytes(now, &mut self.out);
        // The other sender's bytes are its own; what is counted is what we made.
        let ours = if self.streams { self.out.len() } else { self.out.len().saturating_sub(input.len()) };
        self.out.clear();
        self.session.poll_sender(&mut self.out);
        assert!(self.session.poll_timeout(now) >= now, "time goes back");
        if self.ticks.0.is_multiple_of(1000) {
            self.session.handle_disconnect(&mut |_| ());
        }
        if let Some(streamer) = self.session.streamer()
            && streamer.has_ended()
        {
            streamer.report().validate().expect("the account adds up");
            self.session.send_program(program());
        }
        things + ours as u64
    }
}

fn program() -> Streamer {
    let text: String = (0..300).map(|line| format!("G1X{line}F100\n")).collect();
    let declaration = Flavour::Grbl.declaration(Duration::from_ms(50));
    Streamer::new(text.into_bytes().into(), &declaration, OnTrouble::GoOn, Numbering::AsWritten).expect("valid")
}

fn session(role: Role, streams: bool) -> Box<dyn Target> {
    let settings = SessionSettings {
        flavour: Flavour::Grbl,
        status_period: Duration::from_ms(50),
        overrides: OverrideSettings { raise_slew_per_s: 1.0, operator_before: None },
        report_unit: LengthUnit::Millimetre,
    };
    let session = Session::new(settings, role);
    Box::new(GrblSession { session, streams, ticks: Ticks::default(), out: Vec::with_capacity(1 << 17) })
}

pub(crate) fn grbl_watching(_: &Arc<AtomicBool>) -> Box<dyn Target> {
    session(Role::Watching(Tap::new()), false)
}

pub(crate) fn grbl_sending(_: &Arc<AtomicBool>) -> Box<dyn Target> {
    session(Role::Sending(Box::new(program())), true)
}

struct Shdr(shdr::Decoder, Ticks);

impl Target for Shdr {
    fn read(&mut self, input: &[u8]) -> u64 {
        let mut events = 0;
        let now = self.1.next();
        self.0.feed(input, now, &mut |event| {
            if let shdr::Event::Report(report) = event {
                assert!(report.sample.valid_at <= now, "a report from the future");
            }
            events += 1;
        });
        if self.1.0.is_multiple_of(1000) {
            self.0.disconnect();
        }
        events
    }
}

pub(crate) fn shdr_whole_pairs(_: &Arc<AtomicBool>) -> Box<dyn Target> {
    Box::new(Shdr(shdr::Decoder::new(Completeness::WholePairs), Ticks::default()))
}

pub(crate) fn shdr_counted(_: &Arc<AtomicBool>) -> Box<dyn Target> {
    Box::new(Shdr(virtual_link::report_decoder(), Ticks::default()))
}

struct Commands(virtual_link::CommandDecoder);

impl Target for Commands {
    fn read(&mut self, input: &[u8]) -> u64 {
        let mut commands = 0;
        self.0.feed(input, |command| {
            std::hint::black_box(command);
            commands += 1;
        });
        commands
    }
}

pub(crate) fn commands(_: &Arc<AtomicBool>) -> Box<dyn Target> {
    Box::new(Commands(virtual_link::CommandDecoder::new()))
}

struct Peer(Emulator, Ticks, Vec<u8>);

impl Target for Peer {
    fn read(&mut self, input: &[u8]) -> u64 {
        let now = self.1.next();
        let mut things = 0;
        self.0.handle_bytes(now, input);
        self.0.advance_to(now, &mut |_| things += 1);
        self.2.clear();
        self.0.poll_bytes(now, &mut self.2);
        things
    }
}

pub(crate) fn emulator(_: &Arc<AtomicBool>) -> Box<dyn Target> {
    let config = EmulatorConfig { byte_time: Duration::from_us(1), ..EmulatorConfig::router(Flavour::GrblHal, 1) };
    Box::new(Peer(Emulator::new(config, Instant::ORIGIN), Ticks::default(), Vec::with_capacity(1 << 17)))
}

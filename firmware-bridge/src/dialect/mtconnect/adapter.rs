//! The conversation with an adapter: SHDR lines over a socket, kept alive by `* PING` and `* PONG`.
//!
//! An adapter numbers nothing. What it says after a new connection is the state of then; what passed between is lost
//! without a trace, and so every end of a connection is a [`Break`].

use shared::time::{Duration, Instant};

use super::Break;
use super::session::Event;
use crate::dialect::shdr::{self, Completeness, Decoder};

/// What a connection is asked once, and then every heartbeat.
const PING: &[u8] = b"* PING\n";
/// Bounds of a heartbeat that is believed.
const HEARTBEAT_MIN: Duration = Duration::from_ms(100);
/// See [`HEARTBEAT_MIN`].
const HEARTBEAT_MAX: Duration = Duration::from_ms(60_000);

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdapterTurn {
    /// Close what is open and connect; [`Adapter::handle_connected`] or [`Adapter::handle_closed`] says what came of it.
    Connect,
    /// Send this and read; call again by then.
    Say(&'static [u8], Instant),
    /// Read; call again by then.
    Listen(Instant),
    /// Close what is open; call again by then.
    Rest(Instant),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    Idle(Instant),
    Connecting,
    Open { heard: Instant, ping: Instant, heartbeat: Option<Duration> },
}

/// The conversation.
#[derive(Clone, Debug)]
pub struct Adapter {
    decoder: Decoder,
    line: Line,
    retry: Duration,
    attempts: u32,
    live: bool,
    breaks: u64,
}

impl Adapter {
    /// A conversation that has not begun; `retry` is the wait before the first new attempt and doubles up to
    /// [`super::Session::RETRY_MAX`].
    pub fn new(retry: Duration) -> Self {
        let decoder = Decoder::new(Completeness::WholePairs);
        Self { decoder, line: Line::Idle(Instant::ORIGIN), retry, attempts: 0, live: false, breaks: 0 }
    }

    /// What was understood and what not.
    pub fn counters(&self) -> shdr::Counters {
        self.decoder.counters()
    }

    /// Breaks so far.
    pub fn breaks(&self) -> u64 {
        self.breaks
    }

    /// What to do now. An adapter that promised to be heard and is not is given up here.
    pub fn poll(&mut self, now: Instant, events: &mut dyn FnMut(Event)) -> AdapterTurn {
        if let Line::Open { heard, heartbeat: Some(heartbeat), .. } = self.line
            && now.since(heard) >= heartbeat.times(2)
        {
            self.give_up(now, Break::Silent, events);
        }
        match &mut self.line {
            Line::Idle(at) if now < *at => AdapterTurn::Rest(*at),
            Line::Idle(_) | Line::Connecting => {
                self.line = Line::Connecting;
                AdapterTurn::Connect
            }
            Line::Open { heard, ping, heartbeat } => {
                let period = heartbeat.unwrap_or(HEARTBEAT_MAX);
                if now >= *ping {
                    *ping = now.after(period);
                    return AdapterTurn::Say(PING, *ping);
                }
                let silent = heartbeat.map_or(*ping, |heartbeat| heard.after(heartbeat.times(2)));
                AdapterTurn::Listen((*ping).min(silent))
            }
        }
    }

    /// The connection stands.
    pub fn handle_connected(&mut self, now: Instant) {
        self.line = Line::Open { heard: now, ping: now, heartbeat: None };
    }

    /// Takes bytes that came at `now`.
    pub fn handle_bytes(&mut self, now: Instant, bytes: &[u8], events: &mut dyn FnMut(Event)) {
        let Self { decoder, line, live, attempts, .. } = self;
        let Line::Open { heard, heartbeat, ping } = line else { return };
        *heard = now;
        decoder.feed(bytes, now, &mut |event| match event {
            shdr::Event::Report(report) => {
                (*live, *attempts) = (true, 0);
                events(Event::Report(report));
            }
            shdr::Event::Heartbeat { silence_max: Some(silence) } => {
                let period = silence.max(HEARTBEAT_MIN).min(HEARTBEAT_MAX);
                *heartbeat = Some(period);
                *ping = (*ping).min(now.after(period));
            }
            shdr::Event::Heartbeat { silence_max: None } => {}
        });
    }

    /// The connection closed, or could not be opened.
    pub fn handle_closed(&mut self, now: Instant, events: &mut dyn FnMut(Event)) {
        if !matches!(self.line, Line::Idle(_)) {
            self.give_up(now, Break::Disconnected, events);
        }
    }

    fn give_up(&mut self, now: Instant, broke: Break, events: &mut dyn FnMut(Event)) {
        self.decoder.disconnect();
        if std::mem::take(&mut self.live) {
            self.breaks += 1;
            events(Event::Break(broke));
        }
        let wait = self.retry.times(1 << self.attempts.min(8)).min(super::Session::RETRY_MAX);
        self.attempts += 1;
        self.line = Line::Idle(now.after(wait));
    }
}

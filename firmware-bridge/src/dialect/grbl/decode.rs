use super::Flavour;
use super::answers::{AlarmCode, Answer, ErrorCode};
use super::status::{StatusReport, whole};
use crate::dialect::lines::{Line, LineSplitter};

/// Longest line in bytes that is read. The longest in the field are grblHAL's reports of some 200.
pub const LINE_LEN_MAX: usize = 512;

/// What a line from the controller is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Event<'a> {
    /// `<…>`
    Status(StatusReport),
    /// `ok` or `error:n`: belongs to the oldest line that has no answer yet.
    Answer(Answer),
    /// `ALARM:n`
    Alarm(AlarmCode),
    /// The controller has just started: nothing it was told before holds.
    Welcome {
        /// Which of the two.
        flavour: Flavour,
        /// Its version, as written.
        version: &'a str,
    },
    /// An unreadable line with a piece of a welcome in it. Taking it for one errs towards safety.
    PerhapsWelcome,
    /// `[GC:…]`, the answer to `$G`; an `ok` follows.
    ParserState,
    /// Any other `[…]`, without the brackets.
    Message(&'a str),
    /// `$n=value`
    Setting {
        /// n.
        number: u16,
        /// As written.
        value: &'a str,
    },
    /// `>…:ok` or `>…:error:n`: a stored start-up line was run; no answer to anything we sent.
    StartupLine(Answer),
    /// Not a line of this language. An answer may have been in it.
    Unreadable,
}

/// What was understood and what not, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Status reports.
    pub reports: u64,
    /// `ok` and `error:n`.
    pub answers: u64,
    /// Welcomes.
    pub welcomes: u64,
    /// Alarms.
    pub alarms: u64,
    /// Fields of reports that nobody knows.
    pub unknown_fields: u64,
    /// Lines that are none of this language, torn ones among them.
    pub unreadable_lines: u64,
    /// Lines longer than [`LINE_LEN_MAX`].
    pub long_lines: u64,
}

/// Bytes in, events out. Holds [`LINE_LEN_MAX`] bytes and no more; allocates nothing.
#[derive(Clone, Debug)]
pub struct Decoder {
    lines: LineSplitter,
    counters: Counters,
}

impl Decoder {
    /// A decoder that has heard nothing yet.
    pub fn new() -> Self {
        Self { lines: LineSplitter::new(LINE_LEN_MAX), counters: Counters::default() }
    }

    /// Takes bytes and hands over what they complete. However the stream is cut, the events are the same.
    pub fn feed(&mut self, bytes: &[u8], events: &mut dyn FnMut(Event<'_>)) {
        let Self { lines, counters } = self;
        lines.feed(bytes, |line| {
            let event = match line {
                Line::Whole(line) => std::str::from_utf8(line).map_or_else(|_| unreadable(line), event),
                Line::TooLong => {
                    counters.long_lines += 1;
                    Event::Unreadable
                }
            };
            counters.count(&event);
            events(event);
        });
    }

    /// The link broke: an unfinished line is unreadable.
    pub fn disconnect(&mut self) {
        self.counters.unreadable_lines += u64::from(self.lines.reset());
    }

    /// What was understood and what not.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Bytes of memory behind the decoder.
    pub fn memory_bytes(&self) -> usize {
        self.lines.memory_bytes()
    }
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Counters {
    fn count(&mut self, event: &Event<'_>) {
        match event {
            Event::Status(report) => {
                self.reports += 1;
                self.unknown_fields += u64::from(report.unknown_fields);
            }
            Event::Answer(_) => self.answers += 1,
            Event::Alarm(_) => self.alarms += 1,
            Event::Welcome { .. } => self.welcomes += 1,
            Event::Unreadable | Event::PerhapsWelcome => self.unreadable_lines += 1,
            Event::ParserState | Event::Message(_) | Event::Setting { .. } | Event::StartupLine(_) => {}
        }
    }
}

/// What one line is. Nothing is trimmed and no case is changed: a line that is nearly an answer is none.
fn event(line: &str) -> Event<'_> {
    let found = match line.as_bytes()[0] {
        b'<' => StatusReport::parse(line).map(Event::Status),
        b'[' => bracketed(line),
        b'$' => setting(line),
        b'>' => line
            .rsplit_once(":ok")
            .filter(|(_, rest)| rest.is_empty())
            .map(|_| Answer::Ok)
            .map(Event::StartupLine)
            .or_else(|| {
                let (_, code) = line.rsplit_once(":error:")?;
                whole(code).map(|code| Event::StartupLine(Answer::Error(ErrorCode(code))))
            }),
        b'A' => line.strip_prefix("ALARM:").and_then(whole).map(|code| Event::Alarm(AlarmCode(code))),
        b'G' => Flavour::of_welcome(line).map(|(flavour, version)| Event::Welcome { flavour, version }),
        _ => answer(line).map(Event::Answer),
    };
    found.unwrap_or_else(|| unreadable(line.as_bytes()))
}

/// A welcome that is damaged in one place still has one of these in it.
fn unreadable<'a>(line: &[u8]) -> Event<'a> {
    let pieces: [&[u8]; 3] = [b"rbl", b"for he", b"['$"];
    let has = |piece: &[u8]| line.windows(piece.len()).any(|window| window == piece);
    if line[0] != b'[' && pieces.into_iter().any(has) { Event::PerhapsWelcome } else { Event::Unreadable }
}

fn answer(line: &str) -> Option<Answer> {
    match line {
        "ok" => Some(Answer::Ok),
        _ => line.strip_prefix("error:").and_then(whole).map(|code| Answer::Error(ErrorCode(code))),
    }
}

fn bracketed(line: &str) -> Option<Event<'_>> {
    let inner = line.strip_prefix('[')?.strip_suffix(']')?;
    // A second opening bracket is two lines that lost the end of the first.
    if inner.contains(['[', '<']) || !inner.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return None;
    }
    Some(if inner.starts_with("GC:G") { Event::ParserState } else { Event::Message(inner) })
}

fn setting(line: &str) -> Option<Event<'_>> {
    let (number, value) = line.strip_prefix('$')?.split_once('=')?;
    Some(Event::Setting { number: whole(number)?, value })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(bytes: &[u8], piece: usize) -> (Vec<String>, Counters) {
        let mut decoder = Decoder::new();
        let mut found = Vec::new();
        for part in bytes.chunks(piece) {
            decoder.feed(part, &mut |event| {
                found.push(match event {
                    Event::Status(report) => format!("{:?}", report.state),
                    other => format!("{other:?}"),
                });
            });
        }
        decoder.disconnect();
        (found, decoder.counters())
    }

    #[test]
    fn a_session_is_read_however_it_is_cut_and_however_lines_end() {
        let stream = b"\r\nGrbl 1.1h ['$' for help]\r\n[MSG:'$H'|'$X' to unlock]\n\r>G54G20:ok\r\n<Alarm|MPos:0.000,0.000,0.000>\r\n\
            ok\n\rerror:20\r\nALARM:3\r\n$10=255\r\n[GC:G0 G54 G17 G21 G90 G94 M5 M9 T0 F0 S0]\r\nok\r\n<Idle>\nok";
        let expected = [
            "Welcome { flavour: Grbl, version: \"1.1h\" }",
            "Message(\"MSG:'$H'|'$X' to unlock\")",
            "StartupLine(Ok)",
            "Alarm",
            "Answer(Ok)",
            "Answer(Error(ErrorCode(20)))",
            "Alarm(AlarmCode(3))",
            "Setting { number: 10, value: \"255\" }",
            "ParserState",
            "Answer(Ok)",
            "Idle",
        ];
        for piece in 1..stream.len() {
            let (found, counters) = said(stream, piece);
            assert_eq!(found, expected, "pieces of {piece}");
            assert_eq!(
                (counters.unreadable_lines, counters.answers, counters.reports),
                (1, 3, 2),
                "the last ok is torn"
            );
        }
        let (found, _) = said(b"GrblHAL 1.1f ['$' or '$HELP' for help]\r\n", 7);
        assert_eq!(found, ["Welcome { flavour: GrblHal, version: \"1.1f\" }"]);
    }

    #[test]
    fn what_is_nearly_an_answer_is_none() {
        for line in [
            "o*",
            "k",
            "oo",
            "okok",
            "ok ",
            " ok",
            "OK",
            "error:",
            "error:x",
            "error:300",
            "error: 9",
            "rror:9",
            "ALARM:",
            "ALARM:1 ",
            "[GC:G0",
            "[MSG:ok<Idle>]",
            "<Idle|MPos:0,0,0ok",
            "$10",
            ">G54",
            "\u{7f}",
        ] {
            let (found, counters) = said(format!("{line}\n").as_bytes(), 3);
            assert_eq!(found, ["Unreadable"], "{line:?}");
            assert_eq!(counters.answers, 0);
        }
        let (found, _) = said(b"o\xffk\nok\n", 2);
        assert_eq!(found, ["Unreadable", "Answer(Ok)"]);
        for line in
            ["Grbl", "Grbl 1.1h", "Grbl x ['$' for help]", "Grbl 1.1h ['$\u{1} for help]", "okGrbl 1.1h ['$' for help]"]
        {
            assert_eq!(said(format!("{line}\n").as_bytes(), 5).0, ["PerhapsWelcome"], "{line:?}");
        }
        let long = [vec![b'x'; 2000], b"\nok\n".to_vec()].concat();
        let (found, counters) = said(&long, 100);
        assert_eq!((found.len(), counters.long_lines), (2, 1));
    }
}

//! A program by character counting: the receive buffer stays full, nothing is lost, and what cannot be known is said.
//!
//! The controller answers every line in order, and the sum of unanswered bytes must not exceed its receive buffer;
//! that is the whole protocol. It has no line numbers and no checksum, so one answer that is lost or garbled shifts
//! every later answer by a line, and one line of noise that reads `ok` shifts them the other way. Guessing is what
//! senders do; this one asks. The line `$G` has an answer of its own, `[GC:…]`, and lines are answered in order: when
//! it comes, every line before it has been answered. What the books still hold open then are answers that were lost:
//!
//! ```text
//!  sent      12 13 14 15 $G        books: 14 15 $G open
//!  answers   ok ok o* ok [GC:…]    ⇒ one answer of 12…15 is lost, nobody knows which
//! ```
//!
//! The question is asked every [`PROOF_LINES`] lines, after anything unreadable, after a silence, and at the end: a
//! stream is complete only when it is proven. Between two proofs answers are provisional.
//!
//! After a reset, an alarm or a broken link the stream has ended; nothing here goes on by itself. A byte that is
//! damaged on the way *to* the controller and still makes a valid line cannot be noticed by anybody.
//!
//! Source: grbl 1.1 wiki, "Interface" (streaming protocols); the proof is our own.

use std::collections::VecDeque;
use std::io::Write;
use std::sync::Arc;

use shared::time::{Duration, Instant};

use super::answers::{AlarmCode, Answer, ErrorCode};
use super::program_lines::{PROGRAM_BYTES_MAX, check, decimal_digits, has_axis_word, is_blank, numbered, trimmed};
use super::status::State;
use super::stream_report::LISTED_MAX;
use super::{Declaration, Event, Numbering, ProgramFault, StreamEnd, StreamReport, Unclear};

/// Lines between two proofs.
pub const PROOF_LINES: u32 = 64;
/// The question whose answer cannot be mistaken.
const QUESTION: &[u8] = b"$G\n";
/// A question that is not answered by a machine that stands is asked again after this.
const PATIENCE: Duration = Duration::from_ms(2000);
/// Without any answer for this long a question is asked, however busy the machine.
const SILENCE: Duration = Duration::from_ms(1000);
/// Questions in a row without a proof, before the stream gives up.
const QUESTIONS_MAX: u32 = 5;

/// What happens when a line is refused or answers are lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnTrouble {
    /// Stop sending and hold the feed: what comes after a skipped line may cut where nobody looked.
    HoldAndStop,
    /// List it and go on.
    GoOn,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct SentLine {
    /// Physical, from 1.
    number: u32,
    /// With the line end.
    bytes: u16,
    /// It has an axis word: it may wait in the planner when it is answered.
    moves: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sent {
    Line(SentLine),
    Question {
        /// `[GC:…]` has come, its `ok` has not.
        proven: bool,
    },
}

impl Sent {
    fn bytes(self) -> usize {
        match self {
            Self::Line(line) => usize::from(line.bytes),
            Self::Question { .. } => QUESTION.len(),
        }
    }
}

/// Sends one program once.
#[derive(Clone, Debug)]
pub struct Streamer {
    program: Arc<[u8]>,
    on_trouble: OnTrouble,
    numbering: Numbering,
    receive_bytes: usize,
    /// The last lines with axis words that were answered, as many as the planner holds.
    in_planner: VecDeque<u32>,
    planner_blocks: usize,
    lines: u32,
    /// Where the next line begins, and its number.
    next: (usize, u32),
    in_flight: VecDeque<Sent>,
    in_flight_bytes: usize,
    wants_proof: bool,
    /// Something was unreadable: nothing is sent but the question.
    doubt: bool,
    /// Answers came that belong to no line, or a question was answered out of order.
    muddled: bool,
    questions: u32,
    quiet_since: Instant,
    /// Reports in a row of an idle machine with nothing on the way.
    idle_reports: u32,
    window: Window,
    report: StreamReport,
    ended: bool,
    hold_due: bool,
}

/// Answers since the last proof.
#[derive(Clone, Debug, Default)]
struct Window {
    errors: Vec<(u32, ErrorCode)>,
    /// Errors beyond those listed.
    more_errors: u32,
    /// Lines that could not be read; each may have been one answer.
    unreadable: u32,
}

impl Streamer {
    /// Checks a program whole before the first byte of it is sent.
    ///
    /// # Errors
    /// [`ProgramFault`], the first in the program.
    pub fn new(
        program: Arc<[u8]>,
        controller: &Declaration,
        on_trouble: OnTrouble,
        numbering: Numbering,
    ) -> Result<Self, ProgramFault> {
        if program.len() > PROGRAM_BYTES_MAX {
            return Err(ProgramFault::TooLarge { bytes: program.len() });
        }
        // One byte less: ring buffers of some builds hold one byte less than their size.
        let receive_bytes = controller.receive_bytes - 1;
        let mut lines = 0;
        for line in program.split_inclusive(|byte| *byte == b'\n') {
            lines += 1;
            let (number, rest) = numbered(numbering, lines, trimmed(line));
            let prefix = number.map_or(0, |number| 1 + decimal_digits(number));
            check(rest, lines, prefix, (controller.line_len_max, receive_bytes))?;
        }
        let report = StreamReport {
            end: StreamEnd::Stopped,
            lines,
            proven_through: 0,
            answered_through: 0,
            sent_through: 0,
            refused: Vec::new(),
            unclear: Vec::new(),
            done_through: 0,
            maybe_not_done_after: 0,
            position_lost: false,
        };
        Ok(Self {
            program,
            on_trouble,
            numbering,
            receive_bytes,
            in_planner: VecDeque::with_capacity(controller.planner_blocks + 1),
            planner_blocks: controller.planner_blocks,
            lines,
            next: (0, 1),
            in_flight: VecDeque::with_capacity(receive_bytes / 2 + 1),
            in_flight_bytes: 0,
            wants_proof: lines == 0,
            doubt: false,
            muddled: false,
            questions: 0,
            quiet_since: Instant::ORIGIN,
            idle_reports: 0,
            window: Window::default(),
            report,
            ended: false,
            hold_due: false,
        })
    }

    /// Takes what the controller said.
    pub fn handle_event(&mut self, now: Instant, event: &Event<'_>) {
        if self.ended {
            if let (Event::Status(report), true) = (event, self.has_completed()) {
                self.idle(report.state);
            }
            return;
        }
        match event {
            Event::Answer(answer) => self.answer(now, *answer),
            Event::ParserState => self.proof(now),
            Event::Unreadable => {
                self.window.unreadable = self.window.unreadable.saturating_add(1);
                self.doubt();
            }
            Event::Alarm(code) => self.alarm(*code),
            Event::Welcome { .. } | Event::PerhapsWelcome => self.end(StreamEnd::Reset),
            Event::Status(report) => self.status(now, report.state),
            Event::Message(_) | Event::Setting { .. } | Event::StartupLine(_) => {}
        }
    }

    /// Appends what may be sent now.
    pub fn poll_bytes(&mut self, now: Instant, into: &mut Vec<u8>) {
        while !self.ended {
            if self.wants_proof && !self.is_asked() {
                if !self.send(now, QUESTION.len()) {
                    return;
                }
                self.wants_proof = false;
                self.questions += 1;
                self.in_flight.push_back(Sent::Question { proven: false });
                into.extend_from_slice(QUESTION);
            } else if self.doubt || !self.send_line(now, into) {
                return;
            }
        }
    }

    /// True once where the feed has to be held because of trouble in the stream.
    pub fn poll_hold(&mut self) -> bool {
        std::mem::take(&mut self.hold_due)
    }

    /// Sends no more; what is on the way stays so.
    pub fn stop(&mut self) {
        self.end(StreamEnd::Stopped);
    }

    /// The link broke.
    pub fn disconnect(&mut self) {
        self.end(StreamEnd::Disconnected);
    }

    /// The account so far; final once [`Self::has_ended`].
    pub fn report(&self) -> StreamReport {
        let mut report = self.report.clone();
        report.refused.extend(self.window.errors.iter().copied());
        let full = self.in_planner.len() == self.planner_blocks;
        let border = self.in_planner.front().filter(|_| full).map_or(0, |oldest| oldest - 1);
        report.maybe_not_done_after = report.done_through.max(border);
        report
    }

    /// Why it has ended; `None` while it goes on.
    pub fn end_reason(&self) -> Option<StreamEnd> {
        self.ended.then_some(self.report.end)
    }

    /// True where nothing more will be sent.
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// True where every line was answered, and that was proven.
    pub fn has_completed(&self) -> bool {
        self.ended && self.report.end == StreamEnd::Completed
    }

    /// True once a line was sent.
    pub(super) fn report_begun(&self) -> bool {
        self.report.sent_through > 0
    }

    /// Bytes of memory that may grow.
    pub fn memory_bytes(&self) -> usize {
        let listed = self.window.errors.capacity() + self.report.refused.capacity();
        self.in_flight.capacity() * size_of::<Sent>()
            + listed * size_of::<(u32, ErrorCode)>()
            + self.report.unclear.capacity() * size_of::<Unclear>()
    }

    fn send(&mut self, now: Instant, bytes: usize) -> bool {
        let fits = self.in_flight_bytes + bytes <= self.receive_bytes;
        if fits {
            if self.in_flight.is_empty() {
                self.quiet_since = now;
            }
            self.idle_reports = 0;
            self.in_flight_bytes += bytes;
        }
        fits
    }

    /// Sends the next line; false where there is none or it does not fit.
    fn send_line(&mut self, now: Instant, into: &mut Vec<u8>) -> bool {
        let (start, number) = self.next;
        if number > self.lines {
            return false;
        }
        let program = Arc::clone(&self.program);
        let rest = &program[start..];
        let len = rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |end| end + 1);
        let (prefix, line) = numbered(self.numbering, number, trimmed(&rest[..len]));
        if !is_blank(line) {
            let bytes = line.len() + 1 + prefix.map_or(0, |prefix| 1 + decimal_digits(prefix));
            if self.in_flight_bytes + bytes > self.receive_bytes {
                return false;
            }
            if let Some(prefix) = prefix {
                into.write_fmt(format_args!("N{prefix}")).expect("writing to a Vec does not fail");
            }
            into.extend_from_slice(line);
            into.push(b'\n');
            self.send(now, bytes);
            let bytes = u16::try_from(bytes).expect("no longer than the receive buffer, which was checked");
            let moves = has_axis_word(line);
            self.in_flight.push_back(Sent::Line(SentLine { number, bytes, moves }));
        } else if self.in_flight.is_empty() {
            self.report.answered_through = number;
        }
        self.next = (start + len, number + 1);
        self.report.sent_through = number;
        if number == self.lines || number.is_multiple_of(PROOF_LINES) {
            self.wants_proof = true;
        }
        true
    }

    fn answer(&mut self, now: Instant, answer: Answer) {
        self.quiet_since = now;
        let Some(sent) = self.in_flight.pop_front() else {
            // An answer too many: somebody's `ok` was none.
            self.muddled = true;
            self.doubt();
            return;
        };
        self.in_flight_bytes -= sent.bytes();
        match sent {
            Sent::Question { proven: true } => {}
            Sent::Question { proven: false } => {
                // Its own answer without `[GC:…]` before it: the proof is missing.
                self.muddled |= answer != Answer::Ok;
                self.ask_again();
            }
            Sent::Line(line) => {
                self.planned(line);
                self.answered(line.number);
                if let Answer::Error(code) = answer {
                    self.refused(line.number, code);
                }
            }
        }
    }

    /// Lines up to the one before the next in flight have been answered, blank ones among them.
    fn answered(&mut self, line: u32) {
        let next = self.in_flight.iter().find_map(|sent| match sent {
            Sent::Line(next) => Some(next.number - 1),
            Sent::Question { .. } => None,
        });
        self.report.answered_through = next.unwrap_or(self.report.sent_through).max(line);
    }

    /// An answered line may wait in the planner, and pushes the oldest there out: that one is done.
    fn planned(&mut self, line: SentLine) {
        if line.moves {
            if self.in_planner.len() == self.planner_blocks {
                self.in_planner.pop_front();
            }
            self.in_planner.push_back(line.number);
        }
    }

    fn refused(&mut self, line: u32, code: ErrorCode) {
        let listed = self.window.errors.len() + self.report.refused.len();
        if listed < LISTED_MAX {
            self.window.errors.push((line, code));
        } else {
            self.window.more_errors += 1;
            self.end(StreamEnd::Refused { line, code });
        }
        if self.on_trouble == OnTrouble::HoldAndStop {
            self.hold_due = true;
            self.end(StreamEnd::Refused { line, code });
        }
    }

    /// `[GC:…]`: everything before the oldest open question has been answered.
    fn proof(&mut self, now: Instant) {
        self.quiet_since = now;
        if !self.is_asked() {
            // A question that the books have closed already: an answer too many, or one asked by somebody else.
            self.muddled = true;
            self.doubt();
            return;
        }
        let mut lost = 0;
        while let Some(sent) = self.in_flight.front_mut() {
            let sent = match sent {
                Sent::Question { proven: proven @ false } => {
                    *proven = true;
                    break;
                }
                other => *other,
            };
            self.in_flight_bytes -= sent.bytes();
            self.in_flight.pop_front();
            if let Sent::Line(line) = sent {
                lost += 1;
                self.planned(line);
            }
        }
        self.questions = 0;
        self.answered(self.report.answered_through);
        self.settle(lost);
    }

    fn is_asked(&self) -> bool {
        self.in_flight.iter().any(|sent| matches!(sent, Sent::Question { proven: false }))
    }

    /// Closes the stretch since the last proof.
    fn settle(&mut self, lost: u32) {
        let (first, last) = (self.report.proven_through + 1, self.report.answered_through);
        let muddled = std::mem::take(&mut self.muddled);
        let window = std::mem::take(&mut self.window);
        self.doubt = false;
        self.report.proven_through = last;
        let errors = window.more_errors + u32::try_from(window.errors.len()).unwrap_or(u32::MAX);
        if last >= first && (lost > 0 || muddled) {
            self.report.unclear.push(Unclear { first, last, lost, errors });
            // More answers gone than lines unreadable: something else happened, a reset perhaps.
            let unexplained = lost > window.unreadable || self.report.unclear.len() == LISTED_MAX;
            if self.on_trouble == OnTrouble::HoldAndStop || unexplained {
                self.hold_due = self.on_trouble == OnTrouble::HoldAndStop;
                self.end(StreamEnd::Unsure);
                return;
            }
        } else {
            self.report.refused.extend(window.errors);
        }
        if self.report.proven_through == self.lines {
            self.end(StreamEnd::Completed);
        }
    }

    fn doubt(&mut self) {
        if !self.in_flight.is_empty() || self.report.sent_through > self.report.proven_through {
            self.doubt = true;
            self.wants_proof |= !self.is_asked();
        }
    }

    fn status(&mut self, now: Instant, state: State) {
        self.idle(state);
        if state == State::Alarm {
            // The line that says why was lost.
            self.alarm(AlarmCode::UNHEARD);
            return;
        }
        let quiet = now.since(self.quiet_since);
        if self.in_flight.is_empty() || quiet < SILENCE {
            return;
        }
        let stands = matches!(state, State::Idle | State::Check);
        if !self.is_asked() {
            self.wants_proof = true;
        } else if quiet >= PATIENCE && stands {
            // The question itself was lost, on the way there or back.
            self.quiet_since = now;
            self.in_flight.retain(|sent| *sent != Sent::Question { proven: false });
            self.in_flight_bytes = self.in_flight.iter().map(|sent| sent.bytes()).sum();
            self.ask_again();
        }
    }

    /// Where the machine stands with nothing on the way, what was answered is done.
    fn idle(&mut self, state: State) {
        let line_open = self.in_flight.iter().any(|sent| matches!(sent, Sent::Line(_)));
        let idle = state == State::Idle && !line_open;
        // The first may be from the instant between an answer and the start of the motion.
        self.idle_reports = if idle { self.idle_reports.saturating_add(1) } else { 0 };
        if self.idle_reports >= 2 {
            self.report.done_through = self.report.answered_through;
        }
    }

    /// The open question will not be answered any more.
    fn ask_again(&mut self) {
        (self.wants_proof, self.doubt) = (true, true);
        if self.questions >= QUESTIONS_MAX {
            self.hold_due = self.on_trouble == OnTrouble::HoldAndStop;
            self.end(StreamEnd::Unsure);
        }
    }

    fn alarm(&mut self, code: AlarmCode) {
        self.report.position_lost = code.position_lost();
        self.end(StreamEnd::Alarm(code));
    }

    fn end(&mut self, end: StreamEnd) {
        if !self.ended {
            (self.ended, self.report.end) = (true, end);
        }
    }
}

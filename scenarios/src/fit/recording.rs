use firmware_bridge::controller::Execution;
use firmware_bridge::dialect::SourceTime;
use firmware_bridge::dialect::shdr::{Completeness, Decoder, Event, Report};
use shared::time::{Duration, Instant};

/// Longest distance of two reports across which the controller is taken to have said everything, s: it
/// reports its runtime every second.
pub(super) const SILENCE_S_MAX: f64 = 2.5;

/// What one report changed, since the start of the run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Said {
    /// A physical line begins or is under way.
    Line(u32),
    /// Speed along the path, mm/s.
    Feed(f64),
    /// Spindle speed, rev/s.
    Spindle(f64),
    /// Tool in the spindle.
    Tool(u32),
}

/// A run of one program, from the start to its completion, with time measured from the start.
#[derive(Clone, Debug)]
pub struct Recording {
    /// Name of the file.
    pub name: String,
    /// From ACTIVE to PROGRAM_COMPLETED.
    pub duration_s: f64,
    /// Greatest physical line.
    pub line_max: u32,
    /// Lines of the file that were damaged.
    pub damaged: u64,
    /// Time before ACTIVE, which does not count.
    pub before_s: f64,
    pub(super) said: Vec<(f64, Said)>,
    /// Times in which the run stood still for a person: held, stopped, or silent.
    pub(super) held: Vec<(f64, f64)>,
    /// Times in which a dial was reported away from 100 %.
    pub(super) dialled: Vec<(f64, f64)>,
}

/// Why a file is no recording of a run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordingError {
    /// No line of it is a report.
    #[error("no report line was found; expected SHDR, `time|key|value|…`")]
    NoReports,
    /// The program was never started in it.
    #[error("the program never becomes ACTIVE in it")]
    NeverActive,
    /// The program did not end in it.
    #[error("the program does not reach PROGRAM_COMPLETED in it; its last line is {line_max}")]
    NeverCompleted {
        /// Greatest line.
        line_max: u32,
    },
}

/// Collects reports into a run.
struct Collector {
    /// Stamp of ACTIVE, ns.
    start_ns: Option<u64>,
    end_ns: Option<u64>,
    first_ns: Option<u64>,
    last_ns: u64,
    before: Option<Report>,
    recording: Recording,
    held_since: Option<f64>,
    dialled_since: Option<f64>,
}

impl Recording {
    /// Reads a file of SHDR lines with time stamps. Damaged lines are counted and left out; stamps that go
    /// back count as the latest before them.
    ///
    /// # Errors
    /// [`RecordingError`] where there is no run in it.
    pub fn read(name: &str, bytes: &[u8]) -> Result<Self, RecordingError> {
        let mut collector = Collector::new(name);
        let mut decoder = Decoder::new(Completeness::WholePairs);
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            decoder.feed(line, Instant::ORIGIN.after(Duration::from_ms(1)), &mut |event| {
                if let Event::Report(report) = event {
                    collector.take(&report);
                }
            });
        }
        let counters = decoder.counters();
        collector.recording.damaged = counters.garbage_lines + counters.torn_lines + counters.long_lines;
        collector.finish(counters.reports)
    }

    /// Times at which a line was reported first, with the line.
    pub(super) fn lines(&self) -> impl Iterator<Item = (f64, u32)> + '_ {
        self.said.iter().filter_map(|(at_s, said)| match said {
            Said::Line(line) => Some((*at_s, *line)),
            _ => None,
        })
    }

    /// How often the controller looks at its line: the median distance of changes, s.
    pub(super) fn sampling_s(&self) -> f64 {
        let times: Vec<f64> = self.lines().map(|(at_s, _)| at_s).collect();
        let mut gaps: Vec<f64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        gaps.sort_by(f64::total_cmp);
        gaps.get(gaps.len() / 2).copied().unwrap_or(0.0)
    }

    /// Time for which the run was held within a span, s.
    pub fn held_s(&self, from_s: f64, to_s: f64) -> f64 {
        overlap_s(&self.held, from_s, to_s)
    }

    /// Time within a span in which a dial was reported away from 100 %, s.
    pub(super) fn dialled_s(&self, from_s: f64, to_s: f64) -> f64 {
        overlap_s(&self.dialled, from_s, to_s)
    }
}

fn overlap_s(spans: &[(f64, f64)], from_s: f64, to_s: f64) -> f64 {
    spans.iter().map(|(start, end)| (end.min(to_s) - start.max(from_s)).max(0.0)).sum()
}

impl Collector {
    fn new(name: &str) -> Self {
        let recording = Recording {
            name: name.to_owned(),
            duration_s: 0.0,
            line_max: 0,
            damaged: 0,
            before_s: 0.0,
            said: Vec::new(),
            held: Vec::new(),
            dialled: Vec::new(),
        };
        Self {
            start_ns: None,
            end_ns: None,
            first_ns: None,
            last_ns: 0,
            before: None,
            recording,
            held_since: None,
            dialled_since: None,
        }
    }

    fn take(&mut self, report: &Report) {
        let stamp_ns = report.source.map_or(self.last_ns, SourceTime::as_ns).max(self.last_ns);
        let first_ns = *self.first_ns.get_or_insert(stamp_ns);
        let silent_s = if self.last_ns == 0 { 0.0 } else { (stamp_ns - self.last_ns) as f64 * 1e-9 };
        self.last_ns = stamp_ns;
        let sample = &report.sample;
        if self.end_ns.is_some() {
            return;
        }
        let active = sample.execution == Some(Execution::Active);
        if self.start_ns.is_none() && active {
            self.start_ns = Some(stamp_ns);
            self.recording.before_s = (stamp_ns - first_ns) as f64 * 1e-9;
            if let Some(line) = sample.line {
                self.recording.said.push((0.0, Said::Line(line)));
            }
        }
        let Some(start_ns) = self.start_ns else {
            self.before = Some(*report);
            return;
        };
        let at_s = (stamp_ns - start_ns) as f64 * 1e-9;
        if silent_s > SILENCE_S_MAX {
            self.recording.held.push((at_s - silent_s, at_s));
        }
        if sample.execution == Some(Execution::ProgramCompleted) {
            self.end_ns = Some(stamp_ns);
        }
        let held = !active && sample.execution.is_some() && self.end_ns.is_none();
        mark(&mut self.held_since, held, at_s, &mut self.recording.held);
        let away = |permille: Option<u16>| permille.is_some_and(|permille| permille != 1000);
        let dialled = away(sample.dial_permille) || away(report.rapid_override_permille);
        mark(&mut self.dialled_since, dialled, at_s, &mut self.recording.dialled);
        self.note_changes(report, at_s);
        self.before = Some(*report);
    }

    fn note_changes(&mut self, report: &Report, at_s: f64) {
        let before = self.before.map(|before| before.sample);
        let sample = &report.sample;
        let mut note = |said: Said| self.recording.said.push((at_s, said));
        if let Some(line) = sample.line.filter(|line| before.is_none_or(|before| before.line != Some(*line))) {
            note(Said::Line(line));
            self.recording.line_max = self.recording.line_max.max(line);
        }
        let mut note = |said: Said| self.recording.said.push((at_s, said));
        if let Some(feed) = sample.path_feedrate
            && before.is_none_or(|before| before.path_feedrate != Some(feed))
        {
            note(Said::Feed(feed.as_mm_s()));
        }
        if let Some(speed) = sample.rotary_velocity
            && before.is_none_or(|before| before.rotary_velocity != Some(speed))
        {
            note(Said::Spindle(speed.as_rev_s()));
        }
        if let Some(tool) = sample.tool
            && before.is_none_or(|before| before.tool != Some(tool))
        {
            note(Said::Tool(tool.0));
        }
    }

    fn finish(mut self, reports: u64) -> Result<Recording, RecordingError> {
        if reports == 0 {
            return Err(RecordingError::NoReports);
        }
        let start_ns = self.start_ns.ok_or(RecordingError::NeverActive)?;
        let line_max = self.recording.line_max;
        let end_ns = self.end_ns.ok_or(RecordingError::NeverCompleted { line_max })?;
        self.recording.duration_s = (end_ns - start_ns) as f64 * 1e-9;
        let end_s = self.recording.duration_s;
        mark(&mut self.held_since, false, end_s, &mut self.recording.held);
        mark(&mut self.dialled_since, false, end_s, &mut self.recording.dialled);
        Ok(self.recording)
    }
}

/// Opens or closes a span.
fn mark(since: &mut Option<f64>, on: bool, at_s: f64, spans: &mut Vec<(f64, f64)>) {
    match (*since, on) {
        (None, true) => *since = Some(at_s),
        (Some(from_s), false) => {
            spans.push((from_s, at_s));
            *since = None;
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Recording, RecordingError> {
        Recording::read("test", text.as_bytes())
    }

    #[test]
    fn a_run_is_measured_from_active_to_completed() {
        let run = read(
            "0|Block_Number|0\n5000|Program_Status|ACTIVE\n6000|Block_Number|7|Feed_Rate|12.5\n7000|Block_Number|8\n\
             7500|Feed_Override|50\n8000|Feed_Override|100\n9000|Program_Status|PROGRAM_COMPLETED\n9500|Block_Number|0\n",
        )
        .expect("a run");
        assert_eq!((run.duration_s, run.before_s, run.line_max), (4.0, 5.0, 8));
        assert_eq!(run.lines().collect::<Vec<_>>(), [(0.0, 0), (1.0, 7), (2.0, 8)]);
        assert_eq!((run.dialled_s(0.0, 4.0), run.held_s(0.0, 4.0)), (0.5, 0.0));
    }

    #[test]
    fn holds_and_silence_are_times_of_a_person() {
        let run = read(
            "0|Program_Status|ACTIVE|Block_Number|1\n1000|Program_Status|FEED_HOLD\n2500|Program_Status|ACTIVE\n\
             4000|Block_Number|2\n64000|Block_Number|3\n65000|Program_Status|PROGRAM_COMPLETED\n",
        )
        .expect("a run");
        let near = |(from, to): (f64, f64), (from_s, to_s): (f64, f64)| {
            (from - from_s).abs() < 1e-9 && (to - to_s).abs() < 1e-9
        };
        assert!(
            run.held.len() == 2 && near(run.held[0], (1.0, 2.5)) && near(run.held[1], (4.0, 64.0)),
            "{:?}",
            run.held
        );
        assert!((run.held_s(2.0, 10.0) - 6.5).abs() < 1e-9);
    }

    #[test]
    fn what_is_no_run_is_refused() {
        assert_eq!(read("nothing\n").err(), Some(RecordingError::NoReports));
        assert_eq!(read("1|Block_Number|5\n").err(), Some(RecordingError::NeverActive));
        let open = read("1|Program_Status|ACTIVE\n2|Block_Number|5\n").err();
        assert_eq!(open, Some(RecordingError::NeverCompleted { line_max: 5 }));
    }
}

//! Where on the programmed path the tool is.
//!
//! A controller reports a source line and a position. The line is sampled late and is not unique: loops and
//! cycles repeat it. The position is exact but paths cross themselves. Together with the time that has passed
//! they are enough almost always: candidates are the segments of that line that can have been reached since the
//! last fix at programmed speed, and among them those that pass the position. Exactly one place gives a fix. Of
//! several that lie apart the lowest is held, with an uncertainty that reaches to the highest, until the next
//! samples shut out all but one. Where none fits the station stays and widens by what the tool may have
//! travelled, until it is lost. The station never runs backwards: a jump back is found only by losing the place
//! and locking again, which the guard treats as unconfirmed stock.
//!
//! A line beyond the end of the program, or a tool that the program cannot have at that line, is proof of
//! another revision and reported as such.

use std::sync::Arc;

use firmware_bridge::controller::{ControllerSample, Execution};
use shared::geom::Point;
use shared::ident::ToolNumber;
use shared::motion::{Path, SegmentKind, Station};
use shared::planted::{self, Bug};
use shared::time::{Duration, Instant};
use shared::units::Length;

use crate::config::{AgentConfig, AgentJob};
use crate::projection::feet;
use crate::timetable::Timetable;

mod by_line;

/// The tool may be this much faster than the timetable, which knows neither rounding of the clock nor lead-in.
const REACH_MARGIN: f64 = 1.25;
/// Clock time added to the reach: samples are late by up to this.
const REACH_SLACK: Duration = Duration::from_ms(20);
/// Machine seconds from the start of the program within which a first lock may choose the earliest candidate.
const START_REACH_S: f64 = 10.0;
/// Samples that are farther apart leave room for motion that nobody saw.
const GAP: Duration = Duration::from_ms(100);
/// A place that no sample fits for this many samples and [`LOST_AFTER`] is lost.
const LOST_SAMPLES: u32 = 8;
/// See [`LOST_SAMPLES`].
const LOST_AFTER: Duration = Duration::from_ms(500);
/// Consecutive agreeing samples that lock again after a loss.
const RELOCK_SAMPLES: u32 = 3;
/// Most segments looked at where the controller reports no line.
const SCAN_SEGMENTS_MAX: usize = 512;
/// Most segments of one line whose tool is compared.
const TOOL_SEGMENTS_MAX: usize = 64;
/// A wrong tool must be reported this long: line and tool are sampled at different instants.
const TOOL_MISMATCH_AFTER: Duration = Duration::from_ms(2000);

/// How a fix came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quality {
    /// The program has not been found yet.
    Unlocked,
    /// One place fits.
    Located,
    /// None or several fit; the station is held.
    Held,
    /// Held for too long.
    Lost,
}

/// A place on the path.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fix {
    /// The place; never runs backwards while the lock holds.
    pub station: Station,
    /// The tool is within this of it.
    pub uncertainty: Length,
    /// The instant it is about.
    pub valid_at: Instant,
    /// How it came about.
    pub quality: Quality,
}

/// What a sample changed beyond the fix.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Finding {
    /// Nothing.
    None,
    /// First lock, at the beginning of the program.
    Locked,
    /// A lock that is not the continuation of the last: restart, skip, or an agent started in mid-program.
    Relocked,
    /// The place was lost.
    Lost,
    /// The controller runs a line that the program does not have.
    RevisionLine {
        /// The reported line.
        line: u32,
    },
    /// The controller runs a line with a tool that the program does not have there.
    RevisionTool {
        /// The reported line.
        line: u32,
        /// The reported tool.
        tool: ToolNumber,
    },
}

/// Places that fit one sample.
#[derive(Clone, Copy)]
struct Fits {
    /// The lowest.
    low: Station,
    /// The highest.
    high: Station,
    /// The end of the highest: where nothing moves, the position says nothing about the place inside.
    end: Station,
}

impl Fits {
    fn with(fits: Option<Self>, low: Station, end: Station) -> Self {
        match fits {
            None => Self { low, high: low, end },
            Some(fits) => Self { low: fits.low.min(low), high: fits.high.max(low), end: fits.end.max(end) },
        }
    }
}

/// Finds the station.
#[derive(Clone, Debug)]
pub struct Locator {
    path: Arc<Path>,
    timetable: Timetable,
    /// (line, segment index), sorted.
    lines: Vec<(u32, u32)>,
    lines_max: u32,
    tolerance_mm: f64,
    time_scale: f64,
    /// How late a line may be told, where the line alone has to do.
    line_late: Option<Duration>,
    fix: Fix,
    sampled: bool,
    /// When the path was last passed at a known place or at one of several.
    good_at: Instant,
    /// Machine time in the timetable that the tool had reached then at most.
    good_s: f64,
    /// Samples since then.
    missed: u32,
    relock: (u32, Station),
    wrong_tool_since: Option<Instant>,
}

impl Locator {
    /// A locator that has not found the program yet. O(n log n).
    pub fn new(config: &AgentConfig, job: &AgentJob) -> Self {
        let path = job.path.clone();
        let mut lines: Vec<_> =
            path.segments().iter().enumerate().map(|(index, segment)| (segment.at.line, index as u32)).collect();
        lines.sort_unstable();
        Self {
            timetable: Timetable::new(path.clone()),
            path,
            lines,
            lines_max: job.lines_max,
            tolerance_mm: config.position_tolerance.as_mm(),
            time_scale: config.time_scale,
            line_late: (!job.capabilities.factor).then_some(job.capabilities.sample_period),
            fix: Fix {
                station: Station::START,
                uncertainty: Length::ZERO,
                valid_at: Instant::ORIGIN,
                quality: Quality::Unlocked,
            },
            sampled: false,
            good_at: Instant::ORIGIN,
            good_s: 0.0,
            missed: 0,
            relock: (0, Station::START),
            wrong_tool_since: None,
        }
    }

    /// The newest fix.
    pub fn fix(&self) -> Fix {
        self.fix
    }

    pub(crate) fn timetable(&self) -> &Timetable {
        &self.timetable
    }

    /// Forgets the place; the program has ended or another begins.
    pub(crate) fn unlock(&mut self) {
        self.fix = Fix { station: Station::START, uncertainty: Length::ZERO, quality: Quality::Unlocked, ..self.fix };
        (self.missed, self.relock, self.wrong_tool_since) = (0, (0, Station::START), None);
    }

    /// Takes in a sample. A sample that is not newer than the last changes nothing.
    pub fn handle_sample(&mut self, sample: &ControllerSample) -> Finding {
        if self.sampled && sample.valid_at <= self.fix.valid_at {
            return Finding::None;
        }
        self.sampled = true;
        self.fix.valid_at = sample.valid_at;
        let moving = match sample.execution {
            Some(Execution::Active | Execution::FeedHold | Execution::Interrupted) | None => true,
            Some(_) => false,
        };
        if !moving {
            self.stand(sample);
            return Finding::None;
        }
        let revision = self.revision(sample);
        if revision != Finding::None {
            self.lose_sight(sample);
            return revision;
        }
        match self.fix.quality {
            Quality::Unlocked => self.lock(sample),
            Quality::Located | Quality::Held => self.follow(sample),
            Quality::Lost => match self.follow(sample) {
                Finding::None if self.fix.quality == Quality::Lost => self.lock(sample),
                finding => finding,
            },
        }
    }

    fn revision(&mut self, sample: &ControllerSample) -> Finding {
        let Some(line) = sample.line.filter(|_| sample.execution == Some(Execution::Active)) else {
            return Finding::None;
        };
        if line > self.lines_max && !planted::on(Bug::LocatorNoRevision) {
            return Finding::RevisionLine { line };
        }
        let Some(tool) = sample.tool.filter(|tool| !self.may_have(line, *tool)) else {
            self.wrong_tool_since = None;
            return Finding::None;
        };
        let since = *self.wrong_tool_since.get_or_insert(sample.valid_at);
        if sample.valid_at.since(since) >= TOOL_MISMATCH_AFTER {
            return Finding::RevisionTool { line, tool };
        }
        Finding::None
    }

    /// False where every feed move of the line has another tool.
    fn may_have(&self, line: u32, tool: ToolNumber) -> bool {
        let mut feeds = self
            .of_line(line, 0)
            .take(TOOL_SEGMENTS_MAX)
            .map(|index| &self.path.segments()[index])
            .filter(|segment| segment.kind == SegmentKind::Feed)
            .peekable();
        feeds.peek().is_none() || feeds.any(|segment| segment.tool.is_none_or(|its| its == tool))
    }

    fn of_line(&self, line: u32, first: usize) -> impl Iterator<Item = usize> + '_ {
        let from = self.lines.partition_point(|entry| *entry < (line, first as u32));
        self.lines[from..].iter().take_while(move |entry| entry.0 == line).map(|entry| entry.1 as usize)
    }

    /// Continues from the last fix.
    fn follow(&mut self, sample: &ControllerSample) -> Finding {
        let (latest_s, elapsed) = self.latest(sample);
        let fits = match sample.position {
            Some(position) => self.reachable(sample.line, &position, latest_s),
            None => self.reachable_by_line(sample.line, self.path.index_at(self.fix.station), latest_s),
        };
        match fits {
            Some(fits) => {
                self.locate(fits, sample.valid_at);
                Finding::None
            }
            None => self.hold(latest_s, elapsed),
        }
    }

    /// Another revision runs: nothing is known about the place but how far the tool can have come.
    fn lose_sight(&mut self, sample: &ControllerSample) {
        if self.fix.quality != Quality::Unlocked {
            let (latest_s, elapsed) = self.latest(sample);
            self.hold(latest_s, elapsed);
        }
    }

    /// Nothing moves now; where no sample came for a while, the tool may have gone on before it stopped.
    fn stand(&mut self, sample: &ControllerSample) {
        let (latest_s, elapsed) = self.latest(sample);
        if self.fix.quality != Quality::Unlocked && elapsed > GAP {
            self.widen(latest_s);
            self.good_s = self.good_s.max(latest_s);
        }
        self.good_at = sample.valid_at;
    }

    /// Machine time in the timetable that the tool can have reached, and clock time since it was seen last.
    fn latest(&self, sample: &ControllerSample) -> (f64, Duration) {
        let elapsed = sample.valid_at.since(self.good_at);
        let dial = sample.dial_permille.map_or(1.0, |dial| (f64::from(dial) / 1000.0).max(1.0));
        (self.good_s + elapsed.plus(REACH_SLACK).as_s() * self.time_scale * REACH_MARGIN * dial, elapsed)
    }

    fn is_one(&self, fits: Fits) -> bool {
        fits.high.beyond(fits.low).as_mm() <= 2.0 * self.tolerance_mm
    }

    /// The tool is at one of the places that fit. Where they lie apart the lowest is held and the uncertainty
    /// reaches to the highest; the next samples shut out all but one.
    fn locate(&mut self, fits: Fits, at: Instant) {
        let station = fits.low.max(self.fix.station);
        let station = if planted::on(Bug::LocatorAhead) { station.advanced(Length::mm(3.0)) } else { station };
        let apart = station.beyond(fits.low).max(fits.end.beyond(station));
        self.fix.uncertainty = apart.max(Length::ZERO) + Length::mm(self.tolerance_mm);
        self.fix.station = station;
        self.fix.quality = if self.is_one(fits) { Quality::Located } else { Quality::Held };
        let farthest = station.advanced(self.fix.uncertainty).min(self.path.end());
        (self.good_at, self.good_s) = (at, self.timetable.time_s(farthest));
        (self.missed, self.relock) = (0, (0, Station::START));
    }

    /// No place fits: keeps the station and widens by what the tool may have travelled.
    fn hold(&mut self, latest_s: f64, elapsed: Duration) -> Finding {
        self.widen(latest_s);
        if self.fix.quality == Quality::Lost {
            return Finding::None;
        }
        self.missed += 1;
        if !planted::on(Bug::LocatorNeverLost) && self.missed >= LOST_SAMPLES && elapsed >= LOST_AFTER {
            self.fix.quality = Quality::Lost;
            return Finding::Lost;
        }
        self.fix.quality = Quality::Held;
        Finding::None
    }

    /// The tool may have come as far as it can have by a time in the timetable.
    fn widen(&mut self, latest_s: f64) {
        let farthest = self.timetable.station(latest_s).max(self.fix.station);
        let widened = farthest.beyond(self.fix.station) + Length::mm(self.tolerance_mm);
        self.fix.uncertainty = self.fix.uncertainty.max(widened);
        if planted::on(Bug::LocatorCertain) {
            self.fix.uncertainty = Length::mm(self.tolerance_mm);
        }
    }

    /// Places at or after the fix, on segments of the line, that pass the position and can be reached.
    fn reachable(&self, line: Option<u32>, position: &Point, latest_s: f64) -> Option<Fits> {
        let here = self.path.index_at(self.fix.station);
        let in_time = |index: &usize| self.timetable.start_s(*index) <= latest_s;
        match line {
            Some(line) => self.fitting(self.of_line(line, here).take_while(in_time), position, latest_s),
            None => {
                let end = self.path.segments().len().min(here + SCAN_SEGMENTS_MAX);
                self.fitting((here..end).take_while(in_time), position, latest_s)
            }
        }
    }

    /// The same where only the line is known, from a segment on.
    fn reachable_by_line(&self, line: Option<u32>, here: usize, latest_s: f64) -> Option<Fits> {
        self.fitting_line(line?, here, latest_s, self.line_late?)
    }

    fn fitting(&self, segments: impl Iterator<Item = usize>, position: &Point, latest_s: f64) -> Option<Fits> {
        // Widening goes forwards: the tool is not behind the last place where it was, apart from noise.
        let earliest = self.fix.station.advanced(Length::mm(-2.0 * self.tolerance_mm));
        let mut fits: Option<Fits> = None;
        for index in segments {
            let segment = &self.path.segments()[index];
            feet(&segment.geometry, position, |foot| {
                let station = segment.station(foot.fraction);
                let end = if segment.length == Length::ZERO { segment.end } else { station };
                let within = foot.distance_mm <= self.tolerance_mm && end >= earliest;
                if within && self.timetable.time_s(station) <= latest_s {
                    fits = Some(Fits::with(fits, station, end));
                }
            });
        }
        fits
    }

    /// Looks for the place in the whole program.
    fn lock(&mut self, sample: &ControllerSample) -> Finding {
        let Some(line) = sample.line else { return Finding::None };
        let first_lock = self.fix.quality == Quality::Unlocked;
        let held = self.fix;
        // The whole program is admissible: from the start, with all the time there is.
        self.fix = Fix { station: Station::START, uncertainty: Length::ZERO, ..held };
        let within = |latest_s| match sample.position {
            Some(position) => self.fitting(self.of_line(line, 0), &position, latest_s),
            None => self.reachable_by_line(Some(line), 0, latest_s),
        };
        let (all, near) = (within(f64::INFINITY), within(START_REACH_S));
        self.fix = held;
        let Some(all) = all else {
            self.relock = (0, Station::START);
            return Finding::None;
        };
        if let Some(near) = near.filter(|_| first_lock) {
            self.fix.station = Station::START;
            self.locate(near, sample.valid_at);
            return Finding::Locked;
        }
        if !self.is_one(all) {
            self.relock = (0, Station::START);
            return Finding::None;
        }
        let (agreeing, last) = self.relock;
        let agreeing = if agreeing > 0 && all.low < last { 1 } else { agreeing + 1 };
        self.relock = (agreeing, all.low);
        if agreeing < RELOCK_SAMPLES {
            return Finding::None;
        }
        self.fix.station = all.low;
        self.locate(all, sample.valid_at);
        Finding::Relocked
    }
}

#[cfg(test)]
pub(crate) mod testing {
    //! Small paths for tests.

    use shared::geom::Point;
    use shared::motion::{Geometry, Path, Segment, SegmentKind, Station};
    use shared::program::{Provenance, SourceId};
    use shared::units::{Feedrate, Length, Seconds};

    /// A feed move along X, whose station equals its coordinate.
    pub(crate) fn straight(line: u32, from_mm: f64, to_mm: f64, feed_mm_s: f64) -> Segment {
        between(line, from_mm, [from_mm, 0.0, 0.0], [to_mm, 0.0, 0.0], feed_mm_s)
    }

    /// A straight feed move that begins at a station.
    pub(crate) fn between(line: u32, station_mm: f64, from: [f64; 3], to: [f64; 3], feed_mm_s: f64) -> Segment {
        let (start, end) = (Point::from(from), Point::from(to));
        let length = Length::mm((end - start).norm());
        Segment {
            kind: SegmentKind::Feed,
            geometry: Geometry::Line { start, end },
            start: Station::from_mm(station_mm),
            end: Station::from_mm(station_mm).advanced(length),
            length,
            feed: Feedrate::mm_s(feed_mm_s),
            spindle: None,
            tool: None,
            at: Provenance { source: SourceId(0), line, ..Provenance::default() },
            forced: None,
            still: Seconds::ZERO,
            stop_at_end: false,
            corner: shared::motion::CornerRule::Machine,
            turn_rad: [0.0; 3],
        }
    }

    /// The segments as a path.
    pub(crate) fn path(segments: &[Segment]) -> Path {
        Path::new(segments.to_vec()).expect("contiguous")
    }
}

#[cfg(test)]
#[path = "locator_tests.rs"]
mod tests;

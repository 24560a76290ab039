use std::collections::VecDeque;

use firmware_bridge::controller::{ControllerMode, ControllerSample, Execution};
use shared::geom::Point;
use shared::ident::ToolNumber;
use shared::motion::{CornerRule, Geometry, Path, Segment, SegmentKind, Station};
use shared::plan::Override;
use shared::program::{ForcedReason, Provenance, SourceId};
use shared::time::{Duration, Instant};
use shared::units::{Feedrate, Length, Seconds};

/// Programmed feed.
pub(super) const FEED_MM_S: f64 = 20.0;
pub(super) const SEGMENT_MM: f64 = 100.0;
pub(super) const SEGMENTS: u32 = 12;
/// The whole path.
pub(super) const LENGTH_MM: usize = 1200;
/// The segment on which overrides are forbidden.
pub(super) const FORCED: u32 = 5;
/// From command to effect.
pub(super) const EFFECT: Duration = Duration::from_ms(20);
/// Change of the factor in a second once the machine has let go.
pub(super) const SLEW_PERMILLE_S: f64 = 2000.0;

/// Straight along X, one line of the program each 100 mm.
pub(super) fn path() -> Path {
    let segment = |index: u32| {
        let (from, to) = (f64::from(index) * SEGMENT_MM, f64::from(index + 1) * SEGMENT_MM);
        Segment {
            kind: SegmentKind::Feed,
            geometry: Geometry::Line { start: Point::new(from, 0.0, 0.0), end: Point::new(to, 0.0, 0.0) },
            start: Station::from_mm(from),
            end: Station::from_mm(to),
            length: Length::mm(SEGMENT_MM),
            feed: Feedrate::mm_s(FEED_MM_S),
            spindle: None,
            tool: Some(ToolNumber(1)),
            at: Provenance { source: SourceId(0), line: index + 1, ..Provenance::default() },
            forced: (index == FORCED).then_some(ForcedReason::Synchronised),
            still: Seconds::ZERO,
            stop_at_end: false,
            corner: CornerRule::Machine,
            turn_rad: [0.0; 3],
        }
    };
    Path::new((0..SEGMENTS).map(segment).collect()).expect("the segments follow each other")
}

/// A machine that goes straight ahead at feed × dial × factor, and lets go by itself.
#[derive(Debug)]
pub(super) struct Machine {
    pub(super) at_mm: f64,
    pub(super) off_mm: f64,
    pub(super) dial: u16,
    pub(super) execution: Execution,
    pub(super) mode: ControllerMode,
    pub(super) line: Option<u32>,
    pub(super) tool: u32,
    pub(super) enabled: bool,
    permille: f64,
    pending: VecDeque<(Instant, Override)>,
    let_go_at: Option<Instant>,
    advanced_at: Instant,
}

impl Machine {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            at_mm: 0.0,
            off_mm: 0.0,
            dial: 1000,
            execution: Execution::Ready,
            mode: ControllerMode::Automatic,
            line: None,
            tool: 1,
            enabled: true,
            permille: 1000.0,
            pending: VecDeque::new(),
            let_go_at: None,
            advanced_at: now,
        }
    }

    pub(super) fn speed_mm_s(&self) -> f64 {
        let moving = self.execution == Execution::Active;
        if moving { FEED_MM_S * self.permille / 1000.0 * f64::from(self.dial) / 1000.0 } else { 0.0 }
    }

    pub(super) fn factor(&self) -> Override {
        Override::from_permille(self.permille as u16).unwrap_or(Override::PROGRAMMED)
    }

    pub(super) fn command(&mut self, now: Instant, factor: Override, time_to_live: Duration) {
        self.pending.push_back((now.after(EFFECT), factor));
        self.let_go_at = Some(now.after(time_to_live));
    }

    pub(super) fn advance(&mut self, now: Instant) {
        let span_s = now.since(self.advanced_at).as_s();
        self.advanced_at = now;
        if self.let_go_at.is_some_and(|at| now >= at) {
            self.permille = (self.permille + SLEW_PERMILLE_S * span_s).min(1000.0);
        }
        self.at_mm = (self.at_mm + self.speed_mm_s() * span_s).min(LENGTH_MM as f64);
        if self.at_mm >= LENGTH_MM as f64 && self.execution == Execution::Active {
            self.execution = Execution::ProgramCompleted;
        }
        while self.pending.front().is_some_and(|(at, _)| *at <= now) {
            let Some((_, factor)) = self.pending.pop_front() else { break };
            self.permille = f64::from(factor.permille());
        }
    }

    pub(super) fn sample(&self, now: Instant) -> ControllerSample {
        let line = 1 + ((self.at_mm / SEGMENT_MM) as u32).min(SEGMENTS - 1);
        ControllerSample {
            execution: Some(self.execution),
            mode: Some(self.mode),
            line: Some(self.line.unwrap_or(line)),
            position: Some(Point::new(self.at_mm, self.off_mm, 0.0)),
            path_feedrate: Some(Feedrate::mm_s(self.speed_mm_s())),
            dial_permille: Some(self.dial),
            factor: Some(self.factor()),
            factor_enabled: Some(self.enabled),
            tool: Some(ToolNumber(self.tool)),
            ..ControllerSample::unavailable(now)
        }
    }
}

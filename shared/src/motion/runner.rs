//! The machine in time: a controller's interpolator, stepped.
//!
//! A [`super::Profile`] knows every factor beforehand. A controller does not: it learns of a new factor when
//! it comes, and from then on moves towards what it allows as fast as the drives can. This runner does that.
//! Each call advances exactly the time it is told, in closed form, phase by phase: speed up, hold, slow down,
//! wait. So the step width does not matter: a thousand steps of 1 ms end where one of 1 s does, but for the
//! last bits.
//!
//! It can always stop for what is ahead. Geometry (corners, arcs, axis limits, stops) is never violated,
//! whatever the overrides do: the braking curve to each of them is kept at every instant. A *lower* factor
//! makes the programmed feed lower at once; the path speed then follows with the full deceleration and is
//! above the new feed while it does. A *higher* one accelerates.

use super::glide::{Course, Glide, Spot};
use super::limits::Drives;
use super::window::{Speeds, Stretch, Window};
use super::{DIAL_MAX, Path, Segment, SegmentKind, Station, StillKind};
use crate::geom::Point;
use crate::ident::Digest;
use crate::machine::Machine;
use crate::units::{Feedrate, Seconds};

/// What is left of a stretch when it counts as done, and how near a braking curve counts as on it, mm: a
/// thousandth of the station's grain, and still a thousand times what rounding leaves on a metre.
const DONE_MM: f64 = 1e-9;

/// Relative difference below which two speeds are equal.
const SAME: f64 = 1e-12;

/// Most phases in one step. A segment takes at most four; a step that crosses a quarter of a million of
/// them would be one of hours.
const PHASES_MAX: usize = 1 << 20;

/// What M0, M1 and M60 do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopRule {
    /// Stands until [`Runner::resume`].
    WaitForPerson,
    /// Goes on by itself: for cycle times without people.
    PassThrough,
}

/// What a controller is told from outside.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Drive {
    /// Factor on feed moves that are not forced; 1.0 is as programmed. Not finite or negative counts as 0.
    pub factor: f64,
    /// The operator's dial: multiplies feeds up to [`DIAL_MAX`] and rapids up to 1.0. Forced moves ignore it.
    pub dial: f64,
    /// Feed hold: the axes come to rest and stay; waits that have begun go on.
    pub hold: bool,
}

impl Drive {
    /// As programmed.
    pub const PROGRAMMED: Self = Self { factor: 1.0, dial: 1.0, hold: false };

    fn speeds(self) -> Speeds {
        if self.hold {
            return Speeds { feed: 0.0, rapid: 0.0, forced: 0.0 };
        }
        let checked = |value: f64| if value.is_finite() { value.clamp(0.0, DIAL_MAX) } else { 0.0 };
        let dial = checked(self.dial);
        Speeds { feed: (checked(self.factor) * dial).min(DIAL_MAX), rapid: dial.min(1.0), forced: 1.0 }
    }
}

/// Where the machine is at the end of a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Motion {
    /// Place in the program.
    pub station: Station,
    /// Speed along the path; zero in a wait.
    pub velocity: Feedrate,
    /// Tip of the tool, work frame.
    pub position: Point,
    /// Index of the segment.
    pub segment: usize,
    /// True once the end of the program is reached.
    pub finished: bool,
    /// What it waits for; `None` while moves are due.
    pub still: Option<StillKind>,
}

/// A machine that runs a path. One runner belongs to one path; given another, it begins that one anew.
#[derive(Clone, Debug)]
pub struct Runner {
    path: Option<Digest>,
    segment: usize,
    done_mm: f64,
    velocity_mm_s: f64,
    waited_s: f64,
    resumed: bool,
    stops: StopRule,
    window: Window,
    /// The ride where the machine limits its jerk; otherwise each phase has constant acceleration.
    glide: Option<Glide>,
}

/// A phase of constant acceleration.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Phase {
    time_s: f64,
    length_mm: f64,
    end_mm_s: f64,
}

impl Runner {
    /// A runner at the beginning of the program that waits for a person at stops.
    ///
    /// # Panics
    /// If an axis of the machine has no speed or no acceleration: such a machine never moves.
    pub fn new(machine: &Machine) -> Self {
        Self::with_stops(machine, StopRule::WaitForPerson)
    }

    /// A runner at the beginning of the program.
    ///
    /// # Panics
    /// As [`Runner::new`].
    pub fn with_stops(machine: &Machine, stops: StopRule) -> Self {
        let drives = Drives::of(machine);
        assert!(drives.can_move(), "every axis needs a speed, an acceleration and, if it states one, a jerk above 0");
        Self {
            path: None,
            segment: 0,
            done_mm: 0.0,
            velocity_mm_s: 0.0,
            waited_s: 0.0,
            resumed: false,
            stops,
            window: Window::new(),
            glide: drives.smooth.then(Glide::new),
        }
    }

    /// Puts the machine at rest at a station of a path, as a restart in the middle of a program does. A wait
    /// there is waited for in the part that is left of it.
    pub fn begin_at(&mut self, path: &Path, station: Station) {
        self.path = None;
        self.begin(path);
        self.segment = path.index_at(station);
        let segment = &path.segments()[self.segment];
        if station >= path.end() {
            self.segment += 1;
        } else if let SegmentKind::Still(_) = segment.kind {
            self.waited_s = segment.still.as_s() * segment.fraction(station);
        } else {
            self.done_mm = station.beyond(segment.start).as_mm();
        }
    }

    /// Ends the stop the machine stands in. Nothing if it stands in none.
    pub fn resume(&mut self) {
        self.resumed = true;
    }

    /// Advances by exactly `dt` (negative counts as none) and says where the machine is then.
    ///
    /// The machine must be the same in every call. Allocates only until the look-ahead window has reached
    /// its size. O(segments crossed); a new factor costs one pass over the window.
    pub fn advance(&mut self, path: &Path, machine: &Machine, dt: Seconds, drive: Drive) -> Motion {
        self.begin(path);
        let speeds = drive.speeds();
        let mut left_s = if dt.is_finite() { dt.as_s().max(0.0) } else { 0.0 };
        for _ in 0..PHASES_MAX {
            let Some(segment) = path.segments().get(self.segment) else {
                break;
            };
            let done = match segment.kind {
                SegmentKind::Still(kind) => self.wait(segment, kind, &mut left_s),
                SegmentKind::Rapid | SegmentKind::Feed if self.glide.is_some() => {
                    self.glide_on(path, machine, speeds, &mut left_s)
                }
                SegmentKind::Rapid | SegmentKind::Feed => {
                    let stretch = *self.window.stretch(path, machine, self.segment, speeds);
                    self.go(&stretch, &mut left_s)
                }
            };
            if !done {
                break;
            }
        }
        self.motion(path)
    }

    fn begin(&mut self, path: &Path) {
        if self.path != Some(path.digest()) {
            self.path = Some(path.digest());
            self.window.clear();
            if let Some(glide) = &mut self.glide {
                glide.stop();
            }
            (self.segment, self.done_mm, self.velocity_mm_s, self.waited_s) = (0, 0.0, 0.0, 0.0);
        }
        // A resume counts for the stop the machine stands in, not for one to come.
        let stands = path
            .segments()
            .get(self.segment)
            .is_some_and(|segment| segment.kind == SegmentKind::Still(StillKind::Stop));
        self.resumed &= stands;
    }

    /// Waits; true if there may be more to do in this step.
    fn wait(&mut self, segment: &Segment, kind: StillKind, left_s: &mut f64) -> bool {
        let over = match kind {
            StillKind::Stop => self.resumed || self.stops == StopRule::PassThrough,
            _ => true,
        };
        let needed_s = segment.still.as_s() - self.waited_s;
        if !over || needed_s > *left_s {
            self.waited_s += left_s.min(needed_s.max(0.0));
            *left_s = 0.0;
            return false;
        }
        *left_s -= needed_s.max(0.0);
        self.next_segment();
        true
    }

    /// Moves through one phase; true if there may be more to do in this step.
    fn go(&mut self, stretch: &Stretch, left_s: &mut f64) -> bool {
        let remaining_mm = stretch.length_mm - self.done_mm;
        if remaining_mm <= DONE_MM {
            self.velocity_mm_s = self.velocity_mm_s.min(stretch.exit_corner_mm2_s2.sqrt());
            self.next_segment();
            return true;
        }
        let Some(phase) = phase(self.velocity_mm_s, remaining_mm, stretch) else {
            return false;
        };
        if phase.time_s <= *left_s {
            self.done_mm += phase.length_mm;
            self.velocity_mm_s = phase.end_mm_s;
            *left_s -= phase.time_s;
            return true;
        }
        let end_mm_s = self.velocity_mm_s + (phase.end_mm_s - self.velocity_mm_s) * (*left_s / phase.time_s);
        self.done_mm += *left_s * (self.velocity_mm_s + end_mm_s) / 2.0;
        self.velocity_mm_s = end_mm_s;
        *left_s = 0.0;
        false
    }

    /// Moves through one phase of a ride with limited jerk; true if there may be more to do in this step.
    fn glide_on(&mut self, path: &Path, machine: &Machine, speeds: Speeds, left_s: &mut f64) -> bool {
        let Some(glide) = &mut self.glide else {
            return false;
        };
        let mut spot = Spot { segment: self.segment, done_mm: self.done_mm };
        let mut course = Course { path, machine, window: &mut self.window };
        let more = glide.go(&mut course, &mut spot, speeds, left_s);
        self.velocity_mm_s = glide.state.velocity_mm_s;
        if spot.segment > self.segment {
            self.segment = spot.segment - 1;
            self.next_segment();
        }
        self.done_mm = spot.done_mm;
        more
    }

    fn next_segment(&mut self) {
        self.segment += 1;
        self.done_mm = 0.0;
        self.waited_s = 0.0;
        self.resumed = false;
    }

    fn motion(&self, path: &Path) -> Motion {
        let last = path.segments().len() - 1;
        let Some(segment) = path.segments().get(self.segment) else {
            return Motion {
                station: path.end(),
                velocity: Feedrate::ZERO,
                position: path.segments()[last].geometry.end(),
                segment: last,
                finished: true,
                still: None,
            };
        };
        let still = if let SegmentKind::Still(kind) = segment.kind { Some(kind) } else { None };
        let whole_mm = (segment.end.as_nm() - segment.start.as_nm()) as f64 * 1e-6;
        let fraction = match still {
            None => self.done_mm / whole_mm,
            Some(_) if segment.still > Seconds::ZERO => self.waited_s / segment.still.as_s(),
            Some(_) => 0.0,
        };
        let fraction = fraction.clamp(0.0, 1.0);
        Motion {
            station: segment.station(fraction),
            velocity: Feedrate::mm_s(self.velocity_mm_s),
            position: segment.geometry.point(fraction),
            segment: self.segment,
            finished: false,
            still,
        }
    }
}

/// What to do next on a stretch with so much of it left; `None` is to stand.
fn phase(velocity_mm_s: f64, remaining_mm: f64, stretch: &Stretch) -> Option<Phase> {
    let (cap_mm_s, acceleration_mm_s2) = (stretch.speed_mm_s, stretch.acceleration_mm_s2);
    let square = velocity_mm_s * velocity_mm_s;
    let braking = 2.0 * acceleration_mm_s2 * remaining_mm;
    let curve = stretch.exit_mm2_s2 + braking;
    if velocity_mm_s > 0.0 && square >= curve - 2.0 * acceleration_mm_s2 * DONE_MM {
        // On the braking curve, or above it because a factor has dropped: to the end of the stretch.
        return Some(brake(velocity_mm_s, remaining_mm, stretch));
    }
    if velocity_mm_s > cap_mm_s * (1.0 + SAME) {
        let length_mm = (square - cap_mm_s * cap_mm_s) / (2.0 * acceleration_mm_s2);
        return Some(over(length_mm, velocity_mm_s, cap_mm_s));
    }
    if cap_mm_s <= 0.0 {
        return None;
    }
    if velocity_mm_s >= cap_mm_s * (1.0 - SAME) {
        let room_mm = remaining_mm - (square - stretch.exit_mm2_s2) / (2.0 * acceleration_mm_s2);
        return Some(over(room_mm.clamp(0.0, remaining_mm), velocity_mm_s, velocity_mm_s));
    }
    // As far as the cap, the braking curve or the end of the stretch allows.
    let peak_mm_s = ((square + curve) / 2.0).min(square + braking).sqrt().min(cap_mm_s);
    let length_mm = (peak_mm_s * peak_mm_s - square) / (2.0 * acceleration_mm_s2);
    Some(over(length_mm.clamp(0.0, remaining_mm), velocity_mm_s, peak_mm_s))
}

/// Full deceleration to the end of the stretch.
fn brake(velocity_mm_s: f64, remaining_mm: f64, stretch: &Stretch) -> Phase {
    let braking = 2.0 * stretch.acceleration_mm_s2 * remaining_mm;
    let square = velocity_mm_s * velocity_mm_s;
    let end_mm_s = (square - braking).max(stretch.exit_mm2_s2).sqrt().min(velocity_mm_s);
    over(remaining_mm, velocity_mm_s, end_mm_s)
}

fn over(length_mm: f64, from_mm_s: f64, end_mm_s: f64) -> Phase {
    Phase { time_s: super::ramp::stretch_s(length_mm, from_mm_s, end_mm_s), length_mm, end_mm_s }
}

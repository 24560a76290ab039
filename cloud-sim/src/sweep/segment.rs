use std::f64::consts::TAU;
use std::ops::RangeInclusive;

use shared::cutting::{ANGLE_BINS, Engagement, EngagementSlice};
use shared::det::math;
use shared::geom::{Point, Vector};
use shared::motion::{Geometry, Segment, SegmentKind};
use shared::units::RotaryVelocity;

use super::Cutter;
use super::band::Tally;
use super::kernel::{cut_piece, cut_pieces};
use super::piece::Piece;
use crate::collision::{Finding, FindingKind, RAPID_REMOVED_MAX_MM3, TOUCH_MAX_MM};
use crate::engagement::{CutStep, Pose, SAMPLE_CELLS_MAX};
use crate::executor::Executor;
use crate::stock::HeightMap;

/// Greatest sagitta of the chords of an arc, in cells.
pub const SAGITTA_CELLS: f64 = 0.1;

/// Most steps of one segment; longer segments get longer steps.
const STEPS_MAX: f64 = 100_000.0;

/// Most chords of one step: an arc of 10 m radius on the finest cell needs about one for each mm.
const CHORDS_MAX: f64 = 10_000.0;

/// A descent steeper than this dz/ds is a plunge for a cutter that does not cut at its centre. Gentler ones
/// are ramps, whose limit the tool's maker gives.
const PLUNGE_SLOPE: f64 = 1.0;

/// Share by which the engagement may differ between both ends of a step before it is cut into parts, and how many
/// of them there are at most.
const CONTACT_CHANGE: f64 = 0.4;
const PARTS_MAX: f64 = 8.0;

/// Mean drop of the cells under a step, mm, below which nothing was cut: the same path walked again in other
/// steps differs by the rounding of single precision.
const CUT_MIN_MM: f64 = 1e-5;

/// Bounds of the way that a step's sample stands back because the sampler looks ahead, in cells.
const LOOK_AHEAD_CELLS: RangeInclusive<f64> = 1.0..=4.0;

/// How a segment is cut.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SweepOptions {
    /// Greatest length of a [`CutStep`] along the path, mm.
    pub step_mm: f64,
    /// Length of a last step of its own at the end of a segment, mm; zero for none. A segment may end against
    /// a wall that its last full step, sampled in its middle, hardly sees.
    pub last_mm: f64,
    /// How far the path goes on behind the segment in its last direction, mm
    /// ([`straight_on_mm`]).
    pub beyond_mm: f64,
    /// Length of the parts into which a step is cut where the cutter meets or leaves material within it, mm; zero
    /// leaves it whole.
    pub contact_mm: f64,
    /// Whether this cutter has just cut up to where the segment begins: what lies behind is then left alone, which
    /// halves the cost of short segments.
    pub begins: Begins,
}

/// What was cut before a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begins {
    /// Nothing is known: the cutter's first place is cut as well.
    Anew,
    /// The same cutter has cut a path that ends where the segment begins.
    WhereTheLastEnded,
}

/// How far from its tangent a path may be that still counts as straight, in cells.
const STRAIGHT_CELLS: f64 = 0.25;

/// How far a path may be followed along the tangent at the end of a segment before it has left it by
/// [`STRAIGHT_CELLS`], mm, by the segment that comes next.
pub fn straight_on_mm(segment: &Segment, next: Option<&Segment>, cell_mm: f64) -> f64 {
    let Some(next) = next.filter(|next| !matches!(next.geometry, Geometry::Still { .. })) else { return 0.0 };
    let (last, first) = (segment.geometry.tangent(1.0), next.geometry.tangent(0.0));
    if last.dot(&first) <= 0.0 {
        return 0.0;
    }
    let turn = last.cross(&first).norm();
    (STRAIGHT_CELLS * cell_mm / turn.max(1e-9)).min(bent_mm(&next.geometry, cell_mm)).min(next.length.as_mm())
}

/// The same along the tangent of one geometry: an arc leaves it by d²/2ρ.
fn bent_mm(geometry: &Geometry, cell_mm: f64) -> f64 {
    match geometry {
        Geometry::Arc { start, centre, normal, .. } => {
            let arm = start - centre;
            (2.0 * STRAIGHT_CELLS * cell_mm * (arm - normal * arm.dot(normal)).norm()).sqrt()
        }
        _ => f64::INFINITY,
    }
}

/// Why a moving segment was not cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotCut {
    /// No tool in the spindle.
    NoTool,
    /// The tool has no description.
    UnknownTool,
}

/// What cutting one segment did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SegmentCut {
    /// Index of the segment in the path.
    pub segment: u32,
    /// Its steps in order; none where nothing moves or nothing can cut.
    pub steps: Vec<CutStep>,
    /// Removed volume, mm³: the sum over the steps, in order.
    pub removed_mm3: f64,
    /// Contacts, at most one of a kind.
    pub findings: Vec<Finding>,
    /// Set where the segment moves and was not cut.
    pub not_cut: Option<NotCut>,
    /// True where the work or the tool turned on the way, or the tool leaned in its head: speeds and directions at the edge
    /// are then not those of the segment, and each step states its own ([`CutStep::way`]).
    pub turns: bool,
}

impl SegmentCut {
    pub(super) fn begin(&mut self, segment: u32) {
        self.segment = segment;
        self.steps.clear();
        self.removed_mm3 = 0.0;
        self.findings.clear();
        self.not_cut = None;
        self.turns = false;
    }

    /// Empties this for a segment that is not cut.
    pub(super) fn leave(&mut self, index: u32, segment: &Segment, reason: NotCut) {
        self.begin(index);
        self.not_cut = (!matches!(segment.kind, SegmentKind::Still(_))).then_some(reason);
    }

    /// Keeps the deepest finding of its kind; volumes of the same kind add up.
    pub(super) fn note(&mut self, finding: Finding) {
        match self.findings.iter_mut().find(|known| known.kind == finding.kind) {
            Some(known) => {
                let removed_mm3 = known.removed_mm3 + finding.removed_mm3;
                if finding.depth_mm > known.depth_mm {
                    *known = finding;
                }
                known.removed_mm3 = removed_mm3;
            }
            None => self.findings.push(finding),
        }
    }
}

/// Cuts one segment in steps into `out`, which is emptied first and keeps its memory.
///
/// Segments without movement cut nothing. The spindle's direction mirrors the engagement; whether it turns at
/// all is the caller's concern. The executor may be used inside large steps; the result does not depend on it. Once it is
/// cancelled the rest is left out, and neither stock nor result is good for anything.
pub fn cut_segment(
    map: &mut HeightMap,
    cutter: &Cutter,
    index: u32,
    segment: &Segment,
    options: &SweepOptions,
    executor: &dyn Executor,
    out: &mut SegmentCut,
) {
    out.begin(index);
    let length_mm = segment.length.as_mm();
    if matches!(segment.kind, SegmentKind::Still(_)) || matches!(segment.geometry, Geometry::Still { .. }) {
        return;
    }
    let borders = Borders::of(length_mm, options);
    let above = lowest_z(&segment.geometry) >= f64::from(map.top);
    let mut stepper = Stepper {
        map,
        cutter,
        index,
        segment,
        executor,
        mirrored: segment.spindle.is_some_and(|speed| speed < RotaryVelocity::ZERO),
        length_mm,
        beyond_mm: options.beyond_mm,
        contact_mm: options.contact_mm,
        ahead_cells: *LOOK_AHEAD_CELLS.start(),
        seen: None,
        begins: options.begins,
    };
    out.steps.reserve(borders.steps());
    for step in 0..borders.steps() {
        // Both ends are looked at.
        if stepper.executor.stops_before(2 * SAMPLE_CELLS_MAX) {
            return;
        }
        let (from, to) = (borders.fraction(step), borders.fraction(step + 1));
        let parts = if above { 1 } else { stepper.look(from, to) };
        let border = |part: usize| if part == parts { to } else { from + (to - from) * part as f64 / parts as f64 };
        for part in 0..parts {
            if stepper.executor.stops_before(SAMPLE_CELLS_MAX) {
                return;
            }
            let (from, to) = (border(part), border(part + 1));
            let mut done = CutStep {
                segment: index,
                from: segment.station(from),
                to: segment.station(to),
                removed_mm3: 0.0,
                removed_cells: 0,
                engagement: Engagement::default(),
                way: None,
            };
            if !above {
                stepper.step(from, to, &mut done, out);
            }
            out.removed_mm3 += done.removed_mm3;
            out.steps.push(done);
        }
    }
    // A rapid is reported for all it removed, and not for grazing a cell.
    out.findings
        .retain(|finding| finding.kind != FindingKind::RapidInStock || finding.removed_mm3 > RAPID_REMOVED_MAX_MM3);
}

/// Where the steps of a segment begin and end, as fractions of it.
struct Borders {
    /// Steps of equal length.
    equal: usize,
    /// Where they end; below 1 a last step follows.
    equal_to: f64,
}

impl Borders {
    fn of(length_mm: f64, options: &SweepOptions) -> Self {
        let last_mm = if length_mm > 2.0 * options.last_mm { options.last_mm } else { 0.0 };
        let equal = ((length_mm - last_mm) / options.step_mm.max(1e-3) - 1e-9).ceil().clamp(1.0, STEPS_MAX);
        Self { equal: equal as usize, equal_to: 1.0 - last_mm / length_mm.max(f64::MIN_POSITIVE) }
    }

    fn steps(&self) -> usize {
        self.equal + usize::from(self.equal_to < 1.0)
    }

    fn fraction(&self, border: usize) -> f64 {
        if border > self.equal { 1.0 } else { self.equal_to * (border as f64 / self.equal as f64) }
    }
}

/// Cuts a path of the tip without engagement or findings; returns the removed volume in mm³.
pub fn cut_geometry(map: &mut HeightMap, cutter: &Cutter, geometry: &Geometry, executor: &dyn Executor) -> f64 {
    let area_mm2 = map.grid.cell_area_mm2();
    let mut tally = Tally::default();
    let cell_mm = map.grid.cell_x.min(map.grid.cell_y);
    for piece in pieces(geometry, (0.0, 1.0), cell_mm, false) {
        tally.add(&cut_piece(map, cutter, &piece, executor));
    }
    tally.drop_mm * area_mm2
}

/// Cuts many paths in order and says what each removed, mm³. Rows of tiles are handed to the executor for all the
/// paths at once, which pays with short moves too; neither the stock nor a volume depends on it.
pub fn cut_geometries(map: &mut HeightMap, paths: &[(&Cutter, Geometry)], executor: &dyn Executor) -> Vec<f64> {
    let area_mm2 = map.grid.cell_area_mm2();
    let cell_mm = map.grid.cell_x.min(map.grid.cell_y);
    let straight = |geometry: &Geometry| pieces(geometry, (0.0, 1.0), cell_mm, false);
    let all = paths.iter().flat_map(|(cutter, geometry)| straight(geometry).map(move |piece| (*cutter, piece)));
    let mut tallies = cut_pieces(map, all, executor).into_iter();
    let removed = paths.iter().map(|(_, geometry)| {
        let mut sum = Tally::default();
        tallies.by_ref().take(straight(geometry).count()).for_each(|tally| sum.add(&tally));
        sum.drop_mm * area_mm2
    });
    removed.collect()
}

/// What a path would remove from the stock as it stands, mm³; the stock stays.
pub fn removed_dry_mm3(map: &HeightMap, cutter: &Cutter, geometry: &Geometry, executor: &dyn Executor) -> f64 {
    cut_geometry(&mut map.fork(), cutter, geometry, executor)
}

struct Stepper<'a> {
    map: &'a mut HeightMap,
    cutter: &'a Cutter,
    index: u32,
    segment: &'a Segment,
    executor: &'a dyn Executor,
    mirrored: bool,
    length_mm: f64,
    beyond_mm: f64,
    contact_mm: f64,
    /// How far the sampler looks ahead with what was engaged last, in cells.
    ahead_cells: f64,
    /// What was seen at the end of the last step, and where that is.
    seen: Option<(f64, Seen)>,
    begins: Begins,
}

/// How much of the edge is in material at a place.
#[derive(Clone, Copy)]
struct Seen {
    /// Height times share of the turn, mm.
    engaged_mm: f64,
    /// Bins in material at any height.
    mask: u128,
}

/// How far ahead of the cutter's surface the sampler finds its material on the whole: half a cell ahead and half
/// a cell to the side make ½(1 + |cot φ|) cells along the path, and a bin counts by the sin φ of what it sweeps.
fn look_ahead_cells(mask: u128) -> f64 {
    let (mut ahead, mut sines) = (0.0, 0.0);
    for bin in (0..ANGLE_BINS / 2).filter(|bin| mask >> bin & 1 == 1) {
        let (sine, cosine) = math::sin_cos((bin as f64 + 0.5) * TAU / ANGLE_BINS as f64);
        ahead += 0.5 * (sine + cosine.abs());
        sines += sine;
    }
    if sines > 0.0 { (ahead / sines).clamp(*LOOK_AHEAD_CELLS.start(), *LOOK_AHEAD_CELLS.end()) } else { 1.0 }
}

impl Stepper<'_> {
    /// Looks at both ends of a step, and tells into how many parts it is to be cut: more than one where the
    /// cutter meets or leaves material within it, which one sample in its middle would either miss or spread over
    /// the whole of it.
    fn look(&mut self, from: f64, to: f64) -> usize {
        let most = (self.length_mm * (to - from) / self.contact_mm).floor().min(PARTS_MAX);
        if self.contact_mm <= 0.0 || most < 2.0 {
            return 1;
        }
        let cell_mm = self.map.grid.cell_x.min(self.map.grid.cell_y);
        // What was seen ahead of the end of the step before is still there: a cut takes what lies behind its surface.
        let start = self.seen.filter(|(at, _)| *at == from).map_or_else(|| self.see(from, cell_mm), |(_, seen)| seen);
        let end = self.see(to, cell_mm);
        self.seen = Some((to, end));
        self.ahead_cells = look_ahead_cells(start.mask | end.mask);
        let (less, more) = (start.engaged_mm.min(end.engaged_mm), start.engaged_mm.max(end.engaged_mm));
        if more - less > CONTACT_CHANGE * more { most as usize } else { 1 }
    }

    fn see(&self, at: f64, cell_mm: f64) -> Seen {
        let pose = self.pose(at, cell_mm);
        let engagement = self.cutter.sampler.sample(self.map, self.cutter.profile(), &pose).engagement;
        let share = |slice: &EngagementSlice| (slice.high_mm - slice.low_mm) * f64::from(slice.mask.count_ones());
        let engaged_mm = engagement.slices.iter().map(share).sum::<f64>() / ANGLE_BINS as f64;
        Seen { engaged_mm, mask: engagement.mask() }
    }

    fn pose(&self, at: f64, cell_mm: f64) -> Pose {
        let geometry = &self.segment.geometry;
        let left_mm = self.length_mm * (1.0 - at) + self.beyond_mm;
        Pose {
            tip: geometry.point(at),
            travel: geometry.tangent(at),
            mirrored: self.mirrored,
            straight_on_mm: left_mm.min(bent_mm(geometry, cell_mm)),
        }
    }

    fn step(&mut self, from: f64, to: f64, done: &mut CutStep, out: &mut SegmentCut) {
        let geometry = &self.segment.geometry;
        let cell_mm = self.map.grid.cell_x.min(self.map.grid.cell_y);
        let middle = self.sampled_at(from, to, cell_mm);
        let pose = self.pose(middle, cell_mm);
        let sample = self.cutter.sampler.sample(self.map, self.cutter.profile(), &pose);
        let mut tally = Tally::default();
        let rapid = self.segment.kind == SegmentKind::Rapid;
        let plunge = !self.cutter.centre_cutting() && is_plunge(&pose.travel);
        for piece in pieces(geometry, (from, to), cell_mm, rapid || plunge) {
            let piece = Piece { continued: piece.continued || self.begins == Begins::WhereTheLastEnded, ..piece };
            tally.add(&cut_piece(self.map, self.cutter, &piece, self.executor));
            for touch in self.cutter.body.touches(self.map, (piece.start, piece.end), self.executor) {
                out.note(self.finding(touch.kind, done, touch.place, touch.depth_mm));
            }
        }
        if tally.cells == 0 {
            return;
        }
        done.removed_mm3 = tally.drop_mm * self.map.grid.cell_area_mm2();
        done.removed_cells = tally.cells;
        if tally.drop_mm < CUT_MIN_MM * f64::from(tally.cells) {
            return;
        }
        done.engagement = sample.engagement;
        if sample.above_flutes_mm > TOUCH_MAX_MM {
            out.note(self.finding(FindingKind::ShankInStock, done, pose.tip, sample.above_flutes_mm));
        }
        let Some((drop, column, row)) = tally.deepest else {
            return;
        };
        let grid = &self.map.grid;
        let left = f64::from(self.map.cell(column, row));
        let place = Point::new(grid.centre_x(column), grid.centre_y(row), left + f64::from(drop));
        if rapid {
            let finding = self.finding(FindingKind::RapidInStock, done, place, f64::from(drop));
            out.note(Finding { removed_mm3: done.removed_mm3, ..finding });
        }
        if plunge {
            let finding = self.finding(FindingKind::NonCentreCuttingPlunge, done, place, f64::from(drop));
            out.note(Finding { removed_mm3: done.removed_mm3, ..finding });
        }
    }

    /// Where the engagement of a step is sampled: in its middle, less the way that the sampler looks ahead.
    fn sampled_at(&self, from: f64, to: f64, cell_mm: f64) -> f64 {
        let middle = 0.5 * (from + to);
        let tangent = self.segment.geometry.tangent(middle);
        let horizontal = (tangent.x * tangent.x + tangent.y * tangent.y).sqrt();
        (middle - self.ahead_cells * cell_mm * horizontal / self.length_mm).max(from)
    }

    fn finding(&self, kind: FindingKind, done: &CutStep, place: Point, depth_mm: f64) -> Finding {
        let line = self.segment.at.line;
        Finding { kind, segment: self.index, line, station: done.to, place, depth_mm, removed_mm3: 0.0 }
    }
}

fn is_plunge(travel: &Vector) -> bool {
    let horizontal = (travel.x * travel.x + travel.y * travel.y).sqrt();
    travel.z < 0.0 && -travel.z > PLUNGE_SLOPE * horizontal
}

/// A lower bound on the height of the tip.
fn lowest_z(geometry: &Geometry) -> f64 {
    let ends = geometry.start().z.min(geometry.end().z);
    match geometry {
        Geometry::Arc { start, centre, normal, .. } if normal.z.abs() < 1.0 - 1e-9 => {
            ends.min(centre.z - (start - centre).norm())
        }
        _ => ends,
    }
}

/// The straight pieces of a stretch of a path, in order.
fn pieces(
    geometry: &Geometry,
    (from, to): (f64, f64),
    cell_mm: f64,
    track: bool,
) -> impl Iterator<Item = Piece> + use<> {
    let chords = chords(geometry, (from, to), cell_mm);
    let geometry = *geometry;
    let straight = matches!(geometry, Geometry::Line { .. });
    (0..chords).map(move |chord| {
        let fraction = |chord: usize| from + (to - from) * chord as f64 / chords as f64;
        Piece {
            start: geometry.point(fraction(chord)),
            end: geometry.point(fraction(chord + 1)),
            continued: straight && from > 0.0,
            track,
        }
    })
}

/// Straight pieces of a stretch of a path: chords whose sagitta is at most [`SAGITTA_CELLS`].
pub(super) fn chords(geometry: &Geometry, (from, to): (f64, f64), cell_mm: f64) -> usize {
    match geometry {
        Geometry::Line { .. } => 1,
        Geometry::Still { .. } => 0,
        Geometry::Arc { start, centre, normal, sweep_rad, .. } => {
            let arm = start - centre;
            let radius_mm = (arm - normal * arm.dot(normal)).norm();
            let sagitta_mm = (SAGITTA_CELLS * cell_mm).min(radius_mm);
            let chord_rad = if radius_mm > 0.0 { 2.0 * math::acos(1.0 - sagitta_mm / radius_mm) } else { 1.0 };
            (sweep_rad.abs() * (to - from) / chord_rad).ceil().clamp(1.0, CHORDS_MAX) as usize
        }
    }
}

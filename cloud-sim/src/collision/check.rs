//! A path against the fixtures, segment by segment.
//!
//! A run of segments is first held against each fixture by the box that it sweeps with all of the tool: most of a program
//! is nowhere near a clamp, and that ends it. What is left is asked part by part and piece by piece with the clearance as
//! the margin; arcs and helices as chords whose deviation is added to it. Only what is not clear of that margin is looked at
//! exactly: does it touch, where first, how deep; or how close does it pass.
//!
//! A tool that is wholly inside a closed fixture touches no triangle. Between two poses it can only get there through
//! the surface, so the question is asked where continuity does not answer it: at the first move, with another tool, after a
//! jump, and after a contact.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use shared::det::math;
use shared::geom::{Aabb, Point, Vector};
use shared::ident::ToolNumber;
use shared::motion::{Geometry, Segment, SegmentKind};

use super::body::{ToolBody, Turned};
use super::fixture::{Fixture, Fixtures};
use super::swept::{Nearest, Swept, between, point};
use super::{Clearance, Finding, FindingKind};
use crate::executor::Executor;

/// Segments whose common box is tried before any of them.
const RUN: usize = 24;

/// Closer than this is touching, mm: more than what chords, prisms and rounding can be wrong by.
pub(super) const CONTACT_MM: f64 = 0.01;

/// Deviation of the chords of an arc where it is looked at exactly, mm; and coarsely, as a share of the clearance with
/// bounds.
const FINE_MM: f64 = 0.005;
const COARSE_SHARE: f64 = 0.25;
const COARSE_MM: std::ops::RangeInclusive<f64> = 0.02..=0.5;

/// Most chords of an arc: ten metres of radius to five micrometres need three thousand for a turn.
const CHORDS_MAX: f64 = 100_000.0;

/// Halvings in the search for the first contact, and for the depth.
const HALVINGS: usize = 24;
const DEPTH_HALVINGS: usize = 12;

/// Distance by which two moves may miss each other and still join, mm.
const JOINED_MM: f64 = 1e-6;

/// What became of one segment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SegmentClearance {
    /// How it passes.
    pub class: Clearance,
    /// What it touches or passes too closely: for each part and fixture at most one.
    pub findings: Vec<Finding>,
}

/// Where the tool was left, and whether it is known to be outside of everything there.
#[derive(Clone, Copy, Debug, Default)]
pub struct Continuity {
    outside: Option<(ToolNumber, Point)>,
    turned: bool,
}

/// Holds segments against the fixtures, in order; `first` is the index of the first of them. The result does not depend on
/// how a path is cut into calls, as long as each continues where the last one ended, nor on the executor; once that is
/// cancelled the rest is left out.
pub fn check_segments(
    (fixtures, bodies): (&Fixtures, &BTreeMap<ToolNumber, ToolBody>),
    (segments, first): (&[Segment], u32),
    state: &mut Continuity,
    executor: &dyn Executor,
) -> Vec<SegmentClearance> {
    if fixtures.is_empty() {
        return vec![SegmentClearance::default(); segments.len()];
    }
    let results: Vec<OnceLock<Vec<SegmentClearance>>> =
        (0..segments.len().div_ceil(RUN)).map(|_| OnceLock::new()).collect();
    executor.run(results.len(), &|run| {
        if executor.is_cancelled() {
            return;
        }
        let from = run * RUN;
        let run_segments = &segments[from..(from + RUN).min(segments.len())];
        results[run].get_or_init(|| check_run(fixtures, bodies, run_segments, first + from as u32));
    });
    let mut checked: Vec<SegmentClearance> = results.into_iter().filter_map(OnceLock::into_inner).flatten().collect();
    for (offset, (segment, result)) in segments.iter().zip(&mut checked).enumerate() {
        follow(fixtures, bodies, (segment, first + offset as u32), state, result);
    }
    checked
}

/// Adds what continuity has to say about a segment, and moves on.
fn follow(
    fixtures: &Fixtures,
    bodies: &BTreeMap<ToolNumber, ToolBody>,
    (segment, index): (&Segment, u32),
    state: &mut Continuity,
    result: &mut SegmentClearance,
) {
    state.turned |= segment.turn_rad.iter().any(|turn| *turn != 0.0);
    if !moves(segment) {
        return;
    }
    let known = segment.tool.and_then(|tool| Some((tool, bodies.get(&tool)?)));
    let Some((tool, body)) = known.filter(|_| !state.turned) else {
        *result = SegmentClearance { class: Clearance::Unchecked, findings: Vec::new() };
        state.outside = None;
        return;
    };
    let start = segment.geometry.start();
    let follows = |(last, at): (ToolNumber, Point)| last == tool && (at - start).norm() <= JOINED_MM;
    if !state.outside.is_some_and(follows) {
        let findings = inside(fixtures, body, (segment, index), &start);
        findings.into_iter().for_each(|finding| note(&mut result.findings, finding));
        if result.findings.iter().any(|finding| finding.kind.is_contact()) {
            result.class = Clearance::Touch;
        }
    }
    state.outside = (result.class != Clearance::Touch).then(|| (tool, segment.geometry.end()));
}

fn moves(segment: &Segment) -> bool {
    !matches!(segment.kind, SegmentKind::Still(_)) && !matches!(segment.geometry, Geometry::Still { .. })
}

/// The parts of a tool that begin a segment inside a fixture.
fn inside(fixtures: &Fixtures, body: &ToolBody, (segment, index): (&Segment, u32), start: &Point) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, fixture) in fixtures.list.iter().enumerate() {
        for part in &body.parts {
            let place = point(Swept::new(part, start, start).inner());
            if fixture.holds(&place) {
                let kind = FindingKind::FixtureTouched { part: part.part, fixture: number as u16 };
                let depth_mm = part.slimming_max();
                note(&mut findings, finding(kind, (segment, index), 0.0, place, depth_mm));
            }
        }
    }
    findings
}

pub(super) fn finding(
    kind: FindingKind,
    (segment, index): (&Segment, u32),
    fraction: f64,
    place: Point,
    depth_mm: f64,
) -> Finding {
    let station = segment.station(fraction);
    Finding { kind, segment: index, line: segment.at.line, station, place, depth_mm, removed_mm3: 0.0 }
}

/// Keeps the deepest finding of its kind, at the earliest station of them.
pub(super) fn note(findings: &mut Vec<Finding>, finding: Finding) {
    match findings.iter_mut().find(|known| known.kind == finding.kind) {
        Some(known) => {
            let station = known.station.min(finding.station);
            if finding.depth_mm > known.depth_mm {
                *known = finding;
            }
            known.station = station;
        }
        None => findings.push(finding),
    }
}

fn check_run(
    fixtures: &Fixtures,
    bodies: &BTreeMap<ToolNumber, ToolBody>,
    segments: &[Segment],
    first: u32,
) -> Vec<SegmentClearance> {
    let mut out = Vec::with_capacity(segments.len());
    for same_tool in segments.chunk_by(|a, b| a.tool == b.tool) {
        let index = first + out.len() as u32;
        let Some(body) = same_tool[0].tool.and_then(|tool| bodies.get(&tool)) else {
            out.extend(same_tool.iter().map(|_| SegmentClearance::default()));
            continue;
        };
        let moving = same_tool.iter().filter(|segment| moves(segment));
        let swept = moving.map(|segment| path_bounds(&segment.geometry)).fold(Aabb::EMPTY, |all, own| all.union(&own));
        let swept = around(&swept, body);
        let in_reach = |fixture: &Fixture| fixture.any_within(&swept.grown(fixture.clearance_mm + COARSE_MM.end()));
        let near: Vec<(u16, &Fixture)> =
            (0u16..).zip(&fixtures.list).filter(|(_, fixture)| !swept.is_empty() && in_reach(fixture)).collect();
        for (offset, segment) in same_tool.iter().enumerate() {
            out.push(match moves(segment) {
                true => check_segment(&near, body, (segment, index + offset as u32)),
                false => SegmentClearance::default(),
            });
        }
    }
    out
}

/// The box that a body sweeps whose tip stays in a box.
fn around(tip: &Aabb, body: &ToolBody) -> Aabb {
    let radius = Vector::new(body.radius, body.radius, 0.0);
    Aabb {
        min: tip.min - radius + Vector::new(0.0, 0.0, body.low),
        max: tip.max + radius + Vector::new(0.0, 0.0, body.high),
    }
}

/// A box around the path of the tip, at most half a millimetre wider than it.
pub(crate) fn path_bounds(geometry: &Geometry) -> Aabb {
    let ends = Aabb::EMPTY.with(&geometry.start()).with(&geometry.end());
    match geometry {
        Geometry::Arc { .. } => {
            let deviation = *COARSE_MM.end();
            let chords = chords(geometry, deviation);
            let points = (1..chords).map(|chord| geometry.point(chord as f64 / chords as f64));
            points.fold(ends, |bounds, point| bounds.with(&point)).grown(deviation)
        }
        _ => ends,
    }
}

/// How many chords keep a deviation.
fn chords(geometry: &Geometry, deviation: f64) -> usize {
    let Geometry::Arc { start, centre, normal, sweep_rad, .. } = geometry else { return 1 };
    let arm = start - centre;
    let radius = (arm - normal * arm.dot(normal)).norm();
    if radius <= deviation {
        return 4;
    }
    let chord_rad = 2.0 * math::acos(1.0 - deviation / radius);
    (sweep_rad.abs() / chord_rad).ceil().clamp(1.0, CHORDS_MAX) as usize
}

/// The straight pieces of a path, with the fractions at which they begin and end.
fn pieces(geometry: &Geometry, deviation: f64) -> impl Iterator<Item = (f64, f64, Point, Point)> {
    let (count, geometry) = (chords(geometry, deviation), *geometry);
    (0..count).map(move |piece| {
        let (from, to) = (piece as f64 / count as f64, (piece + 1) as f64 / count as f64);
        (from, to, geometry.point(from), geometry.point(to))
    })
}

fn check_segment(near: &[(u16, &Fixture)], body: &ToolBody, of: (&Segment, u32)) -> SegmentClearance {
    let mut result = SegmentClearance { class: Clearance::Clear, findings: Vec::new() };
    let geometry = &of.0.geometry;
    let is_arc = matches!(geometry, Geometry::Arc { .. });
    for &(number, fixture) in near {
        let coarse = (fixture.clearance_mm * COARSE_SHARE).clamp(*COARSE_MM.start(), *COARSE_MM.end());
        let gap = fixture.clearance_mm.max(CONTACT_MM) + if is_arc { coarse } else { 0.0 };
        let (mut touched, mut passed) = (Vec::new(), Vec::new());
        for part in &body.parts {
            let may = |(_, _, from, to): (f64, f64, Point, Point)| fixture.is_near(&Swept::new(part, &from, &to), gap);
            if !pieces(geometry, coarse).any(may) {
                continue;
            }
            if let Some((fraction, place, depth_mm)) = contact(fixture, part, geometry) {
                let kind = FindingKind::FixtureTouched { part: part.part, fixture: number };
                note(&mut touched, finding(kind, of, fraction, place, depth_mm));
            } else if let Some((fraction, nearest)) = closest(fixture, part, geometry) {
                let kind = FindingKind::FixtureNear { part: part.part, fixture: number };
                let missing_mm = fixture.clearance_mm - nearest.distance_mm;
                note(&mut passed, finding(kind, of, fraction, point(nearest.place), missing_mm));
            }
        }
        // What touches passes too closely as well; saying so beside it helps nobody.
        let (class, findings) =
            if touched.is_empty() { (Clearance::Near, passed) } else { (Clearance::Touch, touched) };
        if !findings.is_empty() {
            result.class = result.class.max(class);
            result.findings.extend(findings);
        }
    }
    result
}

/// Where along a path a part first touches, the place on the fixture, and how deep it gets.
fn contact(fixture: &Fixture, part: &Turned, geometry: &Geometry) -> Option<(f64, Point, f64)> {
    let touches = |from: &Point, to: &Point| fixture.is_near(&Swept::new(part, from, to), CONTACT_MM);
    let (from, to, start, end) = pieces(geometry, FINE_MM).find(|(_, _, start, end)| touches(start, end))?;
    let (mut clear, mut touching) = (0.0, 1.0);
    if touches(&start, &start) {
        touching = 0.0;
    } else {
        for _ in 0..HALVINGS {
            let middle = 0.5 * (clear + touching);
            if touches(&start, &between(&start, &end, middle)) { touching = middle } else { clear = middle }
        }
    }
    let (thick, _) = depth(part, |slimmer| {
        pieces(geometry, FINE_MM).any(|(_, _, start, end)| fixture.is_near(&Swept::new(slimmer, &start, &end), 0.0))
    });
    let at = between(&start, &end, touching);
    Some((from + (to - from) * touching, place_of(fixture, part, &at), thick))
}

/// How much slimmer a part has to be not to meet something: an amount at which it still does, and one at which it does
/// not, or the most that can be taken off where that does not help.
pub(super) fn depth(part: &Turned, meets: impl Fn(&Turned) -> bool) -> (f64, f64) {
    let (mut thick, mut slim) = (0.0, part.slimming_max());
    if meets(&part.slimmer(slim)) {
        return (slim, slim);
    }
    for _ in 0..DEPTH_HALVINGS {
        let middle = 0.5 * (thick + slim);
        if meets(&part.slimmer(middle)) { thick = middle } else { slim = middle }
    }
    (thick, slim)
}

/// The place of the surface that a part at a place of the tip touches: the nearest to the part, or to as much of it as
/// is left when it is made slim enough not to touch. Looks only at what is next to that.
fn place_of(fixture: &Fixture, part: &Turned, at: &Point) -> Point {
    let nearest = |part: &Turned, gap: f64| fixture.nearest(&Swept::new(part, at, at), gap);
    let as_it_is = nearest(part, CONTACT_MM).filter(|nearest| nearest.distance_mm > 0.0);
    let found = as_it_is.or_else(|| {
        let (thick, slim) = depth(part, |slimmer| fixture.is_near(&Swept::new(slimmer, at, at), 0.0));
        // Both sides of a corner moved in by the last halving.
        nearest(&part.slimmer(slim), 2.0 * (slim - thick) + CONTACT_MM)
    });
    found.map_or(*at, |nearest| point(nearest.place))
}

/// Where along a path a part passes closest, if that is closer than the clearance.
fn closest(fixture: &Fixture, part: &Turned, geometry: &Geometry) -> Option<(f64, Nearest)> {
    let gap = fixture.clearance_mm;
    let found = pieces(geometry, FINE_MM).filter_map(|(from, _, start, end)| {
        let nearest = fixture.nearest(&Swept::new(part, &start, &end), gap)?;
        Some((from, nearest)).filter(|(_, nearest)| nearest.distance_mm < gap)
    });
    found.min_by(|a, b| a.1.distance_mm.total_cmp(&b.1.distance_mm))
}

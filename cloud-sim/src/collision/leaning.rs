//! A tool that leans, or work that turns under it, against the fixtures on the table.
//!
//! Fixtures are bolted to what carries the work: in the work frame they stand, and it is the tool that leans and moves. The
//! way of a move that turns is given as straight pieces with one inclination each, and by how much a place of the tool may
//! be elsewhere ([`LeaningWay::bound_mm`]). That bound is added to every margin: nothing is missed, and what passes closer
//! than it is called a touch. A coarse way ends most questions; only near a fixture is the fine one made.
//!
//! Continuity says nothing here, for a move may begin at any inclination: whether a part stands inside a closed fixture is asked
//! where each move begins.

use shared::geom::{Point, Vector};
use shared::motion::Segment;

use super::body::{ToolBody, Turned};
use super::check::{CONTACT_MM, depth, finding, note};
use super::fixture::{Fixture, Fixtures};
use super::swept::{Swept, point};
use super::{Clearance, FindingKind, SegmentClearance};

/// A straight piece of a way with the tool at one inclination.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LeaningPiece {
    /// Tip where it begins, work frame.
    pub start: Point,
    /// Tip where it ends.
    pub end: Point,
    /// Unit vector from the tip to the spindle.
    pub axis: Vector,
}

/// The way of a tool as pieces.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LeaningWay {
    /// Pieces in order.
    pub pieces: Vec<LeaningPiece>,
    /// Greatest distance of a place of the tool from where it really goes, mm.
    pub bound_mm: f64,
}

impl LeaningPiece {
    fn swept<'a>(&self, part: &'a Turned) -> Swept<'a> {
        Swept::leaning(part, &self.start, &self.end, &self.axis)
    }
}

impl LeaningWay {
    /// Pieces on which a part comes within a gap, or may.
    fn near<'a>(
        &'a self,
        fixture: &'a Fixture,
        part: &'a Turned,
        gap: f64,
    ) -> impl Iterator<Item = (usize, &'a LeaningPiece)> {
        let pieces = self.pieces.iter().enumerate();
        pieces.filter(move |(_, piece)| fixture.is_near(&piece.swept(part), gap + self.bound_mm))
    }
}

/// Holds one move against the fixtures: the way coarsely, and finely where that is needed.
pub fn check_leaning(
    (fixtures, body): (&Fixtures, &ToolBody),
    of: (&Segment, u32),
    coarse: &LeaningWay,
    fine: &dyn Fn() -> LeaningWay,
) -> SegmentClearance {
    if fixtures.is_empty() {
        return SegmentClearance::default();
    }
    let mut result = SegmentClearance { class: Clearance::Clear, findings: Vec::new() };
    let mut known: Option<LeaningWay> = None;
    for (number, fixture) in (0u16..).zip(&fixtures.list) {
        let (mut touched, mut passed) = (Vec::new(), Vec::new());
        for part in &body.parts {
            let gap = fixture.clearance_mm.max(CONTACT_MM);
            let inside = begins_inside(fixture, part, coarse);
            if inside.is_none() && coarse.near(fixture, part, gap).next().is_none() {
                continue;
            }
            let way = known.get_or_insert_with(fine);
            let contact = inside.map(|place| (0.0, place, part.slimming_max())).or_else(|| contact(fixture, part, way));
            if let Some((fraction, place, depth_mm)) = contact {
                let kind = FindingKind::FixtureTouched { part: part.part, fixture: number };
                note(&mut touched, finding(kind, of, fraction, place, depth_mm));
            } else if let Some((fraction, place, missing_mm)) = closest(fixture, part, way) {
                let kind = FindingKind::FixtureNear { part: part.part, fixture: number };
                note(&mut passed, finding(kind, of, fraction, place, missing_mm));
            }
        }
        let (class, findings) =
            if touched.is_empty() { (Clearance::Near, passed) } else { (Clearance::Touch, touched) };
        if !findings.is_empty() {
            result.class = result.class.max(class);
            result.findings.extend(findings);
        }
    }
    result
}

/// A place of a part that is inside a fixture where the way begins.
fn begins_inside(fixture: &Fixture, part: &Turned, way: &LeaningWay) -> Option<Point> {
    let place = point(way.pieces.first()?.swept(part).inner());
    fixture.holds(&place).then_some(place)
}

/// At what share of the way a part first touches, the place on the fixture, and how deep it gets.
fn contact(fixture: &Fixture, part: &Turned, way: &LeaningWay) -> Option<(f64, Point, f64)> {
    let touching: Vec<(usize, &LeaningPiece)> = way.near(fixture, part, CONTACT_MM).collect();
    let (index, first) = touching.first()?;
    let meets = |slimmer: &Turned| touching.iter().any(|(_, piece)| fixture.is_near(&piece.swept(slimmer), 0.0));
    let (thick, _) = depth(part, meets);
    let nearest = fixture.nearest(&first.swept(part), CONTACT_MM + way.bound_mm);
    let place = nearest.map_or(first.start, |nearest| point(nearest.place));
    Some((*index as f64 / way.pieces.len() as f64, place, thick))
}

/// Where a part passes closest, if that is closer than the clearance, and what is missing to it, mm.
fn closest(fixture: &Fixture, part: &Turned, way: &LeaningWay) -> Option<(f64, Point, f64)> {
    let clearance_mm = fixture.clearance_mm;
    let found = way.near(fixture, part, clearance_mm).filter_map(|(index, piece)| {
        let nearest = fixture.nearest(&piece.swept(part), clearance_mm + way.bound_mm)?;
        Some((index, nearest)).filter(|(_, nearest)| nearest.distance_mm < clearance_mm + way.bound_mm)
    });
    let (index, nearest) = found.min_by(|a, b| a.1.distance_mm.total_cmp(&b.1.distance_mm))?;
    // What is not known to be clear counts as closer; nothing that is clear of a contact counts as less than none.
    let missing_mm = (clearance_mm + way.bound_mm - nearest.distance_mm).min(clearance_mm);
    Some((index as f64 / way.pieces.len() as f64, point(nearest.place), missing_mm))
}

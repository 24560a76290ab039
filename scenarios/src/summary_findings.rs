//! Contacts, close passes and the state of the part, as a report names them.

use cloud_sim::collision::{Clearance, Finding, FindingKind, Leftover};
use shared::geom::Point;
use shared::motion::SegmentKind;

use crate::report::{ClosePassJson, CollisionJson, PartJson, RapidInStockJson};
use crate::simulate::Simulation;

/// Findings by the list they stand in.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) collisions: Vec<CollisionJson>,
    pub(crate) close_passes: Vec<ClosePassJson>,
    pub(crate) rapids: Vec<RapidInStockJson>,
}

/// Sorts the findings of a simulation.
pub(crate) fn findings(simulation: &Simulation) -> Found {
    let mut lists = Found::default();
    for found in &simulation.prediction.findings {
        let (station_mm, place_mm) = (found.station.as_mm(), place(&found.place));
        let motion = motion(simulation, found);
        match found.kind {
            FindingKind::RapidInStock => lists.rapids.push(RapidInStockJson {
                line: found.line,
                station_mm,
                place_mm,
                depth_mm: found.depth_mm,
                removed_mm3: found.removed_mm3,
            }),
            FindingKind::FixtureNear { part, fixture } => {
                let clearance_mm =
                    simulation.job.fixtures.get(usize::from(fixture)).map_or(0.0, |fixture| fixture.clearance.as_mm());
                lists.close_passes.push(ClosePassJson {
                    line: found.line,
                    kind: part.name(),
                    with: with(simulation, found.kind),
                    motion,
                    station_mm,
                    place_mm,
                    distance_mm: clearance_mm - found.depth_mm,
                    clearance_mm,
                });
            }
            kind => lists.collisions.push(CollisionJson {
                line: found.line,
                kind: match kind {
                    FindingKind::NonCentreCuttingPlunge => "plunge",
                    FindingKind::Gouge => "gouge",
                    kind => kind.moving().name(),
                },
                with: with(simulation, kind),
                motion,
                station_mm,
                place_mm,
                depth_mm: found.depth_mm,
            }),
        }
    }
    lists
}

fn motion(simulation: &Simulation, found: &Finding) -> &'static str {
    match simulation.job.path.segments()[found.segment as usize].kind {
        SegmentKind::Rapid => "rapid",
        _ => "feed",
    }
}

/// What was touched.
fn with(simulation: &Simulation, kind: FindingKind) -> String {
    let fixture = kind.fixture().and_then(|fixture| simulation.job.fixtures.get(usize::from(fixture)));
    match (fixture, kind) {
        (Some(fixture), _) => fixture.name.clone(),
        (None, FindingKind::Gouge) => "part".to_owned(),
        (None, _) => "stock".to_owned(),
    }
}

/// Moves that could not be held against the fixtures.
pub(crate) fn unchecked(simulation: &Simulation) -> usize {
    simulation.prediction.clearances.iter().filter(|class| **class == Clearance::Unchecked).count()
}

/// The stock as cut against the part.
pub(crate) fn part_json(left: &Leftover) -> PartJson {
    PartJson {
        gouge_mm: left.deepest.map_or(0.0, |(depth, _)| depth),
        gouge_place_mm: left.deepest.map(|(_, at)| place(&at)),
        gouged_mm3: left.gouged_mm3,
        left_mm: left.highest.map_or(0.0, |(height, _)| height),
        left_place_mm: left.highest.map(|(_, at)| place(&at)),
        left_mm3: left.left_mm3,
    }
}

fn place(point: &Point) -> [f64; 3] {
    [point.x, point.y, point.z]
}

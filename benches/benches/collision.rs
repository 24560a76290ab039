//! The promise on fixtures: microseconds a segment, amortised over a path, for a tool of four parts against a fixture of ten
//! and a hundred thousand triangles, with segments of 1 mm and of 10 mm.
//!
//! "near": a path that winds around the fixture between one and eight millimetres from it, so that hardly any segment is ruled
//! out by its box; nothing touches. "zigzag": rows over a part of 100 × 100 mm that the fixture, 40 mm across, stands beside:
//! what a program usually looks like. Criterion's elements are moves.

use std::collections::BTreeMap;
use std::hint::black_box;

use cloud_sim::collision::{Clearance, Continuity, Fixture, FixtureSolid, Fixtures, ToolBody, check_segments};
use cloud_sim::executor::Serial;
use cloud_sim::mesh::{Mesh, MeshLimits, read_mesh};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use shared::geom::Point;
use shared::ident::ToolNumber;
use shared::machine::{LengthUnit, NoseSection};
use shared::motion::{CornerRule, Geometry, Segment, SegmentKind, Station};
use shared::program::Provenance;
use shared::tool::{CutterShape, HolderSection, Tool};
use shared::units::{Feedrate, Length, Seconds};

fn body() -> ToolBody {
    let frustum = |low: f64, high: f64, length: f64| HolderSection {
        diameter_low: Length::mm(low),
        diameter_high: Length::mm(high),
        length: Length::mm(length),
    };
    let tool = Tool {
        flute_length: Length::mm(25.0),
        shank_diameter: Length::mm(8.0),
        stickout: Length::mm(35.0),
        holder: vec![frustum(30.0, 40.0, 30.0)],
        ..Tool::of_shape(CutterShape::Flat, Length::mm(10.0))
    };
    let nose =
        NoseSection { diameter_low: Length::mm(80.0), diameter_high: Length::mm(100.0), length: Length::mm(60.0) };
    ToolBody::new(&tool, &[nose])
}

/// A closed body with bumps, 40 mm across and 12 mm high, of 2·m·(n − 1) triangles.
fn bumpy(n: usize, m: usize) -> Mesh {
    use std::f64::consts::{PI, TAU};
    let point = |ring: usize, side: usize| {
        let (theta, phi) = (PI * ring as f64 / n as f64, TAU * (side % m) as f64 / m as f64);
        let radius = 20.0 + 3.0 * (5.0 * theta).sin() * (4.0 * phi).sin() * theta.sin();
        let level = if ring == 0 || ring == n { 0.0 } else { radius * theta.sin() };
        [level * phi.cos(), level * phi.sin(), 0.3 * radius * theta.cos()].map(|value| value as f32)
    };
    let mut bytes = vec![0u8; 80];
    bytes.extend(((2 * m * (n - 1)) as u32).to_le_bytes());
    let mut triangle = |corners: [[f32; 3]; 3]| {
        bytes.extend([0u8; 12]);
        bytes.extend(corners.iter().flatten().flat_map(|value| value.to_le_bytes()));
        bytes.extend([0u8; 2]);
    };
    for ring in 0..n {
        for side in 0..m {
            let (a, b) = (point(ring, side), point(ring, side + 1));
            let (c, d) = (point(ring + 1, side), point(ring + 1, side + 1));
            if ring > 0 {
                triangle([a, c, b]);
            }
            if ring + 1 < n {
                triangle([b, c, d]);
            }
        }
    }
    read_mesh(&bytes, Some(LengthUnit::Millimetre), &MeshLimits::STANDARD).expect("our own file")
}

fn path(points: &[Point]) -> Vec<Segment> {
    let mut at = Station::START;
    let mut segments = Vec::with_capacity(points.len());
    for (pair, line) in points.windows(2).zip(1..) {
        let length = Length::mm((pair[1] - pair[0]).norm());
        segments.push(Segment {
            kind: SegmentKind::Feed,
            geometry: Geometry::Line { start: pair[0], end: pair[1] },
            start: at,
            end: at.advanced(length),
            length,
            feed: Feedrate::mm_s(100.0),
            spindle: None,
            tool: Some(ToolNumber(1)),
            at: Provenance { line, ..Provenance::default() },
            forced: None,
            still: Seconds::ZERO,
            stop_at_end: false,
            corner: CornerRule::Machine,
            turn_rad: [0.0; 3],
        });
        at = at.advanced(length);
    }
    segments
}

/// Around the body, in and out and up and down.
fn near(step_mm: f64) -> Vec<Segment> {
    let points = (0..=480).map(|index| {
        let along = step_mm * f64::from(index);
        let radius = 23.0 + 5.0 + 4.5 + 3.0 * (along / 17.0).sin();
        let turn = along / 33.0;
        Point::new(radius * turn.cos(), radius * turn.sin(), -5.0 + 4.0 * (along / 29.0).sin())
    });
    path(&points.collect::<Vec<_>>())
}

/// Rows beside the body, 3 mm from it and further.
fn zigzag(step_mm: f64) -> Vec<Segment> {
    let columns = (100.0 / step_mm) as u32;
    let points = (0..48).flat_map(|row| {
        (0..=columns).map(move |column| {
            let along = step_mm * f64::from(if row % 2 == 0 { column } else { columns - column });
            Point::new(31.0 + 2.0 * f64::from(row), along - 50.0, -2.0)
        })
    });
    path(&points.collect::<Vec<_>>())
}

/// Makes moves of one length.
type Make = fn(f64) -> Vec<Segment>;

fn segments(c: &mut Criterion) {
    let bodies: BTreeMap<ToolNumber, ToolBody> = [(ToolNumber(1), body())].into();
    let mut group = c.benchmark_group("collision");
    for (name, mesh) in [("10k", bumpy(70, 72)), ("100k", bumpy(224, 224))] {
        let fixtures = Fixtures::new(vec![Fixture::new("body".to_owned(), 0.5, &FixtureSolid::Mesh(mesh))]);
        let kinds = [("near", near as Make), ("zigzag", zigzag)];
        for (kind, make) in kinds {
            for step_mm in [1.0, 10.0] {
                let segments = make(step_mm);
                let check =
                    || check_segments((&fixtures, &bodies), (&segments, 0), &mut Continuity::default(), &Serial);
                assert!(
                    check().iter().all(|found| found.class != Clearance::Touch),
                    "{kind}: the path is meant to be free"
                );
                group.throughput(Throughput::Elements(segments.len() as u64));
                group.bench_function(format!("{name} triangles, {kind}, {step_mm} mm"), |b| {
                    b.iter(|| black_box(check()))
                });
            }
        }
    }
    group.finish();
}

criterion_group!(benches, segments);
criterion_main!(benches);

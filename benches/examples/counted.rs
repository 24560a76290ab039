//! Work of a fixed amount, for counting its instructions: `counted cut|engage|segments`.
//!
//! `.ci/instructions` runs it under valgrind and holds the counts against `benches/instructions.txt`. The portable way of
//! computing is counted, so that the figure does not depend on what the processor has.
#![allow(clippy::print_stdout, reason = "a command that prints its result, so that the work cannot be left out")]

use cloud_sim::engagement::{Pose, Sampler};
use cloud_sim::executor::Serial;
use cloud_sim::stock::{HeightMap, MapOptions, Simd, StockShape};
use cloud_sim::sweep::{Cutter, cut_geometry};
use shared::geom::{Aabb, Point};
use shared::motion::Geometry;
use shared::tool::{CutterShape, Tool};
use shared::units::Length;

fn ball() -> Cutter {
    let tool = Tool::of_shape(CutterShape::Ball, Length::mm(10.0));
    Cutter::new(&tool).computed(Simd::PORTABLE)
}

fn map() -> HeightMap {
    let shape = StockShape::Box(Aabb { min: Point::new(0.0, 0.0, -20.0), max: Point::new(40.0, 40.0, 0.0) });
    HeightMap::new(&shape, MapOptions { cell_mm: 0.1, memory_max_bytes: 1 << 28 }).expect("a plain box").0
}

/// Rows of 40 moves of 1 mm on a slope, without any function of the platform.
fn moves() -> Vec<Geometry> {
    let point = |row: i32, column: i32| {
        let x = f64::from(if row % 2 == 0 { column } else { 40 - column });
        Point::new(x, f64::from(row), -2.0 - 0.02 * x)
    };
    let points: Vec<Point> = (0..30).flat_map(|row| (0..=40).map(move |column| point(row, column))).collect();
    points.windows(2).map(|pair| Geometry::Line { start: pair[0], end: pair[1] }).collect()
}

fn main() {
    let (cutter, mut map, moves) = (ball(), map(), moves());
    let removed_mm3: f64 = moves.iter().map(|path| cut_geometry(&mut map, &cutter, path, &Serial)).sum();
    println!("removed {removed_mm3} mm3 in {} moves", moves.len());
    if std::env::args().nth(1).as_deref() == Some("engage") {
        let sampler = Sampler::new().computed(Simd::PORTABLE);
        let mut slices = 0;
        for place in 0..2000 {
            let tip = Point::new(5.0 + 0.01 * f64::from(place), 31.0, -2.5);
            let travel = shared::geom::Vector::x();
            let pose = Pose { tip, travel, mirrored: false, straight_on_mm: f64::INFINITY };
            slices += sampler.sample(&map, cutter.profile(), &pose).engagement.slices.len();
        }
        println!("{slices} slices");
    }
}

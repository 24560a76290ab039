//! Cost of a move against part size, resolution and length of the program, and of meshes.

use std::hint::black_box;

use cloud_sim::executor::Serial;
use cloud_sim::sweep::{Cutter, Workpiece, cut_geometry};
use shared::geom::Point;
use shared::motion::Geometry;
use shared::tool::CutterShape;

use crate::clock::time;
use benches::zigzag::{stock, tool};

/// Rows of moves of 1 mm, 1 mm apart, over and over a square, a little lower every time.
fn path(edge_mm: f64, count: usize) -> impl Iterator<Item = Geometry> {
    let edge = edge_mm as usize;
    let point = move |index: usize| {
        let (row, column) = (index / (edge + 1), index % (edge + 1));
        let (layer, row) = (row / (edge + 1), row % (edge + 1));
        let x = if row.is_multiple_of(2) { column } else { edge - column } as f64;
        Point::new(x, row as f64, -1.0 - 0.02 * layer as f64 - 0.2 * (0.1 * x).sin())
    };
    (0..count).map(move |index| Geometry::Line { start: point(index), end: point(index + 1) })
}

/// One line a row of the table.
fn row(edge_mm: f64, cell_mm: f64, count: usize) {
    let cutter = Cutter::new(&tool(CutterShape::Ball));
    let mut map = stock(edge_mm, cell_mm);
    let (took, _) = time(|| {
        for path in path(edge_mm, count) {
            black_box(cut_geometry(&mut map, &cutter, &path, &Serial));
        }
    });
    let cost_us = took.cpu.as_secs_f64() * 1e6 / count as f64;
    let (map_mb, process_mb) = (Workpiece::memory_bytes(&map) as f64 / 1e6, process_mb());
    println!(
        "part {edge_mm:4} mm, cell {cell_mm:4} mm, {count:8} segments: {cost_us:7.2} us a move, map {map_mb:6.1} MB, process {process_mb:6.1} MB"
    );
}

/// Memory of this process as it stands, MB, from what Linux says of it; zero where that is not to be read.
fn process_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kb = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kb.unwrap_or(0.0) * 1024.0 / 1e6
}

/// The table.
pub(crate) fn scale() {
    for edge_mm in [50.0, 100.0, 200.0, 300.0] {
        row(edge_mm, 0.1, 20_000);
    }
    for cell_mm in [0.4, 0.2, 0.1, 0.05] {
        row(100.0, cell_mm, 20_000);
    }
    for count in [10_000, 100_000, 1_000_000] {
        row(100.0, 0.2, count);
    }
}

/// Meshes of 300 × 300 mm at 0.1 mm. Promise: a coarse one within 100 ms.
pub(crate) fn export() {
    let cutter = Cutter::new(&tool(CutterShape::Ball));
    let mut map = stock(300.0, 0.1);
    for path in path(300.0, 3000) {
        black_box(cut_geometry(&mut map, &cutter, &path, &Serial));
    }
    for _ in 0..3 {
        let mut coarse = Vec::new();
        let view = time(|| map.to_view_stl(&mut coarse)).0;
        let mut fine = Vec::new();
        let whole = time(|| map.to_stl(&mut fine)).0;
        println!(
            "9 million cells: coarse {:.1} ms, {:.1} MB; full {:.1} ms, {:.1} MB",
            view.cpu.as_secs_f64() * 1e3,
            coarse.len() as f64 / 1e6,
            whole.cpu.as_secs_f64() * 1e3,
            fine.len() as f64 / 1e6
        );
    }
}

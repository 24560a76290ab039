//! Volumes and heights against exact booleans.

use cloud_sim::executor::Serial;
use cloud_sim::stock::HeightMap;
use cloud_sim::sweep::{Cutter, cut_geometry};
use cutrail::{Engine, EngineOptions, ManifoldKernel, MotionSegment, Pose, StockShape};
use shared::geom::Point;
use shared::motion::Geometry;
use shared::tool::CutterShape;
use shared::units::Length;

use crate::job::{CELL_MM, DIAMETER_MM, FLUTE_MM, bounds, map, moves, tool};

/// Heights beside a step higher than this, mm, are of a wall: their cell may fall on either side of it.
const WALL_MM: f64 = 0.5;

struct Case {
    name: &'static str,
    shape: CutterShape,
    path: Vec<Geometry>,
    /// Greatest error of the volume.
    volume_ratio: f64,
}

fn cases() -> Vec<Case> {
    let line = |a: [f64; 3], b: [f64; 3]| Geometry::Line { start: Point::from(a), end: Point::from(b) };
    let slots = || {
        vec![
            line([12.3, 12.0, -3.0], [80.0, 31.7, -3.0]),
            line([80.0, 31.7, -3.0], [55.1, 83.3, -5.5]),
            line([55.1, 83.3, -5.5], [20.0, 60.0, -1.0]),
        ]
    };
    let zigzag = |sloped: bool, count: usize| moves(sloped)[..count].to_vec();
    let bull = CutterShape::BullNose { corner_radius: Length::mm(2.0) };
    let case = |name, shape, path, volume_ratio| Case { name, shape, path, volume_ratio };
    vec![
        case("flat, zigzag level", CutterShape::Flat, zigzag(false, 1000), 1e-3),
        case("flat, zigzag sloped", CutterShape::Flat, zigzag(true, 300), 1e-3),
        case("flat, slots", CutterShape::Flat, slots(), 1e-3),
        case("ball, zigzag level", CutterShape::Ball, zigzag(false, 300), 5e-4),
        case("ball, zigzag sloped", CutterShape::Ball, zigzag(true, 300), 5e-4),
        case("ball, slots", CutterShape::Ball, slots(), 5e-4),
        case("bull nose, slots", bull, slots(), 1e-3),
    ]
}

/// The stock as the peer cuts it.
fn exact(case: &Case) -> Engine {
    let (min, max) = (bounds().min, bounds().max);
    let stock = StockShape::Box { min: [min.x, min.y, min.z], max: [max.x, max.y, max.z] };
    let options = EngineOptions { sweep_tolerance: 1e-3, ..EngineOptions::default() }.with_tile_size(20.0);
    let mut engine = Engine::new(ManifoldKernel, &[stock], options).expect("a plain box");
    let mill = match case.shape {
        CutterShape::Ball => cutrail::Tool::ball_end_mill(DIAMETER_MM, FLUTE_MM),
        CutterShape::BullNose { corner_radius } => {
            cutrail::Tool::bull_nose_end_mill(DIAMETER_MM, corner_radius.as_mm(), FLUTE_MM)
        }
        _ => cutrail::Tool::flat_end_mill(DIAMETER_MM, FLUTE_MM),
    };
    let pose = |p: Point| Pose::vertical([p.x, p.y, p.z]);
    for path in &case.path {
        engine.cut(&mill, &MotionSegment::linear(pose(path.start()), pose(path.end()))).expect("a plain move");
    }
    engine
}

/// Height of a mesh over the centres of the cells: the highest triangle that looks up.
fn heights(mesh: &cutrail::TriMesh, columns: usize, rows: usize) -> Vec<f64> {
    let mut heights = vec![bounds().min.z; columns * rows];
    for triangle in &mesh.triangles {
        let [a, b, c] = triangle.map(|index| mesh.positions[index as usize]);
        let area = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
        if area <= 1e-12 {
            continue;
        }
        let cell = |value: f64| value / CELL_MM - 0.5;
        let [x0, x1, y0, y1] = [0, 1]
            .map(|axis| {
                let values = [a[axis], b[axis], c[axis]];
                (values.iter().copied().fold(f64::MAX, f64::min), values.iter().copied().fold(f64::MIN, f64::max))
            })
            .map(|(low, high)| (cell(low).ceil().max(0.0) as usize, cell(high).floor().max(-1.0) + 1.0))
            .map(|(low, end)| [low as f64, end])
            .concat()
            .try_into()
            .expect("four numbers");
        for row in y0 as usize..(y1 as usize).min(rows) {
            for column in x0 as usize..(x1 as usize).min(columns) {
                let (x, y) = ((column as f64 + 0.5) * CELL_MM, (row as f64 + 0.5) * CELL_MM);
                let weight =
                    |p: [f64; 3], q: [f64; 3]| ((q[0] - p[0]) * (y - p[1]) - (q[1] - p[1]) * (x - p[0])) / area;
                let (u, v, w) = (weight(b, c), weight(c, a), weight(a, b));
                if u >= -1e-9 && v >= -1e-9 && w >= -1e-9 {
                    let at = row * columns + column;
                    heights[at] = heights[at].max(u * a[2] + v * b[2] + w * c[2]);
                }
            }
        }
    }
    heights
}

pub(crate) fn compare() -> bool {
    let mut kept = true;
    let before_mm3 = bounds().size().product();
    println!(
        "path                   removed: exact      kernel   error   greatest height error   symmetric difference"
    );
    for case in cases() {
        let engine = exact(&case);
        let mut ours: HeightMap = map(CELL_MM);
        let cutter = Cutter::new(&tool(case.shape));
        let removed_mm3: f64 = case.path.iter().map(|path| cut_geometry(&mut ours, &cutter, path, &Serial)).sum();
        let exact_mm3 = before_mm3 - engine.total_volume();
        let (columns, rows) = (1000, 1000);
        let exact = heights(&engine.combined_mesh(), columns, rows);
        let own = |column: usize, row: usize| {
            ours.height_at((column as f64 + 0.5) * CELL_MM, (row as f64 + 0.5) * CELL_MM).expect("inside")
        };
        let (mut greatest_mm, mut walls, mut difference_mm3) = (0.0f64, 0u32, 0.0);
        for row in 0..rows {
            for column in 0..columns {
                let error_mm = (own(column, row) - exact[row * columns + column]).abs();
                difference_mm3 += error_mm * CELL_MM * CELL_MM;
                let beside = [(0, 1), (2, 1), (1, 0), (1, 2)].map(|(dx, dy)| {
                    let (x, y) =
                        ((column + dx).saturating_sub(1).min(columns - 1), (row + dy).saturating_sub(1).min(rows - 1));
                    (exact[y * columns + x] - exact[row * columns + column]).abs()
                });
                if beside.iter().all(|step_mm| *step_mm < WALL_MM) {
                    greatest_mm = greatest_mm.max(error_mm);
                } else if error_mm > WALL_MM {
                    walls += 1;
                }
            }
        }
        let error = removed_mm3 / exact_mm3 - 1.0;
        println!(
            "{:22} {exact_mm3:12.2} {removed_mm3:12.2} {:+7.4} %   {:8.2} um, {walls} wall cells   {difference_mm3:9.4} mm3 = {:.4} %",
            case.name,
            error * 100.0,
            greatest_mm * 1e3,
            difference_mm3 / exact_mm3 * 100.0
        );
        kept &= error.abs() <= case.volume_ratio;
    }
    kept
}

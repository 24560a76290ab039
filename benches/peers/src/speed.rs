//! Moves a second, all candidates in turn.

use std::hint::black_box;
use std::process::Command;
use std::time::Duration;

use brep_cam::Tolerance;
use brep_cam::cancel::{NullSink, Runner};
use brep_cam::cutter::ToolProfile;
use brep_cam::model::{Bounds3, Point3, RigidTransform};
use brep_cam::multiaxis::sim::tridexel::{TriDexel as PeerDexel, TriDexelOptions};
use brep_cam::multiaxis::tilt::ClPose;
use brep_cam::stock::{ResolvedStock, StockBox};
use cloud_sim::executor::Serial;
use cloud_sim::stock::{MapOptions, StockShape, TriDexel};
use cloud_sim::sweep::{Cutter, ToolMotion, Workpiece, cut_geometry};
use cutrail::{Engine, EngineOptions, ManifoldKernel, MotionSegment, Pose};
use rustix::time::{ClockId, clock_gettime};
use shared::geom::Point;
use shared::motion::Geometry;
use shared::tool::CutterShape;

use crate::job::{CELL_MM, DIAMETER_MM, FLUTE_MM, bounds, corners, map, moves, tool};

const ROUNDS: usize = 3;
/// Where the measured stretch begins: 20 rows are cut before by those that are fast enough for it.
const BEFORE: usize = 101 * 20;

fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Moves a second of processor time.
fn rate(count: usize, work: impl FnOnce()) -> f64 {
    let began = thread_time();
    work();
    count as f64 / (thread_time() - began).as_secs_f64()
}

fn height_map(shape: CutterShape, path: &[Geometry]) -> f64 {
    let cutter = Cutter::new(&tool(shape));
    let mut map = map(CELL_MM);
    for path in &path[..BEFORE] {
        black_box(cut_geometry(&mut map, &cutter, path, &Serial));
    }
    let measured = &path[BEFORE..BEFORE + 3030];
    rate(measured.len(), || {
        for path in measured {
            black_box(cut_geometry(&mut map, &cutter, path, &Serial));
        }
    })
}

fn tri_dexel(shape: CutterShape, path: &[Geometry], count: usize) -> (f64, f64) {
    let cutter = Cutter::new(&tool(shape));
    let options = MapOptions { cell_mm: CELL_MM, memory_max_bytes: 4 << 30 };
    let mut part = TriDexel::new(&StockShape::Box(bounds()), options).expect("a plain box").0;
    let mut removed_mm3 = 0.0;
    let rate = rate(count, || {
        for path in &path[..count] {
            removed_mm3 += part.cut(&cutter, &ToolMotion::upright(*path), &Serial);
        }
    });
    (rate, removed_mm3)
}

fn brep_cam(shape: CutterShape, corners: &[Point], count: usize) -> (f64, f64) {
    let options = TriDexelOptions { cell: CELL_MM, step: CELL_MM, max_work: u64::MAX, ..TriDexelOptions::default() };
    let (min, max) = (bounds().min, bounds().max);
    let bounds = Bounds3::new(Point3::new(min.x, min.y, min.z), Point3::new(max.x, max.y, max.z));
    let stock = ResolvedStock::Box(StockBox { bounds, to_machine: RigidTransform::identity() });
    let mut part = PeerDexel::from_stock(&stock, &options, None, None).expect("a plain box");
    let cutter = match shape {
        CutterShape::Ball => brep_cam::cutter::Cutter::ball(DIAMETER_MM, FLUTE_MM, 10.0),
        _ => brep_cam::cutter::Cutter::flat(DIAMETER_MM, FLUTE_MM, 10.0),
    };
    let profile = ToolProfile::new(&cutter, None, 0.01);
    let (mut sink, mut left) = (NullSink, u64::MAX);
    let mut runner = Runner::detached(&mut sink);
    let pose = |p: Point| ClPose { tip: Point3::new(p.x, p.y, p.z), axis: Point3::new(0.0, 0.0, 1.0) };
    let mut removed_mm3 = 0.0;
    let rate = rate(count, || {
        for pair in corners[..=count].windows(2) {
            let (from, to) = (pose(pair[0]), pose(pair[1]));
            let cut = part.cut(&profile, from, to, &options, &Tolerance::default(), &mut left, &mut runner);
            removed_mm3 += cut.expect("a plain move").removed_volume;
        }
    });
    (rate, removed_mm3)
}

fn cutrail(shape: CutterShape, corners: &[Point], count: usize) -> f64 {
    let (min, max) = (bounds().min, bounds().max);
    let stock = cutrail::StockShape::Box { min: [min.x, min.y, min.z], max: [max.x, max.y, max.z] };
    let options = EngineOptions::default().with_tile_size(10.0);
    let mut engine = Engine::new(ManifoldKernel, &[stock], options).expect("a plain box");
    let mill = match shape {
        CutterShape::Ball => cutrail::Tool::ball_end_mill(DIAMETER_MM, FLUTE_MM),
        _ => cutrail::Tool::flat_end_mill(DIAMETER_MM, FLUTE_MM),
    };
    let pose = |p: Point| Pose::vertical([p.x, p.y, p.z]);
    rate(count, || {
        for pair in corners[..=count].windows(2) {
            engine.cut(&mill, &MotionSegment::linear(pose(pair[0]), pose(pair[1]))).expect("a plain move");
        }
    })
}

/// FreeCAD's simulator, in its own process by its own clock; `None` where it is not installed.
fn freecad(shape: CutterShape, sloped: bool) -> Option<f64> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/freecad_zigzag.py");
    let shape = if shape == CutterShape::Ball { "ball" } else { "flat" };
    let slope = if sloped { "sloped" } else { "level" };
    let ran = Command::new("freecadcmd").arg(script).env("ZIGZAG", format!("{shape} {slope}")).output().ok()?;
    let text = String::from_utf8_lossy(&ran.stdout);
    text.lines().find_map(|line| line.strip_prefix("moves_per_second ")?.trim().parse().ok())
}

pub(crate) fn compare() -> bool {
    println!("moves/s of processor time, best of {ROUNDS} interleaved rounds; cell {CELL_MM} mm");
    println!("path           height map   FreeCAD  ratio | tri-dexel  BREP_cam  ratio  volume error | cutrail");
    let mut kept = true;
    for (name, shape) in [("flat", CutterShape::Flat), ("ball", CutterShape::Ball)] {
        for sloped in [false, true] {
            let (path, corners) = (moves(sloped), corners(sloped));
            let (mut ours, mut free, mut rays, mut brep, mut mesh) = (0.0f64, 0.0f64, 0.0f64, 0.0f64, 0.0f64);
            let (mut rays_mm3, mut brep_mm3) = (0.0, 0.0);
            const FEW: usize = 60;
            for _ in 0..ROUNDS {
                ours = ours.max(height_map(shape, &path));
                free = free.max(freecad(shape, sloped).unwrap_or(0.0));
                let (rate, removed_mm3) = tri_dexel(shape, &path, FEW);
                (rays, rays_mm3) = (rays.max(rate), removed_mm3);
                let (rate, removed_mm3) = brep_cam(shape, &corners, FEW);
                (brep, brep_mm3) = (brep.max(rate), removed_mm3);
                mesh = mesh.max(cutrail(shape, &corners, FEW));
            }
            let exact = cloud_sim_volume(shape, &path[..FEW]);
            let error = |mm3: f64| (mm3 / exact - 1.0) * 100.0;
            let slope = if sloped { "sloped" } else { "level" };
            println!(
                "{name} {slope:8} {ours:12.0} {free:9.0} {:6.2} | {rays:9.0} {brep:9.0} {:6.1}  {:+.3} / {:+.3} % | {mesh:7.0}",
                if free > 0.0 { ours / free } else { f64::NAN },
                rays / brep,
                error(rays_mm3),
                error(brep_mm3),
            );
            kept &= free == 0.0 || ours >= 3.0 * free;
        }
    }
    kept
}

/// The volume of the path by a height map of a quarter of the cell.
fn cloud_sim_volume(shape: CutterShape, path: &[Geometry]) -> f64 {
    let cutter = Cutter::new(&tool(shape));
    let mut map = map(CELL_MM / 4.0);
    path.iter().map(|path| cut_geometry(&mut map, &cutter, path, &Serial)).sum()
}

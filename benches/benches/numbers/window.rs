//! Two seconds ahead of the tool: cut, engaged, loaded and planned, from nothing and by one step.
//!
//! The job is a ball mill of 10 mm on the sloped zigzag at F10 m/min, in segments of 1 mm and of 0.2 mm, map of
//! 0.1 mm, run as the service runs it: stock ahead of the machine, engagement and loads of every step, bounds
//! verified, schedule. Promises: cut and engaged in 12 ms and planned in 20 ms on two cores, one more step in 1 ms.

use std::fmt::Write;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use cloud_sim::ahead::{Ahead, CutAhead, MapChoice};
use cloud_sim::executor::{Executor, Serial};
use cloud_sim::optimise::{BoundContext, ScheduleInput, bound_steps, schedule, verify_in_parts};
use cloud_sim::sweep::{Begins, Cutter, SegmentCut, Stock, SweepOptions, cut_segment, straight_on_mm};
use shared::budget::WorkAllowance;
use shared::job::{Job, JobSources};
use shared::motion::Station;
use shared::units::Length;

use crate::clock::{Took, least, time};
use crate::threads::Timed;
use benches::zigzag::zigzag;

/// F10 m/min for two seconds.
const WINDOW_MM: f64 = 10_000.0 / 60.0 * 2.0;
/// What enters in 20 ms.
const STEP_MM: f64 = WINDOW_MM / 100.0;

/// The zigzag as a program, each of its moves in `parts`.
fn job(parts: u32) -> (Arc<Job>, JobSources) {
    let mut text = String::from("(T1 D=10. CR=5. - ball end mill)\nG21 G90 G17 G94 G40 G49 G54\nT1 M6\nS12000 M3\n");
    let moves = zigzag(100.0, true);
    let first = moves[0].start();
    let _ = writeln!(text, "G0 X{} Y{} Z5\nG1 Z{:.4} F10000", first.x, first.y, first.z);
    for path in &moves {
        for part in 1..=parts {
            let to = path.point(f64::from(part) / f64::from(parts));
            let _ = writeln!(text, "X{:.4} Y{:.4} Z{:.4}", to.x, to.y, to.z);
        }
    }
    text.push_str("M2\n");
    let manifest = "schema = 1\nname = \"window\"\n[program]\nfile = \"a.ngc\"\n[machine]\nfile = \"m\"\n\
                    [material]\nname = \"x\"\n[stock]\nshape = \"box\"\nmin = [0.0, 0.0, -20.0]\n\
                    max = [100.0, 100.0, 0.0]\nunits = \"mm\"\n[limits]\nforce_peak_xy_n = 150.0\n";
    let manifest = toml::from_str(manifest).expect("a valid manifest");
    let files = [
        ("a.ngc", text.into_bytes()),
        ("m", include_bytes!("../../../scenarios/data/machines/generic-vmc.toml").to_vec()),
        ("x", include_bytes!("../../../scenarios/data/materials/7050-t7451.toml").to_vec()),
    ];
    let parts = files.into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect();
    let sources = JobSources { manifest, parts };
    let (job, said) = Job::compile(&sources);
    (Arc::new(job.unwrap_or_else(|| panic!("{said:?}"))), sources)
}

/// Cut and engaged alone, with the steps the service takes.
fn cut_alone(start: &Ahead, job: &Job, (from, to): (Station, Station), executor: &dyn Executor) -> Took {
    let Stock::Heights(map) = start.map() else { panic!("three axes") };
    let mut map = map.fork();
    let segments = job.path.segments();
    let first = segments.partition_point(|segment| segment.start < from);
    let end = segments.partition_point(|segment| segment.start < to);
    let tool = segments[first].tool.and_then(|number| job.tools.get(&number)).expect("the tool of the job");
    let cutter = Cutter::new(tool);
    time(|| {
        let mut cut = SegmentCut::default();
        for index in first..end {
            let beyond_mm = straight_on_mm(&segments[index], segments.get(index + 1), 0.1);
            let last_mm = if beyond_mm < 0.5 { 0.15 } else { 0.0 };
            let begins = if index == first { Begins::Anew } else { Begins::WhereTheLastEnded };
            let options = SweepOptions { step_mm: 0.55, last_mm, beyond_mm, contact_mm: 0.15, begins };
            cut_segment(&mut map, &cutter, index as u32, &segments[index], &options, executor, &mut cut);
            black_box(&cut);
        }
    })
    .0
}

/// What one replanning took: cut and engaged, and all of it.
struct Planned {
    cut: Took,
    all: Took,
    steps: usize,
    spans: usize,
}

fn replan(start: &Ahead, job: &Job, (from, to): (Station, Station), executor: &dyn Executor) -> Planned {
    let cut = cut_alone(start, job, (from, to), executor);
    let (all, (steps, spans)) = time(|| {
        let mut ahead = start.clone();
        let mut window: Vec<CutAhead> = Vec::new();
        ahead.extend(to, WorkAllowance(u32::MAX), executor, &mut |cut| window.push(cut));
        let reached: Vec<_> = window.iter().flat_map(|cut| cut.reached.clone()).collect();
        let (mut steps, mut loads) = (Vec::new(), Vec::new());
        for cut in window {
            steps.extend(cut.cut.steps);
            loads.extend(cut.loads);
        }
        let context =
            BoundContext { path: &job.path, models: start.models(), machine: &job.machine, limits: &job.limits };
        let mut bounds = bound_steps(&context, &steps, &loads, &reached);
        verify_in_parts(&context, (&steps, &loads), &mut bounds, executor);
        let input = ScheduleInput { path: &job.path, bounds: &bounds, limits: &job.limits, from, to };
        let spans = schedule(&input, WorkAllowance(u32::MAX)).map_or(0, |plan| plan.spans().len());
        (steps.len(), spans)
    });
    Planned { cut, all, steps, spans }
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// The job, and its stock in the middle of the part, 40 rows cut before.
pub(crate) fn begun(parts: u32) -> (Arc<Job>, Ahead) {
    let (job, sources) = job(parts);
    let choice = MapChoice { cell_mm: Some(0.1), memory_max_bytes: 1 << 30 };
    let (mut start, _) = Ahead::new(&job, &sources, choice, &Serial).expect("a plain box");
    start.extend(Station::from_mm(4100.0), WorkAllowance(u32::MAX), &Serial, &mut |_| {});
    (job, start)
}

pub(crate) fn window() {
    for parts in [1, 5] {
        let (job, start) = begun(parts);
        let from = start.reached();
        let two = Timed::new(2);
        for (name, length_mm) in [("two seconds", WINDOW_MM), ("one step of 20 ms", STEP_MM)] {
            let to = from.advanced(Length::mm(length_mm));
            let mut best: [Option<(Took, Took)>; 2] = [None; 2];
            let mut what = (0, 0);
            for _ in 0..25 {
                let one = replan(&start, &job, (from, to), &Serial);
                two.busiest();
                let both = replan(&start, &job, (from, to), &two);
                what = (both.steps, both.spans);
                for (best, planned) in best.iter_mut().zip([one, both]) {
                    let (cut, all) = best.map_or((None, None), |(cut, all)| (Some(cut), Some(all)));
                    *best = Some((least(cut, planned.cut), least(all, planned.all)));
                }
            }
            println!("segments of {} mm, {name}: {} steps, {} spans", 1.0 / f64::from(parts), what.0, what.1);
            for (threads, best) in best.into_iter().enumerate() {
                let Some((cut, all)) = best else { continue };
                let cpu = if threads == 0 {
                    format!(", by processor time {:6.2} and {:6.2} ms", ms(cut.cpu), ms(all.cpu))
                } else {
                    String::new()
                };
                println!(
                    "  {} thread(s): cut and engaged {:6.2} ms, planned {:6.2} ms by the wall{cpu}",
                    threads + 1,
                    ms(cut.wall),
                    ms(all.wall)
                );
            }
        }
    }
}

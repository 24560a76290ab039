//! Work that is no longer wanted stops at its next step and leaves nothing behind.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use cloud_sim::ahead::{Ahead, MapChoice};
use cloud_sim::executor::{Cancel, Executor, Serial};
use cloud_sim::sweep::Workpiece;
use shared::budget::WorkAllowance;
use shared::ident::Digest;
use shared::job::{Job, JobSources};
use shared::motion::Station;
use shared::tool::CutterShape;
use shared::units::Length;

use crate::setup::*;

/// Wants the work to stop at the so-manieth time it is asked.
struct StopsAt {
    cancel: Cancel,
    asked: AtomicUsize,
    at: usize,
}

impl StopsAt {
    fn new(at: usize) -> Self {
        Self { cancel: Cancel::new(), asked: AtomicUsize::new(0), at }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

impl Executor for StopsAt {
    fn run(&self, count: usize, job: &(dyn Fn(usize) + Sync)) {
        Serial.run(count, job);
    }

    fn width(&self) -> usize {
        1
    }

    fn cancel(&self) -> Option<&Cancel> {
        if self.asked.fetch_add(1, Ordering::Relaxed) == self.at {
            self.cancel.want();
        }
        Some(&self.cancel)
    }
}

pub(crate) fn job() -> (Arc<Job>, JobSources) {
    let mut text =
        String::from("(T1 D=6. CR=0. - flat end mill)\nG21 G90 G17 G94 G40 G49 G54\nT1 M6\nS8000 M3\nG0 X-5 Y5 Z2\n");
    for row in 0..12 {
        let (y, x) = (5 + 2 * row, if row % 2 == 0 { 45 } else { -5 });
        text.push_str(&format!("G1 Y{y} Z-1.5 F1200\nX{x} Z-2\n"));
        for part in 1..8 {
            text.push_str(&format!("Y{}\n", f64::from(y) + 0.1 * f64::from(part)));
        }
    }
    text.push_str("M2\n");
    let manifest = "schema = 1\nname = \"a\"\n[program]\nfile = \"a.ngc\"\n[machine]\nfile = \"m\"\n[material]\nname = \"x\"\n\
                    [stock]\nshape = \"box\"\nmin = [0.0, 0.0, -10.0]\nmax = [40.0, 40.0, 0.0]\nunits = \"mm\"\n";
    let manifest = toml::from_str(manifest).expect("a valid manifest");
    let parts = [
        ("a.ngc", text.into_bytes()),
        ("m", include_bytes!("../../../scenarios/data/machines/generic-vmc.toml").to_vec()),
        ("x", include_bytes!("../../../scenarios/data/materials/7050-t7451.toml").to_vec()),
    ];
    let sources = JobSources { manifest, parts: parts.map(|(name, bytes)| (name.to_owned(), bytes)).into() };
    let (job, said) = Job::compile(&sources);
    (Arc::new(job.unwrap_or_else(|| panic!("{said:?}"))), sources)
}

/// Runs to the end or until stopped; what was handed over, as text, and the steps of it.
fn extend(ahead: &mut Ahead, executor: &dyn Executor) -> (bool, Vec<String>, usize) {
    let (mut handed, mut steps) = (Vec::new(), 0);
    let done = ahead.extend(Station::MAX, WorkAllowance(u32::MAX), executor, &mut |cut| {
        steps += cut.cut.steps.len();
        handed.push(format!("{cut:?}"));
    });
    (done, handed, steps)
}

#[test]
fn cancelled_work_stops_at_its_next_step_and_leaves_the_stock_as_handed_over() {
    let (job, sources) = job();
    let choice = MapChoice { cell_mm: Some(0.2), memory_max_bytes: 1 << 28 };
    let (start, _) = Ahead::new(&job, &sources, choice, &Serial).expect("a plain box");
    let mut whole = start.clone();
    let (done, all, steps) = extend(&mut whole, &Serial);
    let end: Digest = whole.map().digest();
    assert!(done && all.len() > 80, "{} segments", all.len());
    // Nobody stops it: it is asked before each step and before the loads of each.
    let never = StopsAt::new(usize::MAX);
    let mut asked = start.clone();
    assert_eq!(extend(&mut asked, &never).1, all, "being asked changes nothing");
    assert!(never.asked() >= 2 * steps, "asked {} times in {steps} steps", never.asked());
    let mut stopped_with = Vec::new();
    for at in (0..never.asked()).step_by(never.asked() / 40) {
        let stops = StopsAt::new(at);
        let mut ahead = start.clone();
        let (done, handed, _) = extend(&mut ahead, &stops);
        assert!(!done && stops.cancel.is_wanted(), "stopped at {at}");
        assert_eq!(handed, all[..handed.len()], "what was handed over is complete");
        // As if it had been asked for exactly what was handed over.
        let mut other = start.clone();
        other.extend(Station::MAX, WorkAllowance(handed.len() as u32), &Serial, &mut |_| {});
        assert_eq!((ahead.reached(), ahead.map().digest()), (other.reached(), other.map().digest()), "stopped at {at}");
        // And it can go on as if nothing had been.
        let (done, rest, _) = extend(&mut ahead, &Serial);
        assert!(done && rest == all[handed.len()..] && ahead.map().digest() == end, "stopped at {at}");
        stopped_with.push(handed.len());
    }
    assert!(stopped_with.contains(&0) && stopped_with.iter().any(|handed| *handed > 0), "{stopped_with:?}");
}

/// Never stops, and counts the cells that are looked at between two questions.
#[derive(Default)]
struct Counting {
    cancel: Cancel,
    most: AtomicU64,
    all: AtomicU64,
}

impl Executor for Counting {
    fn run(&self, count: usize, job: &(dyn Fn(usize) + Sync)) {
        Serial.run(count, job);
    }

    fn width(&self) -> usize {
        1
    }

    fn cancel(&self) -> Option<&Cancel> {
        Some(&self.cancel)
    }

    fn stops_before(&self, cells: usize) -> bool {
        self.most.fetch_max(cells as u64, Ordering::Relaxed);
        self.all.fetch_add(cells as u64, Ordering::Relaxed);
        false
    }
}

/// A millisecond is two million cells that are looked at: a pose reads 3 488 at most and costs 2 to 5 µs, a tile
/// has 1 024 and costs about one.
#[test]
fn work_is_asked_whether_to_stop_every_few_thousand_cells_whatever_the_cutter_and_the_map() {
    let place = |x: f64, y: f64| point(x, y, -1.0);
    for (diameter_mm, edge_mm, cell_mm) in [(6.0, 40.0, 0.1), (50.0, 200.0, 0.1), (80.0, 300.0, 0.2)] {
        for shape in [CutterShape::Flat, CutterShape::Ball, bull(1.0)] {
            let mut mill = tool(shape, diameter_mm);
            // A holder that is in the stock all along.
            mill.flute_length = Length::mm(0.5);
            mill.shank_diameter = Length::mm(1.5 * diameter_mm);
            mill.stickout = Length::mm(0.5);
            let mut map = block(edge_mm, edge_mm, 10.0, cell_mm);
            let counting = Counting::default();
            let moves =
                [line(place(0.0, 0.0), place(edge_mm, 0.7 * edge_mm)), line(place(edge_mm, 9.0), place(0.0, 9.0))];
            let cells: u64 = moves
                .iter()
                .flat_map(|path| cut_as(&mut map, &mill, &segment(*path), 1e9, &counting).steps)
                .map(|step| u64::from(step.removed_cells))
                .sum();
            let (most, all) = (counting.most.into_inner(), counting.all.into_inner());
            assert!(most <= 8192, "D{diameter_mm} {shape:?}: {most} cells between two questions");
            assert!(cells > 10_000 && all > cells, "{all} cells were announced, {cells} were lowered");
        }
    }
}

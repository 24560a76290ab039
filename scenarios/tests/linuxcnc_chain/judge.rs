//! What was really cut, from the record alone.
//!
//! The hidden truth of the virtual machine cuts here along the places and at the speeds that LinuxCNC's sampler recorded.
//! It shares no code with the planner; coefficients are drawn by seed. Beside it the same places are cut at the speed they
//! would have had without the plan, which must exceed the limit: a limit that nothing reaches proves nothing.

use std::path::Path;

use cloud_sim::ahead::{Ahead, MapChoice};
use cloud_sim::executor::Serial;
use firmware_bridge::process::{CuttingProcess, ToolMotion};
use scenarios::format::TruthSection;
use scenarios::hidden::Hidden;
use scenarios::simulate::Simulation;
use shared::geom::Point;
use shared::ident::ToolNumber;
use shared::job::Job;
use shared::units::{Feedrate, RotaryVelocity, Seconds};
use std::sync::{Arc, PoisonError};

use super::cases::{CHIPS, CORPUS, Case, ORIGIN};
use super::sampler::{Row, rows};

/// Greatest true peak over the limit, as for the virtual machine's scenarios: the plan knows nominal coefficients.
const RATIO_MAX: f64 = 1.15;
/// Eccentricity of the true cutters. The plan knows none, and its band covers what is small beside a chip: with the 0.01 mm
/// of a worn collet a cutter of 3 mm takes half as much again on one tooth, whatever the feed.
const RUNOUT_MM: f64 = 0.002;
/// Time of a servo tick.
const TICK_S: f64 = 1e-3;
/// Memory of the planner's map.
const MEMORY_MAX_BYTES: u64 = 512 << 20;

/// A line of result for each steered case that was asked for.
pub(crate) fn peaks(folder: &Path, names: &[&str]) -> String {
    let cases: [(&str, &Case, u32); 2] =
        [("chips_are_steered_below_the_limit", &CHIPS, 1), ("a_corpus_program_is_steered_below_the_limit", &CORPUS, 4)];
    let mut results = String::new();
    for (_, case, tool) in cases.into_iter().filter(|(name, ..)| names.contains(name)) {
        match peak(folder, case, ToolNumber(tool)) {
            Ok(figures) => results.push_str(&format!("{figures}\ntest the_peak_of_{}_stays_below ... ok\n", case.name)),
            Err(error) => {
                results.push_str(&format!("test the_peak_of_{}_stays_below ... FAILED: {error}\n", case.name))
            }
        }
    }
    results
}

fn peak(folder: &Path, case: &Case, tool: ToolNumber) -> Result<String, String> {
    let scenario = case.scenario(folder);
    let (job, said) = Job::compile(&scenario.sources);
    let job = Arc::new(job.ok_or_else(|| format!("{said:?}"))?);
    let choice = MapChoice { cell_mm: None, memory_max_bytes: MEMORY_MAX_BYTES };
    let simulation = Simulation::run(&job, &scenario.sources, choice, &Serial)?;
    let limit = simulation.limits.force_peak_xy.ok_or("the case has no limit")?;
    let record = rows(&folder.join(format!("{}.ticks", case.name)))?;
    let (steered_n, evaluations) = felt(&job, &scenario.sources, choice, &record, tool, |row| row.velocity)?;
    // Without the plan a feed runs at its programmed speed, which LinuxCNC reaches at the factor it was given.
    let free = |row: &Row| if row.feeds() && row.factor > 0.0 { row.velocity / row.factor } else { row.velocity };
    let (free_n, _) = felt(&job, &scenario.sources, choice, &record, tool, free)?;
    let (limit_n, ratio) = (limit.as_n(), steered_n / limit.as_n());
    let figures = format!(
        "{}: true peak {steered_n:.1} N of a limit of {limit_n:.1} N ({ratio:.3}); without the plan {free_n:.1} N; {} ticks, \
         {evaluations} evaluations in material",
        case.name,
        record.len()
    );
    if evaluations < 100 || ratio > RATIO_MAX || free_n <= limit_n {
        return Err(figures);
    }
    Ok(figures)
}

/// The greatest peak along a record, N, at speeds of a choice.
fn felt(
    job: &Job,
    sources: &shared::job::JobSources,
    choice: MapChoice,
    record: &[Row],
    tool: ToolNumber,
    speed: impl Fn(&Row) -> f64,
) -> Result<(f64, u64), String> {
    let (start, _) = Ahead::new(&Arc::new(job.clone()), sources, choice, &Serial)?;
    let map = start.map().height_map().ok_or("three axes only")?;
    let (mut hidden, feeling) =
        Hidden::new(job, map, &TruthSection { runout_mm: RUNOUT_MM, ..TruthSection::default() }, vec![5], None)
            .map_err(|error| error.to_string())?;
    let work = |at: [f64; 3]| Point::new(at[0] - ORIGIN[0], at[1] - ORIGIN[1], at[2] - ORIGIN[2]);
    let spindle = job.path.segments().iter().find_map(|segment| segment.spindle).unwrap_or(RotaryVelocity::rpm(1.0));
    for pair in record.windows(2).filter(|pair| pair[0].at != pair[1].at) {
        hidden.cut(&ToolMotion {
            from: work(pair[0].at),
            to: work(pair[1].at),
            time: Seconds::s(TICK_S),
            velocity: Feedrate::mm_s(speed(&pair[1])),
            spindle,
            tool: Some(tool),
            rapid: pair[1].kind == 1,
        });
    }
    let feeling = feeling.lock().unwrap_or_else(PoisonError::into_inner);
    println!("worst place of the run: {:?}", feeling.worst);
    Ok((feeling.peak_n.first().copied().unwrap_or(0.0), feeling.evaluations))
}

//! What the agent sees, and what its factor does.

use std::collections::{BTreeMap, BTreeSet};

use firmware_bridge::controller::Execution;
use firmware_bridge::dialect::linuxcnc::{MotionType, TaskStatus};
use shared::geom::Point;
use shared::ident::ToolNumber;

use crate::rig::{Outcome, PATIENCE, PROGRAMS, Rig, Seen, ensure, halcmd, permille};

/// A long straight feed at 40 mm/s.
pub(crate) const STRAIGHT: &str = "G1 X1900 F2400\nG1 X0\nM2\n";
const SPEED: f64 = 40.0;

fn ready(rig: &mut Rig) -> Result<usize, String> {
    if rig.link.is_none() {
        rig.enter()?;
    }
    rig.rest()?;
    Ok(rig.record.len())
}

fn is_near(value: f64, expected: f64) -> bool {
    (value - expected).abs() < 0.01 * expected.abs() + 1e-6
}

/// Ticks of a packaged program: none missing, and the same line as the task says.
pub(crate) fn no_tick_is_missing(rig: &mut Rig) -> Outcome {
    let from = ready(rig)?;
    let (lost, overruns) = (rig.reader.ticks_lost(), rig.link.as_mut().map_or(0, |link| link.overruns()));
    rig.start_file(&format!("{PROGRAMS}/3D_Chips.ngc"))?;
    rig.plan = Some(permille(1000));
    let begun = rig.now();
    let counted_from = rig.record.len();
    let reports_from = rig.reports.len();
    rig.run_for(rig.seconds * 1000);
    let elapsed_ms = rig.now().since(begun).as_ms();
    let ticks = rig.record.len() - counted_from;
    let lost = rig.reader.ticks_lost() - lost;
    let overruns = rig.link.as_mut().map_or(0, |link| link.overruns()) - overruns;
    ensure(lost == 0 && overruns == 0, || format!("{lost} ticks lost, {overruns} overruns"))?;
    // A machine under load slips ticks, which is not the same as losing them.
    ensure((ticks as f64 / elapsed_ms - 1.0).abs() < 0.1, || format!("{ticks} ticks in {elapsed_ms} ms"))?;
    let seen = rig.since(counted_from);
    let in_order = seen.windows(2).all(|pair| pair[0].is.sample.valid_at <= pair[1].is.sample.valid_at);
    ensure(in_order, || "instants of ticks are out of order".to_owned())?;
    let said = |seen: &&Seen| seen.is.sample.position.is_some() && seen.is.sample.execution == Some(Execution::Active);
    let complete = seen.iter().filter(said).count();
    ensure(complete as f64 > 0.99 * ticks as f64, || format!("{complete} of {ticks} ticks have place and state"))?;
    // The task tells the line a little later: it has to be one of the last ticks' lines.
    let agrees = |(at, status): &&(usize, _)| {
        let status: &TaskStatus = status;
        let near = &rig.record[at.saturating_sub(100).max(from)..(at + 20).min(rig.record.len())];
        near.iter().any(|seen| Some(seen.is.tick.program_line) == status.motion_line)
    };
    let reports = &rig.reports[reports_from..];
    let agreeing = reports.iter().filter(agrees).count();
    ensure(agreeing * 100 >= reports.len() * 99, || format!("{agreeing} of {} reports agree", reports.len()))?;
    ensure(rig.program.ends_with("3D_Chips.ngc"), || format!("the program is said to be {:?}", rig.program))?;
    let lines: BTreeSet<i32> = seen.iter().map(|seen| seen.is.tick.program_line).collect();
    Ok(format!(
        "{ticks} ticks in {elapsed_ms:.0} ms, none lost; {} source lines; {agreeing} of {} reports on the line",
        lines.len(),
        reports.len()
    ))
}

/// Tool length, work offset, rotation and G92: the place told is the one the program says, and so is the tool.
pub(crate) fn places_are_the_programs(rig: &mut Rig) -> Outcome {
    ready(rig)?;
    rig.start(
        "G10 L2 P2 X100 Y50 Z-20 R30\nG55\nT2 M6\nG43\nG92 X5 Y6 Z7\nG1 X25 Y16 Z9 F1200\nG4 P1\nG1 X5\n\
         G92.1\nG10 L2 P2 X0 Y0 Z0 R0\nG49\nG54\nM2\n",
    )?;
    let said = Point::new(25.0, 16.0, 9.0);
    rig.until("the place the program says", |seen| {
        seen.sample.position.is_some_and(|place| (place - said).norm() < 1e-6) && seen.tick.current_vel == 0.0
    })?;
    let newest = rig.record.last().map(|seen| seen.is).ok_or("no ticks")?;
    let status = rig.reader.status(rig.now()).copied().ok_or("no report")?;
    let row = status.tool_row.ok_or("no tool row")?;
    ensure(newest.sample.tool == Some(ToolNumber(2)) && row.number == ToolNumber(2), || format!("{status:?}"))?;
    ensure(row.diameter == 10.0 && row.offsets[2] == 12.5, || format!("{row:?}"))?;
    ensure(status.work_offset_number == Some(2) && status.rotation_deg == Some(30.0), || format!("{status:?}"))?;
    rig.tell("idle")?;
    Ok(format!("at {said} in G55 turned by 30°, axes at {:.3?}", &newest.tick.axes[..3]))
}

/// 100 steps between 50 and 100 %, each with the time to the first change of velocity.
pub(crate) fn every_step_takes_effect(rig: &mut Rig) -> Outcome {
    ready(rig)?;
    rig.start(STRAIGHT)?;
    rig.plan = Some(permille(1000));
    rig.until("full speed", |seen| is_near(seen.tick.current_vel, SPEED))?;
    let (mut in_tick_ms, mut seen_ms) = (Vec::new(), Vec::new());
    for step in 0..100_u16 {
        let target = if step % 2 == 0 { 500 } else { 1000 };
        // Not in step with anything.
        rig.run_for(20 + u64::from(step * 7 % 13));
        let (before, from) = (rig.velocity(), rig.record.len());
        rig.plan = Some(permille(target));
        rig.cycle();
        let written_at = rig.written_at;
        rig.until("effect", |seen| is_near(seen.tick.current_vel, SPEED * f64::from(target) / 1000.0))?;
        let changed = rig.since(from).iter().find(|seen| (seen.is.tick.current_vel - before).abs() > 0.01);
        let changed = changed.ok_or_else(|| format!("step {step} has changed nothing"))?;
        in_tick_ms.push(changed.is.sample.valid_at.since(written_at).as_ms());
        seen_ms.push(changed.at.since(written_at).as_ms());
    }
    rig.plan = None;
    rig.tell("abort")?;
    let mut table = String::from("write to first change of velocity, 100 steps    p50     p95     max (ms)\n");
    for (what, times) in [("in the servo tick", &mut in_tick_ms), ("as the agent sees it", &mut seen_ms)] {
        times.sort_by(f64::total_cmp);
        let share = |share: f64| times[((times.len() - 1) as f64 * share).round() as usize];
        table.push_str(&format!("  {what:<43}{:7.2} {:7.2} {:7.2}\n", share(0.5), share(0.95), share(1.0)));
    }
    Ok(table + "  wanted on a quiet machine: p50 2, p95 10")
}

/// The operator's dial beside a plan: the lower of both, and the dial stays where it was put.
pub(crate) fn dial_is_respected(rig: &mut Rig) -> Outcome {
    ready(rig)?;
    rig.start(STRAIGHT)?;
    rig.plan = Some(permille(800));
    let mut figures = String::from("plan 80 %: ");
    for (dial, effective) in [(1000_u16, 0.8), (600, 0.6), (900, 0.8), (1500, 0.8), (1000, 0.8)] {
        rig.tell(&format!("dial {}", f64::from(dial) / 1000.0))?;
        let speed = SPEED * effective;
        rig.until("the lower of both", |seen| {
            is_near(seen.tick.current_vel, speed) && seen.sample.dial_permille == Some(dial)
        })?;
        rig.run_for(300);
        ensure(is_near(rig.velocity(), speed), || format!("{} mm/s under dial {dial}", rig.velocity()))?;
        let newest = rig.record.last().map(|seen| seen.is.sample);
        ensure(newest.and_then(|sample| sample.dial_permille) == Some(dial), || format!("{newest:?}"))?;
        figures.push_str(&format!("dial {} % -> {:.1} %, ", dial / 10, rig.velocity() / SPEED * 100.0));
    }
    rig.plan = None;
    rig.tell("abort")?;
    Ok(figures)
}

/// M52 P0, M50 P0, M49 and G33: the factor is said to be not enabled, and is 1 where LinuxCNC would obey it.
pub(crate) fn program_forbids(rig: &mut Rig) -> Outcome {
    let from = ready(rig)?;
    // Each state for a second at 10 mm/s: line 3, 5, 7, 9, 11; then a thread.
    let program = "G21 G90 F600 S600 M3\nG4 P0.1\nG1 X10\nM52 P0\nG1 X20\nM52 P1\nG1 X30\nM50 P0\nG1 X40\nM50 P1\n\
                   G1 X50\nM49\nG1 X60\nM48\nG1 X70\nG33 Z-10 K1\nG1 X80\nM5\nM2\n";
    rig.plan = Some(permille(500));
    rig.start(program)?;
    let end = rig.now().after(PATIENCE.times(2));
    while rig.now() < end && rig.record.last().is_some_and(|seen| seen.is.sample.execution == Some(Execution::Active)) {
        rig.cycle();
        // G33 waits at its start for the mark of the spindle, which this mill does not have.
        let waits = |seen: &Seen| seen.is.tick.axes[0] == 70.0 && seen.is.tick.current_vel == 0.0;
        if rig.record.last().is_some_and(waits) {
            // An encoder counts from its mark on.
            for (pin, value) in [("turns.reset", "1"), ("spindle.0.index-enable", "0"), ("turns.reset", "0")] {
                halcmd(&["setp", pin, value])?;
            }
        }
    }
    rig.plan = None;
    let complaints = rig.ask("complaints")?;
    let mut figures = String::new();
    for (line, enabled, speed) in [
        (3, true, 5.0),
        (5, false, 10.0),
        (7, true, 5.0),
        (9, false, 10.0),
        (11, true, 5.0),
        (13, false, 10.0),
        (15, true, 5.0),
        (16, false, 10.0),
        (17, true, 5.0),
    ] {
        let of_line = |seen: &&Seen| seen.is.tick.program_line == line && seen.is.tick.current_vel > 0.0;
        let of_line: Vec<&Seen> = rig.since(from).iter().filter(of_line).collect();
        // The first ticks of a motion come before the report that tells its codes; on a busy machine a good while before.
        let settled = &of_line[of_line.len() * 7 / 10..];
        let agree = settled.iter().filter(|seen| seen.is.sample.factor_enabled == Some(enabled)).count();
        let fast = settled.iter().filter(|seen| is_near(seen.is.tick.current_vel, speed)).count();
        figures.push_str(&format!(
            "line {line}: enabled {enabled} in {agree}, {speed} mm/s in {fast} of {}; ",
            settled.len()
        ));
        // Moves brake at their end where M52 and the like make the queue run empty.
        let enough = |count: usize| !settled.is_empty() && count * 10 >= settled.len() * 8;
        let speed_counts = line != 16;
        ensure(enough(agree) && (!speed_counts || enough(fast)), || {
            let of_line = |(_, status): &&(usize, TaskStatus)| status.motion_line == Some(line);
            let (last, told) = (settled.last().map(|seen| seen.is), rig.reports.iter().rfind(of_line));
            format!("{figures} complaints: {complaints}; {last:?}; {told:?}")
        })?;
    }
    Ok(figures)
}

/// Under a plan of 50 % feeds run at half and rapids at full speed.
pub(crate) fn rapids_are_not_slowed(rig: &mut Rig) -> Outcome {
    let from = ready(rig)?;
    rig.plan = Some(permille(500));
    rig.start("G1 X20 F1200\nG0 X300\nG1 X320\nG0 X0\nM2\n")?;
    rig.until("the end", |seen| seen.sample.execution != Some(Execution::Active))?;
    let end = rig.record.last().and_then(|seen| seen.is.sample.execution);
    rig.plan = None;
    let mut fastest: BTreeMap<bool, f64> = BTreeMap::new();
    for seen in rig.since(from) {
        let rapid = seen.is.tick.motion_type == MotionType::Traverse;
        let speed = fastest.entry(rapid).or_insert(0.0);
        *speed = speed.max(if seen.is.tick.motion_type == MotionType::Idle { 0.0 } else { seen.is.tick.current_vel });
    }
    let (feed, rapid) = (fastest.get(&false).copied().unwrap_or(0.0), fastest.get(&true).copied().unwrap_or(0.0));
    ensure(is_near(rapid, 100.0), || format!("rapids reach {rapid} mm/s, not 100"))?;
    ensure(end == Some(Execution::ProgramCompleted), || format!("it ended as {end:?}"))?;
    Ok(format!("feeds at most {feed:.1} mm/s of 20, rapids {rapid:.1} mm/s of 100"))
}

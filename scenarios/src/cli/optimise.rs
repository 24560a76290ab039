//! `cosim optimise`: a program with feeds under which it keeps its limits.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use cloud_sim::collision::{Finding, FindingKind};
use cloud_sim::executor::Executor;
use shared::files::FileText;
use shared::ident::ToolNumber;
use shared::job::{Job, JobSources};
use shared::program::{LINE_FACTOR_MAX, Severity};
use shared::units::Length;

use super::job::JobArgs;
use super::simulate::{Prepared, STOCK_ADVICE, executor, prepare, write_file};
use super::{EXIT_INFRASTRUCTURE, EXIT_PASS, bad_input, draw};
use crate::format::{Level, LimitsFile, LoadError, PlanFile, limits_by_tool, read_file};
use crate::report::{OptimiseJson, optimise_text};
use crate::rewrite_plan::{FeedRules, PlanRewriteError, RewrittenPlan, rewrite_plan};
use crate::rewrite_split::{SplitProgram, split_program};
use crate::simulate::{Order, Simulation, StatedLimits};
use crate::summary_optimise::{OptimiseFacts, SplitCounts, optimise_json};

#[derive(Debug, Args)]
pub(super) struct OptimiseArgs {
    #[command(flatten)]
    job: JobArgs,
    /// Limits: TOML with `[limits]` as in a scenario, `[material."NAME"]` and `[tool.N]`; the later takes the place of
    /// the earlier, key by key.
    #[arg(long, value_name = "FILE")]
    limits: Option<PathBuf>,
    /// Limits for who has none of his own: each tool at most 70 % (conservative) or 85 % (normal) of its own highest
    /// peak force at 100 %, and that share of the feed into material and downwards. Without it a scenario's own limits
    /// hold, or those of --limits; without any, normal.
    #[arg(long, value_parser = level())]
    level: Option<Level>,
    /// Factor of blocks at feed that stay outside the stock and the allowance around it; 1 leaves them alone.
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, allow_negative_numbers = true)]
    air_factor: f64,
    /// Allowance around the stock, mm.
    #[arg(long, value_name = "MM", default_value_t = 2.0, allow_negative_numbers = true)]
    air_allowance: f64,
    /// Most different factors in the program; feeds are rounded down to them.
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=1000), allow_negative_numbers = true)]
    buckets: Option<u16>,
    /// Split long blocks where their feed should change: lines and arcs in absolute coordinates, with nothing in them but
    /// their move. Without it each block keeps one feed, that of its worst place.
    #[arg(long)]
    split: bool,
    /// Write the program with its new feeds to a file (`-` for standard output).
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Write the plan over station for live use to a file. It belongs to the program as it was: never faster than
    /// programmed, and finer than whole blocks.
    #[arg(long, value_name = "FILE")]
    plan: Option<PathBuf>,
    /// Write the report as JSON to a file (`-` for standard output).
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

fn level() -> impl TypedValueParser<Value = Level> {
    let names = PossibleValuesParser::new(Level::NAMES.map(|(name, _)| name));
    names.map(|name| if name == Level::Conservative.name() { Level::Conservative } else { Level::Normal })
}

pub(super) fn command(args: &OptimiseArgs) -> u8 {
    match run(args) {
        Ok(()) => EXIT_PASS,
        Err(code) => code,
    }
}

fn run(args: &OptimiseArgs) -> Result<(), u8> {
    check(args).map_err(|message| draw::message(&message))?;
    let file = args.limits.as_deref().map(limits_file).transpose()?;
    let mut loaded = args.job.load()?;
    let has_own = args.job.scenario.is_some() || file.is_some();
    let level = args.level.or_else(|| (!has_own).then_some(Level::Normal));
    let said = said(args, level);
    state_limits(&mut loaded.sources, file.as_ref(), level);
    let prepared = prepare(loaded.sources, loaded.assumed)?;
    let by_tool = tool_limits(&prepared, level, file.as_ref()).map_err(|message| draw::message(&message))?;
    let executor = executor(args.job.threads).map_err(|message| draw::message(&message))?;
    let rules =
        FeedRules { air_permille: (args.air_factor * 1000.0).round() as u16, buckets: args.buckets.map(usize::from) };
    let air = (rules.air_permille > 1000).then(|| Length::mm(args.air_allowance));
    let order = Order { choice: loaded.choice, by_tool, air };
    let before = Simulation::run_order(&prepared.job, &prepared.sources, &order, executor.as_ref())
        .map_err(|message| draw::message(&format!("{message}; {STOCK_ADVICE}")))?;
    refuse_plunges(&prepared, &before)?;
    let whole = rewrite_plan(&before, &prepared.sources, rules, executor.as_ref())
        .map_err(|error| refused(&prepared, error))?;
    let split = if args.split { split(&prepared, &before, (&order, rules), executor.as_ref())? } else { None };
    let whole_s = whole.after.programmed.cycle_time().as_s();
    // Pieces that win nothing are not written.
    let split = split.filter(|(_, plan)| plan.after.programmed.cycle_time().as_s() < whole_s);
    let counts = split.as_ref().map(|(program, _)| SplitCounts {
        blocks: program.blocks,
        pieces: program.pieces,
        whole_blocks_s: whole_s,
    });
    let (base, plan) = match &split {
        Some((program, plan)) => (&program.simulation, plan),
        None => (&before, &whole),
    };
    let facts = OptimiseFacts {
        program: &prepared.sources.manifest.program.file,
        limits: said,
        rules,
        allowance: Length::mm(args.air_allowance),
        diagnostics: &prepared.diagnostics,
        assumed: &prepared.assumed,
        unused: unused_tools(&prepared.job, file.as_ref()),
        program_digest: before.job.program.0.to_string(),
        split_asked: args.split,
        split: counts,
    };
    let report = optimise_json(base, plan, &facts);
    write_all(args, &before, plan, &report, facts.program)
}

/// The program in pieces and its plan; `None` where no block is worth it.
fn split(
    prepared: &Prepared,
    before: &Simulation,
    (order, rules): (&Order, FeedRules),
    executor: &dyn Executor,
) -> Result<Option<(SplitProgram, RewrittenPlan)>, u8> {
    let found = split_program(before, &prepared.sources, order, executor).map_err(|error| refused(prepared, error))?;
    let Some(program) = found else { return Ok(None) };
    let plan = rewrite_plan(&program.simulation, &program.sources, rules, executor);
    Ok(Some((program, plan.map_err(|error| refused(prepared, error))?)))
}

/// A cutter that does not cut at its centre must not plunge into material, at whatever feed.
fn refuse_plunges(prepared: &Prepared, before: &Simulation) -> Result<(), u8> {
    let plunges = |finding: &&Finding| finding.kind == FindingKind::NonCentreCuttingPlunge;
    let name = prepared.sources.manifest.program.file.as_str();
    let bytes = prepared.sources.parts.get(name).map(Vec::as_slice).unwrap_or_default();
    let file = FileText { name, text: std::str::from_utf8(bytes).unwrap_or_default() };
    let mut lines: Vec<u32> = before.prediction.findings.iter().filter(plunges).map(|finding| finding.line).collect();
    lines.dedup();
    if lines.is_empty() {
        return Ok(());
    }
    let wrong = |line: &u32| {
        let message = "a cutter that does not cut at its centre plunges into material here".to_owned();
        let advice = "ramp in, choose a centre-cutting tool, or correct `centre_cutting` of the tool".to_owned();
        file.on_line(Severity::Error, *line, "process::plunge", message, advice)
    };
    let texts = [(name.to_owned(), file.text.to_owned())].into_iter().collect();
    Err(bad_input(&LoadError { diagnostics: lines.iter().map(wrong).collect(), texts }))
}

fn check(args: &OptimiseArgs) -> Result<(), String> {
    let most = f64::from(LINE_FACTOR_MAX) / 1000.0;
    if !(1.0..=most).contains(&args.air_factor) {
        return Err(format!("--air-factor is {}, expected 1 (leave air alone) to {most}", args.air_factor));
    }
    if !(1.0..=1000.0).contains(&args.air_allowance) {
        return Err(format!("--air-allowance is {}, expected 1 to 1000 mm around the stock", args.air_allowance));
    }
    let outputs = [&args.out, &args.plan, &args.json].into_iter().flatten();
    if outputs.filter(|path| path.as_os_str() == "-").count() > 1 {
        return Err("only one of --out, --plan and --json can go to standard output; name a file".to_owned());
    }
    if args.out.is_some() && args.out == args.job.program {
        return Err("--out names the program itself; name another file, the program is not overwritten".to_owned());
    }
    Ok(())
}

fn limits_file(path: &Path) -> Result<LimitsFile, u8> {
    let name = path.display().to_string();
    let bytes = read_file(path, &name).map_err(|error| bad_input(&error))?;
    let wrong = |diagnostics| {
        let texts = String::from_utf8(bytes.clone()).ok().map(|text| (name.clone(), text)).into_iter().collect();
        bad_input(&LoadError { diagnostics, texts })
    };
    let text = FileText::from_bytes(&name, &bytes).map_err(|error| wrong(vec![*error]))?;
    LimitsFile::parse(text).map_err(wrong)
}

/// Puts the limits of the file in place of the job's own; a level takes the place of shares of the program's peak.
fn state_limits(sources: &mut JobSources, file: Option<&LimitsFile>, level: Option<Level>) {
    if let Some(limits) = file.and_then(|file| file.limits.clone()) {
        sources.manifest.limits = limits;
    } else if level.is_some() {
        sources.manifest.limits.force_peak_share = None;
    }
}

fn tool_limits(
    prepared: &Prepared,
    level: Option<Level>,
    file: Option<&LimitsFile>,
) -> Result<BTreeMap<ToolNumber, StatedLimits>, String> {
    let job = &prepared.job;
    // Where nobody states the uncertainty, it is that of the material.
    let mut limits = prepared.sources.manifest.limits.clone();
    limits.uncertainty = limits.uncertainty.or(Some(job.limits.uncertainty));
    limits_by_tool(job.tools.keys().copied(), &job.material.name, &limits, level, file)
}

fn said(args: &OptimiseArgs, level: Option<Level>) -> String {
    let parts = [
        args.job.scenario.as_ref().map(|name| format!("of the scenario {name}")),
        level.map(|level| {
            let why = if args.level.is_some() { "" } else { " (none were named)" };
            format!("level {}{why}", level.name())
        }),
        args.limits.as_ref().map(|path| format!("of {}", path.display())),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", then ")
}

/// Tools of the limits file that the program does not use.
fn unused_tools(job: &Job, file: Option<&LimitsFile>) -> Vec<ToolNumber> {
    let named = file.map(|file| file.tools().collect::<Vec<_>>()).unwrap_or_default();
    named.into_iter().filter(|tool| !job.tools.contains_key(tool)).collect()
}

fn refused(prepared: &Prepared, error: PlanRewriteError) -> u8 {
    let name = &prepared.sources.manifest.program.file;
    let message = error.to_string();
    if let PlanRewriteError::Compile(diagnostics) = error {
        return bad_input(&LoadError { diagnostics, texts: BTreeMap::new() });
    }
    draw::message(&format!("{name}: {message}"))
}

fn write_all(
    args: &OptimiseArgs,
    before: &Simulation,
    plan: &RewrittenPlan,
    report: &OptimiseJson,
    program: &str,
) -> Result<(), u8> {
    let failed = |message: String| {
        draw::line(&message);
        EXIT_INFRASTRUCTURE
    };
    if let Some(path) = &args.out {
        write_file(path, &mut |out| out.write_all(&plan.rewritten.text)).map_err(failed)?;
    }
    if let Some(path) = &args.plan {
        let file = PlanFile::of(program, before);
        let written = write_file(path, &mut |out| {
            serde_json::to_writer_pretty(&mut *out, &file)?;
            out.write_all(b"\n")
        });
        written.map_err(failed)?;
    }
    if let Some(path) = &args.json {
        let written = write_file(path, &mut |out| {
            serde_json::to_writer_pretty(&mut *out, report)?;
            out.write_all(b"\n")
        });
        written.map_err(failed)?;
    }
    let to_stdout = [&args.out, &args.plan, &args.json].into_iter().flatten().any(|path| path.as_os_str() == "-");
    if !to_stdout {
        // A closed standard output leaves nobody to tell.
        let _ = std::io::stdout().lock().write_all(optimise_text(report).as_bytes());
    }
    Ok(())
}

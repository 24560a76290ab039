//! One factor over station from a row of bounds.
//!
//! 1. Bounds become cells without gaps and are widened by the uncertainty of the station.
//! 2. A forward and a backward pass make the greatest function g below the bounds whose slew the machine can
//!    follow: slowed down early, speeded up late. On each cell g is a rise, a level and a fall.
//! 3. g is rounded down to the controller's grain and held for a least length, by lowering only.
//!
//! Why holding may jump by several grains although the slew is limited: a command that chases a plan p ≤ g at
//! the slew limit stays below g wherever it began below g, because g itself never falls faster. So any p below
//! g is safe, and p need not be a staircase of single grains.
//!
//! Cells with a fixed factor (rapids, dwells, locked, finish) are 1.0 and cut the row into runs: the slew starts afresh
//! behind them. Whoever follows the plan has to begin lowering before such a border.
//!
//! Anytime: with an allowance of W the row is joined to about W cells first, in groups of 2^k. Any allowance
//! gives a valid plan; a greater one never a lower one before rounding.

use shared::budget::WorkAllowance;
use shared::motion::{Path, Station};
use shared::plan::{Binding, Limits, Override, OverridePlan, PlanError, Reason, Span};

use super::bound::StepBound;
use super::profile::{self, Cell};
use super::slew::Ramp;

/// Most pieces into which one rise or fall of one cell is rounded.
const PIECES_MAX: u16 = 16;

/// What a schedule is made of.
#[derive(Clone, Copy, Debug)]
pub struct ScheduleInput<'a> {
    /// The path the bounds belong to.
    pub path: &'a Path,
    /// Bounds in order of station; they may have gaps and reach beyond the range.
    pub bounds: &'a [StepBound],
    /// Limits of the job.
    pub limits: &'a Limits,
    /// First station of the plan.
    pub from: Station,
    /// First station no longer in it; the end of the path if that comes first.
    pub to: Station,
}

/// The plan over the input's range. O(n) but for sorting borders that are sorted in three runs.
///
/// # Errors
/// [`PlanError::Empty`] for an empty range, [`PlanError::TooMany`] where even spans merged do not fit a plan.
pub fn schedule(input: &ScheduleInput<'_>, work: WorkAllowance) -> Result<OverridePlan, PlanError> {
    let cells = cells_of(input, work);
    let nodes = passes(&cells, input.limits.slew_per_s);
    let mut pieces = Vec::with_capacity(cells.len() * 2);
    for (index, cell) in cells.iter().enumerate() {
        round_down(cell, [nodes[index].0, nodes[index].1], input.limits, &mut pieces);
    }
    OverridePlan::new(held(&pieces, input.limits.hold_min.as_mm()))
}

/// Widened and, where the allowance is small, joined cells of the range.
pub(super) fn cells_of(input: &ScheduleInput<'_>, work: WorkAllowance) -> Vec<Cell> {
    let cells = profile::cells(input.path, input.bounds, input.limits, input.from, input.to);
    let margin_nm = Station::from_mm(input.limits.station_margin.as_mm()).as_nm();
    profile::coarsened(profile::widened(&cells, margin_nm), work.0 as usize)
}

/// g at the beginning and the end of each cell.
pub(super) fn passes(cells: &[Cell], slew_per_s: f64) -> Vec<(f64, f64)> {
    let ramp = |cell: &Cell| Ramp::new(cell.feed_mm_s, cell.reached_mm_s, slew_per_s);
    let mut nodes: Vec<(f64, f64)> = Vec::with_capacity(cells.len());
    // Forwards: at most the bounds on both sides of a border, and what the rise since the one before allows.
    for (index, cell) in cells.iter().enumerate() {
        let begin = match index.checked_sub(1).map(|before| &cells[before]) {
            Some(before) if !before.is_exempt() && !cell.is_exempt() => nodes[index - 1].1.min(cell.ratio),
            _ => cell.ratio,
        };
        let end = if cell.is_exempt() { cell.ratio } else { ramp(cell).after(begin, cell.length_mm()).min(cell.ratio) };
        nodes.push((begin, end));
    }
    // Backwards: the same for falls.
    for index in (0..cells.len()).rev() {
        let cell = &cells[index];
        if cell.is_exempt() {
            continue;
        }
        if let Some(after) = cells.get(index + 1).filter(|after| !after.is_exempt()) {
            let next = nodes[index + 1].0;
            debug_assert!(next <= after.ratio);
            nodes[index].1 = nodes[index].1.min(next);
        }
        let highest = ramp(cell).after(nodes[index].1, cell.length_mm());
        nodes[index].0 = nodes[index].0.min(highest);
        // A begin lowered from behind lowers what the forward pass may have reached at the end, never raises.
        if let Some(before) = index.checked_sub(1).filter(|&before| !cells[before].is_exempt()) {
            nodes[before].1 = nodes[before].1.min(nodes[index].0);
        }
    }
    nodes
}

/// The greatest value of g on a cell between its ends: the bound, or where rise and fall meet below it.
pub(super) fn top_of(cell: &Cell, [begin, end]: [f64; 2], ramp: &Ramp) -> f64 {
    let length_mm = cell.length_mm();
    let climb_mm = 2.0 * ramp.distance(cell.ratio) - ramp.distance(begin) - ramp.distance(end);
    if climb_mm <= length_mm {
        return cell.ratio;
    }
    let meeting = ramp.factor((length_mm + ramp.distance(begin) + ramp.distance(end)) / 2.0);
    meeting.max(begin.max(end)).min(cell.ratio)
}

/// A stretch with one rounded factor.
#[derive(Clone, Copy, Debug)]
struct Piece {
    from_nm: u64,
    to_nm: u64,
    factor: Override,
    binding: Binding,
}

/// A factor within this many grains of the bound of its place is there because of that bound; further below it
/// is on the way to or from a slower stretch.
const SLEW_NAMED_GRAINS: u16 = 3;

/// Rounds g on one cell down to the grain.
fn round_down(cell: &Cell, [begin, end]: [f64; 2], limits: &Limits, pieces: &mut Vec<Piece>) {
    if cell.is_exempt() {
        let Cell { from_nm, to_nm, binding, .. } = *cell;
        pieces.push(Piece { from_nm, to_nm, factor: Override::PROGRAMMED, binding });
        return;
    }
    let ramp = Ramp::new(cell.feed_mm_s, cell.reached_mm_s, limits.slew_per_s);
    let top = limits.quantised(top_of(cell, [begin, end], &ramp));
    let level = level_binding(cell, limits);
    let bound = limits.quantised(cell.ratio).permille();
    let grain = limits.step_permille.max(1);
    let named = |factor: Override| {
        let below = bound.saturating_sub(factor.permille());
        if below <= SLEW_NAMED_GRAINS * grain { level } else { Binding::plain(Reason::Slew) }
    };
    let at_nm = |mm: f64| ((mm * 1e6) as u64).min(cell.to_nm - cell.from_nm) + cell.from_nm;
    let mut cursor_nm = cell.from_nm;
    let mut push = |to_nm: u64, factor: Override, binding: Binding| {
        let to_nm = to_nm.min(cell.to_nm);
        if to_nm > cursor_nm {
            pieces.push(Piece { from_nm: cursor_nm, to_nm, factor, binding });
            cursor_nm = to_nm;
        }
    };
    // Up: a grain is taken once g has reached it, one nanometre late. Down: it is left one early.
    let first = limits.quantised(begin);
    for (factor, next) in grains(first, top, limits) {
        let reached_mm = ramp.distance(next.ratio()) - ramp.distance(begin);
        push(at_nm(reached_mm.max(0.0)) + 1, factor, named(factor));
    }
    let last = limits.quantised(end);
    let falls: Vec<_> = grains(last, top, limits).collect();
    let down_mm = |factor: Override| ramp.distance(factor.ratio()) - ramp.distance(end);
    let leave_nm = |factor: Override| {
        let from_end_mm = down_mm(factor).max(0.0);
        cell.to_nm - (((from_end_mm * 1e6).ceil() as u64) + 1).min(cell.to_nm - cell.from_nm)
    };
    match falls.last() {
        None => push(cell.to_nm, top, named(top)),
        Some((_, next)) => push(leave_nm(*next), top, named(top)),
    }
    for (index, (factor, _)) in falls.iter().enumerate().rev() {
        let until_nm = if index == 0 { cell.to_nm } else { leave_nm(falls[index - 1].1) };
        push(until_nm, *factor, named(*factor));
    }
}

/// Pairs (held factor, next factor) from `low` up to `high` in at most [`PIECES_MAX`] strides of whole grains.
fn grains(low: Override, high: Override, limits: &Limits) -> impl Iterator<Item = (Override, Override)> {
    let step = limits.step_permille.max(1);
    let span = high.permille().saturating_sub(low.permille());
    let stride = span.div_ceil(step).div_ceil(PIECES_MAX).max(1) * step;
    let quantised = move |permille: u16| if permille >= high.permille() { high } else { lower_grain(permille, step) };
    let count = span.div_ceil(stride);
    (0..count).map(move |i| {
        let held = if i == 0 { low } else { quantised(low.permille() + i * stride) };
        (held, quantised(low.permille() + (i + 1) * stride))
    })
}

fn lower_grain(permille: u16, step: u16) -> Override {
    Override::from_permille(permille).unwrap_or(Override::PROGRAMMED).quantised_down(step)
}

/// What binds on the level of a cell; a bound below every factor the controller has cannot be met.
fn level_binding(cell: &Cell, limits: &Limits) -> Binding {
    if cell.ratio < limits.floor().ratio() - 1e-9 {
        return Binding { reason: Reason::Infeasible, ..cell.binding };
    }
    cell.binding
}

/// Holds every factor for at least `hold_mm` by lowering, and merges equal neighbours. Shorter are only
/// runs between fixed factors that are shorter themselves, and the last level before such a border.
fn held(pieces: &[Piece], hold_mm: f64) -> Vec<Span> {
    let hold_nm = Station::from_mm(hold_mm).as_nm();
    let mut spans = Vec::with_capacity(pieces.len());
    let mut begin = 0;
    while begin < pieces.len() {
        let fixed = super::bound::is_exempt(pieces[begin].binding.reason);
        let same = |piece: &&Piece| super::bound::is_exempt(piece.binding.reason) == fixed;
        let run = &pieces[begin..][..pieces[begin..].iter().take_while(same).count()];
        if fixed {
            run.iter().for_each(|piece| push_span(&mut spans, piece, piece.factor, piece.binding));
        } else {
            hold_run(run, hold_nm, &mut spans);
        }
        begin += run.len();
    }
    spans
}

fn hold_run(run: &[Piece], hold_nm: u64, spans: &mut Vec<Span>) {
    let run = &parted(run, hold_nm);
    let end_nm = run[run.len() - 1].to_nm;
    let mut index = 0;
    let mut window = LeastAhead::new(run);
    let alike_nm = alike_nm(run);
    let mut current: Option<(Override, Binding, u64)> = None;
    while index < run.len() {
        let piece = &run[index];
        let least = window.least(index, piece.from_nm.saturating_add(hold_nm));
        let whole = end_nm - piece.from_nm >= hold_nm;
        current = match current {
            // Not held long enough, or no room to hold what comes: stay, unless the bound falls.
            Some((factor, binding, since_nm)) if piece.factor >= factor => {
                let held = piece.from_nm - since_nm >= hold_nm;
                let rises = held && whole && least.factor > factor;
                if rises {
                    Some((least.factor, least.binding, piece.from_nm))
                } else {
                    Some((factor, binding, since_nm))
                }
            }
            _ => Some((least.factor, least.binding, piece.from_nm)),
        };
        if let Some((factor, binding, _)) = current {
            // A piece at its own level keeps its own reason, unless that flickers; one held below its level takes
            // the reason of what it is held for.
            let own = piece.factor == factor && alike_nm[index] >= hold_nm;
            push_span(spans, piece, factor, if own { piece.binding } else { binding });
        }
        index += 1;
    }
}

/// The same pieces, a long one in two: whether a factor rises is decided where a piece begins, and a factor that
/// has to be held a little into a long piece must not be held to its end.
fn parted(run: &[Piece], hold_nm: u64) -> Vec<Piece> {
    let mut parts = Vec::with_capacity(run.len() + run.len() / 4);
    for piece in run {
        let middle_nm = piece.from_nm.saturating_add(hold_nm);
        if middle_nm.saturating_add(hold_nm) < piece.to_nm {
            parts.push(Piece { to_nm: middle_nm, ..*piece });
            parts.push(Piece { from_nm: middle_nm, ..*piece });
        } else {
            parts.push(*piece);
        }
    }
    parts
}

/// For each piece, the length of the stretch around it with the same factor and reason.
fn alike_nm(run: &[Piece]) -> Vec<u64> {
    let mut lengths = Vec::with_capacity(run.len());
    let alike = |a: &Piece, b: &Piece| a.factor == b.factor && a.binding.reason == b.binding.reason;
    for stretch in run.chunk_by(alike) {
        let length = stretch[stretch.len() - 1].to_nm - stretch[0].from_nm;
        lengths.resize(lengths.len() + stretch.len(), length);
    }
    lengths
}

fn push_span(spans: &mut Vec<Span>, piece: &Piece, factor: Override, binding: Binding) {
    let to = Station::from_nm(piece.to_nm);
    if let Some(last) = spans.last_mut()
        && last.factor == factor
        && last.binding.reason == binding.reason
    {
        last.to = to;
        return;
    }
    spans.push(Span { from: Station::from_nm(piece.from_nm), to, factor, binding });
}

/// The lowest piece in a window whose both ends only move forwards.
struct LeastAhead<'a> {
    run: &'a [Piece],
    entering: usize,
    reach: std::collections::VecDeque<usize>,
}

impl<'a> LeastAhead<'a> {
    fn new(run: &'a [Piece]) -> Self {
        Self { run, entering: 0, reach: std::collections::VecDeque::new() }
    }

    /// Lowest of the pieces from `first` on that begin before `until_nm`; the piece `first` always counts.
    fn least(&mut self, first: usize, until_nm: u64) -> &'a Piece {
        while self.entering < self.run.len() && (self.entering <= first || self.run[self.entering].from_nm < until_nm) {
            let entering = &self.run[self.entering];
            while self.reach.back().is_some_and(|&last| self.run[last].factor > entering.factor) {
                self.reach.pop_back();
            }
            self.reach.push_back(self.entering);
            self.entering += 1;
        }
        while self.reach.front().is_some_and(|&front| front < first) {
            self.reach.pop_front();
        }
        self.reach.front().map_or(&self.run[first], |&front| &self.run[front])
    }
}

//! What a plan wins and loses, and against what.
//!
//! Time is counted with the simple model that a schedule assumes: each stretch at the smaller of factor · feed
//! and the speed the drives reach at 100 %. It leaves out that a slower stretch also shortens the ramps beside
//! it, which makes the cost of slowing a little too great.

use std::collections::BTreeMap;

use shared::det::ExactSum;
use shared::motion::Station;
use shared::plan::{Binding, Limits, Override, OverridePlan, PlanError, Reason, Span};
use shared::units::Seconds;

use super::bound::StepBound;
use super::profile::{self, Cell};
use super::schedule::ScheduleInput;

/// The greatest constant factor under the same load limits: what a careful machinist would dial in. Policy
/// slow-downs (first contact, plunge) do not count against it, and steps with a fixed factor neither.
pub fn best_constant(bounds: &[StepBound], limits: &Limits) -> Override {
    let moving = bounds.iter().filter(|bound| !bound.is_exempt());
    limits.quantised(moving.map(|bound| bound.load_max_ratio).fold(1.0, f64::min))
}

/// A plan with one factor wherever the factor is not fixed.
///
/// # Errors
/// As [`super::schedule()`].
pub fn constant_plan(input: &ScheduleInput<'_>, factor: Override) -> Result<OverridePlan, PlanError> {
    let cells = profile::cells(input.path, input.bounds, input.limits, input.from, input.to);
    let mut spans: Vec<Span> = Vec::new();
    for cell in &cells {
        let fixed = cell.is_exempt();
        let span = Span {
            from: Station::from_nm(cell.from_nm),
            to: Station::from_nm(cell.to_nm),
            factor: if fixed { Override::PROGRAMMED } else { factor },
            binding: if fixed { cell.binding } else { Binding::plain(Reason::Programmed) },
        };
        match spans.last_mut() {
            Some(last) if last.factor == span.factor && last.binding.reason == span.binding.reason => last.to = span.to,
            _ => spans.push(span),
        }
    }
    OverridePlan::new(spans)
}

/// Time over the input's range with a plan; stretches the plan does not cover run as programmed.
pub fn time_of(input: &ScheduleInput<'_>, plan: &OverridePlan) -> Seconds {
    let mut sum = ExactSum::default();
    walk(input, plan, |cell, length_mm, span| sum.add(cell.time_s(length_mm, ratio(span))));
    Seconds::s(sum.total())
}

/// Time with a plan by what binds; the values add up to [`time_of`].
pub fn time_by_reason(input: &ScheduleInput<'_>, plan: &OverridePlan) -> BTreeMap<Reason, Seconds> {
    by_reason(input, plan, |cell, length_mm, factor| cell.time_s(length_mm, factor))
}

/// Time lost against running everything as programmed, by what binds; reasons that cost nothing are absent.
pub fn lost_time_by_reason(input: &ScheduleInput<'_>, plan: &OverridePlan) -> BTreeMap<Reason, Seconds> {
    let mut lost =
        by_reason(input, plan, |cell, length_mm, factor| cell.time_s(length_mm, factor) - cell.time_s(length_mm, 1.0));
    lost.retain(|_, time| time.as_s() > 0.0);
    lost
}

/// Time won against a constant factor by what binds in the plan; negative where the plan is slower.
pub fn won_by_reason(input: &ScheduleInput<'_>, plan: &OverridePlan, constant: Override) -> BTreeMap<Reason, Seconds> {
    let constant = constant.ratio();
    by_reason(input, plan, |cell, length_mm, factor| cell.time_s(length_mm, constant) - cell.time_s(length_mm, factor))
}

fn by_reason(
    input: &ScheduleInput<'_>,
    plan: &OverridePlan,
    time_s: impl Fn(&Cell, f64, f64) -> f64,
) -> BTreeMap<Reason, Seconds> {
    let mut sums: BTreeMap<Reason, ExactSum> = BTreeMap::new();
    walk(input, plan, |cell, length_mm, span| {
        let reason = span.map_or(Reason::Programmed, |span| span.binding.reason);
        sums.entry(reason).or_default().add(time_s(cell, length_mm, ratio(span)));
    });
    sums.into_iter().map(|(reason, sum)| (reason, Seconds::s(sum.total()))).collect()
}

fn ratio(span: Option<&Span>) -> f64 {
    span.map_or(1.0, |span| span.factor.ratio())
}

/// Visits every stretch on which neither the cell nor the span changes, in order.
fn walk(input: &ScheduleInput<'_>, plan: &OverridePlan, mut visit: impl FnMut(&Cell, f64, Option<&Span>)) {
    let cells = profile::cells(input.path, input.bounds, input.limits, input.from, input.to);
    let spans = plan.spans();
    let mut next = 0;
    for cell in &cells {
        let mut at_nm = cell.from_nm;
        while at_nm < cell.to_nm {
            while next < spans.len() && spans[next].to.as_nm() <= at_nm {
                next += 1;
            }
            let span = spans.get(next).filter(|span| span.from.as_nm() <= at_nm);
            let border_nm = match (span, spans.get(next)) {
                (Some(span), _) => span.to.as_nm(),
                (None, Some(ahead)) => ahead.from.as_nm(),
                (None, None) => cell.to_nm,
            };
            let to_nm = border_nm.min(cell.to_nm);
            visit(cell, (to_nm - at_nm) as f64 * 1e-6, span);
            at_nm = to_nm;
        }
    }
}

use super::{Binding, Override};
use crate::motion::Station;

/// One stretch with one factor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Span {
    /// First station.
    pub from: Station,
    /// First station no longer part of it.
    pub to: Station,
    /// Factor of the programmed feed.
    pub factor: Override,
    /// What binds here.
    pub binding: Binding,
}

/// Override factor over station: contiguous, ordered spans.
#[derive(Clone, Debug, PartialEq)]
pub struct OverridePlan {
    spans: Vec<Span>,
}

/// Why spans are not a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// There is none.
    #[error("a plan needs at least one span")]
    Empty,
    /// There are too many.
    #[error("{count} spans are more than the {max} a plan may have", max = OverridePlan::SPANS_MAX)]
    TooMany {
        /// How many there are.
        count: usize,
    },
    /// A span does not advance.
    #[error("span {index} does not advance")]
    NotAdvancing {
        /// Which.
        index: usize,
    },
    /// A span does not begin where the one before it ended.
    #[error("span {index} does not begin where the span before it ended")]
    Gap {
        /// Which.
        index: usize,
    },
}

impl OverridePlan {
    /// Most spans of one plan. A whole-program baseline of the longest supported program fits.
    pub const SPANS_MAX: usize = 1 << 20;

    /// From spans in order.
    ///
    /// # Errors
    /// [`PlanError`] unless the spans are contiguous, advancing, and between 1 and [`Self::SPANS_MAX`].
    pub fn new(spans: Vec<Span>) -> Result<Self, PlanError> {
        PlanView::new(&spans)?;
        Ok(Self { spans })
    }

    /// The same plan, borrowed.
    pub fn view(&self) -> PlanView<'_> {
        PlanView { spans: &self.spans }
    }

    /// The spans, in order.
    pub fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// First station covered.
    pub fn from(&self) -> Station {
        self.view().from()
    }

    /// First station no longer covered.
    pub fn to(&self) -> Station {
        self.view().to()
    }

    /// The span that holds a station; `None` outside. O(log n).
    pub fn span_at(&self, station: Station) -> Option<&Span> {
        self.view().span_at(station)
    }

    /// The lowest factor on [from, to], both ends included, with the span that has it. `None` unless the
    /// whole stretch is covered: what a plan does not hold is not guessed. O(log n + spans touched).
    pub fn lowest(&self, from: Station, to: Station) -> Option<&Span> {
        self.view().lowest(from, to)
    }

    /// The part of the plan on [from, to); `None` where the two share nothing. O(log n + spans kept).
    pub fn sliced(&self, from: Station, to: Station) -> Option<Self> {
        let (from, to) = (from.max(self.from()), to.min(self.to()));
        if from >= to {
            return None;
        }
        let first = self.spans.partition_point(|span| span.to <= from);
        let end = self.spans.partition_point(|span| span.from < to);
        let cut = |span: &Span| Span { from: span.from.max(from), to: span.to.min(to), ..*span };
        Some(Self { spans: self.spans[first..end].iter().map(cut).collect() })
    }
}

/// A plan in borrowed spans: what the edge looks into without taking memory.
#[derive(Clone, Copy, Debug)]
pub struct PlanView<'a> {
    spans: &'a [Span],
}

impl<'a> PlanView<'a> {
    /// From spans in order. O(n).
    ///
    /// # Errors
    /// As [`OverridePlan::new`].
    pub fn new(spans: &'a [Span]) -> Result<Self, PlanError> {
        if spans.is_empty() {
            return Err(PlanError::Empty);
        }
        if spans.len() > OverridePlan::SPANS_MAX {
            return Err(PlanError::TooMany { count: spans.len() });
        }
        for (index, span) in spans.iter().enumerate() {
            if span.from >= span.to {
                return Err(PlanError::NotAdvancing { index });
            }
            if index > 0 && spans[index - 1].to != span.from {
                return Err(PlanError::Gap { index });
            }
        }
        Ok(Self { spans })
    }

    /// From spans that were found contiguous before, checking only that there are any. O(1): for buffers that
    /// are looked into each cycle and checked where they are built.
    pub fn of_checked(spans: &'a [Span]) -> Option<Self> {
        debug_assert!(spans.is_empty() || Self::new(spans).is_ok(), "spans are not contiguous");
        (!spans.is_empty()).then_some(Self { spans })
    }

    /// The spans, in order.
    pub fn spans(self) -> &'a [Span] {
        self.spans
    }

    /// First station covered.
    pub fn from(self) -> Station {
        self.spans[0].from
    }

    /// First station no longer covered.
    pub fn to(self) -> Station {
        self.spans[self.spans.len() - 1].to
    }

    /// As [`OverridePlan::span_at`].
    pub fn span_at(self, station: Station) -> Option<&'a Span> {
        let index = self.spans.partition_point(|span| span.to <= station);
        self.spans.get(index).filter(|span| span.from <= station)
    }

    /// As [`OverridePlan::lowest`].
    pub fn lowest(self, from: Station, to: Station) -> Option<&'a Span> {
        if from > to || from < self.from() || to >= self.to() {
            return None;
        }
        let first = self.spans.partition_point(|span| span.to <= from);
        self.spans[first..]
            .iter()
            .take_while(|span| span.from <= to)
            .reduce(|lowest, span| if span.factor < lowest.factor { span } else { lowest })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Reason;

    fn span(from_mm: f64, to_mm: f64, permille: u16) -> Span {
        Span {
            from: Station::from_mm(from_mm),
            to: Station::from_mm(to_mm),
            factor: Override::from_permille(permille).expect("in range"),
            binding: Binding::plain(Reason::Programmed),
        }
    }

    #[test]
    fn lowest_sees_every_span_it_touches_and_nothing_outside() {
        let plan =
            OverridePlan::new(vec![span(0.0, 1.0, 900), span(1.0, 2.0, 400), span(2.0, 3.0, 800)]).expect("valid");
        let lowest =
            |from, to| plan.lowest(Station::from_mm(from), Station::from_mm(to)).map(|span| span.factor.permille());
        assert_eq!(lowest(0.0, 0.5), Some(900));
        assert_eq!(lowest(0.5, 1.0), Some(400));
        assert_eq!(lowest(2.0, 2.9), Some(800));
        assert_eq!(lowest(2.0, 3.0), None);
        assert_eq!(lowest(1.5, 1.0), None);
    }

    #[test]
    fn gaps_and_standing_spans_are_refused() {
        assert_eq!(OverridePlan::new(Vec::new()), Err(PlanError::Empty));
        assert_eq!(OverridePlan::new(vec![span(1.0, 1.0, 5)]), Err(PlanError::NotAdvancing { index: 0 }));
        let gap = vec![span(0.0, 1.0, 5), span(1.5, 2.0, 5)];
        assert_eq!(OverridePlan::new(gap), Err(PlanError::Gap { index: 1 }));
    }

    #[test]
    fn a_slice_keeps_the_factors_and_cuts_the_ends() {
        let plan = OverridePlan::new(vec![span(0.0, 1.0, 900), span(1.0, 2.0, 400)]).expect("valid");
        let slice = |from, to| plan.sliced(Station::from_mm(from), Station::from_mm(to));
        assert_eq!(
            slice(0.5, 1.5).map(|plan| plan.spans().to_vec()),
            Some(vec![span(0.5, 1.0, 900), span(1.0, 1.5, 400)])
        );
        assert_eq!(slice(-1.0, 9.0), Some(plan.clone()));
        assert_eq!(slice(2.0, 3.0), None);
        assert_eq!(slice(1.0, 1.0), None);
    }
}

//! Values that only the machine knows, and how the interpretation goes on once they are known.
//!
//! Where a probe trips, what an input reads, what a pin of the hardware layer holds: an interpretation that runs
//! ahead of the machine cannot say. A probing move or M66 makes its results unknown (LinuxCNC waits there until
//! the queue has run empty). The first block that *reads* an unknown value is not carried out: the interpretation
//! stops before it, says which value it waits for, and goes on with exactly that block when the value is supplied.
//! A program that never looks at the result is read to its end.
//!
//! The place of the axes after a probing move is taken as the end of that move, which is said once as a warning.

use super::canon::Provenance;
use super::fault::Fault;
use super::interpreter::Interpreter;
use super::parameters::Parameter;
use super::state::Awaits;
use super::text::Place;

/// Results of a probe: nine coordinates, and whether it tripped.
const PROBE_RESULTS: std::ops::RangeInclusive<u32> = 5061..=5070;
/// Result of M66.
const INPUT_RESULT: u32 = 5399;

const PROBED: &str = "it is the result of a probe";
const READ: &str = "it is the value of an input, read by M66";

/// A value the interpretation waits for.
#[derive(Clone, Debug, PartialEq)]
pub struct UnknownValue {
    /// The parameter that was read.
    pub parameter: Parameter,
    /// Why its value is not known ahead.
    pub reason: &'static str,
    /// The block that reads it; it has not been carried out.
    pub at: Provenance,
}

/// Why a named parameter has no value before the machine runs; `None` for those of the program.
pub(super) fn of_machine(name: &str) -> Option<&'static str> {
    if name.starts_with("_hal[") {
        Some("it is a pin or signal of the machine's hardware layer")
    } else if name.starts_with("_ini[") {
        Some("it stands in the machine's configuration")
    } else if matches!(name, "_current_pocket" | "_selected_pocket") {
        Some("pockets belong to the tool changer of the machine")
    } else {
        None
    }
}

impl Interpreter<'_> {
    /// The value the interpretation waits for: [`next_op`](Self::next_op) gives `None` until it is supplied.
    /// `None` while nothing is awaited, also at the end.
    pub fn stopped(&self) -> Option<&UnknownValue> {
        self.stopped.as_ref()
    }

    /// Gives a parameter its value: lengths in the program's unit, as the program would read it. Several may be
    /// given, in any order, before the interpretation goes on. Values of the hardware layer and of the
    /// configuration hold for the block that waits for them.
    ///
    /// True if the interpretation waited for this one; it then goes on, and the error that told of the stop is
    /// withdrawn.
    pub fn supply(&mut self, parameter: &Parameter, value: f64) -> bool {
        if !value.is_finite() || self.parameters.set(parameter, Some(value), usize::MAX).is_err() {
            return false;
        }
        if let Parameter::Name(name) = parameter
            && of_machine(name).is_some()
        {
            self.supplied.push(name.clone());
        }
        if self.stopped.as_ref().is_none_or(|stopped| stopped.parameter != *parameter) {
            return false;
        }
        self.stopped = None;
        self.report.withdraw();
        self.is_over = self.report.is_over;
        true
    }

    /// Stops before the block in work, which began at `place`.
    pub(super) fn stop_for(&mut self, parameter: Parameter, place: Place, fault: &Fault) {
        let reason = match &parameter {
            Parameter::Number(number) => self.parameters.unknown(*number).unwrap_or(READ),
            Parameter::Name(name) => of_machine(name).unwrap_or(READ),
        };
        self.flow.place = place;
        self.report.take(fault);
        self.stopped = Some(UnknownValue { parameter, reason, at: self.report.at });
    }

    /// After a block: its questions to the machine make their answers unknown.
    pub(super) fn after_block(&mut self) {
        match self.state.awaits.take() {
            Some(Awaits::Probe) => PROBE_RESULTS.for_each(|number| self.parameters.forget(number, PROBED)),
            Some(Awaits::Input) => self.parameters.forget(INPUT_RESULT, READ),
            None => {}
        }
        for name in self.supplied.drain(..) {
            // Removing one always succeeds.
            let _ = self.parameters.set(&Parameter::Name(name), None, usize::MAX);
        }
    }
}

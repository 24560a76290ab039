//! Conditions, what each of them does, and what ends it.
//!
//! Everything that keeps the machine off the plan is a named condition with one row in [`RULES`]. Each cycle the
//! agent says which conditions it observes; the guard keeps those that latch, and the severest action of all that
//! are set wins. So the reaction to two faults at once needs no code of its own, and the report can always name
//! the condition that binds. Nothing that latches ends by itself.

use firmware_bridge::controller::Objection;
use shared::planted::{self, Bug};

/// Something that keeps the machine off the plan, or must be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Condition {
    /// The operator has not armed the agent.
    NotArmed = 0,
    /// The operator has switched it off.
    OperatorOff = 1,
    /// The cloud read another program, context or path.
    ContextWrong = 2,
    /// The controller runs another revision of the program.
    RevisionMismatch = 3,
    /// The controller stopped or was reset: the lease is void.
    ControllerStopped = 4,
    /// Too many damaged or foreign messages.
    ForgedMessages = 5,
    /// The program does not run.
    NotRunning = 6,
    /// Jog, MDI or single block.
    NotAutomatic = 7,
    /// No sample for a while: the tool may be anywhere on a stretch that grows.
    SamplesStale = 8,
    /// The place on the path is not known.
    Unlocated = 9,
    /// The cloud refused the offer.
    Refused = 10,
    /// The session is not open yet, or there is no lease.
    NoSession = 11,
    /// The time to live of the admitted plan has passed.
    PlanExpired = 12,
    /// The tool is beyond the admitted horizon.
    HorizonEnd = 13,
    /// No plan has been admitted in this session yet.
    NoPlanYet = 14,
    /// Plans are fresh again, but not for long enough.
    Recovering = 15,
    /// The stock may not be what was simulated: restart, skip, intervention.
    StockUnconfirmed = 16,
    /// The controller does not obey the factor at this moment.
    FactorDisabled = 17,
    /// The answer to a trigger is overdue while the plan is still fresh.
    HandoffLate = 18,
    /// No sample for so long that a slow-down would be held for nothing.
    SamplesLost = 19,
    /// The controller has other bytes than the job's program.
    ProgramDiffers = 20,
    /// A tool's row has another diameter than the job's tool.
    ToolDiameterDiffers = 21,
    /// A tool's row has other offsets than before.
    ToolLengthDiffers = 22,
    /// The work offset is another one.
    WorkOffsetDiffers = 23,
    /// G92 shifts the work.
    G92Differs = 24,
    /// The work offset is turned.
    RotationDiffers = 25,
    /// The controller takes longer to follow a factor than plans allow for.
    EffectTooSlow = 26,
    /// The operator runs the first part of a setup: nothing beyond the baseline.
    FirstPart = 27,
    /// What lies ahead would touch: the service has predicted it.
    CollisionAhead = 28,
}

/// What a condition does. The greater wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// Say it, and follow the plan.
    Report,
    /// Follow the plan where it is slower than the baseline.
    Cautious,
    /// Ramp to the baseline.
    Baseline,
    /// Ramp to the value without us.
    PassThrough,
    /// Hold the feed.
    Hold,
    /// Ramp to the value without us and fall silent.
    Silent,
}

/// What ends a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clears {
    /// It ends when it is no longer observed.
    ByItself,
    /// The operator re-arms.
    OnReArm,
    /// The operator confirms the stock.
    OnConfirm,
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Condition.
    pub condition: Condition,
    /// What it does.
    pub action: Action,
    /// What ends it.
    pub clears: Clears,
    /// True where plans may raise above the baseline only after a healthy interval once it has ended.
    pub heals_slowly: bool,
}

const fn rule(condition: Condition, action: Action, clears: Clears, heals_slowly: bool) -> Rule {
    Rule { condition, action, clears, heals_slowly }
}

/// Every condition, most binding first: the first that is set names the cause.
pub const RULES: [Rule; 29] = [
    rule(Condition::OperatorOff, Action::Silent, Clears::ByItself, true),
    rule(Condition::NotArmed, Action::Silent, Clears::ByItself, false),
    rule(Condition::CollisionAhead, Action::Hold, Clears::OnReArm, true),
    rule(Condition::ContextWrong, Action::PassThrough, Clears::OnReArm, true),
    rule(Condition::RevisionMismatch, Action::PassThrough, Clears::OnReArm, true),
    rule(Condition::ProgramDiffers, Action::PassThrough, Clears::OnReArm, true),
    rule(Condition::ToolDiameterDiffers, Action::PassThrough, Clears::OnReArm, true),
    rule(Condition::ToolLengthDiffers, Action::PassThrough, Clears::OnReArm, true),
    rule(Condition::WorkOffsetDiffers, Action::PassThrough, Clears::OnReArm, true),
    rule(Condition::G92Differs, Action::PassThrough, Clears::OnReArm, true),
    rule(Condition::RotationDiffers, Action::PassThrough, Clears::OnReArm, true),
    rule(Condition::EffectTooSlow, Action::PassThrough, Clears::OnReArm, true),
    rule(Condition::ControllerStopped, Action::PassThrough, Clears::OnReArm, true),
    rule(Condition::ForgedMessages, Action::PassThrough, Clears::OnReArm, true),
    rule(Condition::NotRunning, Action::PassThrough, Clears::ByItself, false),
    rule(Condition::NotAutomatic, Action::PassThrough, Clears::ByItself, true),
    rule(Condition::SamplesLost, Action::PassThrough, Clears::ByItself, true),
    rule(Condition::Unlocated, Action::PassThrough, Clears::ByItself, true),
    rule(Condition::Refused, Action::Baseline, Clears::ByItself, true),
    rule(Condition::PlanExpired, Action::Baseline, Clears::ByItself, true),
    rule(Condition::HorizonEnd, Action::Baseline, Clears::ByItself, true),
    rule(Condition::NoSession, Action::Baseline, Clears::ByItself, false),
    rule(Condition::NoPlanYet, Action::Baseline, Clears::ByItself, false),
    rule(Condition::SamplesStale, Action::Cautious, Clears::ByItself, true),
    rule(Condition::StockUnconfirmed, Action::Cautious, Clears::OnConfirm, false),
    rule(Condition::Recovering, Action::Cautious, Clears::ByItself, false),
    rule(Condition::FirstPart, Action::Cautious, Clears::ByItself, false),
    rule(Condition::HandoffLate, Action::Report, Clears::ByItself, false),
    rule(Condition::FactorDisabled, Action::Report, Clears::ByItself, false),
];

impl From<Objection> for Condition {
    fn from(objection: Objection) -> Self {
        match objection {
            Objection::Program => Self::ProgramDiffers,
            Objection::ToolDiameter => Self::ToolDiameterDiffers,
            Objection::ToolLength => Self::ToolLengthDiffers,
            Objection::WorkOffset => Self::WorkOffsetDiffers,
            Objection::G92Offset => Self::G92Differs,
            Objection::Rotation => Self::RotationDiffers,
            Objection::EffectTime => Self::EffectTooSlow,
        }
    }
}

impl Condition {
    /// Its stable name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotArmed => "not_armed",
            Self::OperatorOff => "operator_off",
            Self::ContextWrong => "context_wrong",
            Self::RevisionMismatch => "revision_mismatch",
            Self::ControllerStopped => "controller_stopped",
            Self::ForgedMessages => "forged_messages",
            Self::NotRunning => "not_running",
            Self::NotAutomatic => "not_automatic",
            Self::SamplesStale => "samples_stale",
            Self::SamplesLost => "samples_lost",
            Self::ProgramDiffers => "program_differs",
            Self::ToolDiameterDiffers => "tool_diameter_differs",
            Self::ToolLengthDiffers => "tool_length_differs",
            Self::WorkOffsetDiffers => "work_offset_differs",
            Self::G92Differs => "g92_differs",
            Self::RotationDiffers => "rotation_differs",
            Self::EffectTooSlow => "effect_too_slow",
            Self::FirstPart => "first_part",
            Self::CollisionAhead => "collision_ahead",
            Self::Unlocated => "unlocated",
            Self::Refused => "refused",
            Self::NoSession => "no_session",
            Self::PlanExpired => "plan_expired",
            Self::HorizonEnd => "horizon_end",
            Self::NoPlanYet => "no_plan_yet",
            Self::Recovering => "recovering",
            Self::StockUnconfirmed => "stock_unconfirmed",
            Self::FactorDisabled => "factor_disabled",
            Self::HandoffLate => "handoff_late",
        }
    }
}

impl Condition {
    /// Whether it comes from what a controller is asked about its own setup, beside its samples.
    pub const fn is_of_setup(self) -> bool {
        matches!(
            self,
            Self::ProgramDiffers
                | Self::ToolDiameterDiffers
                | Self::ToolLengthDiffers
                | Self::WorkOffsetDiffers
                | Self::G92Differs
                | Self::RotationDiffers
                | Self::EffectTooSlow
                | Self::FirstPart
        )
    }
}

/// While one of these holds, something else runs than what was simulated: predictions say nothing about it.
const OTHER_JOB: [Condition; 8] = [
    Condition::ContextWrong,
    Condition::RevisionMismatch,
    Condition::ProgramDiffers,
    Condition::ToolDiameterDiffers,
    Condition::ToolLengthDiffers,
    Condition::WorkOffsetDiffers,
    Condition::G92Differs,
    Condition::RotationDiffers,
];

/// A set of conditions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Conditions(u32);

impl Conditions {
    /// Adds a condition where it holds.
    pub fn set(&mut self, condition: Condition, holds: bool) {
        if holds {
            self.0 |= 1 << condition as u8;
        }
    }

    /// Whether something else runs than what was simulated.
    pub(crate) fn is_other_job(self) -> bool {
        OTHER_JOB.iter().any(|condition| self.has(*condition))
    }

    /// Whether a condition is in the set.
    pub fn has(self, condition: Condition) -> bool {
        self.0 & (1 << condition as u8) != 0
    }

    /// What is in this set and not in the other, in the order of the table.
    pub fn without(self, other: Self) -> impl Iterator<Item = Condition> {
        let left = Self(self.0 & !other.0);
        RULES.iter().map(|rule| rule.condition).filter(move |condition| left.has(*condition))
    }
}

/// The conditions that are set.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Guard {
    set: Conditions,
}

impl Guard {
    /// Takes in what is observed in this cycle; what latches stays. Returns the set before.
    pub(crate) fn observe(&mut self, observed: Conditions) -> Conditions {
        let before = self.set;
        self.set = observed;
        for rule in RULES.iter().filter(|rule| rule.clears != Clears::ByItself) {
            if planted::on(Bug::LatchEndsByItself) && rule.clears == Clears::OnReArm {
                continue;
            }
            self.set.set(rule.condition, before.has(rule.condition));
        }
        before
    }

    /// Sets a condition between two cycles.
    pub(crate) fn raise(&mut self, condition: Condition) {
        self.set.set(condition, true);
    }

    /// The operator did what ends some of the latches. Returns the set before.
    pub(crate) fn clear(&mut self, by: Clears) -> Conditions {
        let before = self.set;
        for rule in RULES.iter().filter(|rule| rule.clears == by) {
            self.set.0 &= !(1 << rule.condition as u8);
        }
        before
    }

    pub(crate) fn set(&self) -> Conditions {
        self.set
    }

    /// True while a latch is set that only a re-arm ends.
    pub(crate) fn is_latched(&self) -> bool {
        RULES.iter().any(|rule| rule.clears == Clears::OnReArm && self.set.has(rule.condition))
    }

    /// True where a condition is set after which plans heal slowly.
    pub(crate) fn is_faulty(&self) -> bool {
        RULES.iter().any(|rule| rule.heals_slowly && self.set.has(rule.condition))
    }

    /// The severest action of all that are set, and the condition that demands it.
    pub(crate) fn action(&self) -> (Action, Option<Condition>) {
        let mut worst = (Action::Report, None);
        for rule in RULES.iter().filter(|rule| self.set.has(rule.condition)) {
            if worst.1.is_none() || rule.action > worst.0 {
                worst = (rule.action, Some(rule.condition));
            }
        }
        worst
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_condition_has_one_row_and_a_name_of_its_own() {
        let mut codes: Vec<_> = RULES.iter().map(|rule| rule.condition as usize).collect();
        codes.sort_unstable();
        assert_eq!(codes, (0..RULES.len()).collect::<Vec<_>>());
        let mut names: Vec<_> = RULES.iter().map(|rule| rule.condition.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), RULES.len());
    }

    #[test]
    fn the_severest_action_wins_and_the_first_row_names_it() {
        for first in &RULES {
            for second in &RULES {
                let mut guard = Guard::default();
                guard.raise(first.condition);
                guard.raise(second.condition);
                assert_eq!(guard.action().0, first.action.max(second.action));
            }
        }
    }

    #[test]
    fn latches_outlive_their_cause_until_the_operator_ends_them() {
        for rule in &RULES {
            let mut guard = Guard::default();
            guard.raise(rule.condition);
            guard.observe(Conditions::default());
            assert_eq!(guard.set().has(rule.condition), rule.clears != Clears::ByItself, "{:?}", rule.condition);
            guard.clear(Clears::OnReArm);
            guard.clear(Clears::OnConfirm);
            assert_eq!(guard.set(), Conditions::default());
        }
    }
}

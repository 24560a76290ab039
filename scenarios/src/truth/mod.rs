//! The hidden true process behind the virtual controller.
//!
//! A plan that is judged by the model that made it always looks right. So what the virtual machine cuts is
//! computed here, apart: nothing in this room comes from `cloud-sim` or `shared::cutting`, the stock is its
//! own, the engagement is its own, and forces are integrated in time over a revolution instead of being
//! written in closed form. Its coefficients are drawn by seed around the nominal values; the planner never
//! learns the draw. A [`Disturbance`] changes them in mid-run without telling anybody.
//!
//! The idea, for one pose of the cutter:
//!
//! 1. the cutting edge is cut into short elements ([`edge`]), each with radius, height, length and κ, the
//!    angle between its normal and the axis;
//! 2. every element is looked up in a dense column grid ([`stock`]) at every angle of the turn, a little
//!    ahead of the pose, so that the border of what was just cut is not mistaken for material or air; the
//!    weight of an element is the share of its height that is in material;
//! 3. the turn is stepped in time ([`revolution`]): at each angle, each flute, lagging by its helix and
//!    displaced by the runout, takes the chip that the flutes before it left, and adds its force;
//! 4. the pose is stamped into the grid ([`stock`]), so that the next one meets what is left.
//!
//! Steps 1 to 3 do not depend on the seed as long as the coefficients enter linearly. They leave twelve
//! time series, and a seed costs only their sum with its own coefficients: twenty seeds in one pass.
//!
//! What it does not know: chatter, thermal growth, wear, the flexibility of tool and machine.
//!
//! Source: Altintas, *Manufacturing Automation*, 2nd ed., ch. 2; Engin and Altintas 2001 (general end mill);
//! Kline and DeVor 1983 (runout: a tooth cuts what all teeth before it left).

mod edge;
mod ensemble;
mod law;
mod revolution;
mod stock;

#[cfg(test)]
mod machine_test;
#[cfg(test)]
mod tests;

use firmware_bridge::process::{CutLoad, CuttingProcess, ToolMotion};
use shared::tool::Tool;
use shared::units::{Angle, Length};

pub use ensemble::{Counters, Evaluation, TrueLoad, TruthEnsemble};
pub use law::{Disturbance, DisturbanceStart, SixCoefficients, TrueLaw};
pub use stock::TrueStock;

/// Everything that is true about the cut.
#[derive(Clone, Debug, PartialEq)]
pub struct TruthSetup {
    /// What stands on the table, work frame.
    pub stock: TrueStock,
    /// Edge length of a column of the grid. A hundredth of the cutter's radius keeps the numerical noise of
    /// side milling below 2 %.
    pub cell: Length,
    /// The cutters as they really are.
    pub tools: Vec<Tool>,
    /// Law and nominal coefficients of the material.
    pub law: TrueLaw,
    /// Each coefficient of each seed is drawn uniformly within ± this share of its nominal value.
    pub spread: f64,
    /// Eccentricity of the cutter's axis.
    pub runout: Length,
    /// Direction of the eccentricity, from flute 0 in the sense of increasing immersion. The same for all
    /// seeds: chip thickness would differ between them otherwise, and with it the geometry.
    pub runout_angle: Angle,
    /// Standard deviation of the multiplicative noise on force and on power, drawn per evaluation and cut at
    /// three of itself. Zero for none.
    pub noise: f64,
    /// A pose is evaluated when it has moved this far, and when the speed has changed by a twentieth.
    pub evaluate_every: Length,
    /// Hidden changes of the process.
    pub disturbances: Vec<Disturbance>,
    /// One truth for each.
    pub seeds: Vec<u64>,
}

/// Why a truth cannot be set up.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum TruthError {
    /// The grid would need too many columns.
    #[error("a grid of {columns} columns is more than the {max} supported: use larger cells", max = stock::COLUMNS_MAX)]
    TooManyColumns {
        /// How many it would need.
        columns: u128,
    },
    /// The stock has no extent, or a figure of it is not finite.
    #[error("the stock is empty or not finite")]
    EmptyStock,
    /// A length, share or coefficient is out of range.
    #[error("{what} is {value}, which is outside its range")]
    OutOfRange {
        /// Which figure.
        what: &'static str,
        /// Its value.
        value: f64,
    },
    /// A tool does not say how many flutes it has.
    #[error("tool `{tool}` does not say how many flutes it has (1 to {max} are supported)", max = edge::FLUTES_MAX)]
    Flutes {
        /// Its name.
        tool: String,
    },
    /// A tool whose forces nobody models.
    #[error("tool `{tool}` is a {form}, and there is no force model for it")]
    Form {
        /// Its name.
        tool: String,
        /// Its form.
        form: &'static str,
    },
    /// There is no seed.
    #[error("a truth needs at least one seed")]
    NoSeed,
}

/// The true process of one seed: what a virtual controller cuts.
#[derive(Clone, Debug)]
pub struct Truth {
    ensemble: TruthEnsemble,
}

impl Truth {
    /// The truth of the first seed of the setup.
    ///
    /// # Errors
    /// [`TruthError`] where a figure is out of range.
    pub fn new(mut setup: TruthSetup) -> Result<Self, TruthError> {
        setup.seeds.truncate(1);
        Ok(Self { ensemble: TruthEnsemble::new(setup)? })
    }

    /// What was evaluated, removed and could not be judged.
    pub fn counters(&self) -> Counters {
        self.ensemble.counters()
    }

    /// The loads of the last evaluation.
    pub fn load(&self) -> TrueLoad {
        self.ensemble.loads()[0]
    }
}

impl CuttingProcess for Truth {
    /// Power is the mean over the stretch, force the greatest in it. A stretch too short for an evaluation of
    /// its own has the loads of the last one.
    fn cut(&mut self, motion: &ToolMotion) -> CutLoad {
        let mut evaluations = 0.0;
        let mut sum = CutLoad::default();
        self.ensemble.cut(motion, &mut |evaluation| {
            evaluations += 1.0;
            sum.power += evaluation.loads[0].power;
            sum.force_peak_xy = sum.force_peak_xy.max(evaluation.loads[0].force_peak_xy);
        });
        if evaluations == 0.0 {
            let last = self.load();
            return CutLoad { power: last.power, force_peak_xy: last.force_peak_xy };
        }
        CutLoad { power: sum.power / evaluations, ..sum }
    }
}

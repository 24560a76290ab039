//! Other ways to run the same job on the same hidden process: as programmed, at one constant override, and with
//! a reactive controller.
//!
//! The reactive controller stands for adaptive control as controllers sell it: it sees the load that *was*
//! 20 ms ago, slows down in proportion to how far it is above the limit, and recovers five times more slowly
//! than it backs off. It cannot see an entry coming, and that is what it is here to show.

use std::collections::VecDeque;
use std::sync::Arc;

use firmware_bridge::controller::Execution;
use firmware_bridge::dialect::virtual_link::{LinkCommand, encode_command};
use firmware_bridge::process::CuttingProcess;
use firmware_bridge::virtual_controller::{ConfigError, VirtualConfig, VirtualController};
use shared::job::Job;
use shared::plan::Override;
use shared::time::{Duration, Instant};
use shared::units::{Force, Seconds};

/// Time between two commands.
const CYCLE: Duration = Duration::from_ms(5);
/// Age of the load that the reactive controller sees.
const REACTIVE_DELAY: Duration = Duration::from_ms(20);
/// How fast it recovers, as a share of how fast it backs off.
const RECOVERY_SHARE: f64 = 0.2;
/// Life of a command, long enough for several cycles.
const COMMAND_LIFE: Duration = Duration::from_ms(100);

/// A way to run a job.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Policy {
    /// One factor from beginning to end.
    Constant(Override),
    /// Back off in proportion to the measured load over its limit.
    Reactive {
        /// Limit on the peak force.
        limit: Force,
        /// Smallest factor.
        floor: Override,
        /// Greatest change in one second, downwards.
        slew_per_s: f64,
    },
}

/// Runs a job under a policy and gives its cycle time.
///
/// # Errors
/// [`ConfigError`] where the virtual machine's settings are out of range.
pub fn run_policy(
    job: &Job,
    config: VirtualConfig,
    process: Box<dyn CuttingProcess + Send>,
    policy: Policy,
) -> Result<Seconds, ConfigError> {
    let origin = Instant::ORIGIN;
    let mut controller = VirtualController::new(job.machine.clone(), Arc::clone(&job.path), process, config, origin)?;
    let mut bytes = Vec::new();
    encode_command(LinkCommand::Run, &mut bytes);
    controller.handle_bytes(origin, &bytes);
    let mut driver = Driver { policy, factor: 1.0, loads: VecDeque::new() };
    let mut now = origin;
    while controller.execution() != Execution::ProgramCompleted {
        bytes.clear();
        let factor = driver.factor(now);
        encode_command(LinkCommand::Factor { factor, time_to_live: COMMAND_LIFE }, &mut bytes);
        controller.handle_bytes(now, &bytes);
        now = now.after(CYCLE);
        controller.advance_to(now, &mut |point| driver.feel(point.wall, point.load.force_peak_xy, point.factor));
        bytes.clear();
        controller.poll_bytes(&mut bytes);
    }
    Ok(controller.cycle_time())
}

struct Driver {
    policy: Policy,
    factor: f64,
    /// Instant, peak force and the factor it was felt at, newest last; one control cycle more than the delay.
    loads: VecDeque<(Instant, Force, f64)>,
}

impl Driver {
    fn feel(&mut self, at: Instant, force: Force, factor: f64) {
        self.loads.push_back((at, force, factor));
    }

    fn factor(&mut self, now: Instant) -> Override {
        match self.policy {
            Policy::Constant(factor) => factor,
            Policy::Reactive { limit, floor, slew_per_s } => {
                let step = slew_per_s * CYCLE.as_s();
                let target = self.target(now, limit);
                let change = (target - self.factor).clamp(-step, step * RECOVERY_SHARE);
                self.factor = (self.factor + change).clamp(floor.ratio(), 1.0);
                Override::floor_of_ratio(self.factor).unwrap_or(floor)
            }
        }
    }

    /// The greatest load of the cycle that is old enough to be seen, turned into the factor that would have met
    /// the limit.
    fn target(&mut self, now: Instant, limit: Force) -> f64 {
        let mut target = 1.0f64;
        while let Some(&(at, force, factor)) = self.loads.front() {
            if at.after(REACTIVE_DELAY) > now {
                break;
            }
            if force > Force::ZERO {
                target = target.min(factor * (limit / force));
            }
            self.loads.pop_front();
        }
        target
    }
}

//! What the system can be asked for so that a cycle is kept: real-time scheduling, processors of one's own, memory that
//! stays. Each may be refused; what is refused is told, and the process goes on without.

use rustix::mm::{MlockAllFlags, mlockall};
use rustix::thread::{CpuSet, sched_setaffinity};
use thread_priority::{
    RealtimeThreadSchedulePolicy, ThreadPriority, ThreadPriorityValue, ThreadSchedulePolicy,
    set_thread_priority_and_policy, thread_native_id,
};

/// Priority of a machine that is played by a process: below the agent, as its samples have to be taken first.
pub const MACHINE_PRIORITY: u8 = 50;
/// Priority of the agent's cycle.
pub const CYCLE_PRIORITY: u8 = 60;

/// Asks that this thread, and those it starts, run before all ordinary ones whenever they have something to do
/// (first in, first out at `priority`, 1 to 99). Such a thread must sleep between its turns.
///
/// # Errors
/// A sentence: the system does not allow it. The thread then runs on as an ordinary one.
pub fn schedule_real_time(priority: u8) -> Result<(), String> {
    let priority = ThreadPriorityValue::try_from(priority)?;
    let policy = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::Fifo);
    set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Crossplatform(priority), policy)
        .map_err(|error| format!("no real-time scheduling: {error}"))
}

/// Keeps this thread, and those it starts, on these processors, numbered from 0.
///
/// # Errors
/// A sentence: none was named, or the system has no such processors. The thread then runs where it ran.
pub fn pin_to(cpus: &[usize]) -> Result<(), String> {
    let mut set = CpuSet::new();
    for cpu in cpus {
        if *cpu >= CpuSet::MAX_CPU {
            return Err(format!("there is no processor {cpu}"));
        }
        set.set(*cpu);
    }
    sched_setaffinity(None, &set).map_err(|error| format!("not pinned to processors {cpus:?}: {error}"))
}

/// Keeps all memory of this process in RAM, also what it will ask for.
///
/// # Errors
/// A sentence: the system does not allow it.
pub fn lock_memory() -> Result<(), String> {
    mlockall(MlockAllFlags::CURRENT | MlockAllFlags::FUTURE).map_err(|error| format!("memory is not locked: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_processor_that_is_not_there_is_refused_in_words() {
        for wrong in [vec![], vec![CpuSet::MAX_CPU], vec![CpuSet::MAX_CPU - 1]] {
            let refused = std::thread::spawn(move || pin_to(&wrong)).join().expect("no panic");
            assert!(refused.is_err_and(|words| words.contains("processor")));
        }
    }
}

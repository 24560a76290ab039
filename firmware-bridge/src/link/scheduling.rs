//! Real-time scheduling for the threads that must keep a cycle.

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

//! Invariant 10: the armed cycle does not allocate. Counted, not believed.

mod world;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use edge_agent::Source;
use firmware_bridge::controller::Command;
use shared::wire::{MESSAGE_BYTES_MAX, Message};
use world::*;

/// Counts what this thread asks of the system's allocator.
struct Counting;

thread_local! {
    static CALLS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: every call is handed on unchanged to the system's allocator, which keeps the contract; counting touches
// a thread-local integer that needs no memory of its own.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        CALLS.with(|calls| calls.set(calls.get() + 1));
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        CALLS.with(|calls| calls.set(calls.get() + 1));
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        CALLS.with(|calls| calls.set(calls.get() + 1));
        unsafe { System.realloc(memory, layout, bytes) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn calls() -> u64 {
    CALLS.with(Cell::get)
}

#[test]
fn inv10_the_armed_cycle_does_not_allocate() {
    let before = calls();
    drop(std::hint::black_box(vec![1u8; 100]));
    assert!(calls() >= before + 2, "the counter counts");

    let mut settings = config();
    settings.state_period = CYCLE;
    let mut world = World::running_with(settings, job(path(None)));
    let mut out = Vec::with_capacity(MESSAGE_BYTES_MAX);
    let mut commands = 0;
    let mut sent = 0;
    for round in 0..1000u64 {
        // What the world itself allocates is prepared outside the measured stretch.
        world.cycle();
        let at_mm = world.machine.at_mm;
        let chunk = (at_mm < 850.0 && round % 7 == 0).then(|| {
            let chunk = world.cloud.chunk(at_mm.floor(), at_mm.floor() + 90.0);
            encoded(&Message::Plan(chunk))
        });
        world.now = world.now.after(CYCLE);
        let sample = world.machine.sample(world.now);
        let before = calls();
        world.agent.handle_sample(world.now, &sample);
        if let Some(chunk) = &chunk {
            world.agent.handle_message(world.now, chunk);
        }
        let command = world.agent.poll_command(world.now);
        while world.agent.poll_transmit(world.now, &mut out).is_some() {
            sent += 1;
        }
        std::hint::black_box(world.agent.poll_timeout());
        std::hint::black_box(world.agent.status(world.now));
        world.agent.drain_events(&mut |entry| {
            std::hint::black_box(entry);
        });
        world.agent.drain_handoffs(&mut |record| {
            std::hint::black_box(record);
        });
        assert_eq!(calls() - before, 0, "round {round}");
        commands += u32::from(matches!(command, Some(Command::Factor { .. })));
    }
    assert!(commands == 1000 && sent > 300, "{commands} commands, {sent} messages: not the armed cycle");
    assert_eq!(world.status().source, Source::Plan);
}

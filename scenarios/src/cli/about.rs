use std::io::Write;

use super::{EXIT_INFRASTRUCTURE, EXIT_PASS};

const THERE: &str = "\
What this version does
  program      G-code of mills: G0-G3 with I/J/K and R, helices, planes, inch and mm, work offsets, tool lengths,
               canned cycles, M codes; every operation knows its line
  motion       look-ahead velocity profile with per-axis velocity, acceleration and jerk, station for every point
  kernel       tiled height map cut by flat, ball, bull-nose, cone and drill; engagement, removed volume, rapids
               through stock, holder and shank contact
  process      mechanistic and Kienzle forces, torque, power, deflection, chip thickness; a plan over station with
               the reason that binds; a whole-program baseline
  handoff      edge agent, gate, fallback and black box; simulation service; Zenoh over TCP with an embedded router
  scenarios    one-thread world on virtual time, real processes, hidden true process, recordings and replay
";

const ABSENT: &str = "\
What is not there yet
  program      expressions and O-words beyond what the posts above need; Siemens; cutter compensation G41/G42
  motion       rotary axes; importers for other machine descriptions; fitting to recordings
  kernel       tri-dexel, 3+2 and 5-axis; fixtures and finished part; 3MF
  process      stability in the plan; learning from measured load; ceiling programs (nothing is ever faster than
               programmed)
  handoff      signatures and certificates; real-time scheduling; link emulation between namespaces; handoff-bench
  controllers  LinuxCNC, grbl, grblHAL and MTConnect links; the machine here is our own virtual controller
  service      web page, store, registry, more than one process
";

/// Says what there is and what there is not.
pub(super) fn print() -> u8 {
    let mut out = std::io::stdout().lock();
    let written = writeln!(out, "cosim {}\n\n{THERE}\n{ABSENT}", env!("CARGO_PKG_VERSION"));
    if written.is_ok() { EXIT_PASS } else { EXIT_INFRASTRUCTURE }
}

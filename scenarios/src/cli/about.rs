use std::io::Write;

use super::{EXIT_INFRASTRUCTURE, EXIT_PASS};

const THERE: &str = "\
What this version does
  program      RS274/NGC with expressions, O-words, cycles, splines, threads and cutter compensation; Fanuc and Haas with
               macro B; Siemens 840D as posts use it; grbl; every operation knows its line and its calls
               tool tables of LinuxCNC, Fusion 360, FreeCAD, CAMotics and CSV
               canonical operations as JSON lines (canon), a plan written into the F words (rewrite), feeds under which a
               program keeps its limits by itself, faster air on request (optimise)
  motion       look-ahead velocity profile with velocity, acceleration and jerk of linear and rotary axes, corners rounded by
               arcs, station for every point; a horizon that grows; machine files imported (LinuxCNC, MTConnect, FreeCAD)
               and fitted to recordings
  kernel       tiled height map cut by flat, ball, bull-nose, cone, drill and general cutters; engagement, removed volume, rapids
               through stock, holder, shank and spindle contact; all of them against fixtures (boxes, cylinders, STL and
               3MF), with clearance; gouges and leftovers of a finished part; where the work or the head turns, a
               tri-dexel cut along the machine's kinematics (3+2 as lines, turning moves as bounded sub-poses), with
               forces and with fixtures that turn with the table; T-slot, lollipop and dovetail cutters
  process      mechanistic and Kienzle forces, torque, power, deflection, chip thickness; a plan over station with
               the reason that binds; a whole-program baseline; calculators for one cut (cut) and for chatter by two
               methods, from modes or a measured response (lobes); coefficients learned from spindle power, and alarms
               that only tighten; stability in the report of optimise, which can split blocks where the feed changes
  handoff      edge agent, gate, fallback and black box; plans signed by the service and verified at the edge; a swarm of
               one-minute lives under drawn faults (world); simulation service; Zenoh over TCP with an embedded router
  controllers  our own virtual one; grbl and grblHAL by serial port, pseudo terminal or TCP, as the sender or beside one;
               MTConnect agents, adapters and recordings, read only; our state as SHDR on loopback;
               LinuxCNC through HAL, with install, doctor, arm, off and status, and what it has loaded held against the job
  scenarios    one-thread world on virtual time, real processes, hidden true process, recordings and replay
";

const ABSENT: &str = "\
What is not there yet
  program      cutter compensation by registers of Fanuc and Haas; tilted planes and tool centre control of these;
               Siemens cycles beyond drilling; values the machine alone knows end the reading
  kernel       the finished part of work that turns or is undercut; forces of general and undercutting mills
  process      what was learned tightens plans, not the baseline that the edge already holds; an operation that is infeasible
               at its speed and depth is named, not disarmed; ceiling programs (nothing live is ever faster than programmed)
  handoff      adaptive lead; false fallbacks of a shift, measured
  controllers  a real grbl board and a LinuxCNC with drives have not been driven
  service      web page, store, registry, more than one process
";

/// Says what there is and what there is not.
pub(super) fn print() -> u8 {
    let mut out = std::io::stdout().lock();
    let written = writeln!(out, "cosim {}\n\n{THERE}\n{ABSENT}", env!("CARGO_PKG_VERSION"));
    if written.is_ok() { EXIT_PASS } else { EXIT_INFRASTRUCTURE }
}

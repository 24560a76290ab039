//! The kernel beside its peers.
//!
//! `cargo run --release -- volumes` cuts the same paths with cutrail, whose mesh booleans are exact up to a chord
//! tolerance of 1 µm, and compares removed volume, every height, and the symmetric difference; because errors
//! cancel in a volume, each alone would say little. It fails where a limit is broken.
//!
//! `cargo run --release -- speed` cuts the zigzag of 100 × 100 × 20 mm, cutter D10, 1 mm, 0.1 mm with the kernel's
//! height map and tri-dexel, FreeCAD's path simulator (Debian package `freecad-python3`; left out where it is not
//! installed), BREP_cam and cutrail, in turn, round after round, by the processor time of one thread; the least of the
//! rounds counts.
//!
//! No peer's code is in this project; this package has a workspace of its own so that nothing of theirs is in its
//! lock file either.
#![allow(clippy::print_stdout, reason = "a command that prints figures")]

mod job;
mod speed;
mod volumes;

fn main() -> std::process::ExitCode {
    let kept = match std::env::args().nth(1).as_deref() {
        Some("volumes") => volumes::compare(),
        Some("speed") => speed::compare(),
        _ => {
            println!("volumes or speed");
            false
        }
    };
    if kept { std::process::ExitCode::SUCCESS } else { std::process::ExitCode::FAILURE }
}

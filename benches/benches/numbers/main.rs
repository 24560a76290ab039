//! The numbers the kernel promises, in one interleaved run.
//!
//! Criterion's bench `kernel` follows changes; this one answers whether a promise is kept, on a machine that may be
//! busy with other things. Candidates take turns, round after round, and the least time of each counts. One
//! thread is judged by its processor time, so that waiting for a core does not count; two threads by the wall
//! clock and, where the cores are not free, by the processor time of the busier one.
//!
//! `cargo bench -p benches --bench numbers -- [cut] [engage] [threads] [window] [cancel] [scale] [export]`
#![allow(missing_docs)]
#![allow(clippy::print_stdout, reason = "a command that prints figures")]

mod cancel;
mod clock;
mod cut;
mod scale;
mod threads;
mod window;

fn main() {
    let parts: [(&str, fn()); 7] = [
        ("cut", cut::cut),
        ("engage", cut::engage),
        ("threads", threads::threads),
        ("window", window::window),
        ("cancel", cancel::cancel),
        ("scale", scale::scale),
        ("export", scale::export),
    ];
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    for (name, part) in parts {
        if wanted.is_empty() || wanted.iter().any(|word| word == name) {
            println!("\n== {name}");
            part();
        }
    }
}

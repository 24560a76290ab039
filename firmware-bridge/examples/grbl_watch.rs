//! Watches a grbl for another sender and holds a factor: `grbl_watch ADDRESS [PERMILLE]`, with an address as in
//! `serial:/dev/ttyUSB0@115200` or `tcp:127.0.0.1:2300`. Prints the port for the other sender, then a line a second.
//! When standard input ends, the operator's value is given back and the program leaves.
#![allow(clippy::print_stdout, reason = "this is a program")]
#![allow(clippy::disallowed_methods, reason = "this is a program")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use firmware_bridge::controller::Command;
use firmware_bridge::dialect::grbl::{Flavour, Occurrence, OverrideSettings, SessionSettings};
use firmware_bridge::link::{GrblLink, PortAddress};
use shared::machine::LengthUnit;
use shared::plan::Override;
use shared::time::{Duration, Instant};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().and_then(|text| PortAddress::parse(&text)).ok_or("which port?")?;
    let permille = arguments.next().map_or(Ok(1000), |text| text.parse())?;
    let factor = Override::from_permille(permille).ok_or("a factor is 0 to 1000 per mille")?;
    let settings = SessionSettings {
        flavour: Flavour::Grbl,
        status_period: Duration::from_ms(100),
        overrides: OverrideSettings { raise_slew_per_s: 1.0, operator_before: None },
        report_unit: LengthUnit::Millimetre,
    };
    let declaration = settings.flavour.declaration(settings.status_period);
    println!("no speed-up: {}", declaration.no_speed_up);
    println!("fail-safe: {}", declaration.fail_safe);
    let mut link = GrblLink::open(address, settings, true, Duration::from_ms(5000))?;
    if let Some(path) = link.sender_path() {
        println!("port for the sender: {}", path.display());
    }
    let leave = Arc::new(AtomicBool::new(false));
    std::thread::spawn({
        let leave = Arc::clone(&leave);
        move || {
            let _ = std::io::read_to_string(std::io::stdin());
            leave.store(true, Ordering::Relaxed);
        }
    });
    let start = std::time::Instant::now();
    let mut leave_at = None;
    for turn in 0u64.. {
        let now = Instant::from_ns(u64::try_from(start.elapsed().as_nanos())?);
        if leave.load(Ordering::Relaxed) {
            link.let_go();
            if now >= *leave_at.get_or_insert(now.after(Duration::from_ms(2000))) {
                break;
            }
        } else {
            link.command(now, Command::Factor { factor, time_to_live: Duration::from_ms(500) });
        }
        let mut line = None;
        link.turn(now, &mut |occurrence| match occurrence {
            Occurrence::Sample(sample) => {
                line = Some(format!("{:?} dial {:?}", sample.execution, sample.dial_permille))
            }
            other => println!("{other:?}"),
        });
        if turn.is_multiple_of(200) {
            println!("{:?} {}", link.session().standing(now), line.unwrap_or_default());
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    Ok(())
}

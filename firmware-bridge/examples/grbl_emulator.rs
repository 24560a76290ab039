//! A grbl to try things on: `grbl_emulator [grbl|grblhal] [ADDRESS:PORT]`, behind a pseudo terminal where no address is
//! given. Says where it is, then what it does, until it is stopped.
#![allow(clippy::print_stdout, reason = "this is a program")]
#![allow(clippy::disallowed_methods, reason = "this is a program")]

use std::net::TcpListener;
use std::sync::atomic::AtomicBool;

use firmware_bridge::dialect::grbl::Flavour;
use firmware_bridge::grbl_emulator::{Emulator, EmulatorConfig, Happening};
use firmware_bridge::link::{EmulatorLine, LinkError, Pty, serve_grbl_emulator};
use shared::time::Instant;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1).peekable();
    let flavour = match arguments.next_if(|word| word == "grbl" || word == "grblhal").as_deref() {
        Some("grblhal") => Flavour::GrblHal,
        _ => Flavour::Grbl,
    };
    let mut line = match arguments.next() {
        Some(address) => {
            let listener = TcpListener::bind(&address)?;
            println!("tcp:{}", listener.local_addr()?);
            EmulatorLine::tcp(listener)?
        }
        None => pty()?,
    };
    let mut emulator = Emulator::new(EmulatorConfig::router(flavour, 1), Instant::ORIGIN);
    serve_grbl_emulator(&mut line, &mut emulator, &AtomicBool::new(false), &mut |happening| match happening {
        Happening::Answered { line, error: 0 } => println!("ok       {}", String::from_utf8_lossy(line)),
        Happening::Answered { line, error } => println!("error:{error:<2} {}", String::from_utf8_lossy(line)),
        Happening::Done { .. } => {}
        Happening::Started => println!("started"),
    });
    Ok(())
}

fn pty() -> Result<EmulatorLine, LinkError> {
    let pty = Pty::open()?;
    println!("serial:{}", pty.path().display());
    Ok(EmulatorLine::Pty(pty))
}

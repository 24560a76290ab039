use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use super::{EmulatorError, Side};

/// Where iproute2 keeps the names.
const NAMES: &str = "/run/netns";
/// What our names begin with; the process and the side follow.
const PREFIX: &str = "cosim-link";

/// Emulators that this process has made.
static MADE: AtomicU32 = AtomicU32::new(0);

/// Two network namespaces; they go when this is dropped.
#[derive(Debug)]
pub(super) struct Namespaces {
    process: u32,
    number: u32,
}

impl Namespaces {
    /// Makes both, with their loopback devices up.
    pub(super) fn make() -> Result<Self, EmulatorError> {
        if !Path::new("/dev/net/tun").exists() {
            return Err(EmulatorError::NotAllowed { why: "there is no /dev/net/tun".to_owned() });
        }
        remove_left_behind();
        // No two emulators of one process have a number; the next process has names of its own.
        let made = Self { process: std::process::id(), number: MADE.fetch_add(1, Ordering::Relaxed) };
        for side in [Side::Edge, Side::Cloud] {
            let name = made.name(side);
            ip(&["netns", "add", &name]).map_err(|why| EmulatorError::NotAllowed { why })?;
            ip(&["-n", &name, "link", "set", "lo", "up"])
                .map_err(|why| EmulatorError::Failed { doing: "bringing a loopback device up", why })?;
        }
        Ok(made)
    }

    fn name(&self, side: Side) -> String {
        name(self.process, self.number, side)
    }

    /// A name for a device that no other emulator uses; at most 15 characters.
    pub(super) fn device(&self, side: Side) -> String {
        format!("cl{}{}{}", self.process, if side == Side::Edge { 'e' } else { 'c' }, self.number % 100)
    }

    /// Moves a device in and gives it its address.
    pub(super) fn adopt(&self, side: Side, device: &str, mtu: u16) -> Result<(), EmulatorError> {
        let (name, mtu, address) = (self.name(side), mtu.to_string(), format!("{}/24", side.address()));
        let steps: [&[&str]; 3] = [
            &["link", "set", device, "netns", &name],
            &["-n", &name, "addr", "add", &address, "dev", device],
            &["-n", &name, "link", "set", device, "mtu", &mtu, "txqueuelen", "10000", "up"],
        ];
        steps
            .iter()
            .try_for_each(|step| ip(step))
            .map_err(|why| EmulatorError::Failed { doing: "giving a device to its namespace", why })
    }

    pub(super) fn inside(&self, side: Side) -> Vec<OsString> {
        ["ip", "netns", "exec", &self.name(side)].into_iter().map(OsString::from).collect()
    }
}

impl Drop for Namespaces {
    fn drop(&mut self) {
        for side in [Side::Edge, Side::Cloud] {
            // Nobody is left to tell, and the next emulator tries again.
            let _ = ip(&["netns", "del", &self.name(side)]);
        }
    }
}

fn name(process: u32, number: u32, side: Side) -> String {
    format!("{PREFIX}-{process}-{number}-{}", side.name())
}

/// Removes the namespaces of processes that are no more.
fn remove_left_behind() {
    let Ok(entries) = std::fs::read_dir(NAMES) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let process = name.strip_prefix(PREFIX).and_then(|rest| rest.split('-').nth(1)?.parse::<u32>().ok());
        if process.is_some_and(|process| !Path::new(&format!("/proc/{process}")).exists()) {
            let _ = ip(&["netns", "del", &name]);
        }
    }
}

fn ip(args: &[&str]) -> Result<(), String> {
    let told = |why: String| format!("`ip {}`: {why}", args.join(" "));
    let output = Command::new("ip")
        .args(args)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| told(format!("{error} (is iproute2 installed?)")))?;
    if output.status.success() { Ok(()) } else { Err(told(String::from_utf8_lossy(&output.stderr).trim().to_owned())) }
}

use std::sync::Arc;
use std::time::Duration;

use shared::wire::{Channel, Preset};

use super::clock::Clock;
use super::gateway::{Access, Gateway, Outbound, Place};
use super::stop::{Stop, announce};

/// Longest sleep when nothing is to be done.
const IDLE: Duration = Duration::from_millis(100);
/// Machines that may be echoed.
const MACHINES_MAX: usize = 8;

/// The service's transport without the service: the same rings, threads and network settings, and what comes up from a
/// machine as its state goes down to it as a plan, byte for byte. For measuring what the transport alone costs. Says
/// `READY` when machines can be heard, and ends when standard input closes.
///
/// # Errors
/// No router answers there.
pub fn echo(connect: &str) -> anyhow::Result<()> {
    let stop = Arc::new(Stop::default());
    stop.when_stdin_closes()?;
    let access = Access { place: Place::Connect(connect.to_owned()), preset: Preset::Lan, tls: None };
    let gateway = Gateway::open(&access, Clock::start(), MACHINES_MAX, &stop)?;
    announce(&format!("READY {}", gateway.endpoint()));
    while !stop.is_wanted() {
        while let Some(inbound) = gateway.inbox().pop() {
            if inbound.channel == Channel::State {
                let outbound = Outbound { machine: inbound.machine, channel: Channel::Plan, bytes: inbound.bytes };
                gateway.outboxes().push(outbound);
            }
        }
        gateway.inbox().wait(IDLE);
    }
    gateway.close();
    Ok(())
}

use std::fs::File;
use std::io::Read;
use std::thread;
use std::time::Duration;

use anyhow::Context;
use shared::wire::{LocalKey, MESSAGE_BYTES_MAX};

use super::frames::{FrameReader, FrameWriter};
use super::stop::Stop;
use crate::door::{Door, Passage};

/// How long the thread sleeps when nobody wakes it.
const IDLE: Duration = Duration::from_millis(5);
/// Bytes of the instant of arrival before each message.
const STAMP_BYTES: usize = 8;

/// A key that this process shares with nobody.
pub(super) fn local_key() -> anyhow::Result<LocalKey> {
    let mut bytes = [0; 32];
    File::open("/dev/urandom")
        .and_then(|mut file| file.read_exact(&mut bytes))
        .context("the system gives no random numbers for the key between door and cycle")?;
    Ok(LocalKey::from_bytes(bytes))
}

/// The thread between network and cycle: verifies, reseals, hands on. What a ring does not take is lost, as a message
/// is that the network lost; the next one supersedes it or it is asked for again.
pub(super) fn run(mut door: Door, mut lanes: [(FrameReader, FrameWriter); 2], ending: &Stop) {
    let mut frame = Vec::with_capacity(MESSAGE_BYTES_MAX + STAMP_BYTES);
    let mut message = Vec::with_capacity(MESSAGE_BYTES_MAX);
    while !ending.is_wanted() {
        let mut idle = true;
        for (from, to) in &mut lanes {
            if !from.pop(&mut frame) {
                continue;
            }
            idle = false;
            let Some((stamp, bytes)) = frame.split_first_chunk::<STAMP_BYTES>() else { continue };
            message.clear();
            message.extend_from_slice(bytes);
            if door.pass(&mut message) != Passage::Unknown {
                to.push(&[stamp, &message]);
            }
        }
        if idle {
            thread::park_timeout(IDLE);
        }
    }
}

//! LinuxCNC's HAL: the servo tick's record in, a factor, a hold and a heartbeat out.
//!
//! HAL is memory that LinuxCNC's real-time thread and other processes share: pins that point to values, signals that
//! join them. This room makes the agent a component in it, without LinuxCNC's headers and without being linked to it:
//! the library is opened where it is found, and where it is not found everything else still works. What the pins are
//! joined to is said in the HAL file beside the machine's own (`linuxcnc/cosim.hal` of this crate), not here.
//!
//! Three facts shape it. `hal_init` makes HAL's memory where LinuxCNC does not run, so the kernel's table is read first
//! ([`HalError::NotRunning`]). A component that dies stays in HAL with its last values, so nothing that is written here
//! counts for longer than the watchdog of the HAL file lets it, and the next agent takes another name. And a factor
//! that is not a number would reach the motion controller unfiltered, so neither the type that is written
//! ([`shared::plan::Override`]) nor the pin it is written to, whole per mille, can hold one.
//!
//! This is the one room of the crate with `unsafe`: calls of C functions and memory that others write.
//!
//! Source: `hal.h`, `hal_lib.c`, `streamer.h` and `sampler(9)` of LinuxCNC 2.9.
#![allow(unsafe_code, reason = "C functions found at run time, and memory shared with LinuxCNC's real-time thread")]

mod component;
mod library;
mod presence;

use std::io;
use std::sync::atomic::{Ordering, fence};

use component::Component;
use library::{HalLibrary, StreamState, c_name};

use crate::dialect::linuxcnc::{FIELD_TYPES, FIELDS, HalWrite, Tick};

/// True while somebody beside this process holds HAL's memory: while LinuxCNC runs.
pub fn is_running() -> bool {
    presence::is_running()
}

/// LinuxCNC's library as Debian installs it.
pub const HAL_LIBRARY: &str = "liblinuxcnchal.so.0";

/// Most ticks taken in one look.
const TICKS_PER_READ_MAX: u32 = 65_536;

/// Why the agent is not in HAL.
#[derive(Debug, thiserror::Error)]
pub enum HalError {
    /// LinuxCNC is not installed here, or its library has another name.
    #[error("{library} cannot be opened: {source}; LinuxCNC has to be installed on this machine")]
    LibraryAbsent {
        /// What was opened.
        library: String,
        /// What the loader said.
        source: libloading::Error,
    },
    /// The library is not the one we know.
    #[error("LinuxCNC's library has no {symbol}: {source}; version 2.8 or later is needed")]
    SymbolAbsent {
        /// What is missing.
        symbol: &'static str,
        /// What the loader said.
        source: libloading::Error,
    },
    /// There is no HAL to enter.
    #[error("LinuxCNC does not run on this machine")]
    NotRunning,
    /// HAL belongs to somebody else.
    #[error("LinuxCNC runs as user {owner}, this process as user {us}: start the agent as the same user")]
    OtherUser {
        /// Whose memory it is.
        owner: u32,
        /// Who we are.
        us: u32,
    },
    /// The HAL file of the co-simulation is not loaded.
    #[error("LinuxCNC runs without sampler {channel}: is cosim.hal among its HALFILEs?")]
    NoSampler {
        /// Which sampler.
        channel: u32,
    },
    /// The sampler records something else.
    #[error("sampler {channel} does not record the fields {FIELD_TYPES}: is its cosim.hal of this version?")]
    OtherFields {
        /// Which sampler.
        channel: u32,
    },
    /// A signal is not there or cannot be joined.
    #[error("signal {signal} cannot be joined ({code}): is cosim.hal among LinuxCNC's HALFILEs?")]
    SignalRefused {
        /// Which signal.
        signal: String,
        /// What HAL said.
        code: i32,
    },
    /// Another agent is there.
    #[error("component {name} belongs to process {pid}, which lives: one agent a machine")]
    NameTaken {
        /// The name.
        name: String,
        /// Its process, 0 if it did not get so far as to say.
        pid: i32,
    },
    /// Too many agents died in this run of LinuxCNC.
    #[error("{names} agents have died since LinuxCNC was started ({code}); start LinuxCNC again")]
    Worn {
        /// How many names are used up.
        names: u32,
        /// What HAL said.
        code: i32,
    },
    /// HAL refused.
    #[error("{call} gave {code}")]
    Refused {
        /// Which function.
        call: &'static str,
        /// What it gave.
        code: i32,
    },
    /// A name that cannot be given to C.
    #[error("{name:?} cannot be a name in HAL")]
    Name {
        /// The name.
        name: String,
    },
    /// The operating system refused.
    #[error("{doing}: {source}")]
    System {
        /// What was tried.
        doing: String,
        /// What it said.
        source: io::Error,
    },
}

/// The agent's place in HAL, until it is dropped.
///
/// Whoever holds it hands [`HalLink::take_ticks`] to the dialect and the dialect's writes to [`HalLink::write`], in one
/// cycle. When it is dropped the watchdog in HAL lets go, as it does when the process dies.
pub struct HalLink {
    component: Component,
    // In a box, because LinuxCNC's library keeps no copy and the address must not move while it is attached.
    stream: Box<StreamState>,
}

// SAFETY: the stream's state points to memory of the process; it is used by one owner at a time.
unsafe impl Send for HalLink {}

impl std::fmt::Debug for HalLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HalLink").field("name", &self.name()).finish_non_exhaustive()
    }
}

impl HalLink {
    /// Enters HAL, joins the signals of `cosim.hal` and attaches to its sampler. Changes no value: what the agent
    /// before left in the signals stays until the first [`Self::write`].
    ///
    /// # Errors
    /// [`HalError`], each with what to do about it.
    pub fn open(library: &str, channel: u32) -> Result<Self, HalError> {
        let library = HalLibrary::open(library)?;
        presence::check(channel)?;
        let component = Component::enter(library)?;
        let mut stream = Box::new(StreamState::new());
        let types = c_name(FIELD_TYPES)?;
        let key = presence::sampler_key(channel);
        // SAFETY: the state is ours and larger than LinuxCNC's, the id is an entered component's, the text ends in
        // zero.
        let code = unsafe { (component.library.stream_attach)(&raw mut *stream, component.id, key, types.as_ptr()) };
        if code < 0 {
            return Err(HalError::OtherFields { channel });
        }
        let mut link = Self { component, stream };
        // SAFETY: attached above.
        let fields = unsafe { (link.component.library.stream_fields)(&raw mut *link.stream) };
        if usize::try_from(fields) != Ok(FIELDS) {
            return Err(HalError::OtherFields { channel });
        }
        Ok(link)
    }

    /// The component's name in HAL.
    pub fn name(&self) -> &str {
        &self.component.name
    }

    /// Takes the ticks that wait, oldest first, and says how many there were. Does not wait and does not allocate.
    ///
    /// The first look after opening gives what the queue has kept since the last reader: look once and let them go.
    pub fn take_ticks(&mut self, mut tick: impl FnMut(Tick)) -> u32 {
        let stream = &raw mut *self.stream;
        // SAFETY: attached in `open`, detached in `drop`.
        let waiting = unsafe { (self.component.library.stream_depth)(stream) };
        let waiting = u32::try_from(waiting).unwrap_or(0).min(TICKS_PER_READ_MAX);
        for taken in 0..waiting {
            let (mut words, mut number) = ([0_u64; FIELDS], 0);
            // SAFETY: as above; LinuxCNC fills as many words of 8 bytes as the stream has fields, which `open` checked.
            if unsafe { (self.component.library.stream_read)(stream, words.as_mut_ptr(), &raw mut number) } < 0 {
                return taken;
            }
            tick(Tick::from_words(number, &words));
        }
        waiting
    }

    /// How many ticks found the queue full since LinuxCNC started.
    pub fn overruns(&mut self) -> u32 {
        // SAFETY: attached in `open`, detached in `drop`.
        let overruns = unsafe { (self.component.library.stream_overruns)(&raw mut *self.stream) };
        u32::try_from(overruns).unwrap_or(0)
    }

    /// How many ticks the queue holds.
    pub fn queue_len(&mut self) -> u32 {
        // SAFETY: attached in `open`, detached in `drop`.
        let depth = unsafe { (self.component.library.stream_depth_max)(&raw mut *self.stream) };
        u32::try_from(depth).unwrap_or(0)
    }

    /// Writes what the dialect decided: the factor and the hold first, then, where it says so, the heartbeat that makes
    /// them count.
    pub fn write(&mut self, write: &HalWrite) {
        self.component.set_request(i32::from(write.factor.permille()));
        if let Some(hold) = write.hold {
            self.component.set_hold(hold);
        }
        if write.beat {
            // The real-time thread must not see a heartbeat before the values it vouches for.
            fence(Ordering::Release);
            let level = self.component.heartbeat();
            self.component.set_heartbeat(!level);
        }
    }

    /// The per mille that stand in the request, whoever wrote them.
    pub fn request(&self) -> i32 {
        self.component.request()
    }

    /// True while a hold is asked for, by whoever.
    pub fn hold(&self) -> bool {
        self.component.hold()
    }

    /// False once LinuxCNC has ended: drop the link then, so that its memory can go too.
    pub fn is_running(&self) -> bool {
        presence::is_running()
    }
}

impl Drop for HalLink {
    fn drop(&mut self) {
        // SAFETY: attached in `open`, once; the component leaves HAL after this.
        unsafe { (self.component.library.stream_detach)(&raw mut *self.stream) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_without_linuxcnc_is_told_so() {
        let error = HalLink::open("libno-such-thing.so.9", 0).expect_err("there is no such library");
        assert!(matches!(error, HalError::LibraryAbsent { .. }), "{error}");
        assert!(error.to_string().contains("LinuxCNC has to be installed"), "{error}");
    }

    #[test]
    fn a_library_of_another_kind_is_refused_by_name() {
        let error = HalLink::open("libc.so.6", 0).expect_err("the C library is not HAL");
        assert!(matches!(error, HalError::SymbolAbsent { .. }), "{error}");
    }
}

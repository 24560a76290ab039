//! The thread beside the cycle: everything about LinuxCNC that may wait.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{SyncSender, TrySendError};
use std::time::{Duration as Span, Instant as Clock};

use shared::ident::Digest;

use super::super::StatusProgram;
use super::super::hal::HalLink;
use super::{LinuxCncSettings, Shared, StatusSource};
use crate::controller::Objection;
use crate::dialect::linuxcnc::{ContextWatch, StatusEvent, TaskStatus};

/// Time between two attempts.
const RETRY: Span = Span::from_millis(250);
/// Time between two looks whether LinuxCNC still runs.
const LOOK: Span = Span::from_millis(200);
/// Largest program that is hashed.
const PROGRAM_BYTES_MAX: u64 = 256 << 20;

/// What the thread hands to the cycle.
#[allow(clippy::large_enum_variant, reason = "handed over and taken apart at once")]
pub(super) enum Watched {
    /// HAL was entered.
    Entered(Box<HalLink>),
    /// A report.
    Status {
        /// It.
        status: TaskStatus,
        /// What it objects to.
        objection: Option<Objection>,
        /// How often the operator had accepted by then.
        accepted: u64,
    },
}

/// State of the thread.
pub(super) struct Watch {
    settings: LinuxCncSettings,
    sender: SyncSender<Watched>,
    shared: Arc<Shared>,
    context: ContextWatch,
    program: String,
    /// The file as it was when it was hashed.
    stamp: Option<Stamp>,
    entered: bool,
    accepted: u64,
    looked_at: Clock,
    last_trouble: String,
}

/// What changes when a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    bytes: u64,
    changed: (i64, i64),
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            bytes: metadata.len(),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

impl Watch {
    pub(super) fn new(settings: LinuxCncSettings, sender: SyncSender<Watched>, shared: Arc<Shared>) -> Self {
        let context = ContextWatch::new(settings.expected.clone());
        Self {
            settings,
            sender,
            shared,
            context,
            program: String::new(),
            stamp: None,
            entered: false,
            accepted: 0,
            looked_at: Clock::now(),
            last_trouble: String::new(),
        }
    }

    /// Until the link is dropped.
    pub(super) fn run(mut self, say: impl Fn(&str)) {
        while !self.is_over() {
            self.enter(&say);
            if !self.entered {
                std::thread::sleep(RETRY);
                continue;
            }
            if let Err(trouble) = self.listen() {
                self.tell(&say, &trouble);
            }
            std::thread::sleep(RETRY);
            self.look();
        }
    }

    fn is_over(&self) -> bool {
        self.shared.stop.load(Ordering::Acquire)
    }

    /// Says what is in the way, once.
    fn tell(&mut self, say: &impl Fn(&str), trouble: &str) {
        if self.last_trouble != trouble {
            trouble.clone_into(&mut self.last_trouble);
            say(trouble);
        }
    }

    fn enter(&mut self, say: &impl Fn(&str)) {
        if self.entered || self.shared.gone.load(Ordering::Acquire) {
            return;
        }
        match HalLink::open(&self.settings.library, self.settings.channel) {
            Ok(hal) => {
                self.tell(say, &format!("in HAL as {}", hal.name()));
                self.entered = self.sender.send(Watched::Entered(Box::new(hal))).is_ok();
                self.context.accept();
            }
            Err(error) => self.tell(say, &error.to_string()),
        }
    }

    /// Takes reports until the one who tells them has ended.
    fn listen(&mut self) -> Result<(), String> {
        let mut beside = match &self.settings.status {
            StatusSource::Program { python, script } => StatusProgram::start(python, script),
            StatusSource::Socket(path) => StatusProgram::connect(path),
        }
        .map_err(|error| error.to_string())?;
        let mut told = false;
        loop {
            let mut events = Vec::new();
            let goes_on = beside.wait(|event| events.push(event)).map_err(|error| error.to_string())?;
            told |= !events.is_empty();
            events.into_iter().for_each(|event| self.take(event));
            if !goes_on {
                let why = "LinuxCNC's status is not told: its Python module cannot be used, or LinuxCNC ends";
                return if told { Ok(()) } else { Err(why.to_owned()) };
            }
            if self.is_over() || !self.look() {
                return Ok(());
            }
        }
    }

    fn take(&mut self, event: StatusEvent) {
        match event {
            StatusEvent::Program(program) => {
                self.program = program;
                self.stamp = None;
            }
            StatusEvent::Status(status) => {
                let accepted = self.shared.accepted.load(Ordering::Acquire);
                if std::mem::replace(&mut self.accepted, accepted) != accepted {
                    self.context.accept();
                }
                self.read_program();
                let objection = self.context.handle_status(&status);
                match self.sender.try_send(Watched::Status { status, objection, accepted }) {
                    Err(TrySendError::Full(_)) => {
                        self.shared.dropped.fetch_add(1, Ordering::Relaxed);
                    }
                    Ok(()) | Err(TrySendError::Disconnected(_)) => {}
                }
            }
        }
    }

    /// Reads the program again where the file is another one than before: the controller reads it while it runs.
    fn read_program(&mut self) {
        let stamp = fs::metadata(&self.program).ok().map(|metadata| Stamp::of(&metadata));
        if stamp.is_some() && stamp == self.stamp {
            return;
        }
        self.stamp = stamp;
        let fits = stamp.is_some_and(|stamp| stamp.bytes <= PROGRAM_BYTES_MAX);
        let bytes = fits.then(|| fs::read(&self.program).ok()).flatten();
        self.context.handle_program(bytes.map(|bytes| Digest::of(&bytes)));
    }

    /// Looks whether LinuxCNC still runs, not at every turn; false once it does not.
    fn look(&mut self) -> bool {
        if !self.entered || self.looked_at.elapsed() < LOOK {
            return self.entered;
        }
        self.looked_at = Clock::now();
        if super::super::hal::is_running() {
            return true;
        }
        self.entered = false;
        self.last_trouble.clear();
        self.shared.gone.store(true, Ordering::Release);
        false
    }
}

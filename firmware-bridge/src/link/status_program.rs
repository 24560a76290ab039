use std::io::Read;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::LinkError;
use crate::dialect::linuxcnc::{StatusDecoder, StatusEvent};

/// Most bytes taken in one read.
const READ_LEN: usize = 4096;

/// The small program beside LinuxCNC that tells what only the task knows
/// ([`STATUS_PROGRAM`](crate::dialect::linuxcnc::STATUS_PROGRAM)), as a child of this process.
///
/// Waiting and decoding block and allocate: it belongs on a thread of its own, which hands reports to the cycle through a
/// ring. When it is dropped the program ends; when LinuxCNC ends, the program does so by itself.
pub struct StatusProgram {
    /// `None` where somebody else runs it.
    child: Option<Child>,
    said: Box<dyn Read + Send>,
    decoder: StatusDecoder,
}

impl std::fmt::Debug for StatusProgram {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StatusProgram").field("child", &self.child).finish_non_exhaustive()
    }
}

/// Longest silence of a program that somebody else runs; it says something ten times a second.
const SILENCE_MAX: std::time::Duration = std::time::Duration::from_secs(2);

impl StatusProgram {
    /// Starts the program with LinuxCNC's own Python. It has to run as LinuxCNC's user.
    ///
    /// # Errors
    /// [`LinkError::Io`] where Python cannot be started. Whether LinuxCNC's module is there shows at the first
    /// [`Self::wait`]: the program ends then.
    pub fn start(python: &Path, script: &Path) -> Result<Self, LinkError> {
        let mut command = Command::new(python);
        command.arg("-u").arg(script).stdin(Stdio::null()).stdout(Stdio::piped());
        let doing = format!("starting {} {}", python.display(), script.display());
        let mut child = command.spawn().map_err(LinkError::io(doing.as_str()))?;
        let said = child.stdout.take().ok_or_else(|| LinkError::io(doing)(std::io::ErrorKind::BrokenPipe.into()))?;
        Ok(Self { child: Some(child), said: Box::new(said), decoder: StatusDecoder::new() })
    }

    /// Connects to the program where somebody else runs it with `--socket`.
    ///
    /// # Errors
    /// [`LinkError::Io`] where nobody listens there.
    pub fn connect(socket: &Path) -> Result<Self, LinkError> {
        let doing = format!("connecting to LinuxCNC's status at {}", socket.display());
        let stream = UnixStream::connect(socket).map_err(LinkError::io(doing.as_str()))?;
        stream.set_read_timeout(Some(SILENCE_MAX)).map_err(LinkError::io(doing))?;
        Ok(Self { child: None, said: Box::new(stream), decoder: StatusDecoder::new() })
    }

    /// Waits until the program has said something and hands over what that completes; false once it has ended. It says
    /// something at least ten times a second while LinuxCNC runs.
    ///
    /// # Errors
    /// [`LinkError::Io`] where its output cannot be read.
    pub fn wait(&mut self, event: impl FnMut(StatusEvent)) -> Result<bool, LinkError> {
        let mut bytes = [0; READ_LEN];
        let count = self.said.read(&mut bytes).map_err(LinkError::io("reading LinuxCNC's status"))?;
        self.decoder.feed(&bytes[..count], event);
        Ok(count > 0)
    }

    /// How many lines made no sense.
    pub fn refused(&self) -> u64 {
        self.decoder.refused()
    }
}

impl Drop for StatusProgram {
    fn drop(&mut self) {
        // One that has ended already cannot be killed, and is only waited for.
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

//! The agent's own door for people on this machine: a Unix socket in the state folder, one word in, one line out.
//!
//! Whoever may write to the state folder may switch; nobody else, and nobody over a network. The socket's thread talks to
//! the cycle through the same bounded ring as standard input, and the cycle never waits for it. An agent that hangs does
//! not answer: the client then says what works without it.

use std::fs::{self, Permissions};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, bail};
use rtrb::Producer;

use super::spawn;
use crate::OperatorAction;

/// Name of the socket in the state folder.
const SOCKET: &str = "control.sock";
/// Longest word that may be said.
pub(super) const WORD_BYTES_MAX: usize = 64;
/// How long either side waits for the other.
const PATIENCE: Duration = Duration::from_millis(2000);
/// Longest answer.
const ANSWER_BYTES_MAX: u64 = 1 << 16;
/// The word that asks for the state.
const STATUS: &str = "status";

/// Where actions go; standard input and the socket take turns, the cycle at the other end takes no lock.
pub(super) type Actions = Arc<Mutex<Producer<OperatorAction>>>;

/// The newest line of state, as JSON; empty before the first.
pub(super) type Latest = Arc<Mutex<String>>;

/// What a word asks for; `None` for one that is not understood.
pub(super) fn action(word: &str) -> Option<OperatorAction> {
    match word {
        "arm" => Some(OperatorAction::Arm),
        "arm-first-part" => Some(OperatorAction::ArmFirstPart),
        "off" => Some(OperatorAction::Off),
        "rearm" => Some(OperatorAction::ReArm),
        "confirm-stock" => Some(OperatorAction::ConfirmStock),
        _ => None,
    }
}

/// Hands an action to the cycle; false where too many wait.
pub(super) fn hand_over(actions: &Actions, action: OperatorAction) -> bool {
    actions.lock().unwrap_or_else(PoisonError::into_inner).push(action).is_ok()
}

/// The socket, until it is dropped.
pub(super) struct ControlSocket {
    path: PathBuf,
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        // A socket that stays is found dead by the next agent and replaced.
        let _ = fs::remove_file(&self.path);
    }
}

/// Opens the socket and answers in a thread of its own. A socket that a dead agent left is replaced; one that a living
/// agent answers on is not.
pub(super) fn listen(state_dir: &Path, actions: Actions, latest: Latest) -> anyhow::Result<ControlSocket> {
    let path = state_dir.join(SOCKET);
    if UnixStream::connect(&path).is_ok() {
        bail!("{} is answered: an agent runs with this state_dir already", path.display());
    }
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("replacing {}", path.display()));
        }
        _ => {}
    }
    let doing = || format!("listening on {}", path.display());
    let listener = UnixListener::bind(&path).with_context(doing)?;
    fs::set_permissions(&path, Permissions::from_mode(0o600)).with_context(doing)?;
    spawn("control", move || {
        for stream in listener.incoming().flatten() {
            // One who asks and does not listen loses the answer.
            let _ = answer(&stream, &actions, &latest);
        }
    })?;
    Ok(ControlSocket { path })
}

fn answer(mut stream: &UnixStream, actions: &Actions, latest: &Latest) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut word = String::new();
    BufReader::new(stream).take(WORD_BYTES_MAX as u64).read_line(&mut word)?;
    let answer = match (word.trim(), action(word.trim())) {
        (STATUS, _) => latest.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        (_, Some(action)) if hand_over(actions, action) => "ok".to_owned(),
        (_, Some(_)) => "too many words at once".to_owned(),
        _ => "not understood".to_owned(),
    };
    writeln!(stream, "{answer}")
}

/// Says a word to the agent that runs with this state folder; its answer.
///
/// # Errors
/// No agent runs, or it does not answer.
pub(super) fn ask(state_dir: &Path, word: &str) -> anyhow::Result<String> {
    let path = state_dir.join(SOCKET);
    let mut stream = UnixStream::connect(&path).with_context(|| format!("no agent answers at {}", path.display()))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    writeln!(stream, "{word}")?;
    let mut line = String::new();
    BufReader::new(&stream).take(ANSWER_BYTES_MAX).read_line(&mut line).context("the agent does not answer")?;
    Ok(line.trim_end().to_owned())
}

/// Asks for the newest line of state.
pub(super) fn ask_status(state_dir: &Path) -> anyhow::Result<String> {
    ask(state_dir, STATUS)
}

#[cfg(test)]
mod tests {
    use rtrb::RingBuffer;

    use super::*;

    #[test]
    fn words_reach_the_cycle_and_the_state_comes_back() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        assert!(ask(folder.path(), "arm").is_err(), "nobody is there");
        let (producer, mut taken) = RingBuffer::new(2);
        let latest: Latest = Arc::new(Mutex::new("{\"lamp\":\"ok\"}".to_owned()));
        let actions: Actions = Arc::new(Mutex::new(producer));
        let socket = listen(folder.path(), Arc::clone(&actions), Arc::clone(&latest)).expect("a socket");
        let said = |word: &str| ask(folder.path(), word).expect("it answers");
        assert_eq!(said("status"), "{\"lamp\":\"ok\"}");
        assert_eq!((said("arm"), said("off")), ("ok".to_owned(), "ok".to_owned()));
        assert_eq!(said("rearm"), "too many words at once");
        assert_eq!(said("faster"), "not understood");
        assert_eq!((taken.pop(), taken.pop()), (Ok(OperatorAction::Arm), Ok(OperatorAction::Off)));
        assert!(listen(folder.path(), actions, latest).is_err(), "one agent a folder");
        let mode = fs::metadata(folder.path().join(SOCKET)).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        drop(socket);
        assert!(!folder.path().join(SOCKET).exists());
    }
}

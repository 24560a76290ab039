//! Seals: who sent a message, and for which machine.
//!
//! A checksum finds damage; it does not stop somebody who knows the format. So the cloud signs every message with
//! Ed25519 (RFC 8032), and nothing unsigned gets past the edge's door. What is signed is short: a domain, the name of
//! the machine, and the BLAKE3 digest that the checksum is the beginning of. The digest covers header and body, and the
//! body names epoch, program, context and number; so a signature is bound to machine, lease, program and context, and
//! a message cannot be passed from one machine to another that happens to have the same epoch.
//!
//! Keys: the edge pins the cloud's identity key in its configuration. `Accept` and `Refuse` are signed with it;
//! `Accept` announces the key of the session, with which everything later in that epoch is signed. The session key
//! is derived from the identity key, the machine and the epoch, so that a core needs no randomness and a restarted
//! service signs as before.
//!
//! Verification takes some ten microseconds, too long for the control cycle. It is done at the door, in a thread of its
//! own, which puts a seal of the second kind on what it has verified: BLAKE3 keyed with a [`LocalKey`] that the agent's
//! process draws at its start and tells nobody. The cycle checks that one, for the price of one hash of a hundred bytes. A
//! message that comes over the network with a local seal loses it at the door.
//!
//! ```text
//! seal in the header (byte 7)    what follows the body
//! 0 none                         nothing
//! 1 signed                       64 bytes: Ed25519 over domain ‖ length of name u8 ‖ name ‖ digest
//! 2 announcing                   32 bytes: public session key; 64 bytes: Ed25519 over the same ‖ session key
//! 3 local                        32 bytes: keyed BLAKE3 over the same as 1
//! ```

use std::fmt;

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};

use super::codec::{Frame, WireError, reseal};
use super::message::MessageKind;
use crate::ident::{Epoch, Name};

const DOMAIN: &[u8] = b"cosim seal 2";
const KEY_BYTES: usize = 32;
const SIGNATURE_BYTES: usize = 64;
/// Longest seal.
pub(super) const SEAL_BYTES_MAX: usize = KEY_BYTES + SIGNATURE_BYTES;
/// Domain, length of the name, name, digest, announced key.
const SIGNED_BYTES_MAX: usize = DOMAIN.len() + 1 + Name::LEN_MAX + 32 + KEY_BYTES;

/// What stands behind a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum SealKind {
    /// Nothing.
    None = 0,
    /// A signature.
    Signed = 1,
    /// A session key and a signature.
    Announcing = 2,
    /// A keyed hash.
    Local = 3,
}

impl SealKind {
    /// From its number in the header.
    pub(super) const fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::None),
            1 => Some(Self::Signed),
            2 => Some(Self::Announcing),
            3 => Some(Self::Local),
            _ => None,
        }
    }

    /// Bytes behind the body.
    pub(super) const fn bytes(self) -> usize {
        match self {
            Self::None => 0,
            Self::Signed => SIGNATURE_BYTES,
            Self::Announcing => KEY_BYTES + SIGNATURE_BYTES,
            Self::Local => 32,
        }
    }
}

/// Puts seals on messages.
pub trait Sealer {
    /// Seals one whole message for a machine; a seal it had is replaced.
    ///
    /// # Errors
    /// [`WireError`] for bytes that are no message, or leave no room for the seal; they are unchanged then.
    fn seal(&mut self, machine: &Name, message: &mut Vec<u8>) -> Result<(), WireError>;
}

/// A key that two rooms of one process share; never sent and never stored.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct LocalKey([u8; KEY_BYTES]);

impl fmt::Debug for LocalKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LocalKey(…)")
    }
}

impl LocalKey {
    /// From bytes that nobody else can know.
    pub const fn from_bytes(bytes: [u8; KEY_BYTES]) -> Self {
        Self(bytes)
    }

    /// Its bytes, for a recording of the run.
    pub const fn to_bytes(self) -> [u8; KEY_BYTES] {
        self.0
    }

    /// True where a message has this key's seal for this machine. Allocates nothing.
    pub fn check(&self, machine: &Name, frame: &Frame<'_>) -> bool {
        let Ok(found) = <[u8; 32]>::try_from(frame.seal()) else { return false };
        // The comparison of BLAKE3's hashes takes the same time wherever they differ.
        frame.seal_kind() == SealKind::Local && self.hash(machine, frame.digest()) == blake3::Hash::from_bytes(found)
    }

    fn hash(&self, machine: &Name, digest: &[u8; 32]) -> blake3::Hash {
        let (bytes, length) = signed(machine, digest, None);
        blake3::keyed_hash(&self.0, &bytes[..length])
    }
}

impl Sealer for LocalKey {
    fn seal(&mut self, machine: &Name, message: &mut Vec<u8>) -> Result<(), WireError> {
        reseal(message, SealKind::Local, |digest, out| {
            out.extend_from_slice(self.hash(machine, digest).as_bytes());
        })
    }
}

/// A public key as it is configured and announced: 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

/// Why a text or bytes are not a public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a public key: 64 hexadecimal digits of an Ed25519 key are expected")]
pub struct KeyError;

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_bytes().iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl PublicKey {
    /// From its bytes; keys of small order, under which one signature fits many messages, are refused.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn from_bytes(bytes: &[u8; KEY_BYTES]) -> Result<Self, KeyError> {
        match VerifyingKey::from_bytes(bytes) {
            Ok(key) if !key.is_weak() => Ok(Self(key)),
            _ => Err(KeyError),
        }
    }

    /// From 64 hexadecimal digits.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        Self::from_bytes(&bytes_of_hex(text).ok_or(KeyError)?)
    }

    /// True where this key has signed the message for this machine. Takes some ten microseconds.
    pub fn check(&self, machine: &Name, frame: &Frame<'_>) -> bool {
        let (announced, signature) = match frame.seal_kind() {
            SealKind::Signed => (None, frame.seal()),
            SealKind::Announcing => {
                let (key, signature) = frame.seal().split_at(KEY_BYTES);
                (Some(key), signature)
            }
            SealKind::None | SealKind::Local => return false,
        };
        let Ok(signature) = Signature::from_slice(signature) else { return false };
        let (bytes, length) = signed(machine, frame.digest(), announced);
        self.0.verify_strict(&bytes[..length], &signature).is_ok()
    }

    /// The key that a message announces; believe it only after [`Self::check`].
    pub fn announced(frame: &Frame<'_>) -> Option<Self> {
        let key = frame.seal().get(..KEY_BYTES).filter(|_| frame.seal_kind() == SealKind::Announcing)?;
        Self::from_bytes(key.try_into().ok()?).ok()
    }
}

/// The cloud's secret keys.
pub struct CloudKeys {
    identity: SigningKey,
    /// The session signed for last; deriving its key again would cost as much as a signature.
    session: Option<(Name, Epoch, SigningKey)>,
}

impl fmt::Debug for CloudKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CloudKeys({})", self.public())
    }
}

impl CloudKeys {
    /// From 32 secret bytes.
    pub fn from_secret(secret: &[u8; KEY_BYTES]) -> Self {
        Self { identity: SigningKey::from_bytes(secret), session: None }
    }

    /// From 64 hexadecimal digits.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        Ok(Self::from_secret(&bytes_of_hex(text).ok_or(KeyError)?))
    }

    /// What the edges pin.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.identity.verifying_key())
    }

    fn session_key(&mut self, machine: &Name, epoch: Epoch) -> SigningKey {
        if let Some((_, _, key)) = self.session.as_ref().filter(|(name, at, _)| name == machine && *at == epoch) {
            return key.clone();
        }
        let material =
            [self.identity.as_bytes().as_slice(), &epoch.0.to_le_bytes(), machine.as_str().as_bytes()].concat();
        let key = SigningKey::from_bytes(&blake3::derive_key("cosim 2026 session key of the cloud", &material));
        self.session = Some((machine.clone(), epoch, key.clone()));
        key
    }
}

impl Sealer for CloudKeys {
    fn seal(&mut self, machine: &Name, message: &mut Vec<u8>) -> Result<(), WireError> {
        let frame = Frame::open(message)?;
        let (kind, epoch) = (frame.kind(), frame.epoch().ok_or(WireError::Short)?);
        let session = self.session_key(machine, epoch);
        let (seal, key) = match kind {
            MessageKind::Accept => (SealKind::Announcing, &self.identity),
            MessageKind::Refuse => (SealKind::Signed, &self.identity),
            _ => (SealKind::Signed, &session),
        };
        let announced = session.verifying_key();
        let announced = (seal == SealKind::Announcing).then_some(announced.as_bytes().as_slice());
        reseal(message, seal, |digest, out| {
            let (bytes, length) = signed(machine, digest, announced);
            out.extend_from_slice(announced.unwrap_or_default());
            out.extend_from_slice(&key.sign(&bytes[..length]).to_bytes());
        })
    }
}

/// Takes the seal off a message, so that nobody mistakes it for one that was verified.
///
/// # Errors
/// [`WireError`] for bytes that are no message.
pub fn unseal(message: &mut Vec<u8>) -> Result<(), WireError> {
    reseal(message, SealKind::None, |_, _| {})
}

/// What is signed, in a buffer on the stack, and its length.
fn signed(machine: &Name, digest: &[u8; 32], announced: Option<&[u8]>) -> ([u8; SIGNED_BYTES_MAX], usize) {
    let mut bytes = [0; SIGNED_BYTES_MAX];
    let mut at = 0;
    // A name has at most 64 bytes and a key 32, so everything fits.
    let name = machine.as_str().as_bytes();
    for part in [DOMAIN, &[name.len() as u8], name, digest, announced.unwrap_or_default()] {
        bytes[at..at + part.len()].copy_from_slice(part);
        at += part.len();
    }
    (bytes, at)
}

fn bytes_of_hex(text: &str) -> Option<[u8; KEY_BYTES]> {
    let text = text.trim();
    if text.len() != 2 * KEY_BYTES || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; KEY_BYTES];
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * index..2 * index + 2], 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
#[path = "seal_tests.rs"]
mod tests;

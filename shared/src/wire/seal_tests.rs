use super::*;
use crate::ident::{ContextDigest, Digest, PlanSequence, ProgramDigest, SampleSequence};
use crate::plan::KeepAlive;
use crate::wire::{Accept, Message, Refuse, encode};

fn name(text: &str) -> Name {
    Name::parse(text).expect("valid")
}

fn keys(seed: u8) -> CloudKeys {
    CloudKeys::from_secret(&[seed; 32])
}

fn messages(epoch: u64) -> [Message; 3] {
    let epoch = Epoch(epoch);
    let digest = Digest::of(b"x");
    [
        Message::Accept(Accept { epoch, program: ProgramDigest(digest), context: ContextDigest(digest), path: digest }),
        Message::KeepAlive(KeepAlive {
            epoch,
            sequence: PlanSequence(6),
            basis: SampleSequence(2),
            context: ContextDigest(digest),
            stands_behind: PlanSequence(5),
        }),
        Message::Refuse(Refuse { epoch, reason: "no".to_owned() }),
    ]
}

fn sealed(message: &Message, machine: &Name, sealer: &mut dyn Sealer) -> Vec<u8> {
    let mut out = Vec::new();
    encode(message, &mut out).expect("short");
    sealer.seal(machine, &mut out).expect("a message");
    out
}

fn fits(key: PublicKey, machine: &Name, bytes: &[u8]) -> bool {
    Frame::open(bytes).is_ok_and(|frame| key.check(machine, &frame))
}

#[test]
fn the_published_vector_of_rfc_8032_comes_out() {
    // RFC 8032, section 7.1, test 2: one byte 0x72.
    let hex = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb";
    let secret = CloudKeys::parse(hex).expect("a key");
    let public = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
    assert_eq!(secret.public().to_string(), public);
    let signature = secret.identity.sign(&[0x72]).to_bytes();
    assert_eq!(signature[..4], [0x92, 0xa0, 0x09, 0xa9]);
    assert_eq!(PublicKey::parse(public), Ok(secret.public()));
    for wrong in ["", "3d40", &public.replace('3', "g"), &"0".repeat(64), &"ä".repeat(32)] {
        assert_eq!(PublicKey::parse(wrong), Err(KeyError), "{wrong}");
    }
}

#[test]
fn h3_a_seal_fits_one_key_one_machine_one_epoch_and_every_byte() {
    let (ours, other) = (name("mill-1"), name("mill-2"));
    let mut cloud = keys(1);
    let [accept, keep_alive, refuse] = messages(3);
    let accept = sealed(&accept, &ours, &mut cloud);
    let session = PublicKey::announced(&Frame::open(&accept).expect("whole")).expect("announced");
    let [_, later, _] = messages(4);
    let cases = [
        (accept, cloud.public()),
        (sealed(&keep_alive, &ours, &mut cloud), session),
        (sealed(&refuse, &ours, &mut cloud), cloud.public()),
    ];
    for (bytes, key) in cases {
        assert!(fits(key, &ours, &bytes));
        assert!(!fits(key, &other, &bytes), "another machine");
        assert!(!fits(keys(2).public(), &ours, &bytes), "another cloud");
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(!fits(key, &ours, &flipped), "bit {bit}");
        }
        let mut bare = bytes.clone();
        unseal(&mut bare).expect("a message");
        assert!(!fits(key, &ours, &bare) && bare.len() < bytes.len());
    }
    let later = sealed(&later, &ours, &mut cloud);
    assert!(!fits(session, &ours, &later), "a session key signs for its own epoch only");
    assert_ne!(session, cloud.public());
}

#[test]
fn h3_a_local_seal_needs_the_key_and_replaces_the_signature() {
    let machine = name("mill-1");
    let (mut local, other) = (LocalKey::from_bytes([7; 32]), LocalKey::from_bytes([8; 32]));
    let [_, keep_alive, _] = messages(3);
    let mut bytes = sealed(&keep_alive, &machine, &mut keys(1));
    assert!(!local.check(&machine, &Frame::open(&bytes).expect("whole")), "a signature is no local seal");
    local.seal(&machine, &mut bytes).expect("a message");
    let frame = Frame::open(&bytes).expect("whole");
    assert!(local.check(&machine, &frame) && !other.check(&machine, &frame) && !local.check(&name("x"), &frame));
    assert_eq!(frame.message(), Ok(keep_alive));
    assert_eq!(format!("{local:?} {:?}", keys(1)).matches("07").count(), 0, "no secret is printed");
}

//! What the signature costs: a plan of about 4 kB signed as the service does and verified as the agent's door does.

use anyhow::Context;
use edge_agent::{Door, Passage};
use shared::budget::WorkAllowance;
use shared::ident::{ContextDigest, Digest, Epoch, Name, PlanSequence, ProgramDigest, SampleSequence};
use shared::motion::Station;
use shared::plan::{Binding, Override, OverridePlan, PlanChunk, Reason, Span, StageStamps};
use shared::time::{Duration, Instant};
use shared::wire::{self, Accept, CloudKeys, LocalKey, Message, PlanMessage, Sealer};

use crate::emulator::monotonic_ns;

/// Spans of the plan: about 4 kB.
const SPANS: u64 = 300;

/// Times of one signature, sorted, ns.
#[derive(Clone, Debug, Default)]
pub struct SealTimes {
    /// Length of the message without its seal.
    pub bytes: usize,
    /// Signing, at the service.
    pub sign_ns: Vec<u64>,
    /// Verifying and sealing again for the cycle, at the edge.
    pub verify_ns: Vec<u64>,
    /// Both.
    pub both_ns: Vec<u64>,
}

/// Signs and verifies `count` plans.
///
/// # Errors
/// A door that does not open for what was signed.
pub fn measure(count: u64) -> anyhow::Result<SealTimes> {
    let machine = Name::parse("mill-1").map_err(|error| anyhow::anyhow!("{error}"))?;
    let mut keys = CloudKeys::from_secret(&[0x5a; 32]);
    let mut door = Door::new(machine.clone(), keys.public(), LocalKey::from_bytes([7; 32]));
    let digest = Digest::of(b"handoff-bench");
    let (program, context) = (ProgramDigest(digest), ContextDigest(digest));
    let accept = Message::Accept(Accept { epoch: Epoch(1), program, context, path: digest });
    let mut bytes = Vec::new();
    wire::encode(&accept, &mut bytes)?;
    keys.seal(&machine, &mut bytes)?;
    anyhow::ensure!(door.pass(&mut bytes) == Passage::Verified, "the door does not open for its own cloud");
    let mut times = SealTimes::default();
    for sequence in 1..=count {
        wire::encode(&plan(program, context, sequence)?, &mut bytes)?;
        times.bytes = bytes.len();
        let began = monotonic_ns();
        keys.seal(&machine, &mut bytes)?;
        let signed = monotonic_ns();
        let passage = door.pass(&mut bytes);
        let verified = monotonic_ns();
        anyhow::ensure!(passage == Passage::Verified, "a signed plan was not let in");
        times.sign_ns.push(signed - began);
        times.verify_ns.push(verified - signed);
        times.both_ns.push(verified - began);
    }
    for row in [&mut times.sign_ns, &mut times.verify_ns, &mut times.both_ns] {
        row.sort_unstable();
    }
    Ok(times)
}

fn plan(program: ProgramDigest, context: ContextDigest, sequence: u64) -> anyhow::Result<Message> {
    let spans = (0..SPANS).map(|index| Span {
        from: Station::from_mm(index as f64),
        to: Station::from_mm(index as f64 + 1.0),
        factor: Override::PROGRAMMED,
        binding: Binding::plain(Reason::ForcePeak),
    });
    let chunk = PlanChunk {
        epoch: Epoch(1),
        sequence: PlanSequence(sequence),
        program,
        context,
        basis: SampleSequence(sequence),
        time_to_live: Duration::from_ms(200),
        plan: OverridePlan::new(spans.collect()).context("a plan")?,
        stamps: StageStamps::default(),
        work: WorkAllowance(1),
        removed_cells: 1,
    };
    Ok(Message::Plan(PlanMessage { basis_sent_at: Instant::from_ns(sequence), chunk }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_are_signed_and_let_in() {
        let times = measure(3).expect("the door opens");
        assert!((3_000..6_000).contains(&times.bytes), "{} bytes", times.bytes);
        assert_eq!((times.sign_ns.len(), times.verify_ns.len(), times.both_ns.len()), (3, 3, 3));
        assert!(times.both_ns[0] >= times.sign_ns[0]);
    }
}

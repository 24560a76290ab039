use firmware_bridge::controller::Command;
use shared::ident::Digest;
use shared::job::{Job, JobSources};
use shared::time::Instant;

use super::TRANSMITS_PER_CYCLE_MAX;
use super::entry::{Entry, Transmitted};
use super::tape::Tape;
use crate::setup::agent_job;
use crate::{Agent, AgentError, AgentJob, Inbound, LeaseError};

/// Why a recording cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// Entries were lost while it was made.
    #[error("{lost} entries were lost when the recording was made: it cannot be replayed")]
    Lost {
        /// How many.
        lost: u64,
    },
    /// The job bundle in the recording does not compile here.
    #[error("the job of the recording does not compile: {message}")]
    Job {
        /// Why.
        message: String,
    },
    /// No agent can be made from the recording.
    #[error("the agent of the recording cannot be made: {0}")]
    Agent(#[from] AgentError),
    /// A lease of the recording is refused.
    #[error("a lease of the recording is refused: {0}")]
    Lease(#[from] LeaseError),
}

/// The first place where a replay went another way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Difference {
    /// Another command.
    Command {
        /// When.
        at: Instant,
        /// What was recorded.
        recorded: Option<Command>,
        /// What came now.
        replayed: Option<Command>,
    },
    /// Another message to the cloud; `None` where one side has none.
    Transmit {
        /// When.
        at: Instant,
        /// What was recorded.
        recorded: Option<Transmitted>,
        /// What came now.
        replayed: Option<Transmitted>,
    },
}

/// How a replay went.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReplayResult {
    /// Inputs fed.
    pub inputs: u64,
    /// Cycles asked for a command.
    pub cycles: u64,
    /// Commands that came.
    pub commands: u64,
    /// Messages to the cloud that came.
    pub transmits: u64,
    /// Digest of inputs and *replayed* outputs; equal to that of the recording where nothing differs.
    pub digest: Digest,
    /// The first difference; the replay ends there.
    pub difference: Option<Difference>,
}

/// Tells a recording again: the job is compiled, an agent is made, the inputs are fed in their order, and each
/// output is compared.
///
/// # Errors
/// [`ReplayError`] where it cannot begin. A difference is a result, not an error.
pub fn replay(tape: &Tape) -> Result<ReplayResult, ReplayError> {
    let head = tape.head();
    let job_error = |message: String| ReplayError::Job { message };
    let sources = JobSources::from_bytes(head.job).map_err(|error| job_error(error.to_string()))?;
    let (job, diagnostics) = Job::compile(&sources);
    let job = job.ok_or_else(|| {
        job_error(
            diagnostics.iter().find(|diagnostic| diagnostic.is_error()).map_or_else(String::new, ToString::to_string),
        )
    })?;
    let job = agent_job(head.machine.clone(), &job, head.job.into(), head.capabilities);
    replay_with(job, tape)
}

/// Tells a recording again with a job that is compiled already.
///
/// # Errors
/// As [`replay`].
pub fn replay_with(job: AgentJob, tape: &Tape) -> Result<ReplayResult, ReplayError> {
    let head = tape.head();
    if tape.end().lost > 0 {
        return Err(ReplayError::Lost { lost: tape.end().lost });
    }
    let mut run = Run {
        agent: Agent::new(*head.config, job, head.epoch, head.started_at)?,
        chain: tape.chain(),
        result: ReplayResult {
            inputs: 0,
            cycles: 0,
            commands: 0,
            transmits: 0,
            digest: tape.end().digest,
            difference: None,
        },
        body: Vec::new(),
    };
    let mut entries = tape.entries().peekable();
    while let Some((now, entry)) = entries.next() {
        if let Entry::Cycle(recorded) = entry {
            run.cycle(now, recorded);
            run.transmits(now, || {
                let next = entries.next_if(|(_, entry)| matches!(entry, Entry::Transmit(_)));
                next.and_then(|(_, entry)| if let Entry::Transmit(recorded) = entry { Some(recorded) } else { None })
            });
        } else {
            run.input(now, &entry)?;
        }
        if run.result.difference.is_some() {
            break;
        }
    }
    run.result.digest = run.chain.end(0).digest;
    Ok(run.result)
}

struct Run {
    agent: Agent,
    chain: super::EntryChain,
    result: ReplayResult,
    body: Vec<u8>,
}

impl Run {
    fn input(&mut self, now: Instant, entry: &Entry<'_>) -> Result<(), LeaseError> {
        self.note(now, entry);
        self.result.inputs += 1;
        match entry {
            Entry::Sample(sample) => self.agent.handle_sample(now, sample),
            Entry::Message { received_at, bytes } => {
                self.agent.handle_inbound(now, Inbound { received_at: *received_at, bytes });
            }
            Entry::Operator(action) => self.agent.handle_operator(now, *action),
            Entry::Grant(epoch) => self.agent.handle_grant(now, *epoch)?,
            Entry::Objection(objection) => self.agent.handle_objection(now, *objection),
            // An output without its cycle: the cycle before it was longer than a cycle may be.
            Entry::Transmit(recorded) => {
                self.result.difference =
                    Some(Difference::Transmit { at: now, recorded: Some(*recorded), replayed: None });
            }
            Entry::Cycle(_) => {}
        }
        Ok(())
    }

    fn cycle(&mut self, now: Instant, recorded: Option<Command>) {
        let replayed = self.agent.poll_command(now);
        self.note(now, &Entry::Cycle(replayed));
        self.result.cycles += 1;
        self.result.commands += u64::from(replayed.is_some());
        if replayed != recorded {
            self.result.difference = Some(Difference::Command { at: now, recorded, replayed });
        }
    }

    fn transmits(&mut self, now: Instant, mut recorded: impl FnMut() -> Option<Transmitted>) {
        let mut bytes = Vec::new();
        for _ in 0..TRANSMITS_PER_CYCLE_MAX {
            let channel = self.agent.poll_transmit(now, &mut bytes);
            let replayed = channel.map(|channel| Transmitted::of(channel, &bytes));
            if let Some(replayed) = replayed {
                self.note(now, &Entry::Transmit(replayed));
                self.result.transmits += 1;
            }
            let recorded = recorded();
            if recorded != replayed && self.result.difference.is_none() {
                self.result.difference = Some(Difference::Transmit { at: now, recorded, replayed });
            }
            if replayed.is_none() {
                break;
            }
        }
    }

    fn note(&mut self, now: Instant, entry: &Entry<'_>) {
        self.body.clear();
        entry.encode(&mut self.body);
        self.chain.push(entry.kind(), now, &self.body);
    }
}

use edge_agent::{Agent, OperatorAction, Trust};
use firmware_bridge::controller::{ControllerMode, Execution};
use shared::ident::{ContextDigest, Digest, Epoch};
use shared::time::{Duration, Instant};
use shared::wire::{Accept, Message, Refuse};

use super::{LOCAL, World, job, settings};
use crate::checkers::{Flaw, Sent};
use crate::link::{DelayLaw, LinkRules};
use crate::swarm::faults::Fault;
use crate::swarm::forge::{KINDS, encoded, resealed};
use crate::swarm::machine::{LENGTH_MM, SEGMENTS};
use crate::swarm::source::LIFE;

impl World {
    pub(super) fn change_faults(&mut self) {
        let now = self.now;
        let ended: Vec<Fault> =
            self.active.iter().filter(|(_, until)| now >= *until).map(|(fault, _)| *fault).collect();
        for fault in ended {
            self.active.retain(|(active, _)| *active != fault);
            self.note(|| format!("end of {fault:?}"));
            self.end(fault);
        }
        while self.faults.front().is_some_and(|(_, at, _)| *at <= now) {
            let Some((fault, _, span)) = self.faults.pop_front() else { break };
            let young = now.since(self.restarted_at) < Duration::from_ms(1000);
            let ended = self.machine.execution == Execution::ProgramCompleted;
            if self.is_active(fault) || young || ended || self.is_active(Fault::EdgeStall) {
                continue;
            }
            self.coverage.faults.insert(fault);
            self.note(|| format!("fault {fault:?} for {} ms", span.as_ms()));
            let until = now.after(span);
            self.active.push((fault, until));
            self.begin(fault, until);
        }
    }

    fn begin(&mut self, fault: Fault, until: Instant) {
        let now = self.now.as_ns();
        match fault {
            Fault::CutUp => self.up.cut(until),
            Fault::CutDown => self.down.cut(until),
            Fault::CutBoth => {
                self.up.cut(until);
                self.down.cut(until);
            }
            Fault::LossBurst => self.link(self.calm.losing(0.5)),
            Fault::Slow => {
                let delay = DelayLaw::LogNormal { p50: Duration::from_ms(200), p99: Duration::from_ms(900) };
                self.link(LinkRules { delay, ..self.calm });
            }
            Fault::Duplicates => self.link(self.calm.doubling(0.5)),
            Fault::CloudRestart => self.source.restart(),
            Fault::PlanChange => self.source.change_mind(),
            Fault::LongLife => self.long_life(),
            Fault::WrongAccept => self.wrong_accept(),
            Fault::Refusal => self.refuse(),
            Fault::EdgeRestart => self.restart(),
            Fault::Reset => self.machine.execution = Execution::Stopped,
            Fault::Hold => self.hold(Execution::FeedHold),
            Fault::Jog => {
                self.hold(Execution::Interrupted);
                (self.machine.mode, self.machine.off_mm) = (ControllerMode::Manual, 30.0);
            }
            Fault::JumpBack => {
                self.machine.at_mm = (self.machine.at_mm - 150.0).max(5.0);
                self.oracle.jumped(now);
            }
            Fault::OtherRevision => self.machine.line = Some(SEGMENTS + 1),
            Fault::OtherTool => self.machine.tool = 7,
            Fault::OffPath => self.machine.off_mm = 30.0,
            Fault::Dial => self.machine.dial = [50, 300, 700, 1000, 1200][self.rng.below(5) as usize],
            Fault::OffAndOn => self.operate(OperatorAction::Off),
            Fault::FactorDisabled => self.machine.enabled = false,
            Fault::Unsealed | Fault::OtherKey | Fault::Resealed => {
                (0..3).for_each(|_| self.forge(fault));
            }
            Fault::Replay => (0..5).for_each(|_| self.replay()),
            Fault::Flood => {
                for _ in 0..30 {
                    self.records.push((Sent::Other, Some(Flaw::Damaged)));
                    self.tag_and_send(self.records.len() - 1, b"noise, of no length that any message has");
                }
            }
            Fault::CloudStop
            | Fault::CloudOtherContext
            | Fault::EdgeStall
            | Fault::SampleGap
            | Fault::OldSample
            | Fault::Damage => {}
        }
    }

    fn end(&mut self, fault: Fault) {
        let now = self.now.as_ns();
        match fault {
            Fault::LossBurst | Fault::Slow | Fault::Duplicates => self.link(self.calm),
            Fault::LongLife => self.source.life = LIFE,
            Fault::EdgeStall => {
                self.give_sample();
                self.oracle.woke(now, self.machine.factor().permille());
            }
            Fault::Reset | Fault::Hold => self.machine.execution = Execution::Active,
            Fault::Jog => {
                self.machine.execution = Execution::Active;
                (self.machine.mode, self.machine.off_mm) = (ControllerMode::Automatic, 0.0);
            }
            Fault::OtherRevision => self.machine.line = None,
            Fault::OtherTool => self.machine.tool = 1,
            Fault::OffPath => self.machine.off_mm = 0.0,
            Fault::OffAndOn => self.operate(OperatorAction::Arm),
            Fault::FactorDisabled => self.machine.enabled = true,
            Fault::OldSample => self.last_sample = None,
            _ => {}
        }
    }

    fn link(&mut self, rules: LinkRules) {
        self.up.set_rules(rules);
        self.down.set_rules(rules);
    }

    fn hold(&mut self, execution: Execution) {
        if self.machine.execution == Execution::Active {
            self.machine.execution = execution;
        }
    }

    fn restart(&mut self) {
        self.count_rejects();
        self.epoch_on_disk += 1;
        let epoch = Epoch(self.epoch_on_disk);
        let Ok(agent) = Agent::new(settings(Trust::Sealed(LOCAL)), job(), epoch, self.now) else { return };
        self.agent = agent;
        (self.cycle_at, self.restarted_at, self.wrong_tool_since) = (self.now, self.now, None);
        self.found = 0;
        self.oracle.restarted(self.now.as_ns(), self.machine.factor().permille());
        self.granted(epoch);
        self.sampled_at = Instant::ORIGIN;
        self.give_sample();
        self.operate(OperatorAction::Arm);
    }

    fn long_life(&mut self) {
        self.source.life = Duration::from_ms(3_600_000);
        let from_mm = (self.machine.at_mm as usize).min(LENGTH_MM - 130);
        if let Some((message, record)) = self.source.chunk(from_mm, vec![900; 120]) {
            self.say(&Message::Plan(message), Sent::Chunk(record), None);
        }
    }

    fn wrong_accept(&mut self) {
        let Some(offer) = self.source.offer.clone() else { return };
        let context = ContextDigest(Digest::of(b"another"));
        let accept = Accept { epoch: offer.epoch, program: offer.program, context, path: offer.path };
        self.say(&Message::Accept(accept), Sent::Accept(offer.epoch.0, false), None);
    }

    fn refuse(&mut self) {
        let Some(epoch) = self.source.epoch() else { return };
        let refuse = Refuse { epoch, reason: "no".to_owned() };
        self.say(&Message::Refuse(refuse), Sent::Refuse(epoch.0), None);
    }

    fn forge(&mut self, fault: Fault) {
        let (machine, at_mm) = (self.agent_name(), self.machine.at_mm);
        if fault == Fault::Resealed {
            let made = resealed(&mut self.rng, &mut self.source, &mut self.seals, &machine, at_mm, KINDS);
            if let Some((bytes, sent, flaw)) = made {
                self.send_down(bytes, sent, flaw);
            }
            return;
        }
        let from_mm = (at_mm as usize).min(LENGTH_MM - 100);
        let Some((message, record)) = self.source.chunk(from_mm, vec![1000; 80]) else { return };
        let mut bytes = encoded(&Message::Plan(message));
        if fault == Fault::OtherKey {
            self.seals.thief().seal(&machine, &mut bytes);
        }
        self.send_down(bytes, Sent::Chunk(record), Some(Flaw::Seal));
    }

    fn replay(&mut self) {
        if self.remembered.is_empty() {
            return;
        }
        let pick = self.rng.below(self.remembered.len() as u64) as usize;
        let (index, bytes) = self.remembered[pick].clone();
        // What was damaged on its way was whole when somebody wrote it down.
        let (sent, flaw) = self.records[index].clone();
        self.records.push((sent, flaw.filter(|flaw| *flaw != Flaw::Damaged)));
        self.tag_and_send(self.records.len() - 1, &bytes);
    }
}

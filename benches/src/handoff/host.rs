//! What the figures were measured on, and which real-time measures were in force.

use std::fs;

use firmware_bridge::link::{lock_memory, pin_to, schedule_real_time};
use serde_json::{Value, json};

/// What was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RealTime {
    /// Priority of first-in-first-out scheduling; `None` for ordinary scheduling.
    pub fifo: Option<u8>,
    /// Processors to stay on; empty for all.
    pub cpus: Vec<usize>,
    /// Keep all memory in RAM.
    pub lock_memory: bool,
}

/// What came of it, each as a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    /// First in, first out.
    pub fifo: Result<String, String>,
    /// Processors.
    pub pinned: Result<String, String>,
    /// Memory.
    pub locked: Result<String, String>,
}

impl RealTime {
    /// As words at the end of a hidden command.
    pub fn words(&self) -> Vec<String> {
        let cpus: Vec<String> = self.cpus.iter().map(ToString::to_string).collect();
        let fifo = self.fifo.map_or_else(|| "-".to_owned(), |priority| priority.to_string());
        let lock = if self.lock_memory { "lock" } else { "-" };
        vec![fifo, if cpus.is_empty() { "-".to_owned() } else { cpus.join(",") }, lock.to_owned()]
    }

    /// Back from the words.
    pub fn from_words(words: &[String]) -> Option<Self> {
        let [fifo, cpus, lock] = words else { return None };
        let given = |word: &str| (word != "-").then(|| word.to_owned());
        Some(Self {
            fifo: given(fifo).map(|text| text.parse()).transpose().ok()?,
            cpus: given(cpus)
                .map(|text| text.split(',').map(str::parse).collect::<Result<_, _>>())
                .transpose()
                .ok()?
                .unwrap_or_default(),
            lock_memory: lock == "lock",
        })
    }

    /// Applies it to this thread and to all it will start. What the system refuses is told and goes without.
    pub fn apply(&self) -> Granted {
        let not_asked = || Err("not asked for".to_owned());
        Granted {
            fifo: match self.fifo {
                Some(priority) => schedule_real_time(priority).map(|()| format!("priority {priority}")),
                None => not_asked(),
            },
            pinned: if self.cpus.is_empty() {
                not_asked()
            } else {
                pin_to(&self.cpus).map(|()| format!("processors {:?}", self.cpus))
            },
            locked: if self.lock_memory { lock_memory().map(|()| "all pages".to_owned()) } else { not_asked() },
        }
    }
}

impl Granted {
    /// As JSON: `{"active": true, "what": …}` each.
    pub fn json(&self) -> Value {
        let one = |granted: &Result<String, String>| match granted {
            Ok(what) => json!({ "active": true, "what": what }),
            Err(why) => json!({ "active": false, "what": why }),
        };
        json!({ "fifo": one(&self.fifo), "pinned": one(&self.pinned), "memory_locked": one(&self.locked) })
    }
}

fn read(path: &str) -> Option<String> {
    fs::read_to_string(path).ok().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// Facts of this computer; what it does not say is `unavailable`.
pub fn facts() -> Value {
    let known = |text: Option<String>| text.unwrap_or_else(|| "unavailable".to_owned());
    let cpu = read("/proc/cpuinfo").and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("model name"))?.to_owned();
        Some(line.split_once(':')?.1.trim().to_owned())
    });
    let clock = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
    json!({
        "kernel": known(read("/proc/sys/kernel/osrelease")),
        "preemption": known(read("/sys/kernel/realtime").map(|_| "PREEMPT_RT".to_owned())),
        "processors": std::thread::available_parallelism().map_or(0, std::num::NonZero::get),
        "processor": known(cpu),
        "governor": known(read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")),
        "clock_source": known(read(clock)),
        "load_average": known(read("/proc/loadavg")),
        "hypervisor": read("/proc/cpuinfo").is_some_and(|text| text.contains(" hypervisor")),
        "real_time_throttling_us": known(read("/proc/sys/kernel/sched_rt_runtime_us")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_survives_its_words() {
        let all = [
            RealTime::default(),
            RealTime { fifo: Some(60), cpus: vec![0, 1], lock_memory: true },
            RealTime { fifo: None, cpus: vec![1], lock_memory: false },
        ];
        for one in all {
            assert_eq!(RealTime::from_words(&one.words()), Some(one));
        }
        assert_eq!(RealTime::from_words(&["x".to_owned(), "-".to_owned(), "-".to_owned()]), None);
    }

    #[test]
    fn what_nobody_asked_for_is_not_claimed() {
        let granted = RealTime::default().apply().json();
        assert_eq!(granted["fifo"]["active"], false);
        assert_eq!(granted["pinned"]["what"], "not asked for");
    }
}

//! Link profiles as TOML: what `handoff-bench --profile FILE` reads.
//!
//! ```toml
//! schema = 1
//! name = "shop-wifi"
//!
//! [up]                          # edge to cloud; [down] has the same keys, and is as [up] where it is absent
//! delay_ms = 20.0
//! jitter_ms = 5.0               # uniform in 15 to 25; or delay_p99_ms = 60.0 for a log-normal delay
//! loss_pct = 1.0                # or burst = { enter_pct = 0.2, leave_pct = 25.0, loss_pct = 50.0 } beside it
//! duplicate_pct = 0.1
//! reorder_pct = 0.5
//! reorder_ms = 3.0
//! keep_order = false
//! rate_mbit_s = 50.0
//! queue_ms = 100.0
//! stall_every_s = 20.0
//! stall_ms = 120.0
//!
//! [[partition]]
//! at_s = 30.0
//! for_s = 2.0
//! every_s = 60.0                # once where it is absent
//! way = "up"                    # up, down or both
//! ```

use serde::Deserialize;
use shared::files::{FileText, parse_toml};
use shared::program::Diagnostic;
use shared::time::Duration;

use crate::link::{DelayLaw, LinkProfile, LinkRules, LossLaw, Order, Partition, Rate, Reorder, Stalls, Way};

/// Most bytes of a profile that are read.
pub const LINK_FILE_BYTES_MAX: u64 = 1 << 16;

/// Most partitions of a profile.
const PARTITIONS_MAX: usize = 256;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LinkFile {
    schema: u32,
    name: String,
    up: DirectionSection,
    down: Option<DirectionSection>,
    #[serde(default)]
    partition: Vec<PartitionSection>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct DirectionSection {
    delay_ms: f64,
    jitter_ms: Option<f64>,
    delay_p99_ms: Option<f64>,
    #[serde(default)]
    loss_pct: f64,
    burst: Option<BurstSection>,
    #[serde(default)]
    duplicate_pct: f64,
    reorder_pct: Option<f64>,
    reorder_ms: Option<f64>,
    #[serde(default)]
    keep_order: bool,
    rate_mbit_s: Option<f64>,
    queue_ms: Option<f64>,
    stall_every_s: Option<f64>,
    stall_ms: Option<f64>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct BurstSection {
    enter_pct: f64,
    leave_pct: f64,
    loss_pct: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PartitionSection {
    at_s: f64,
    for_s: f64,
    every_s: Option<f64>,
    #[serde(default)]
    way: WayWord,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum WayWord {
    Up,
    Down,
    #[default]
    Both,
}

/// Reads a link profile.
///
/// # Errors
/// What is wrong, with its line and what to do.
pub fn read_link_profile(file: FileText<'_>) -> Result<LinkProfile, Vec<Diagnostic>> {
    let read: LinkFile = parse_toml(file).map_err(|error| vec![*error])?;
    let mut reader = Reader { file, errors: Vec::new() };
    if read.schema != 1 {
        reader.wrong("schema", format!("schema {} is not known", read.schema), "this version reads schema 1");
    }
    let up = reader.rules("up", &read.up);
    let down = read.down.as_ref().map_or(up, |section| reader.rules("down", section));
    if read.partition.len() > PARTITIONS_MAX {
        let message = format!("{} partitions; at most {PARTITIONS_MAX} are read", read.partition.len());
        reader.wrong("partition", message, "use `every_s` for those that come again");
    }
    let partitions = read.partition.iter().map(|section| reader.partition(section)).collect();
    if reader.errors.is_empty() {
        Ok(LinkProfile { name: read.name, up, down, partitions })
    } else {
        Err(reader.errors)
    }
}

struct Reader<'a> {
    file: FileText<'a>,
    errors: Vec<Diagnostic>,
}

impl Reader<'_> {
    fn wrong(&mut self, key: &str, message: String, advice: &str) {
        self.errors.push(self.file.error_at(key, "link::value", message, advice.to_owned()));
    }

    /// The value, where it lies in its range; else a diagnosis, and the low end.
    fn within(&mut self, key: &str, value: f64, min: f64, max: f64) -> f64 {
        if value.is_finite() && (min..=max).contains(&value) {
            return value;
        }
        let message = format!("`{key}`: {value} is outside {min} to {max}");
        self.wrong(key, message, "correct the figure; the unit is in the key");
        min
    }

    fn share(&mut self, key: &str, percent: f64) -> f64 {
        self.within(key, percent, 0.0, 100.0) / 100.0
    }

    fn ms(&mut self, key: &str, value: f64) -> Duration {
        Duration::from_s(self.within(key, value, 0.0, 60_000.0) / 1e3)
    }

    /// Two keys that mean something only together.
    fn together<T>(&mut self, way: &str, names: [&str; 2], both: (Option<T>, Option<T>)) -> Option<(T, T)> {
        match both {
            (Some(first), Some(second)) => Some((first, second)),
            (None, None) => None,
            (first, _) => {
                let (there, missing) = if first.is_some() { (names[0], names[1]) } else { (names[1], names[0]) };
                let message = format!("`{way}.{there}` stands without `{missing}`");
                self.wrong(&format!("{way}.{there}"), message, "give both or neither");
                None
            }
        }
    }

    fn rules(&mut self, way: &str, section: &DirectionSection) -> LinkRules {
        let key = |name: &str| format!("{way}.{name}");
        let reorder = self.together(way, ["reorder_pct", "reorder_ms"], (section.reorder_pct, section.reorder_ms)).map(
            |(percent, ms)| Reorder {
                share: self.share(&key("reorder_pct"), percent),
                by: self.ms(&key("reorder_ms"), ms),
            },
        );
        let rate = self.together(way, ["rate_mbit_s", "queue_ms"], (section.rate_mbit_s, section.queue_ms)).map(
            |(mbit_s, ms)| Rate {
                bytes_per_s: (self.within(&key("rate_mbit_s"), mbit_s, 0.001, 100_000.0) * 125_000.0) as u64,
                queue_max: self.ms(&key("queue_ms"), ms),
            },
        );
        let stalls = self.together(way, ["stall_every_s", "stall_ms"], (section.stall_every_s, section.stall_ms)).map(
            |(every_s, ms)| {
                let every_s = self.within(&key("stall_every_s"), every_s, 0.001, 86_400.0);
                let length_ms = self.within(&key("stall_ms"), ms, 0.0, every_s * 1e3);
                Stalls { every: Duration::from_s(every_s), length: Duration::from_s(length_ms / 1e3) }
            },
        );
        LinkRules {
            delay: self.delay(way, section),
            loss: self.loss(way, section),
            duplicate: self.share(&key("duplicate_pct"), section.duplicate_pct),
            reorder,
            order: if section.keep_order { Order::Kept } else { Order::Free },
            rate,
            stalls,
        }
    }

    fn delay(&mut self, way: &str, section: &DirectionSection) -> DelayLaw {
        let key = |name: &str| format!("{way}.{name}");
        let middle = self.ms(&key("delay_ms"), section.delay_ms);
        match (section.jitter_ms, section.delay_p99_ms) {
            (None, None) => DelayLaw::Fixed(middle),
            (Some(jitter_ms), None) => {
                let jitter_ms = self.within(&key("jitter_ms"), jitter_ms, 0.0, section.delay_ms.max(0.0));
                DelayLaw::Uniform { middle, half_width: Duration::from_s(jitter_ms / 1e3) }
            }
            (None, Some(p99_ms)) => {
                let p99_ms = self.within(&key("delay_p99_ms"), p99_ms, section.delay_ms.max(0.0), 60_000.0);
                DelayLaw::LogNormal { p50: middle, p99: Duration::from_s(p99_ms / 1e3) }
            }
            (Some(_), Some(_)) => {
                let message = format!("`{way}` has both `jitter_ms` and `delay_p99_ms`");
                self.wrong(
                    &key("delay_p99_ms"),
                    message,
                    "`jitter_ms` is a uniform delay, `delay_p99_ms` a log-normal one",
                );
                DelayLaw::Fixed(middle)
            }
        }
    }

    /// With a burst, `loss_pct` is what the good state loses.
    fn loss(&mut self, way: &str, section: &DirectionSection) -> LossLaw {
        let key = |name: &str| format!("{way}.{name}");
        let loss = self.share(&key("loss_pct"), section.loss_pct);
        match section.burst {
            None => LossLaw::Share(loss),
            Some(burst) => LossLaw::GilbertElliott {
                enter_bad: self.share(&key("burst"), burst.enter_pct),
                leave_bad: self.share(&key("burst"), burst.leave_pct),
                loss_good: loss,
                loss_bad: self.share(&key("burst"), burst.loss_pct),
            },
        }
    }

    fn partition(&mut self, section: &PartitionSection) -> Partition {
        let mut seconds = |key: &str, value: f64| Duration::from_s(self.within(key, value, 0.0, 1e6));
        Partition {
            at: seconds("partition.at_s", section.at_s),
            length: seconds("partition.for_s", section.for_s),
            every: section.every_s.map(|every_s| seconds("partition.every_s", every_s)),
            way: match section.way {
                WayWord::Up => Some(Way::Up),
                WayWord::Down => Some(Way::Down),
                WayWord::Both => None,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<LinkProfile, Vec<Diagnostic>> {
        read_link_profile(FileText { name: "link.toml", text })
    }

    #[test]
    fn the_example_of_the_documentation_reads() {
        let example: String = include_str!("link_file.rs")
            .lines()
            .filter_map(|line| line.strip_prefix("//!"))
            .skip_while(|line| !line.contains("```toml"))
            .skip(1)
            .take_while(|line| !line.contains("```"))
            .map(|line| format!("{}\n", line.trim_start()))
            .collect();
        let profile = read(&example).expect("the example is right");
        assert_eq!(profile.up, profile.down);
        let ms = Duration::from_ms;
        assert_eq!(profile.up.delay, DelayLaw::Uniform { middle: ms(20), half_width: ms(5) });
        assert_eq!(profile.up.loss, LossLaw::Share(0.01));
        assert_eq!(profile.up.rate, Some(Rate { bytes_per_s: 6_250_000, queue_max: ms(100) }));
        assert_eq!(profile.up.stalls, Some(Stalls { every: ms(20_000), length: ms(120) }));
        assert!(profile.is_cut(
            Way::Up,
            shared::time::Instant::ORIGIN,
            shared::time::Instant::ORIGIN.after(ms(91_000))
        ));
        assert_eq!(profile.partitions[0].way, Some(Way::Up));
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_its_line() {
        let check = |rest: &str, line: u32, words: &str| {
            let text = format!("schema = 1\nname = \"x\"\n[up]\n{rest}");
            let errors = read(&text).err().unwrap_or_else(|| panic!("{rest} must be refused"));
            assert!(errors[0].line == line && errors[0].to_string().contains(words), "{rest}: {}", errors[0]);
        };
        check("delay_ms = -1.0\n", 4, "up.delay_ms");
        check("delay_ms = 5.0\njitter_ms = 6.0\n", 5, "up.jitter_ms");
        check("delay_ms = 5.0\njitter_ms = 1.0\ndelay_p99_ms = 9.0\n", 6, "both");
        check("delay_ms = 5.0\nloss_pct = 101.0\n", 5, "up.loss_pct");
        check("delay_ms = 5.0\nrate_mbit_s = 1.0\n", 5, "queue_ms");
        check("delay_ms = 5.0\nlos_pct = 1.0\n", 5, "los_pct");
        check("delay_ms = nan\n", 4, "NaN");
        check("delay_ms = 1.0\n[[partition]]\nat_s = 1.0\nfor_s = -2.0\n", 7, "partition.for_s");
    }
}

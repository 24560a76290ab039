use std::path::PathBuf;

use benches::handoff::arms::Arm;
use clap::{Parser, ValueEnum};
use shared::wire::Preset;

/// Measures what a handoff costs over a network: transport alone beside bare Zenoh and raw UDP, and production handoffs
/// of a scenario through real processes.
///
/// Messages are scheduled open loop on an absolute timer and count from the scheduled instant; a message that never
/// comes back is a miss and stays in the record; quantiles are over everything that was sent, and told only with a
/// hundred samples beyond them. A figure from a virtual machine is a regression check, not a claim.
///
/// Exit codes: 0 pass, 99 an expectation failed, 2 bad input, 3 infrastructure.
#[derive(Debug, Parser)]
#[command(name = "handoff-bench", version, max_term_width = 110)]
pub(super) struct Arguments {
    /// The link: loopback (no emulation), lan, wifi, lte, satellite, jitter-20, or a profile file (TOML). All but
    /// loopback need root and /dev/net/tun.
    #[arg(long, default_value = "loopback", value_name = "NAME|FILE")]
    pub(super) profile: String,
    /// Seed of the link's draws and of the bootstrap.
    #[arg(long, default_value_t = 1)]
    pub(super) seed: u64,
    /// Longest packet of the emulated link in bytes.
    #[arg(long, default_value_t = 1500, value_name = "BYTES", value_parser = clap::value_parser!(u16).range(576..=9000))]
    pub(super) mtu: u16,
    /// Messages a second.
    #[arg(long, default_value_t = 100.0, value_name = "HZ", value_parser = positive)]
    pub(super) rate_hz: f64,
    /// How long each arm is measured, in seconds.
    #[arg(long, default_value_t = 30.0, value_name = "SECONDS", value_parser = positive)]
    pub(super) seconds: f64,
    /// How long each arm is warmed up; its first message is told as the cold start.
    #[arg(long, default_value_t = 2.0, value_name = "SECONDS", value_parser = positive)]
    pub(super) warm_up_s: f64,
    /// Measure for so many hours instead, as one soak: A B B A every two minutes.
    #[arg(long, value_name = "HOURS", value_parser = positive, conflicts_with = "seconds")]
    pub(super) soak: Option<f64>,
    /// Length of a message, both ways.
    #[arg(long, default_value_t = 4096, value_name = "BYTES", value_parser = clap::value_parser!(u16).range(16..=60_000))]
    pub(super) payload: u16,
    /// What is measured, in the order A B: ours, zenoh, udp.
    #[arg(long, default_value = "ours,zenoh,udp", value_delimiter = ',', value_name = "ARMS")]
    pub(super) arms: Vec<Arm>,
    /// What Zenoh speaks: tcp, or udp (datagrams that nobody repeats).
    #[arg(long, value_enum, default_value_t = Transport::Tcp)]
    pub(super) transport: Transport,
    /// Settings of service and agent in production: lan, wan-lossy.
    #[arg(long, default_value = "lan", value_name = "PRESET", value_parser = preset)]
    pub(super) preset: Preset,
    /// Times through A B B A.
    #[arg(long, default_value_t = 3, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub(super) rounds: u64,
    /// What comes back later is a miss.
    #[arg(long, default_value_t = 50.0, value_name = "MS", value_parser = positive)]
    pub(super) budget_ms: f64,
    /// What has not come back by then is lost.
    #[arg(long, default_value_t = 2000.0, value_name = "MS", value_parser = positive)]
    pub(super) timeout_ms: f64,
    /// Scenario for production handoffs: a file or a built-in case. Without it only transport is measured.
    #[arg(long, value_name = "SCENARIO")]
    pub(super) production: Option<String>,
    /// Machine seconds in one second of the production run; as the scenario says where absent.
    #[arg(long, value_name = "N", value_parser = positive)]
    pub(super) speed: Option<f64>,
    /// First-in-first-out scheduling of all measuring processes at this priority.
    #[arg(long, value_name = "PRIORITY", value_parser = clap::value_parser!(u8).range(1..=79))]
    pub(super) fifo: Option<u8>,
    /// Keep all measuring processes on these processors.
    #[arg(long, value_delimiter = ',', value_name = "CPUS")]
    pub(super) pin: Vec<usize>,
    /// Keep the memory of all measuring processes in RAM.
    #[arg(long)]
    pub(super) lock_memory: bool,
    /// Folder for summary.json, page.html, messages.csv, handoffs.csv, latency.hlog and one .hgrm for each arm.
    #[arg(long, default_value = "handoff-bench-out", value_name = "FOLDER")]
    pub(super) out: PathBuf,
    /// An earlier summary.json to compare with.
    #[arg(long, value_name = "FILE")]
    pub(super) baseline: Option<PathBuf>,
    /// Verdicts as JUnit XML.
    #[arg(long, value_name = "FILE")]
    pub(super) junit: Option<PathBuf>,
    /// Fail where more of our messages than this are late or lost, in per cent.
    #[arg(long, value_name = "PERCENT")]
    pub(super) misses_max_pct: Option<f64>,
    /// Fail where fewer cycles than this are covered by an unexpired plan 100 ms ahead, in per cent.
    #[arg(long, value_name = "PERCENT", requires = "production")]
    pub(super) covered_min_pct: Option<f64>,
}

/// What Zenoh speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Transport {
    /// A stream that repeats what was lost.
    Tcp,
    /// Datagrams.
    Udp,
}

impl Transport {
    /// What an endpoint begins with.
    pub(super) const fn scheme(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

fn preset(text: &str) -> Result<Preset, String> {
    let known = Preset::parse(text).filter(|preset| *preset != Preset::NatTls);
    known.ok_or_else(|| "give lan or wan-lossy; nat-tls needs certificates, which a measurement has not".to_owned())
}

fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() && value > 0.0 && value <= 1e6 => Ok(value),
        _ => Err("give a number above zero and not above a million".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound_and_refuses_what_cannot_be_meant() {
        Arguments::command().debug_assert();
        let refused = |words: &[&str]| Arguments::try_parse_from([&["handoff-bench"], words].concat()).is_err();
        assert!(refused(&["--rate-hz", "0"]) && refused(&["--arms", "mqtt"]) && refused(&["--seconds", "nan"]));
        assert!(refused(&["--soak", "1", "--seconds", "3"]) && refused(&["--covered-min-pct", "99"]));
        assert!(!refused(&["--arms", "ours,zenoh", "--pin", "0,1", "--fifo", "60"]));
    }
}

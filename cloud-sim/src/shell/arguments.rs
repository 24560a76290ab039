use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand};
use shared::time::Duration;
use shared::wire::Preset;

use super::gateway::{Access, Place, TlsFiles};
use crate::session::SessionConfig;

/// Simulates ahead of the tool for machines that ask, and proposes feed overrides to their edge agents.
#[derive(Debug, Parser)]
#[command(name = "cloud-sim", version, max_term_width = 110)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run the service until it is told to stop (Ctrl-C).
    ///
    /// Prints one line `READY <endpoint>` when edge agents can connect, and one line of JSON with its counts
    /// when it ends. It commands no machine: what an edge agent makes of a proposal is decided there.
    Serve(ServeArgs),
}

#[derive(Debug, Args)]
pub(super) struct ServeArgs {
    /// Where edge agents connect: tcp/ADDRESS:PORT. Port 0 takes any free one.
    ///
    /// The service brings its own Zenoh router. Only this computer can connect unless another address is given;
    /// there is no encryption and no authentication yet, so give one only inside a network you trust.
    #[arg(long, default_value = "tcp/127.0.0.1:7447", value_name = "ENDPOINT")]
    listen: String,
    /// Connect to a Zenoh router that runs already, instead of bringing one.
    #[arg(long, value_name = "ENDPOINT", conflicts_with = "listen")]
    connect: Option<String>,
    /// Kind of network: lan, wan-lossy or nat-tls; the same in the configuration of each edge agent.
    #[arg(long, default_value = "lan", value_name = "PRESET", value_parser = preset)]
    preset: Preset,
    /// Certificates for an encrypted endpoint: who signed those of the agents, ours, and its private key (PEM).
    #[arg(long, num_args = 3, value_names = ["CA", "CERTIFICATE", "PRIVATE_KEY"])]
    tls: Option<Vec<PathBuf>>,
    /// Threads to simulate with; all processors where absent. The plan does not depend on it.
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Most machines served at the same time.
    #[arg(long, default_value_t = 8, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    max_sessions: u16,
    /// How far ahead of the tool plans reach, in seconds.
    #[arg(long, default_value_t = 1.5, value_name = "SECONDS", value_parser = seconds)]
    horizon_s: f64,
    /// How long a plan may be used without news from here, in milliseconds.
    #[arg(long, default_value_t = 200, value_name = "MS", value_parser = clap::value_parser!(u64).range(10..=10_000))]
    time_to_live_ms: u64,
    /// Cell of the stock map in mm; chosen from the tools where absent.
    #[arg(long, value_name = "MM", value_parser = seconds)]
    cell_mm: Option<f64>,
    /// Most memory for the stock of one machine, in megabytes.
    #[arg(long, default_value_t = 1024, value_name = "MB", value_parser = clap::value_parser!(u64).range(1..=65_536))]
    memory_mb: u64,
    /// File with the secret key that signs plans: 64 hexadecimal digits. Edge agents pin the public key that the
    /// service says when it starts. Without it plans are not signed, and agents command nothing unless told to.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// End when standard input closes.
    #[arg(long, hide = true)]
    until_stdin_closes: bool,
}

fn preset(text: &str) -> Result<Preset, String> {
    Preset::parse(text).ok_or_else(|| "give lan, wan-lossy or nat-tls".to_owned())
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() && value > 0.0 => Ok(value),
        _ => Err("give a number above zero".to_owned()),
    }
}

impl ServeArgs {
    pub(super) fn access(&self) -> Access {
        let tls = self.tls.as_deref().and_then(|files| match files {
            [authority, certificate, private_key] => Some(TlsFiles {
                authority: authority.clone(),
                certificate: certificate.clone(),
                private_key: private_key.clone(),
            }),
            _ => None,
        });
        Access { place: self.place(), preset: self.preset, tls }
    }

    /// What is wrong with the endpoint under the preset.
    pub(super) fn objection(&self) -> Option<&'static str> {
        let (Place::Listen(endpoint) | Place::Connect(endpoint)) = self.place();
        let missing = (self.preset == Preset::NatTls && self.tls.is_none()).then_some("the preset nat-tls needs --tls");
        self.preset.objection(&endpoint).or(missing)
    }

    fn place(&self) -> Place {
        match &self.connect {
            Some(endpoint) => Place::Connect(endpoint.clone()),
            None => Place::Listen(self.listen.clone()),
        }
    }

    pub(super) fn thread_count(&self) -> usize {
        let all = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        self.threads.unwrap_or(all).clamp(1, 256)
    }

    pub(super) fn session_config(&self) -> SessionConfig {
        let time_to_live = Duration::from_ms(self.time_to_live_ms);
        SessionConfig {
            horizon_target: Duration::from_s(self.horizon_s),
            time_to_live,
            // Four in one time to live: one may be lost and one late.
            keep_alive_period: Duration::from_ns(time_to_live.as_ns() / 4),
            cell_mm: self.cell_mm,
            memory_max_bytes: self.memory_mb << 20,
        }
    }

    /// File of the secret key.
    pub(super) fn key(&self) -> Option<&Path> {
        self.key.as_deref()
    }

    pub(super) fn sessions_max(&self) -> usize {
        usize::from(self.max_sessions)
    }

    pub(super) fn ends_with_stdin(&self) -> bool {
        self.until_stdin_closes
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn serve(args: &[&str]) -> Result<ServeArgs, clap::Error> {
        let Command::Serve(args) = Arguments::try_parse_from([&["cloud-sim", "serve"], args].concat())?.command;
        Ok(args)
    }

    #[test]
    fn the_command_line_is_sound_and_its_defaults_are_safe() {
        Arguments::command().debug_assert();
        let args = serve(&[]).expect("no argument is needed");
        assert_eq!(args.place(), Place::Listen("tcp/127.0.0.1:7447".to_owned()));
        let config = args.session_config();
        assert!(config.keep_alive_period.times(3) <= config.time_to_live);
    }

    #[test]
    fn figures_out_of_range_are_refused() {
        for wrong in
            [["--horizon-s", "nan"], ["--horizon-s", "-1"], ["--max-sessions", "0"], ["--time-to-live-ms", "1"]]
        {
            assert!(serve(&wrong).is_err(), "{wrong:?}");
        }
        assert!(serve(&["--listen", "tcp/a:1", "--connect", "tcp/b:2"]).is_err());
        assert!(serve(&["--preset", "wan"]).is_err() && serve(&["--tls", "a", "b"]).is_err());
        let open = serve(&["--preset", "nat-tls", "--tls", "a", "b", "c"]).expect("three files");
        assert!(open.objection().is_some_and(|words| words.contains("tls/")), "its endpoint is not encrypted");
        let closed = serve(&["--preset", "nat-tls", "--listen", "tls/0.0.0.0:7447"]).expect("read");
        assert!(closed.objection().is_some_and(|words| words.contains("--tls")));
    }
}

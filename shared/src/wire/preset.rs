//! Settings of the transport under which both ends of a link agree, by the kind of network.
//!
//! Figures and paths only; what reads them is in the shells. A **preset** is named once in the configuration of each
//! end. All of them notice a lost peer after a second, try again within half a second, take no message longer than
//! 1 MiB, and scout for nobody: where the other end is, a person has said.

/// A kind of network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Preset {
    /// The same building: nothing is sent twice.
    Lan,
    /// A network that loses: short batches, and every message of the control lane is sent twice, [`COPY_AFTER_MS`] apart.
    /// Control messages are absolute and numbered, so the second is recognised and changes nothing.
    WanLossy,
    /// Behind routers that translate addresses: only the edge dials, over TLS with certificates at both ends; a
    /// certificate that has run out ends the link.
    NatTls,
}

/// A copy follows its message after this time: most bursts of losses are over by then, and a plan's time to live is
/// some hundred milliseconds. In ms.
pub const COPY_AFTER_MS: u64 = 20;

/// Settings of every preset: path and value in JSON5. Times in ms unless said otherwise.
const COMMON: [(&str, &str); 12] = [
    ("connect/retry", "{ period_init_ms: 100, period_max_ms: 500, period_increase_factor: 2 }"),
    ("scouting/multicast/enabled", "false"),
    ("scouting/gossip/enabled", "false"),
    ("adminspace/enabled", "false"),
    // A lost peer is known after a second; nothing that matters waits for it.
    ("transport/link/tx/lease", "1000"),
    ("transport/link/tx/keep_alive", "4"),
    ("transport/unicast/open_timeout", "2000"),
    ("transport/unicast/accept_timeout", "2000"),
    // The default would let one message reserve 1 GiB.
    ("transport/link/rx/max_message_size", "1048576"),
    // In µs: even a dropped message waits this long for room.
    ("transport/link/tx/queue/congestion_control/drop/wait_before_drop", "200"),
    // In µs: longest stall of a bulk sender before the link is given up.
    ("transport/link/tx/queue/congestion_control/block/wait_before_close", "5000000"),
    ("transport/unicast/compression/enabled", "false"),
];

/// A 64 kB batch blocks a 10 Mbit/s link for 52 ms; one of 8 kB for 7 ms.
const BATCH: (&str, &str) = ("transport/link/tx/batch_size", "8192");
/// Where a packet may be lost, what is lost with it should be short.
const BATCH_LOSSY: (&str, &str) = ("transport/link/tx/batch_size", "2048");

/// Certificates at both ends, names are checked, and what has run out ends the link.
const MUTUAL_TLS: [(&str, &str); 3] = [
    ("transport/link/tls/enable_mtls", "true"),
    ("transport/link/tls/verify_name_on_connect", "true"),
    ("transport/link/tls/close_link_on_expiration", "true"),
];

impl Preset {
    /// All.
    pub const ALL: [Self; 3] = [Self::Lan, Self::WanLossy, Self::NatTls];

    /// Its name in configurations.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lan => "lan",
            Self::WanLossy => "wan-lossy",
            Self::NatTls => "nat-tls",
        }
    }

    /// By its name; `None` for another word.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|preset| preset.name() == name)
    }

    /// How often each message of the control lane is sent: 1 or 2.
    pub const fn copies(self) -> u32 {
        match self {
            Self::WanLossy => 2,
            Self::Lan | Self::NatTls => 1,
        }
    }

    /// Settings that both ends share, in order: path and value in JSON5.
    pub fn settings(self) -> Vec<(&'static str, &'static str)> {
        let mut settings = COMMON.to_vec();
        settings.push(if self == Self::WanLossy { BATCH_LOSSY } else { BATCH });
        if self == Self::NatTls {
            settings.extend(MUTUAL_TLS);
        }
        settings
    }

    /// What is wrong with an endpoint under this preset; `None` where nothing is.
    pub fn objection(self, endpoint: &str) -> Option<&'static str> {
        let encrypted = ["tls/", "quic/"].iter().any(|scheme| endpoint.starts_with(scheme));
        (self == Self::NatTls && !encrypted)
            .then_some("the preset nat-tls needs an endpoint tls/NAME:PORT or quic/NAME:PORT")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_have_names_and_the_promises_of_all_of_them() {
        for preset in Preset::ALL {
            assert_eq!(Preset::parse(preset.name()), Some(preset));
            let settings = preset.settings();
            let value = |path: &str| {
                settings.iter().filter(|(known, _)| *known == path).map(|(_, value)| *value).collect::<Vec<_>>()
            };
            assert_eq!(value("transport/link/tx/lease"), ["1000"], "{}", preset.name());
            assert_eq!(value("transport/link/rx/max_message_size"), ["1048576"]);
            assert_eq!(value("scouting/multicast/enabled"), ["false"]);
            assert_eq!(value("transport/link/tx/batch_size").len(), 1);
        }
        assert_eq!(Preset::parse("wan"), None);
    }

    #[test]
    fn nothing_travels_in_the_open_under_nat_tls() {
        assert!(Preset::NatTls.objection("tcp/192.0.2.1:7447").is_some());
        assert_eq!(Preset::NatTls.objection("tls/cloud.example:7447"), None);
        assert_eq!(Preset::Lan.objection("tcp/192.0.2.1:7447"), None);
        assert!(Preset::NatTls.settings().contains(&("transport/link/tls/close_link_on_expiration", "true")));
    }
}

use shared::time::Instant;

/// The service's own monotonic clock. It is never compared with an edge's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    origin: std::time::Instant,
}

impl Clock {
    #[expect(clippy::disallowed_methods, reason = "the one place where the service reads time")]
    pub(super) fn start() -> Self {
        Self { origin: std::time::Instant::now() }
    }

    /// Now, since the start of the service.
    pub(super) fn now(self) -> Instant {
        // 2⁶⁴ ns are 584 years.
        Instant::from_ns(self.origin.elapsed().as_nanos() as u64)
    }
}

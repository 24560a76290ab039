//! The determinism kit: everything that two computers could otherwise compute differently.
//!
//! * [`Rng`] draws the same numbers from the same seed everywhere;
//! * [`DigestChain`] turns a sequence of records into one digest that fixes their order;
//! * [`ExactSum`] adds in the given order with a compensated remainder, so that a sum over a million
//!   segments does not drift and does not depend on how work was split;
//! * [`math`] holds the transcendentals (by `libm`, in software), because those of the platform differ in
//!   the last bit between C libraries and compiler versions.

mod digest_chain;
pub mod math;
mod rng;
mod sum;

pub use digest_chain::DigestChain;
pub use rng::Rng;
pub use sum::ExactSum;

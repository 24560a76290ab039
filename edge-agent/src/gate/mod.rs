//! The safety core: what may be believed, how fast it may go here, and how quickly that may change.
//!
//! Parties: the cloud proposes chunks; the follower holds what was admitted; the guard says whether a plan may
//! be used at all. The gate has three small rules between them and the machine, each applied where it cannot be
//! passed by:
//!
//! * **admission** ([`judge`]): identities, sequence, the sample a chunk rests on, age and range are checked before
//!   a chunk may touch anything;
//! * **authority** ([`authority`]): each cycle the greatest factor for the stretch the tool may be on before a new
//!   command takes effect, and low enough that the ramp can still reach every slower stretch ahead;
//! * **ramp** ([`Ramp`]): the only way from one factor to the next, plan and fallback alike.
//!
//! Nothing here allocates, and no number that is not finite gets through: factors are integers, the ramp's
//! internal ratio is checked where it is made.

mod admission;
mod authority;
mod ramp;

pub(crate) use admission::{SentRing, Standing, judge};
pub(crate) use authority::{Authority, Window, authority};
pub(crate) use ramp::{Permit, Ramp};

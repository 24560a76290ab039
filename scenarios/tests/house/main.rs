//! Rules of the house as tests: who imports whom, who may do what, how long a file may be.
//!
//! They read the sources as text. A rule that is broken on purpose stands in the code with its reason, or
//! in a ratchet below that may only shrink.

mod imports;
mod licences;
mod purity;
mod safety;
mod shape;
mod tree;

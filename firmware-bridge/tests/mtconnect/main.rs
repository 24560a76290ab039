//! MTConnect: the session against an agent of our own, over time lines and over sockets; adapters; the export of our state.

mod agent;
mod conversation;
#[cfg(feature = "link")]
mod link;

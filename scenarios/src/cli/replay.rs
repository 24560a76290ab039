use super::{EXIT_BAD_INPUT, ReplayArgs};

pub(super) fn command(_: &ReplayArgs) -> u8 {
    EXIT_BAD_INPUT
}

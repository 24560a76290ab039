use super::{EXIT_BAD_INPUT, RunArgs};

pub(super) fn demo() -> u8 {
    EXIT_BAD_INPUT
}

pub(super) fn command(_: &RunArgs) -> u8 {
    EXIT_BAD_INPUT
}

//! Which G and M codes exist, and which of them exclude each other.
//!
//! A modal group is a switch with several positions: of one group a block may name one. The groups are those
//! of RS274/NGC (Kramer, Proctor, Messina, NISTIR 6556, table 4) with the additions of LinuxCNC. Codes are
//! written times ten, so that G59.3 is 593.

use super::options::Dialect;

/// Index of each G group in a block. The order has no meaning.
pub(super) mod group {
    pub(in super::super) const NON_MODAL: usize = 0;
    pub(in super::super) const MOTION: usize = 1;
    pub(in super::super) const PLANE: usize = 2;
    pub(in super::super) const DISTANCE: usize = 3;
    pub(in super::super) const ARC_DISTANCE: usize = 4;
    pub(in super::super) const FEED_MODE: usize = 5;
    pub(in super::super) const UNITS: usize = 6;
    pub(in super::super) const CUTTER: usize = 7;
    pub(in super::super) const LENGTH: usize = 8;
    pub(in super::super) const RETRACT: usize = 9;
    pub(in super::super) const WORK: usize = 10;
    pub(in super::super) const PATH: usize = 11;
    pub(in super::super) const SPEED_MODE: usize = 12;
    pub(in super::super) const RADIUS: usize = 13;
    pub(in super::super) const COUNT: usize = 14;
}

/// Index of each M group in a block.
pub(super) mod m_group {
    pub(in super::super) const STOP: usize = 0;
    pub(in super::super) const TOOL: usize = 1;
    pub(in super::super) const SPINDLE: usize = 2;
    pub(in super::super) const COOLANT: usize = 3;
    pub(in super::super) const OVERRIDE: usize = 4;
    pub(in super::super) const SIGNAL: usize = 5;
    pub(in super::super) const COUNT: usize = 6;
}

/// What a code is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    /// It acts, and belongs to a group.
    Acts(usize),
    /// It is accepted and changes nothing that is simulated; why.
    Inert(&'static str),
    /// The control knows it, the simulation does not.
    Unsupported(&'static str),
    /// The control does not know it.
    Unknown,
}

/// What to do about a code that cannot be simulated.
const TAKE_OUT: &str = "take it out of the program to simulate the rest";
/// Reasons a code changes nothing here.
const LOOK_AHEAD: &str = "smoothing and look-ahead belong to the machine description";
const MACHINE_LOGIC: &str = "an M code of the machine builder: its logic is not simulated";
pub(super) const OUTPUTS: &str = "inputs and outputs are not simulated";

/// What a G code is in a dialect.
pub(super) fn g_code(dialect: Dialect, code: u16) -> Code {
    use group::*;
    match code {
        _ if dialect == Dialect::Rs274ngc && ngc_g_code(code).is_some() => ngc_g_code(code).unwrap_or(Code::Unknown),
        0 | 10 | 20 | 30 | 730 | 800 | 810..=890 if code.is_multiple_of(10) => {
            if code == 870 && dialect != Dialect::Rs274ngc {
                Code::Unsupported("write the back bore as single blocks")
            } else {
                Code::Acts(MOTION)
            }
        }
        40 | 100 | 280 | 300 | 520 | 530 | 920 | 921 | 922 | 923 => Code::Acts(NON_MODAL),
        281 | 301 if !dialect.is_fanuc_like() => Code::Acts(NON_MODAL),
        170 | 180 | 190 => Code::Acts(PLANE),
        900 | 910 => Code::Acts(DISTANCE),
        901 | 911 => Code::Acts(ARC_DISTANCE),
        930 | 940 | 950 => Code::Acts(FEED_MODE),
        200 | 210 => Code::Acts(UNITS),
        410 | 420 if dialect == Dialect::Grbl => Code::Unknown,
        411 | 421 if dialect == Dialect::Rs274ngc => Code::Acts(CUTTER),
        400 | 410 | 420 => Code::Acts(CUTTER),
        430 | 431 | 432 | 490 => Code::Acts(LENGTH),
        980 | 990 => Code::Acts(RETRACT),
        540 | 550 | 560 | 570 | 580 | 590 | 591 | 592 | 593 => Code::Acts(WORK),
        610 | 611 | 640 => Code::Acts(PATH),
        970 => Code::Acts(SPEED_MODE),
        _ if dialect.is_fanuc_like() => fanuc_g_code(code),
        50..=53 | 330 | 331 | 382..=385 | 700 | 710 | 711 | 712 | 720..=722 | 760 | 960 => Code::Unsupported(TAKE_OUT),
        _ => Code::Unknown,
    }
}

/// G codes that LinuxCNC alone has, or that mean something else there.
fn ngc_g_code(code: u16) -> Option<Code> {
    use group::*;
    Some(Code::Acts(match code {
        50..=52 | 330 | 331 | 382..=385 | 700 | 710..=712 | 720..=722 | 740 | 760 | 840 => MOTION,
        53 => NON_MODAL,
        70 | 80 => RADIUS,
        960 => SPEED_MODE,
        _ => return None,
    }))
}

/// G codes that only Fanuc and Haas have, or that mean something else there.
fn fanuc_g_code(code: u16) -> Code {
    match code {
        50 | 51 | 80 | 90 | 1030 | 1870 | 620 => Code::Inert(LOOK_AHEAD),
        220 | 230 => Code::Inert("stroke limits of the operator are not simulated"),
        650 => Code::Acts(group::NON_MODAL),
        401 => Code::Inert("normal direction control is off"),
        150 | 500 | 501 | 511 | 670 | 690 => Code::Inert("it switches off what was not on"),
        120 | 130 | 160 | 310 | 330 | 510 | 541 | 630 | 660 | 680 | 740 | 760 | 960 => Code::Unsupported(TAKE_OUT),
        _ => Code::Unknown,
    }
}

/// What an M code is in a dialect.
pub(super) fn m_code(dialect: Dialect, code: u16) -> Code {
    use m_group::*;
    match code {
        0 | 1 | 2 | 30 | 60 => Code::Acts(STOP),
        6 => Code::Acts(TOOL),
        61 if dialect == Dialect::Rs274ngc => Code::Acts(TOOL),
        19 | 70..=73 if dialect == Dialect::Rs274ngc => Code::Acts(SPINDLE),
        62..=68 if dialect == Dialect::Rs274ngc => Code::Acts(SIGNAL),
        3..=5 => Code::Acts(SPINDLE),
        7..=9 => Code::Acts(COOLANT),
        48 | 49 => Code::Acts(OVERRIDE),
        19 => Code::Inert("the angle of the spindle is not simulated"),
        97 if dialect == Dialect::Haas => Code::Acts(STOP),
        98 | 99 if dialect != Dialect::Grbl => Code::Acts(STOP),
        _ if !dialect.is_strict() => Code::Inert(MACHINE_LOGIC),
        50..=53 if dialect == Dialect::Rs274ngc => Code::Acts(OVERRIDE),
        62..=68 => Code::Inert(OUTPUTS),
        100..=199 => Code::Inert(MACHINE_LOGIC),
        _ => Code::Unknown,
    }
}

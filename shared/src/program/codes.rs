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
    pub(in super::super) const POLAR: usize = 14;
    pub(in super::super) const SCALING: usize = 15;
    pub(in super::super) const MIRROR: usize = 16;
    pub(in super::super) const ROTATION: usize = 17;
    pub(in super::super) const MODAL_CALL: usize = 18;
    pub(in super::super) const COUNT: usize = 19;
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
    if dialect == Dialect::Grbl && !super::grbl::has_g(code) {
        return Code::Unknown;
    }
    match code {
        _ if dialect == Dialect::Rs274ngc && ngc_g_code(code).is_some() => ngc_g_code(code).unwrap_or(Code::Unknown),
        382..=385 if dialect == Dialect::Grbl => Code::Acts(MOTION),
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
        171 | 181 | 191 if dialect == Dialect::Rs274ngc => Code::Acts(PLANE),
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
        _ if dialect.is_fanuc_like() => fanuc_g_code(dialect, code),
        50..=53 | 330 | 331 | 382..=385 | 411 | 421 | 700 | 710 | 711 | 712 | 720..=722 | 760 | 960 => {
            Code::Unsupported(TAKE_OUT)
        }
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
fn fanuc_g_code(dialect: Dialect, code: u16) -> Code {
    use group::*;
    let is_haas = dialect == Dialect::Haas;
    match code {
        50 | 51 | 80 | 90 | 1030 | 1870 | 620 => Code::Inert(LOOK_AHEAD),
        220 | 230 => Code::Inert("stroke limits of the operator are not simulated"),
        600 => Code::Inert("the side from which a place is approached is not simulated"),
        120 | 130 | 310 | 650 => Code::Acts(NON_MODAL),
        150 | 160 => Code::Acts(POLAR),
        500 | 510 => Code::Acts(SCALING),
        501 | 511 => Code::Acts(MIRROR),
        680 | 690 => Code::Acts(ROTATION),
        660 | 670 => Code::Acts(MODAL_CALL),
        541 => Code::Acts(WORK),
        1100..=1290 | 1540 if is_haas && code.is_multiple_of(10) => Code::Acts(WORK),
        401 => Code::Inert("normal direction control is off"),
        121 | 131 => Code::Unsupported("let the post write X and Y instead of polar interpolation"),
        290 => Code::Unsupported("write the way back as single blocks"),
        330 | 630 | 740 | 760 | 840..=843 | 960 => Code::Unsupported(TAKE_OUT),
        270 | 350 | 360 | 370 => Code::Unsupported("what it measures or checks is not known ahead; take it out"),
        432..=435 => Code::Unsupported("let the post write the axes of the machine instead of tool centre control"),
        682 | 683 | 2540 | 2550 => {
            Code::Unsupported("let the post write the axes of the machine instead of a tilted plane")
        }
        661 => Code::Unsupported("call the macro with G65, or with G66 where it shall follow motions only"),
        470 => Code::Unsupported("let the post write the letters as motions"),
        700..=720 if is_haas => Code::Unsupported("write the places of the holes, or use G16 for a circle of them"),
        770 => Code::Unsupported("write the back bore as single blocks"),
        1000 | 1010 if is_haas => Code::Unsupported("write G51.1 and G50.1, or let the post mirror the path"),
        1360 if is_haas => Code::Unsupported("what it measures is not known ahead; take it out"),
        1410 | 1430 if is_haas => Code::Unsupported("let the post write the path of the tool's centre"),
        1500 if is_haas => Code::Unsupported(
            "the pocket of a subprogram is not planned here; let the post write its motions, or use G12, G13",
        ),
        1070 if is_haas => Code::Unsupported("let the post write the rotary axis instead of cylindrical mapping"),
        1740 | 1840 | 2340 if is_haas => Code::Unsupported(TAKE_OUT),
        _ => Code::Unknown,
    }
}

/// What an M code is in a dialect.
pub(super) fn m_code(dialect: Dialect, code: u16) -> Code {
    use m_group::*;
    if dialect == Dialect::Grbl {
        return super::grbl::m_code(code);
    }
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
        98 | 99 => Code::Acts(STOP),
        _ if !dialect.is_strict() => Code::Inert(MACHINE_LOGIC),
        50..=53 if dialect == Dialect::Rs274ngc => Code::Acts(OVERRIDE),
        62..=68 => Code::Inert(OUTPUTS),
        100..=199 => Code::Inert(MACHINE_LOGIC),
        _ => Code::Unknown,
    }
}

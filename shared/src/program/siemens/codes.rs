//! What the G codes and names of the 840D do here.

use super::super::codes::Code;

/// Kinds of G code, in the place of a modal group.
pub(super) mod kind {
    pub(in super::super) const MOTION: usize = 0;
    pub(in super::super) const DWELL: usize = 1;
    pub(in super::super) const PLANE: usize = 2;
    pub(in super::super) const UNIT: usize = 3;
    pub(in super::super) const DISTANCE: usize = 4;
    pub(in super::super) const FEED: usize = 5;
    pub(in super::super) const WORK: usize = 6;
    pub(in super::super) const MACHINE: usize = 7;
    pub(in super::super) const EXACT: usize = 8;
    pub(in super::super) const POLE: usize = 9;
    pub(in super::super) const CUTTER: usize = 10;
}

const TAKE_OUT: &str = "take it out of the program to simulate the rest";
const PATH_MODE: &str = "corner and exact-stop tolerances belong to the machine description";
const LOOK_AHEAD: &str = "smoothing and look-ahead belong to the machine description";
const PREPARATION: &str = "it steers the preparation of blocks in the control";
const ORIENTATION: &str = "how the orientation is interpolated is not simulated";

/// What a G code is.
pub(in super::super) fn g_code(code: u16) -> Code {
    match code {
        0..=3 => Code::Acts(kind::MOTION),
        4 => Code::Acts(kind::DWELL),
        17..=19 => Code::Acts(kind::PLANE),
        70 | 71 | 700 | 710 => Code::Acts(kind::UNIT),
        90 | 91 => Code::Acts(kind::DISTANCE),
        93..=95 => Code::Acts(kind::FEED),
        54..=57 | 500 | 505..=599 => Code::Acts(kind::WORK),
        53 | 153 => Code::Acts(kind::MACHINE),
        60 | 64 | 641..=646 => Code::Acts(kind::EXACT),
        110..=112 => Code::Acts(kind::POLE),
        40..=42 => Code::Acts(kind::CUTTER),
        9 | 601..=603 | 62 | 621 => Code::Inert(PATH_MODE),
        450 | 451 | 460..=462 => Code::Inert("how compensation goes round corners is not simulated"),
        25 | 26 => Code::Inert("limits of speed and working area are not simulated"),
        97 | 971 | 973 => Code::Inert("constant cutting speed is off"),
        810..=829 => Code::Inert("a G code of the machine builder: its logic is not simulated"),
        33..=35 | 63 | 331 | 332 => Code::Unsupported("write CYCLE84, or take it out to simulate the rest"),
        74 | 75 => Code::Unsupported("write SUPA G0 with the place of the axes"),
        5 | 7 | 58 | 59 | 96 | 961 | 962 | 140..=148 | 247 | 248 | 340 | 341 | 347 | 348 => Code::Unsupported(TAKE_OUT),
        _ => Code::Unknown,
    }
}

/// Names that stand alone and change nothing here, with the reason.
const INERT: [(&str, &str); 60] = [
    ("FNORM", "the course of the feed within a block is not simulated"),
    ("FLIN", "the course of the feed within a block is not simulated"),
    ("FCUB", "the course of the feed within a block is not simulated"),
    ("FFWON", LOOK_AHEAD),
    ("FFWOF", LOOK_AHEAD),
    ("SOFT", LOOK_AHEAD),
    ("SOFTA", LOOK_AHEAD),
    ("BRISK", LOOK_AHEAD),
    ("BRISKA", LOOK_AHEAD),
    ("DRIVE", LOOK_AHEAD),
    ("DYNNORM", LOOK_AHEAD),
    ("DYNPOS", LOOK_AHEAD),
    ("DYNROUGH", LOOK_AHEAD),
    ("DYNSEMIFIN", LOOK_AHEAD),
    ("DYNFINISH", LOOK_AHEAD),
    ("DYNPREC", LOOK_AHEAD),
    ("COMPOF", LOOK_AHEAD),
    ("COMPON", LOOK_AHEAD),
    ("COMPCURV", LOOK_AHEAD),
    ("COMPCAD", LOOK_AHEAD),
    ("COMPSURF", LOOK_AHEAD),
    ("CPRECON", LOOK_AHEAD),
    ("CPRECOF", LOOK_AHEAD),
    ("UPATH", LOOK_AHEAD),
    ("SPATH", LOOK_AHEAD),
    ("FIFOCTRL", PREPARATION),
    ("STARTFIFO", PREPARATION),
    ("STOPFIFO", PREPARATION),
    ("STOPRE", PREPARATION),
    ("SBLON", PREPARATION),
    ("SBLOF", PREPARATION),
    ("DISPLOF", PREPARATION),
    ("DISPLON", PREPARATION),
    ("RTLION", "how rapids interpolate belongs to the machine description"),
    ("RTLIOF", "how rapids interpolate belongs to the machine description"),
    ("ORIAXES", ORIENTATION),
    ("ORIVECT", ORIENTATION),
    ("ORIPLANE", ORIENTATION),
    ("ORIMKS", ORIENTATION),
    ("ORIWKS", ORIENTATION),
    ("ORIEULER", ORIENTATION),
    ("ORIRPY", ORIENTATION),
    ("ORIRPY2", ORIENTATION),
    ("ORIVIRT1", ORIENTATION),
    ("ORIVIRT2", ORIENTATION),
    ("ORISON", ORIENTATION),
    ("ORISOF", ORIENTATION),
    ("ORIC", ORIENTATION),
    ("ORID", ORIENTATION),
    ("CUT2D", "the kind of compensation is not simulated"),
    ("CUT2DF", "the kind of compensation is not simulated"),
    ("KONT", "how compensation approaches is not simulated"),
    ("NORM", "how compensation approaches is not simulated"),
    ("CFC", "the feed is that of the programmed path"),
    ("CFTCP", "the feed is that of the programmed path"),
    ("CFIN", "the feed is that of the programmed path"),
    ("DIAMOF", "lengths along X are radii"),
    ("TRAFOOF", "no transformation of the axes is in force"),
    ("CDOF", "the control's own collision detection is not simulated"),
    ("CDON", "the control's own collision detection is not simulated"),
];

/// Why a name that stands alone changes nothing; `None` for every other name.
pub(super) fn inert_name(name: &str) -> Option<&'static str> {
    INERT.iter().find(|(known, _)| *known == name).map(|(_, reason)| *reason)
}

/// The names of [`inert_name`].
#[cfg(test)]
pub(in super::super) fn inert_names() -> impl Iterator<Item = &'static str> {
    INERT.iter().map(|(name, _)| *name)
}

/// Why a call with brackets changes nothing; `None` for every other name.
pub(super) fn inert_call(name: &str) -> Option<&'static str> {
    Some(match name {
        "MSG" => "a message for the operator",
        "CYCLE832" => LOOK_AHEAD,
        "WORKPIECE" => "the blank for the control's own graphics; give the stock with the job",
        "TOOLGUI" | "PROTA" | "PROTS" | "PROTD" => "the control's own graphics and protection zones are not simulated",
        "TRAORI" => {
            "program coordinates are those of the tool tip in the work frame; machine coordinates are given as on \
             three axes, rotary axes as angles"
        }
        "SETAL" => "an alarm of the program; it does not stop the simulation",
        "ORIRESET" | "SPCON" | "SPCOF" | "LIMS" => "the spindle's position and limits are not simulated",
        _ => return None,
    })
}

/// Addresses with `=` that change nothing here.
pub(super) fn inert_address(name: &str) -> Option<&'static str> {
    Some(match name {
        "CTOL" | "OTOL" | "ATOL" | "ADIS" | "ADISPOS" => "contour tolerances belong to the machine description",
        "ACC" | "ACCLIMA" | "VELOLIM" | "JERKLIM" | "VELOLIMA" | "JERKLIMA" => LOOK_AHEAD,
        "FA" | "FB" | "FD" | "OVR" | "OVRA" => "a feed of single axes or blocks is not simulated",
        "SPOS" | "SPOSA" | "LIMS" => "the spindle's position and limits are not simulated",
        "DISR" | "DISCL" | "DISC" | "FAD" => "how compensation approaches is not simulated",
        "SPINU" | "PM" | "SVC" => "it is not simulated",
        _ => return None,
    })
}

/// What to do about a name or call that is known and not simulated; `None` where it is not known.
pub(super) fn unsupported_name(name: &str) -> Option<&'static str> {
    let is_cycle = ["CYCLE", "POCKET", "SLOT", "HOLES", "LONGHOLE"].iter().any(|start| name.starts_with(start));
    if is_cycle {
        return Some("let the post write the motions of the cycle");
    }
    match name {
        "TRANSMIT" | "TRACYL" | "TRAANG" | "TRACON" | "TCARR" | "TCOABS" | "TCOFR" | "PAROT" | "TOROT" => {
            Some("let the post write the axes of the machine")
        }
        "ROTS" | "AROTS" | "CROTS" | "CTRANS" | "CROT" | "CMIRROR" | "CSCALE" => {
            Some("write the frame with TRANS, ROT, SCALE and MIRROR")
        }
        "SPLINE" | "ASPLINE" | "BSPLINE" | "CSPLINE" | "POLY" | "CIP" | "CT" | "INVCW" | "INVCCW" => {
            Some("let the post write lines and arcs with G1, G2 and G3")
        }
        "DIAMON" | "DIAM90" => Some("write lengths along X as radii"),
        "MEAS" | "MEAW" | "WAITM" | "INIT" | "START" | "SETINT" | "DEFINE" | "ID" | "IDS" => Some(TAKE_OUT),
        _ => None,
    }
}

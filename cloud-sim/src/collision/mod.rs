//! What must not touch and does: rapids, holders and shanks in the stock; any part of the tool or the spindle on a
//! fixture; a cutter below the surface of the finished part.
//!
//! Three ways of looking, each with what suits it:
//!
//! * against **the stock being cut** (`in_stock`) the parts above the flutes are held against the cells of the height map
//!   itself, after the cutter has cut;
//! * against **fixtures** ([`Fixtures`]) each convex part of the tool is swept along a straight piece of path into a body
//!   that is convex again, so that one question of distance to a triangle answers for the whole piece;
//! * against **the finished part** ([`Finished`]) heights are compared, cell by cell.
//!
//! A place is called clear of a fixture only where a plane has been found that has the swept part on one side and the triangle
//! on the other, further apart than asked for; the plane is checked by the two support functions alone, so that an error of the
//! search for it cannot hide a contact. What cannot be shown to be clear is looked at again, exactly.
//!
//! The cast of parry (`cast_shapes` with a target distance) is not used for the question: it iterates towards the time of
//! impact and answers nothing where it does not arrive; the convex sweep answers in one search, and the time is bisected where
//! there is something to report. [`check_segments`] takes the tool to stand upright and the work to stand: once a rotary axis has
//! turned, its segments are [`Clearance::Unchecked`], unless the caller knows the way of the tool against the work and asks
//! [`check_leaning`] instead.

mod body;
mod check;
mod fixture;
mod in_stock;
mod leaning;
mod part;
mod swept;

use shared::geom::Point;
use shared::motion::Station;

pub use body::{ToolBody, ToolPart};
pub(crate) use check::path_bounds;
pub use check::{Continuity, SegmentClearance, check_segments};
pub use fixture::{Fixture, FixtureSolid, Fixtures};
pub(crate) use in_stock::Body;
pub use leaning::{LeaningPiece, LeaningWay, check_leaning};
pub use part::{Finished, Leftover};

/// What touched what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FindingKind {
    /// A rapid removed material.
    RapidInStock,
    /// The holder touched the stock.
    HolderInStock,
    /// The tool touched the stock above its flutes.
    ShankInStock,
    /// A cutter that does not cut at its centre was driven down into material.
    NonCentreCuttingPlunge,
    /// The nose of the spindle touched the stock.
    SpindleInStock,
    /// A part of the tool touched a fixture, or is inside it.
    FixtureTouched {
        /// Which part.
        part: ToolPart,
        /// Which fixture, in the order of the job.
        fixture: u16,
    },
    /// A part of the tool passed a fixture closer than its clearance.
    FixtureNear {
        /// Which part.
        part: ToolPart,
        /// Which fixture, in the order of the job.
        fixture: u16,
    },
    /// The cutter went below the surface of the finished part.
    Gouge,
}

impl FindingKind {
    /// The part of the machine that touched.
    pub const fn moving(self) -> ToolPart {
        match self {
            Self::RapidInStock | Self::NonCentreCuttingPlunge | Self::Gouge => ToolPart::Cutter,
            Self::HolderInStock => ToolPart::Holder,
            Self::ShankInStock => ToolPart::Shank,
            Self::SpindleInStock => ToolPart::Spindle,
            Self::FixtureTouched { part, .. } | Self::FixtureNear { part, .. } => part,
        }
    }

    /// The fixture that was touched or passed too close; `None` where it was the stock or the part.
    pub const fn fixture(self) -> Option<u16> {
        match self {
            Self::FixtureTouched { fixture, .. } | Self::FixtureNear { fixture, .. } => Some(fixture),
            _ => None,
        }
    }

    /// False for what is only closer than asked for.
    pub const fn is_contact(self) -> bool {
        !matches!(self, Self::FixtureNear { .. })
    }
}

/// One contact; at most one of a kind for each segment, at its deepest place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Finding {
    /// What happened.
    pub kind: FindingKind,
    /// Index of the segment in the path: its kind of move is there.
    pub segment: u32,
    /// Source line, from 1.
    pub line: u32,
    /// End of the step with the deepest contact; for fixtures, where the contact begins.
    pub station: Station,
    /// Where the contact is, work frame: the cell's centre at the height of the material before it was touched; for
    /// material above the flutes, the tip; for a fixture, the place on it that is touched first or passed closest.
    pub place: Point,
    /// How deep, mm: along Z in stock and part; for a fixture, by how much the part would have to be slimmer and
    /// shorter not to touch, at most half its size; for a fixture passed too close, by how much the clearance is missed.
    pub depth_mm: f64,
    /// Volume the segment removed while this held, mm³; zero for contacts that the model does not cut.
    pub removed_mm3: f64,
}

impl Finding {
    /// What touched what and how deep, for a person; `fixture` gives the name of one.
    pub fn in_words<'a>(&self, fixture: &dyn Fn(u16) -> &'a str) -> String {
        let (part, depth_mm) = (self.kind.moving().name(), self.depth_mm);
        match self.kind {
            FindingKind::RapidInStock => format!("a rapid removes {:.2} mm³ of stock", self.removed_mm3),
            FindingKind::NonCentreCuttingPlunge => {
                format!("a cutter that does not cut at its centre plunges {depth_mm:.2} mm into the stock")
            }
            FindingKind::HolderInStock | FindingKind::ShankInStock | FindingKind::SpindleInStock => {
                format!("{part} {depth_mm:.2} mm deep in the stock")
            }
            FindingKind::FixtureTouched { fixture: index, .. } => {
                format!("{part} {depth_mm:.2} mm deep in fixture `{}`", fixture(index))
            }
            FindingKind::FixtureNear { fixture: index, .. } => {
                format!("{part} {depth_mm:.2} mm closer to fixture `{}` than it may come", fixture(index))
            }
            FindingKind::Gouge => format!("the cutter goes {depth_mm:.2} mm below the finished part"),
        }
    }
}

/// How a segment passes the fixtures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Clearance {
    /// There is none, or nothing moves.
    #[default]
    NoFixture,
    /// Further away than the clearance of each.
    Clear,
    /// Closer than a clearance, without touching.
    Near,
    /// Touching, or inside.
    Touch,
    /// Not known: the tool has no description, or a rotary axis has turned.
    Unchecked,
}

impl Clearance {
    /// Its stable name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoFixture => "no_fixture",
            Self::Clear => "clear",
            Self::Near => "near",
            Self::Touch => "touch",
            Self::Unchecked => "unchecked",
        }
    }
}

/// Removed volume of a rapid below which it is not reported, mm³: a corner of one coarse cell, grazed.
pub const RAPID_REMOVED_MAX_MM3: f64 = 0.01;

/// Depth below which a touch of holder or shank is not reported, mm.
pub const TOUCH_MAX_MM: f64 = 0.01;

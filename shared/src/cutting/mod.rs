//! The closed-form cutting law: engagement in, forces, torque, power, deflection and chip thickness out.
//!
//! Angles are Altintas': the immersion φ is measured from the normal of the feed direction towards the feed
//! direction, in the sense in which the spindle turns. For M3 (clockwise from above) and feed along +x a tooth
//! at φ stands at (R sin φ, R cos φ): φ = 0 is left of the path, φ = π/2 straight ahead, φ = π right of it, so
//! that up-milling begins at 0 and down-milling ends at π. For M4 the picture is mirrored at the path.

mod affine;
pub mod averages;
pub mod beam;
mod chain;
pub mod chip;
mod complex;
#[cfg(test)]
mod dense;
#[cfg(test)]
mod dense_tests;
mod density;
mod edge;
mod engagement;
mod law;
mod loads;
mod model;
mod oblique;
mod revolution;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod tooth;

pub use affine::{Affine, AffineLoads, solve_force_peak};
pub use engagement::{ANGLE_BINS, Engagement, EngagementSlice};
pub use law::{CuttingData, CuttingLaw, Material};
pub use loads::{CuttingMotion, Loads, Runout};
pub use model::CuttingModel;
pub use oblique::OrthogonalData;

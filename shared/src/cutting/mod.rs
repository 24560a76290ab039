//! The closed-form cutting law: engagement in, forces, torque, power, deflection and chip thickness out.
//!
//! Angles are Altintas': the immersion φ is measured from the normal of the feed direction towards the feed
//! direction, in the sense in which the spindle turns. For M3 (clockwise from above) and feed along +x a tooth
//! at φ stands at (R sin φ, R cos φ): φ = 0 is left of the path, φ = π/2 straight ahead, φ = π right of it, so
//! that up-milling begins at 0 and down-milling ends at π. For M4 the picture is mirrored at the path.

mod engagement;

pub use engagement::{ANGLE_BINS, Engagement, EngagementSlice};

//! Transcendental functions with the same bits on every platform.
//!
//! `f64::sin` and its kin call whatever the platform's C library holds. These call `libm`, which is plain
//! Rust. Square root, `floor`, `round` and the four operations are exact by IEEE 754 and need no twin.

/// Sine of an angle in rad.
pub fn sin(angle_rad: f64) -> f64 {
    libm::sin(angle_rad)
}

/// Cosine of an angle in rad.
pub fn cos(angle_rad: f64) -> f64 {
    libm::cos(angle_rad)
}

/// Sine and cosine of an angle in rad.
pub fn sin_cos(angle_rad: f64) -> (f64, f64) {
    libm::sincos(angle_rad)
}

/// Tangent of an angle in rad.
pub fn tan(angle_rad: f64) -> f64 {
    libm::tan(angle_rad)
}

/// Arc sine in rad of a value clamped to [−1, 1].
pub fn asin(value: f64) -> f64 {
    libm::asin(value.clamp(-1.0, 1.0))
}

/// Arc cosine in rad of a value clamped to [−1, 1].
pub fn acos(value: f64) -> f64 {
    libm::acos(value.clamp(-1.0, 1.0))
}

/// Angle in rad of the point (x, y), in (−π, π].
pub fn atan2(y: f64, x: f64) -> f64 {
    libm::atan2(y, x)
}

/// Arc tangent in rad.
pub fn atan(value: f64) -> f64 {
    libm::atan(value)
}

/// `base` raised to `exponent`.
pub fn pow(base: f64, exponent: f64) -> f64 {
    libm::pow(base, exponent)
}

/// e raised to `exponent`.
pub fn exp(exponent: f64) -> f64 {
    libm::exp(exponent)
}

/// Natural logarithm.
pub fn ln(value: f64) -> f64 {
    libm::log(value)
}

/// √(x² + y²) without overflow on the way.
pub fn hypot(x: f64, y: f64) -> f64 {
    libm::hypot(x, y)
}

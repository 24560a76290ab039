//! How the tip of a tool gives way when it is pushed: what chatter depends on.
//!
//! G(f) is the displacement of the tip in a direction for a force of one newton in the same direction, as a complex
//! number over frequency. It is either measured (a hammer and an accelerometer give the table) or described by
//! modes. It belongs to a tool in its holder in this spindle, so that a machine has one for each tool that was tapped.

use crate::ident::ToolNumber;

/// One mode of vibration at the tip of the tool.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mode {
    /// f_n in Hz.
    pub frequency_hz: f64,
    /// ζ, share of critical damping.
    pub damping_ratio: f64,
    /// Modal mass in kg.
    pub mass_kg: f64,
}

impl Mode {
    /// ω_n in rad/s.
    pub fn natural_rad_s(&self) -> f64 {
        std::f64::consts::TAU * self.frequency_hz
    }

    /// k = m·ω_n² in N/m.
    pub fn stiffness_n_m(&self) -> f64 {
        self.mass_kg * self.natural_rad_s() * self.natural_rad_s()
    }

    /// G(iω) = 1/(k − mω² + icω), real and imaginary part in m/N.
    pub fn response_m_n(&self, omega_rad_s: f64) -> [f64; 2] {
        let damping = 2.0 * self.damping_ratio * self.mass_kg * self.natural_rad_s() * omega_rad_s;
        let rest = self.stiffness_n_m() - self.mass_kg * omega_rad_s * omega_rad_s;
        let square = rest * rest + damping * damping;
        [rest / square, -damping / square]
    }

    /// True where every figure is one a tool can have.
    pub fn is_sound(&self) -> bool {
        (1.0..=20_000.0).contains(&self.frequency_hz)
            && (1e-4..=0.5).contains(&self.damping_ratio)
            && (1e-4..=1e4).contains(&self.mass_kg)
    }
}

/// One line of a measured frequency response.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ResponsePoint {
    /// f in Hz.
    pub frequency_hz: f64,
    /// Re G and Im G in m/N.
    pub value_m_n: [f64; 2],
}

/// A measured frequency response: at least [`FrequencyResponse::POINTS_MIN`] points by rising frequency.
#[derive(Clone, Debug, PartialEq)]
pub struct FrequencyResponse {
    points: Vec<ResponsePoint>,
}

impl FrequencyResponse {
    /// Fewer points say nothing about a resonance.
    pub const POINTS_MIN: usize = 8;

    /// A table; `None` where it is too short, where frequencies do not rise from above zero, or where a value is not finite.
    pub fn new(points: Vec<ResponsePoint>) -> Option<Self> {
        let finite =
            |point: &ResponsePoint| point.frequency_hz.is_finite() && point.value_m_n.iter().all(|v| v.is_finite());
        let sound = points.len() >= Self::POINTS_MIN
            && points[0].frequency_hz > 0.0
            && points.iter().all(finite)
            && points.windows(2).all(|pair| pair[0].frequency_hz < pair[1].frequency_hz);
        sound.then_some(Self { points })
    }

    /// The points.
    pub fn points(&self) -> &[ResponsePoint] {
        &self.points
    }

    /// Lowest and highest frequency that was measured, Hz.
    pub fn band_hz(&self) -> (f64, f64) {
        (self.points[0].frequency_hz, self.points[self.points.len() - 1].frequency_hz)
    }

    /// G(f) in m/N, between two points in proportion; `None` outside the measured band.
    pub fn at(&self, frequency_hz: f64) -> Option<[f64; 2]> {
        let (low, high) = self.band_hz();
        if !(low..=high).contains(&frequency_hz) {
            return None;
        }
        let next = self.points.partition_point(|point| point.frequency_hz < frequency_hz).max(1);
        let (a, b) = (&self.points[next - 1], &self.points[next]);
        let place = (frequency_hz - a.frequency_hz) / (b.frequency_hz - a.frequency_hz);
        Some(std::array::from_fn(|i| a.value_m_n[i] + (b.value_m_n[i] - a.value_m_n[i]) * place))
    }
}

/// What is known of one direction at the tip.
#[derive(Clone, Debug, PartialEq)]
pub enum TipResponse {
    /// It does not give way, or nobody said that it does.
    Rigid,
    /// Modes; their responses add up.
    Modes(Vec<Mode>),
    /// As measured.
    Measured(FrequencyResponse),
}

impl TipResponse {
    /// G(f) in m/N; `None` outside a measured band.
    pub fn at(&self, frequency_hz: f64) -> Option<[f64; 2]> {
        match self {
            Self::Rigid => Some([0.0; 2]),
            Self::Modes(modes) => {
                let omega = std::f64::consts::TAU * frequency_hz;
                let sum = |sum: [f64; 2], mode: &Mode| {
                    let value = mode.response_m_n(omega);
                    [sum[0] + value[0], sum[1] + value[1]]
                };
                Some(modes.iter().fold([0.0; 2], sum))
            }
            Self::Measured(table) => table.at(frequency_hz),
        }
    }

    /// Frequencies within which chatter is looked for, Hz: from well below the lowest mode to well above the highest, or the
    /// measured band. `None` where it is rigid.
    pub fn band_hz(&self) -> Option<(f64, f64)> {
        match self {
            Self::Rigid => None,
            Self::Modes(modes) => {
                let low = modes.iter().map(|mode| mode.frequency_hz).reduce(f64::min)?;
                let high = modes.iter().map(|mode| mode.frequency_hz).reduce(f64::max)?;
                Some((0.3 * low, 4.0 * high))
            }
            Self::Measured(table) => Some(table.band_hz()),
        }
    }
}

/// A tool's tip in this machine: x along the machine's X, y along its Y.
#[derive(Clone, Debug, PartialEq)]
pub struct TipDynamics {
    /// The tool; `None` for every tool that has no entry of its own.
    pub tool: Option<ToolNumber>,
    /// Along X.
    pub x: TipResponse,
    /// Along Y.
    pub y: TipResponse,
}

/// The entry of a tool: its own, or that for every tool.
pub fn tip_of(tips: &[TipDynamics], tool: ToolNumber) -> Option<&TipDynamics> {
    let own = tips.iter().find(|tip| tip.tool == Some(tool));
    own.or_else(|| tips.iter().find(|tip| tip.tool.is_none()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_read_between_its_points_and_not_beside_them() {
        let point = |i: u32| ResponsePoint { frequency_hz: f64::from(i + 1) * 10.0, value_m_n: [f64::from(i), -1.0] };
        let table = FrequencyResponse::new((0..8).map(point).collect()).expect("rising");
        assert_eq!(table.at(15.0), Some([0.5, -1.0]));
        assert_eq!((table.at(10.0), table.at(80.0)), (Some([0.0, -1.0]), Some([7.0, -1.0])));
        assert_eq!((table.at(9.9), table.at(80.1)), (None, None));
        assert_eq!(FrequencyResponse::new((0..7).map(point).collect()), None);
        assert_eq!(FrequencyResponse::new((0..8).rev().map(point).collect()), None);
    }

    #[test]
    fn a_mode_gives_way_by_its_stiffness_at_rest_and_by_its_damping_at_resonance() {
        let mode = Mode { frequency_hz: 100.0, damping_ratio: 0.05, mass_kg: 2.0 };
        let [still, _] = mode.response_m_n(0.0);
        assert!((still * mode.stiffness_n_m() - 1.0).abs() < 1e-12);
        let [real, imaginary] = mode.response_m_n(mode.natural_rad_s());
        assert!(real.abs() < 1e-20 && (imaginary * mode.stiffness_n_m() * 2.0 * 0.05 + 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_tool_has_its_own_entry_or_that_of_all() {
        let tip = |tool: Option<u32>| TipDynamics {
            tool: tool.map(ToolNumber),
            x: TipResponse::Rigid,
            y: TipResponse::Rigid,
        };
        let tips = [tip(None), tip(Some(3))];
        let of = |number: u32| tip_of(&tips, ToolNumber(number)).and_then(|tip| tip.tool);
        assert_eq!((of(3), of(4)), (Some(ToolNumber(3)), None));
        assert_eq!(tip_of(&tips[1..], ToolNumber(4)), None);
    }
}

use serde::Deserialize;

use super::job_file::MaterialSection;
use super::text::{FileText, parse_toml};
use crate::cutting::{CuttingData, CuttingLaw, Material};
use crate::program::Diagnostic;
use crate::units::{Feedrate, Length, Stress};

/// Greatest feed per tooth that the recommendation of a file may reach.
const FEED_PER_TOOTH_MAX_MM: f64 = 0.25;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MaterialFile {
    schema: u32,
    name: String,
    /// Class of material; read by people.
    #[allow(dead_code)]
    class: String,
    source: String,
    /// Relative standard deviation of the coefficients.
    coefficient_sigma: Option<f64>,
    law: LawTable,
    recommended: RecommendedTable,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
enum LawTable {
    Kienzle { k_c11_n_mm2: f64, m_c: f64, radial_ratio: f64, axial_ratio: f64 },
    Mechanistic { k_tc_n_mm2: f64, k_rc_n_mm2: f64, k_ac_n_mm2: f64, k_te_n_mm: f64, k_re_n_mm: f64, k_ae_n_mm: f64 },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RecommendedTable {
    v_c_m_min: f64,
    f_z_per_diameter: f64,
}

/// Reads a material file and puts the job's own coefficients in place of the file's.
///
/// # Errors
/// Every diagnostic found: unknown keys, coefficients out of range.
pub fn read_material(file: FileText<'_>, section: &MaterialSection) -> Result<Material, Vec<Diagnostic>> {
    let read: MaterialFile = parse_toml(file).map_err(|error| vec![*error])?;
    let wrong = |key: &str, message: String| {
        vec![file.error_at(key, "material::range", message, "correct the figure; the unit is in the key".to_owned())]
    };
    if read.schema != 1 {
        return Err(wrong("schema", format!("schema {} is not known, this version reads schema 1", read.schema)));
    }
    let law = patched(law(&read.law), section);
    if !law.is_valid() {
        let message = "the cutting law has a coefficient that is negative, zero or no number".to_owned();
        return Err(wrong("law.kind", message));
    }
    if let Some(sigma) = read.coefficient_sigma.filter(|sigma| !(0.0..=0.5).contains(sigma)) {
        let message = format!("`coefficient_sigma` is {sigma}, expected a share from 0 to 0.5");
        return Err(wrong("coefficient_sigma", message));
    }
    let recommended = read.recommended;
    if !(1.0..=5000.0).contains(&recommended.v_c_m_min) {
        let message = format!("`v_c_m_min` is {}, expected 1 to 5000", recommended.v_c_m_min);
        return Err(wrong("recommended.v_c_m_min", message));
    }
    if !(1e-4..=0.1).contains(&recommended.f_z_per_diameter) {
        let message = format!("`f_z_per_diameter` is {}, expected 0.0001 to 0.1", recommended.f_z_per_diameter);
        return Err(wrong("recommended.f_z_per_diameter", message));
    }
    Ok(Material {
        name: read.name,
        law,
        source: if section.kc1_1.is_some() { "coefficients stated by the job".to_owned() } else { read.source },
        coefficient_sigma: read.coefficient_sigma,
        data: CuttingData {
            cutting_speed: Feedrate::mm_s(recommended.v_c_m_min * 1000.0 / 60.0),
            feed_per_tooth_of_diameter: recommended.f_z_per_diameter,
            feed_per_tooth_max: Length::mm(FEED_PER_TOOTH_MAX_MM),
        },
    })
}

fn law(table: &LawTable) -> CuttingLaw {
    match *table {
        LawTable::Kienzle { k_c11_n_mm2, m_c, radial_ratio, axial_ratio } => {
            CuttingLaw::Kienzle { k_c11: Stress::n_mm2(k_c11_n_mm2), m_c, radial_ratio, axial_ratio }
        }
        LawTable::Mechanistic { k_tc_n_mm2, k_rc_n_mm2, k_ac_n_mm2, k_te_n_mm, k_re_n_mm, k_ae_n_mm } => {
            CuttingLaw::Mechanistic {
                k_tc: Stress::n_mm2(k_tc_n_mm2),
                k_rc: Stress::n_mm2(k_rc_n_mm2),
                k_ac: Stress::n_mm2(k_ac_n_mm2),
                k_te_n_mm,
                k_re_n_mm,
                k_ae_n_mm,
            }
        }
    }
}

/// The job's k_c1.1 and m_c make a Kienzle law; shares of radial and axial force stay the file's.
fn patched(law: CuttingLaw, section: &MaterialSection) -> CuttingLaw {
    let Some(k_c11) = section.kc1_1 else { return law };
    let (file_m_c, radial_ratio, axial_ratio) = match law {
        CuttingLaw::Kienzle { m_c, radial_ratio, axial_ratio, .. } => (m_c, radial_ratio, axial_ratio),
        CuttingLaw::Mechanistic { k_tc, k_rc, k_ac, .. } => (0.25, k_rc / k_tc, k_ac / k_tc),
    };
    let m_c = section.mc.unwrap_or(file_m_c);
    CuttingLaw::Kienzle { k_c11: Stress::n_mm2(k_c11), m_c, radial_ratio, axial_ratio }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "schema = 1\nname = \"x\"\nclass = \"steel\"\nsource = \"a table\"\n[law]\nkind = \"kienzle\"\n\
        k_c11_n_mm2 = 2000.0\nm_c = 0.2\nradial_ratio = 0.4\naxial_ratio = 0.2\n[recommended]\nv_c_m_min = 120.0\nf_z_per_diameter = 0.008\n";

    fn section(kc1_1: Option<f64>) -> MaterialSection {
        MaterialSection { name: "x".to_owned(), kc1_1, mc: None }
    }

    #[test]
    fn the_jobs_coefficients_take_the_place_of_the_files() {
        let read = |kc| read_material(FileText { name: "m.toml", text: TEXT }, &section(kc)).expect("valid");
        assert_eq!(read(None).law.specific_force(Length::mm(1.0)).as_n_mm2(), 2000.0);
        assert_eq!(read(Some(700.0)).law.specific_force(Length::mm(1.0)).as_n_mm2(), 700.0);
    }

    #[test]
    fn the_spread_of_coefficients_widens_the_band_and_is_checked() {
        use crate::files::uncertainty_of;
        let read = |line: &str| {
            let text = TEXT.replace("source =", &format!("{line}source ="));
            read_material(FileText { name: "m.toml", text: &text }, &section(None))
        };
        assert_eq!(read("").expect("valid").coefficient_sigma, None);
        let wide = read("coefficient_sigma = 0.1\n").expect("valid").coefficient_sigma;
        assert_eq!(wide, Some(0.1));
        // 1.2 · 1.03 · 1.05, against the usual 1.1 · 1.03 · 1.05.
        assert!((uncertainty_of(wide) - 0.2978).abs() < 1e-9 && (uncertainty_of(Some(0.05)) - 0.19).abs() < 1e-3);
        assert_eq!(uncertainty_of(None), 0.19);
        let errors = read("coefficient_sigma = 2.0\n").expect_err("no share");
        assert!(errors[0].line == 4 && errors[0].to_string().contains("0 to 0.5"), "{}", errors[0]);
    }

    #[test]
    fn impossible_coefficients_are_refused() {
        let text = TEXT.replace("2000.0", "-2000.0");
        let errors = read_material(FileText { name: "m.toml", text: &text }, &section(None)).expect_err("negative");
        assert_eq!((errors[0].code, errors[0].line), ("material::range", 6));
    }
}

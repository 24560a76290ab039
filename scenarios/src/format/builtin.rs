/// Data that is part of the binary, and can be replaced by a path wherever its name is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Builtin {
    /// A machine description.
    Machine,
    /// A material.
    Material,
    /// A case: a scenario with the files it names.
    Case,
}

macro_rules! data {
    ($($name:literal => $path:literal),* $(,)?) => {
        &[$(($name, include_bytes!(concat!("../../", $path)).as_slice())),*]
    };
}

const MACHINES: &[(&str, &[u8])] = data! {
    "generic-vmc" => "data/machines/generic-vmc.toml",
    "hurco-02" => "data/machines/hurco-02.toml",
    "hurco-04" => "data/machines/hurco-04.toml",
};

const MATERIALS: &[(&str, &[u8])] = data! {
    "6061-T6" => "data/materials/6061-t6.toml",
    "7050-T7451" => "data/materials/7050-t7451.toml",
    "C45E" => "data/materials/c45e.toml",
    "42CrMo4" => "data/materials/42crmo4.toml",
    "X5CrNi18-10" => "data/materials/x5crni18-10.toml",
    "GJL-250" => "data/materials/gjl-250.toml",
    "Ti6Al4V" => "data/materials/ti6al4v.toml",
    "St37" => "data/materials/st37.toml",
    "St50-2" => "data/materials/st50-2.toml",
    "St60-2" => "data/materials/st60-2.toml",
    "St70-2" => "data/materials/st70-2.toml",
    "16MnCr5" => "data/materials/16mncr5.toml",
    "AlSi-cast" => "data/materials/alsi-cast.toml",
};

/// Files of the built-in cases, by `case/file`.
const CASES: &[(&str, &[u8])] = data! {
    "demo/scenario.toml" => "cases/demo/scenario.toml",
    "demo/part.nc" => "cases/demo/part.nc",
    "demo/tools.toml" => "cases/demo/tools.toml",
    "slot/scenario.toml" => "cases/slot/scenario.toml",
    "slot/part.nc" => "cases/slot/part.nc",
    "slot/tools.toml" => "cases/slot/tools.toml",
};

impl Builtin {
    const fn table(self) -> &'static [(&'static str, &'static [u8])] {
        match self {
            Self::Machine => MACHINES,
            Self::Material => MATERIALS,
            Self::Case => CASES,
        }
    }

    /// The bytes of a built-in, by name.
    pub fn find(self, name: &str) -> Option<&'static [u8]> {
        self.table().iter().find(|(known, _)| *known == name).map(|(_, bytes)| *bytes)
    }
}

/// The names of a kind of built-in data.
pub fn builtin_names(kind: Builtin) -> Vec<&'static str> {
    kind.table().iter().map(|(name, _)| *name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::cutting::CuttingLaw;
    use shared::files::{FileText, MaterialSection, read_material};

    /// PROCESS.md section 1: k_c1.1 in N/mm² and m_c by name; the mechanistic law is checked with its reference cuts.
    #[test]
    fn materials_are_those_of_the_tables() {
        let expected = [
            ("6061-T6", 700.0, 0.25),
            ("St37", 1780.0, 0.17),
            ("St50-2", 1990.0, 0.26),
            ("St60-2", 2110.0, 0.17),
            ("St70-2", 2260.0, 0.30),
            ("C45E", 2220.0, 0.14),
            ("42CrMo4", 2500.0, 0.26),
            ("16MnCr5", 2100.0, 0.26),
            ("X5CrNi18-10", 2350.0, 0.21),
            ("GJL-250", 1160.0, 0.26),
            ("Ti6Al4V", 1400.0, 0.22),
            ("AlSi-cast", 700.0, 0.25),
        ];
        for (name, k_c11, m_c) in expected {
            let bytes = Builtin::Material.find(name).expect("a built-in");
            let text = std::str::from_utf8(bytes).expect("UTF-8");
            let section = MaterialSection { name: name.to_owned(), kc1_1: None, mc: None };
            let material = read_material(FileText { name, text }, &section).expect("a sound file");
            assert!(!material.source.is_empty() && material.name == name);
            match material.law {
                CuttingLaw::Kienzle { k_c11: found, m_c: exponent, .. } => {
                    assert_eq!((found.as_n_mm2(), exponent), (k_c11, m_c), "{name}");
                }
                CuttingLaw::Mechanistic { .. } => panic!("{name} is in the tables of Kienzle"),
            }
        }
        assert_eq!(builtin_names(Builtin::Material).len(), expected.len() + 1, "one is mechanistic");
    }
}

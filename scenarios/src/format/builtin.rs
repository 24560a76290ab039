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

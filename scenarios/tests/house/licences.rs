use std::collections::BTreeSet;
use std::process::Command;

use super::tree::root;

/// Licences that allow shipping a proprietary appliance. EPL-2.0 stands beside Apache-2.0 in Zenoh: the latter is taken.
const ALLOWED: [&str; 13] = [
    "MIT",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Zlib",
    "CC0-1.0",
    "Unicode-3.0",
    "0BSD",
    "BSL-1.0",
    "Unlicense",
    "CDLA-Permissive-2.0",
];

/// Packages with another licence, looked at one by one. MPL-2.0 asks only that changes to its own files be published,
/// and `option-ext` (under Zenoh's configuration) is linked unchanged.
const LOOKED_AT: [(&str, &str); 1] = [("option-ext", "MPL-2.0")];

/// True if the expression can be met with allowed licences alone.
fn allowed(expression: &str) -> bool {
    let any_of =
        |alternatives: &str| alternatives.split(" OR ").any(|one| ALLOWED.contains(&one.trim_matches(['(', ')', ' '])));
    expression.replace('/', " OR ").split(" AND ").all(any_of)
}

#[test]
fn every_dependency_may_be_shipped() {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked"])
        .current_dir(root())
        .output()
        .expect("cargo runs, since it runs this test");
    assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON");
    let mut refused = BTreeSet::new();
    let packages = metadata["packages"].as_array().expect("a list of packages");
    for package in packages.iter().filter(|package| !package["source"].is_null()) {
        let licence = package["license"].as_str().unwrap_or("none stated");
        let name = package["name"].as_str().unwrap_or_default();
        if !allowed(licence) && !LOOKED_AT.contains(&(name, licence)) {
            refused.insert(format!("{} {}: {licence}", package["name"], package["version"]));
        }
    }
    assert!(packages.len() > 50, "only {} packages were seen", packages.len());
    assert!(refused.is_empty(), "licences to look at: {refused:#?}");
}

#[test]
fn licence_expressions_are_understood() {
    assert!(
        allowed("MIT OR Apache-2.0") && allowed("MIT/Apache-2.0") && allowed("(MIT OR Apache-2.0) AND Unicode-3.0")
    );
    assert!(!allowed("GPL-3.0") && !allowed("MIT AND LGPL-2.1"));
}

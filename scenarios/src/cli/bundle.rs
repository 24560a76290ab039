use super::simulate::{prepare, write_file};
use super::{BundleArgs, EXIT_INFRASTRUCTURE, EXIT_PASS, bad_input, draw};
use crate::format::Scenario;

/// Packs a job that compiles; one that does not is refused here and not at the machine.
pub(super) fn command(args: &BundleArgs) -> u8 {
    let scenario = match Scenario::load(&args.scenario, 1.0) {
        Ok(scenario) => scenario,
        Err(error) => return bad_input(&error),
    };
    let prepared = match prepare(scenario.sources, Vec::new()) {
        Ok(prepared) => prepared,
        Err(code) => return code,
    };
    let bytes = prepared.sources.to_bytes();
    match write_file(&args.out, &mut |out| out.write_all(&bytes)) {
        Ok(()) => {
            let context = prepared.job.context.0.short();
            draw::line(&format!("{}: {} bytes, context {context}", args.out.display(), bytes.len()));
            EXIT_PASS
        }
        Err(message) => {
            draw::line(&message);
            EXIT_INFRASTRUCTURE
        }
    }
}

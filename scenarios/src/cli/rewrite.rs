//! `cosim rewrite`: a plan written into the F words of its program.

use std::io::Write;
use std::path::Path;

use shared::program::{NoSubprograms, Options, RewriteError, digest, rewrite};

use super::simulate::write_file;
use super::{EXIT_INFRASTRUCTURE, EXIT_PASS, RewriteArgs, bad_input, draw};
use crate::format::{PlanFile, read_file};

pub(super) fn command(args: &RewriteArgs) -> u8 {
    let name = args.program.display().to_string();
    let text = match read_file(&args.program, &name) {
        Ok(text) => text,
        Err(error) => return bad_input(&error),
    };
    let plan_name = args.plan.display().to_string();
    let plan = match read_file(&args.plan, &plan_name) {
        Ok(bytes) => PlanFile::parse(&String::from_utf8_lossy(&bytes)),
        Err(error) => return bad_input(&error),
    };
    let plan = match plan {
        Ok(plan) => plan,
        Err(message) => {
            return draw::message(&format!("{plan_name}: {message}; write it with `cosim simulate --plan`"));
        }
    };
    let found = digest(&text, &[], &NoSubprograms).0.to_string();
    if found != plan.program_digest {
        return draw::message(&format!(
            "{plan_name} is the plan of {} with the digest {}, {name} has {found}; simulate this program again",
            plan.program, plan.program_digest
        ));
    }
    // Lengths of tools move no F word: without a table each has one.
    let options = Options::without_machine(args.dialect);
    match rewrite(&name, &text, &NoSubprograms, &options, &plan.factors()) {
        Ok(rewritten) => {
            for line in &rewritten.fixed {
                draw::line(&format!("{name}:{line}: the F word was an expression and is a number now"));
            }
            let (changed, added) = (rewritten.changed.len() + rewritten.fixed.len(), rewritten.added.len());
            draw::line(&format!("{changed} F words changed, {added} added"));
            let path = args.out.as_deref().unwrap_or(Path::new("-"));
            match write_file(path, &mut |out: &mut dyn Write| out.write_all(&rewritten.text)) {
                Ok(()) => EXIT_PASS,
                Err(message) => {
                    draw::line(&message);
                    EXIT_INFRASTRUCTURE
                }
            }
        }
        Err(RewriteError::Unread(error)) => {
            let texts = String::from_utf8(text).ok().map(|text| (name, text)).into_iter().collect();
            draw::diagnostics(&[*error], &texts);
            super::EXIT_BAD_INPUT
        }
        Err(error) => draw::message(&format!("{name}: {error}; the program is left as it is")),
    }
}

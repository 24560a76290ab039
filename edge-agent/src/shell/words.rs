//! What the agent's reasons mean, in sentences for the person at the machine.

/// What the reason of a status line means and what to do about it; `None` for a reason that is a load that binds.
pub(super) fn meaning(reason: &str) -> Option<&'static str> {
    Some(match reason {
        "not_armed" => "nobody has armed the agent: `edge-agent arm`",
        "operator_off" => "switched off: `edge-agent arm` lets it command again",
        "context_wrong" => {
            "the service read another program, tools or machine: pack the job again, then `edge-agent rearm`"
        }
        "revision_mismatch" => "the controller runs another revision of the program: pack the job again, then rearm",
        "program_differs" => "the controller has loaded other bytes than the job's program: load the job's, then rearm",
        "tool_diameter_differs" => {
            "the tool table has another diameter than the job's tool: correct one of them, then rearm"
        }
        "tool_length_differs" => "the tool's offsets were changed: look at the tool, then rearm",
        "work_offset_differs" => "the work offset is not where the part was simulated: look at the setup, then rearm",
        "g92_differs" => "a G92 shifts the work: take it out (G92.1), then rearm",
        "rotation_differs" => "the work offset is turned: look at the setup, then rearm",
        "effect_too_slow" => {
            "the controller follows a factor too late: shadow only, until rearmed on a quieter machine"
        }
        "controller_stopped" => "the program was stopped: look at the part, then rearm and confirm-stock",
        "forged_messages" => "too many damaged or foreign messages: look at the network and the key, then rearm",
        "collision_ahead" => {
            "the feed is held: the move ahead would touch; look at the setup, then `edge-agent rearm` goes on into it"
        }
        "not_running" => "no program runs",
        "not_automatic" => "jog, manual or single commands",
        "samples_stale" | "samples_lost" => "the controller has not been heard for a while",
        "unlocated" => "the place in the program is not known",
        "refused" => "the service refuses the job",
        "no_session" => "the service is not there: the machine runs on the baseline or as programmed",
        "plan_expired" => "the service is late or gone: the machine runs on the baseline or as programmed",
        "horizon_end" => "the plan does not reach this far: the baseline holds",
        "no_plan_yet" => "the session stands, the first plan has not come yet",
        "recovering" => "plans are fresh again and are trusted fully in a moment",
        "stock_unconfirmed" => "the stock may not be as simulated: look at it, then `edge-agent confirm-stock`",
        "factor_disabled" => {
            "the controller does not obey the factor here (M52 P0, M50 P0, threading, or switched off)"
        }
        "handoff_late" => "an answer of the service is overdue; the plan is still good",
        "first_part" => "first part: only below the baseline",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guard::RULES;

    #[test]
    fn every_condition_is_explained() {
        for rule in &RULES {
            assert!(meaning(rule.condition.name()).is_some(), "{}", rule.condition.name());
        }
        assert_eq!(meaning("force"), None);
    }
}

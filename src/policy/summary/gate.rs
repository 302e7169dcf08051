//! What a gate wants, from whom, and who may set it aside.

use super::Summary;
use crate::policy::rules::{list, span, without_attempt};
use crate::policy::{
    ApprovalRule, BreakGlass, Elsewhere, Gate, Hat, Pipeline, Policy, Reach, Rule, Severity, Soak, WaiverRule,
};

pub fn tell(policy: &Policy, pipeline: &Pipeline, gate: &Gate, all: &mut Summary) {
    let Gate {
        id,
        name: shown,
        labels,
        requires,
        requires_elsewhere,
        rules,
        groups: _, // told by what they need, as evidence and approvals are
        soaks,
        approvals,
        distinct,
        waiver,
        break_glass,
        recheck_policy,
        span: _,
    } = gate;
    let name = format!("{}/{id}", pipeline.id);
    if shown != id {
        all.say(format!("{name} is called"), shown);
    }
    labels.iter().for_each(|(language, label)| all.say(format!("{name} is called in {language}"), label));
    let here = requires.iter().map(ToString::to_string);
    let required: Vec<String> = here.chain(requires_elsewhere.iter().map(of_elsewhere)).collect();
    let required = if required.is_empty() { "no gate before it".to_owned() } else { required.join(", ") };
    all.say(format!("{name} requires"), required);
    all.order(format!("{name} rules"), rules.iter().map(|rule| &rule.id));
    all.order(format!("{name} approvals"), approvals.iter().map(|approval| &approval.id));
    for outcome in without_attempt(policy, gate) {
        outcome.parts.into_iter().for_each(|part| all.say(format!("{name} {}", part.id), part.need));
        all.say(format!("{name} {}", outcome.id), outcome.need);
    }
    rules.iter().for_each(|rule| of_rule(&name, rule, all));
    for Soak { id, since, least, span: _ } in soaks {
        all.say(format!("{name} {id}"), format!("{} since {since}", span(*least)));
    }
    approvals.iter().for_each(|approval| of_approval(&name, approval, all));
    if *distinct {
        all.say(format!("{name} people"), "each approval wants people of its own");
    }
    if *recheck_policy {
        all.say(format!("{name} recheck"), "a change of policy lapses approvals given under the old one");
    }
    all.say_any(format!("{name} waivers"), waiver.as_ref().map(of_waiver));
    if let Some(BreakGlass { waiver, reviewers, review_within }) = break_glass {
        let review = format!("reviewed by {} within {}", list(reviewers, " or "), span(*review_within));
        all.say(format!("{name} broken glass"), format!("{}, {review}", of_waiver(waiver)));
    }
}

fn of_elsewhere(required: &Elsewhere) -> String {
    let Elsewhere { pipeline: _, gate: _, any_release, within, span: _ } = required;
    let which = if *any_release { " of some release" } else { "" };
    let age = within.map(|within| format!(" within {}", span(within))).unwrap_or_default();
    format!("{}{which}{age}", required.full_name())
}

/// What does not stand in a rule's need: how its evidence is read, and how much of it is wanted.
fn of_rule(gate: &str, rule: &Rule, all: &mut Summary) {
    let Rule {
        id,
        slot: _,
        formats: _,
        file: _,
        files: _,
        values,
        template,
        section: _,
        expect: _,
        by: _,
        within: _,
        reach,
        artifacts,
        changed_since: _,
        links_gates: _,
        after: _,
        window,
        when_changed: _,
        unless: _,
        agrees: _,
        span: _,
    } = rule;
    let name = format!("{gate} {id}");
    values.iter().for_each(|(fact, place)| all.say(format!("{name} value {fact}"), place));
    all.say_any(format!("{name} template"), template.as_ref());
    if *reach == Reach::Release {
        all.say(format!("{name} reach"), "evidence of any attempt of the release counts");
    }
    all.say_any(format!("{name} artifacts"), artifacts.map(|check| format!("{check:?}").to_lowercase()));
    let samples = window.as_ref().filter(|window| window.samples > 1).map(|window| window.samples);
    all.say_any(format!("{name} samples"), samples);
}

/// What does not stand in its need.
fn of_approval(gate: &str, approval: &ApprovalRule, all: &mut Summary) {
    let ApprovalRule { id, roles: _, count: _, forbid, interactive: _, phrase, within: _, span: _ } = approval;
    let forbidden = |(hat, severity): &(Hat, Severity)| {
        let severity = match severity {
            Severity::Deny => "deny",
            Severity::Warn => "warn",
        };
        format!("{hat} {severity}")
    };
    let forbid: Vec<String> = forbid.iter().map(forbidden).collect();
    all.say_any(format!("{gate} {id} forbids"), (!forbid.is_empty()).then(|| forbid.join(", ")));
    all.say_any(format!("{gate} {id} phrase"), phrase.as_ref());
}

fn of_waiver(waiver: &WaiverRule) -> String {
    let WaiverRule { roles, longest, rules, span: _ } = waiver;
    let rules = if rules.is_empty() { "any rule".to_owned() } else { list(rules, ", ") };
    format!("{rules} by {} for at most {}", list(roles, " or "), span(*longest))
}

//! Rules that wait for what waits for them: a window that opens with a gate after their own, two that come each
//! after the other.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::findings::Findings;
use crate::id::Name;
use crate::policy::circles::{Waits, stuck, waits_for};
use crate::policy::{Earlier, Gate, Pipeline, Policy, Rule};

/// A gate, or a rule, group or soak of it.
type Node<'p> = (&'p Name, &'p Name, Option<&'p Name>);

pub fn check(policy: &Policy, findings: &mut Findings) {
    let mut waiting = BTreeMap::new();
    for (pipeline, gate) in policy.gates() {
        waiting.insert((&pipeline.id, &gate.id, None), of_gate(pipeline, gate));
        waiting.extend(parts(pipeline, gate).map(|(id, _, waits)| ((&pipeline.id, &gate.id, Some(id)), waits)));
    }
    let never = stuck(&waiting);
    let mut told: BTreeSet<(usize, usize)> = BTreeSet::new();
    for (pipeline, gate) in policy.gates() {
        for (id, span, waits) in parts(pipeline, gate) {
            let own = (&pipeline.id, &gate.id, Some(id));
            let circular = |for_what: &&Node<'_>| waits_for(&waiting, &never, **for_what, own);
            let Some(other) = waits.of.iter().filter(|_| never.contains(&own)).find(circular) else { continue };
            // A rule for several targets is one table.
            if told.insert((span.start, span.end)) {
                let (message, help) = told_of(gate, id, other);
                findings.add_help(span.clone(), message, help);
            }
        }
    }
}

fn told_of(gate: &Gate, id: &Name, other: &Node<'_>) -> (String, String) {
    let before = format!("name a gate that comes before `{}`", gate.id);
    match other {
        (_, of, None) if **of == gate.id => {
            (format!("gate `{of}`: `{id}` waits until `{of}` is promoted, and that waits for `{id}`"), before)
        }
        (_, of, None) => (format!("gate `{}`: `{id}` waits for gate `{of}`, which waits for it", gate.id), before),
        (_, _, Some(rule)) => (
            format!("gate `{}`: `{id}` comes after `{rule}`, and `{rule}` after `{id}`", gate.id),
            "leave one of the two `after` out".to_owned(),
        ),
    }
}

fn of_gate<'p>(pipeline: &'p Pipeline, gate: &'p Gate) -> Waits<Node<'p>> {
    let here = gate.requires.iter().map(|required| (&pipeline.id, required, None));
    let elsewhere = gate.requires_elsewhere.iter().map(|required| (&required.pipeline, &required.gate, None));
    let grouped = |id: &Name| gate.group_of(id).is_some();
    let own = parts(pipeline, gate).filter(|(id, ..)| !grouped(id));
    Waits::all(here.chain(elsewhere).chain(own.map(|(id, ..)| (&pipeline.id, &gate.id, Some(id)))).collect())
}

/// Everything of a gate that can wait for something.
fn parts<'p>(
    pipeline: &'p Pipeline,
    gate: &'p Gate,
) -> impl Iterator<Item = (&'p Name, &'p Range<usize>, Waits<Node<'p>>)> {
    let at = |id: &'p Name| (&pipeline.id, &gate.id, Some(id));
    let rules = gate.rules.iter().map(move |rule| (&rule.id, &rule.span, of_rule(pipeline, gate, rule)));
    let groups = gate.groups.iter().map(move |group| {
        let least = usize::try_from(group.at_least).unwrap_or(usize::MAX);
        (&group.id, &group.span, Waits { least, of: group.members.iter().map(at).collect() })
    });
    let soaks = gate.soaks.iter().map(|soak| {
        let since = BTreeSet::from([(&pipeline.id, &soak.since, None)]);
        (&soak.id, &soak.span, Waits::all(since))
    });
    rules.chain(groups).chain(soaks)
}

fn of_rule<'p>(pipeline: &'p Pipeline, gate: &'p Gate, rule: &'p Rule) -> Waits<Node<'p>> {
    let gates = rule.changed_since.iter().chain(rule.window.as_ref().map(|window| &window.since));
    let gates = gates.map(|name| (&pipeline.id, name, None));
    let earlier = rule.after.iter().map(|earlier| match earlier {
        Earlier::Gate(name) => (&pipeline.id, name, None),
        Earlier::Rule(name) => (&pipeline.id, &gate.id, Some(name)),
    });
    Waits::all(gates.chain(earlier).collect())
}

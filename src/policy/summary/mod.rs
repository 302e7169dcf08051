//! A policy in sentences, one for each thing it says, and what another policy says differently.
//!
//! Every struct is taken apart field by field, so that a new one is not forgotten here.

mod gate;
mod people;
mod response;

use std::collections::BTreeMap;

use super::keeping::Keeping;
use super::rules::list;
use super::{ArtifactTemplate, Bind, Pipeline, Policy};
use crate::id::Name;
pub use people::differences as of_people;

/// What becomes of each thing: `+` is new, `-` is gone, `~` says something else now.
pub fn differences(before: &Policy, after: &Policy) -> Vec<String> {
    let (old, new) = (Summary::of(before), Summary::of(after));
    let mut lines = Vec::new();
    for (what, said) in &new.sentences {
        match old.sentences.get(what) {
            None => lines.push(format!("+ {what}: {said}")),
            Some(earlier) if earlier != said => {
                lines.push(format!("~ {what}: {said}"));
                lines.push(format!("    before: {earlier}"));
            }
            Some(_) => {}
        }
    }
    let gone = old.sentences.iter().filter(|(what, _)| !new.sentences.contains_key(*what));
    lines.extend(gone.map(|(what, said)| format!("- {what}: {said}")));
    for (what, names) in &new.orders {
        let Some(earlier) = old.orders.get(what) else { continue };
        let both = |names: &[Name], other: &[Name]| -> Vec<Name> {
            names.iter().filter(|name| other.contains(name)).cloned().collect()
        };
        let (one, other) = (both(earlier, names), both(names, earlier));
        if one != other {
            lines.push(format!("~ {what}: in the order {}", list(&other, ", ")));
            lines.push(format!("    before: {}", list(&one, ", ")));
        }
    }
    lines
}

/// Everything a policy says but who the people are.
#[derive(Default)]
struct Summary {
    sentences: BTreeMap<String, String>,
    /// Things that stand in an order of their own.
    orders: BTreeMap<String, Vec<Name>>,
}

impl Summary {
    fn of(policy: &Policy) -> Self {
        // Of people and keys speaks `of_people`.
        let Policy { roster, zone, link, keeping, pipelines } = policy;
        let mut all = Self::default();
        all.say("ledger", roster.origin.as_str());
        all.say("time zone", zone.name());
        all.say_any("link", link.as_ref());
        let Keeping { inline, store, external_facts } = keeping;
        all.say("files kept in the ledger", format!("up to {} KiB", inline >> 10));
        all.say_any("larger files go to", store.as_ref());
        if *external_facts {
            all.say("facts of files outside the ledger", "count");
        }
        pipelines.iter().for_each(|pipeline| of_pipeline(policy, pipeline, &mut all));
        all
    }

    /// Two things of one name are told one after the other.
    fn say(&mut self, what: impl Into<String>, said: impl ToString) {
        let said = said.to_string();
        self.sentences.entry(what.into()).and_modify(|known| *known = format!("{known}; {said}")).or_insert(said);
    }

    fn say_any(&mut self, what: impl Into<String>, said: Option<impl ToString>) {
        if let Some(said) = said {
            self.say(what, said);
        }
    }

    fn order<'n>(&mut self, what: impl Into<String>, names: impl Iterator<Item = &'n Name>) {
        self.orders.insert(what.into(), names.cloned().collect());
    }
}

fn of_pipeline(policy: &Policy, pipeline: &Pipeline, all: &mut Summary) {
    let Pipeline { id, folder, bind, artifacts, documents, gates, freezes, triggers, rollbacks, sync } = pipeline;
    all.say(format!("{id} folder"), folder);
    let bound = match bind {
        Bind::Commit => "commit",
        Bind::Tree => "tree",
    };
    all.say(format!("{id} is bound to"), bound);
    for ArtifactTemplate { name, path } in artifacts {
        all.say(format!("{id} artifact {name}"), path);
    }
    documents.iter().for_each(|(name, path)| all.say(format!("{id} document {name}"), path));
    all.order(format!("{id} gates"), gates.iter().map(|gate| &gate.id));
    gates.iter().for_each(|gate| gate::tell(policy, pipeline, gate, all));
    freezes.iter().for_each(|freeze| response::of_freeze(id, freeze, all));
    triggers.iter().for_each(|trigger| response::of_trigger(id, trigger, all));
    rollbacks.iter().enumerate().for_each(|(at, option)| response::of_rollback(id, at, option, all));
    sync.iter().for_each(|mirror| response::of_mirror(id, mirror, all));
}

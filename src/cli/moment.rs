//! For when a question is asked: now, or as of an entry.
//!
//! As of an entry the ledger ends with it, its policy is in force, it is the time of its commit, and the work
//! tree, which has changed since, is not looked at. So the answer is the same for ever.

use super::args::text;
use super::context::{Context, policy_at};
use super::entries::Entries;
use super::failure::Failure;
use super::load::{Loaded, fetch};
use super::select::Question;
use super::target;
use crate::chain::View;
use crate::id::{Timestamp, Version};
use crate::policy::decision::Decision;
use crate::policy::{Evaluator, Observed, Policy};

/// The flag of commands that can be asked about the past.
#[derive(Debug, Clone, clap::Args)]
pub struct AsOf {
    /// As it was with this entry (number or beginning of its id), at its time and under its policy
    #[arg(long, value_name = "ENTRY", value_parser = text())]
    as_of: Option<String>,
}

/// How much of the ledger is looked at, and what time it is.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    pub size: u64,
    pub now: Timestamp,
    /// An entry was named: the work tree says nothing about it.
    pub is_past: bool,
}

impl AsOf {
    pub const fn is_given(&self) -> bool {
        self.as_of.is_some()
    }

    /// The moment meant, with the statements of the releases at hand that were newest then.
    pub fn moment(&self, context: &mut Context<'_>, loaded: &mut Loaded) -> Result<Moment, Failure> {
        let Some(text) = &self.as_of else {
            return Ok(Moment::present(context, loaded));
        };
        let number = target::find(&loaded.ledger, text)?;
        let now = Entries::new(loaded).entry(number)?.committed_at();
        let moment = Moment { size: number.0 + 1, now, is_past: true };
        let releases = newest(loaded, moment.size)?;
        fetch(&loaded.store, &loaded.tip, &mut loaded.ledger, &releases)?;
        if !context.printer.json {
            context
                .printer
                .talk(format!("note: as of entry {number}, {now}: later entries and the work tree do not count"));
        }
        Ok(moment)
    }
}

/// The release of each pipeline that was opened last.
fn newest(loaded: &Loaded, size: u64) -> Result<Vec<Version>, Failure> {
    let evaluator = Evaluator::new(&loaded.ledger);
    let view = loaded.ledger.as_of(size);
    let pipelines = &policy_at(&evaluator, size)?.pipelines;
    Ok(pipelines.iter().filter_map(|pipeline| view.releases(&pipeline.id).pop()).collect())
}

impl Moment {
    pub fn present(context: &Context<'_>, loaded: &Loaded) -> Self {
        Self { size: loaded.ledger.size(), now: context.world().now(), is_past: false }
    }

    pub fn view<'l>(&self, loaded: &'l Loaded) -> View<'l> {
        loaded.ledger.as_of(self.size)
    }

    /// The policy in force then.
    pub fn policy<'e>(&self, evaluator: &'e Evaluator<'_>) -> Result<&'e Policy, Failure> {
        policy_at(evaluator, self.size)
    }

    /// What the work tree holds of the documents a gate names.
    pub fn observe(
        &self,
        context: &Context<'_>,
        loaded: &Loaded,
        question: &Question<'_>,
    ) -> Result<Observed, Failure> {
        if self.is_past { Ok(Observed::new()) } else { question.observe(context, &loaded.store) }
    }

    /// The answer then.
    pub fn decide(
        &self,
        context: &Context<'_>,
        loaded: &Loaded,
        evaluator: &Evaluator<'_>,
        question: &Question<'_>,
    ) -> Result<Decision, Failure> {
        let observed = self.observe(context, loaded, question)?;
        Ok(evaluator.decide(&question.ask(self.size, self.now, &observed)))
    }
}

//! Protected branches: each moves on only to a commit whose gate is promoted and still open.

use super::{Update, refused};
use crate::chain::VerifiedLedger;
use crate::cli::board;
use crate::cli::context::{Context, current_policy};
use crate::cli::failure::Failure;
use crate::cli::load::{Loaded, RELEASES, fetch};
use crate::cli::select;
use crate::id::{Version, fold};
use crate::policy::decision::Decision;
use crate::policy::evaluate::shell;
use crate::policy::{Ask, Bind, Evaluator, Gate, Observed, Pipeline, Verdict};
use crate::store::git::{GitStore, SourceCommit};

/// The setting that protects branches, as often as there are any: `main=stage9/ga`.
pub const SETTING: &str = "ledger.protect";

/// A branch, and the gate a commit must have passed to be on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Protected {
    pub branch: String,
    pub gate: String,
}

impl Protected {
    /// Reads `main=stage9/ga`, or `main=ga` where one pipeline has that gate.
    pub fn parse(text: &str) -> Option<Self> {
        let (branch, gate) = text.split_once('=')?;
        let branch = branch.strip_prefix("refs/heads/").unwrap_or(branch);
        let is_word = |word: &str| !word.is_empty() && !word.contains(|c: char| c.is_whitespace() || c.is_control());
        (is_word(branch) && is_word(gate)).then(|| Self { branch: branch.to_owned(), gate: gate.to_owned() })
    }

    fn is_about(&self, name: &str) -> bool {
        name.strip_prefix("refs/heads/").is_some_and(|branch| fold(branch) == fold(&self.branch))
    }
}

/// The updates of protected branches, each with what protects it. A setting nobody can read protects
/// who knows what, so nothing passes.
pub fn asked<'u>(store: &GitStore, updates: &'u [Update]) -> Result<Vec<(&'u Update, Protected)>, Failure> {
    let mut protected = Vec::new();
    for text in store.settings(SETTING)? {
        let one = Protected::parse(&text).ok_or_else(|| {
            Failure::unknown(format!("the server's setting {SETTING} = {text:?} names no branch and gate"))
                .hint("whoever keeps the server: git config --edit, as in main=stage9/ga")
        })?;
        protected
            .extend(updates.iter().filter(|update| one.is_about(&update.name)).map(|update| (update, one.clone())));
    }
    Ok(protected)
}

/// Lets a protected branch move, or says what is missing.
pub fn judge(
    context: &mut Context<'_>,
    loaded: &mut Loaded,
    update: &Update,
    protected: &Protected,
) -> Result<(), Failure> {
    let judged = moves_on(loaded, update).and_then(|source| passed(context, loaded, &source, protected));
    if judged.is_err() {
        refused(&mut context.printer, update);
    }
    judged
}

fn moves_on(loaded: &Loaded, update: &Update) -> Result<SourceCommit, Failure> {
    let Some(new) = &update.new else { return Err(Failure::no("a protected branch is not deleted")) };
    let goes_on = update.old.as_ref().is_none_or(|old| old == new || loaded.store.contains(new, old));
    if !goes_on {
        return Err(Failure::no("a protected branch only moves on: this push would take commits from it")
            .hint("git fetch origin, merge or rebase, and push without force"));
    }
    Ok(loaded.store.source(new.as_str())?)
}

/// A release with an attempt for this source, whose gate is promoted and still open.
fn passed(
    context: &mut Context<'_>,
    loaded: &mut Loaded,
    source: &SourceCommit,
    protected: &Protected,
) -> Result<(), Failure> {
    let mut nearest: Option<Decision> = None;
    for releases in newest_first(&loaded.ledger, protected)?.chunks(RELEASES) {
        fetch(&loaded.store, &loaded.tip, &mut loaded.ledger, releases)?;
        let evaluator = Evaluator::new(&loaded.ledger);
        let (pipeline, gate) = gate(&evaluator, protected)?;
        for release in releases.iter().filter(|release| is_for(&loaded.ledger, pipeline, gate, release, source)) {
            let decision = decide(context, &evaluator, (pipeline, gate), release, source);
            if decision.verdict() == Verdict::Open && decision.promoted.is_some() {
                return context.refuse_lies(loaded, &evaluator);
            }
            nearest.get_or_insert(decision);
        }
        loaded.ledger.unload();
    }
    Err(refuse(context, nearest.as_ref(), source, protected))
}

fn decide(
    context: &Context<'_>,
    evaluator: &Evaluator<'_>,
    (pipeline, gate): (&Pipeline, &Gate),
    release: &Version,
    source: &SourceCommit,
) -> Decision {
    evaluator.decide(&Ask {
        pipeline: &pipeline.id,
        gate: &gate.id,
        release,
        size: evaluator.ledger().size(),
        now: context.world().now(),
        // A server has no work tree to look at.
        observed: &Observed::new(),
        source: Some((&source.commit, &source.tree)),
    })
}

fn newest_first(ledger: &VerifiedLedger, protected: &Protected) -> Result<Vec<Version>, Failure> {
    let evaluator = Evaluator::new(ledger);
    let (pipeline, _) = gate(&evaluator, protected)?;
    let mut releases = ledger.view().releases(&pipeline.id);
    releases.reverse();
    Ok(releases)
}

fn gate<'e>(evaluator: &'e Evaluator<'_>, protected: &Protected) -> Result<(&'e Pipeline, &'e Gate), Failure> {
    let Protected { branch, gate } = protected;
    select::gate(current_policy(evaluator)?, gate).map_err(|failure| {
        let message = format!("{branch} is protected by the gate {gate}: {}", failure.message);
        failure.hints.into_iter().fold(Failure::unknown(message), Failure::hint)
    })
}

fn is_for(ledger: &VerifiedLedger, pipeline: &Pipeline, gate: &Gate, release: &Version, source: &SourceCommit) -> bool {
    let attempt = ledger.view().latest(&pipeline.id, &gate.id, release);
    attempt.is_some_and(|attempt| match pipeline.bind {
        Bind::Commit => attempt.open.source.commit == source.commit,
        Bind::Tree => attempt.open.source.tree == source.tree,
    })
}

fn refuse(
    context: &mut Context<'_>,
    nearest: Option<&Decision>,
    source: &SourceCommit,
    protected: &Protected,
) -> Failure {
    let Protected { branch, gate } = protected;
    let commit = &source.commit;
    // Whatever the branch is called where it comes from, this very commit is what was judged.
    let push = format!("git push --atomic origin refs/heads/evidence {commit}:{branch}");
    let Some(decision) = nearest else {
        return Failure::no(format!(
            "{branch} takes what has passed {gate}, and no release was opened there for commit {commit}"
        ))
        .hint(format!("ledger open {} --release VERSION --commit {commit}", gate.rsplit('/').next().unwrap_or(gate)))
        .hint(format!("when it is promoted: {push}"));
    };
    let printer = &mut context.printer;
    let heading = board::heading(printer, decision, Some(commit.as_str()));
    printer.talk(heading);
    board::rules(printer, decision).into_iter().for_each(|line| printer.talk(line));
    let release = shell(decision.release.as_str());
    let why = match decision.verdict() {
        Verdict::Open => "is open and not promoted yet".to_owned(),
        Verdict::Closed => format!("is closed: {}", board::tally(decision)),
    };
    Failure::no(format!("{branch} takes what has passed {gate}, which {why} for {release}"))
        .hint(board::next_command(decision))
        .hint(format!("then: ledger promote {} --release {release} && {push}", decision.gate))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_branch_and_a_gate_protect() {
        let main = Protected { branch: "main".to_owned(), gate: "stage9/ga".to_owned() };
        for text in ["main=stage9/ga", "refs/heads/main=stage9/ga"] {
            assert_eq!(Protected::parse(text), Some(main.clone()));
        }
        assert!(main.is_about("refs/heads/main") && main.is_about("refs/heads/MAIN"));
        assert!(!main.is_about("refs/tags/main") && !main.is_about("refs/heads/x/main"));
        for bad in ["", "main", "main=", "=ga", " =ga", "main = ga", "main=ga\n"] {
            assert_eq!(Protected::parse(bad), None, "{bad:?}");
        }
    }
}

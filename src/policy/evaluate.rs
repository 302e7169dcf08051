//! `(gate, ledger, release, now) -> Decision`: pure, total, the same inputs always the same answer.
//!
//! A recorded promotion is a claim. Whoever relies on one (a later gate, a report, an auditor) has
//! its gate evaluated again, on the ledger and under the policy as they were then.

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::decision::{AttemptSummary, Decision, RuleKind, RuleOutcome, RuleState, Verdict};
use super::rules::{self, Case, Going, Standing, Unshown};
use super::{ApprovalRule, Bind, Gate, Pipeline, Policy, parse};
use crate::chain::view::{Attempt, PolicyInForce};
use crate::chain::{VerifiedEntry, VerifiedLedger, View, Void};
use crate::entry::kinds::{AttemptKey, DeclaredArtifact, Kind, Predicate, Trigger, TriggerClass};
use crate::evidence::readers::BESIDE;
use crate::id::{Digest, EntryId, EntryNumber, Name, ObjectId, PersonId, Timestamp, Version};
use crate::sign::People;
use crate::sign::roster::Person;

/// Digests a document of the work tree has, under each line ending it may have been recorded with.
/// Looking can only close a gate: what is not there says nothing.
pub type Observed = BTreeMap<String, Vec<Digest>>;

/// What is asked, and when.
#[derive(Debug, Clone)]
pub struct Ask<'a> {
    pub pipeline: &'a Name,
    pub gate: &'a Name,
    pub release: &'a Version,
    /// Entries of the ledger to decide on.
    pub size: u64,
    pub now: Timestamp,
    pub observed: &'a Observed,
    /// The source that is about to be shipped, where the asker has one in hand.
    pub source: Option<(&'a ObjectId, &'a ObjectId)>,
}

/// What an entry was believed beside what its files bear out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Believed {
    /// Paths of facts that come from its files and something beside them.
    pub facts: BTreeSet<String>,
    /// Documents as they were before anybody filled them in.
    pub templates: BTreeSet<String>,
    /// Of an opening: its word counts only where its commit is at hand. A tree may outlive the commit it was of, and who
    /// wrote that is a claim anyway.
    pub of_commit: bool,
}

/// Answers questions about one verified ledger. Policies are read once, when they are first asked for.
pub struct Evaluator<'l> {
    ledger: &'l VerifiedLedger,
    policies: Vec<(&'l PolicyInForce, OnceCell<Option<Policy>>)>,
    /// Who is who, by how many policies there were.
    people: RefCell<BTreeMap<usize, Rc<People>>>,
    /// Promotions already evaluated again: the past does not change.
    justified: RefCell<BTreeMap<(EntryNumber, u64), bool>>,
    /// Entries whose own word has counted: facts of evidence, what an opening says of the source.
    believed: RefCell<BTreeMap<EntryNumber, Believed>>,
    /// A policy that is tried, as if it were in force after the last entry, and its digest.
    trial: Option<(Policy, Digest)>,
}

impl<'l> Evaluator<'l> {
    pub fn new(ledger: &'l VerifiedLedger) -> Self {
        let policies = ledger.policies().iter().map(|policy| (policy, OnceCell::new())).collect();
        let (people, justified, believed) = Default::default();
        Self { ledger, policies, people, justified, believed, trial: None }
    }

    /// The same, as if another policy were in force now. Nothing it answers was ever decided.
    pub fn under(ledger: &'l VerifiedLedger, trial: Policy, digest: Digest) -> Self {
        Self { trial: Some((trial, digest)), ..Self::new(ledger) }
    }

    pub const fn ledger(&self) -> &'l VerifiedLedger {
        self.ledger
    }

    /// The policy in force after the first `size` entries; `None` when this program cannot read it.
    pub fn policy(&self, size: u64) -> Option<&Policy> {
        if let Some((trial, _)) = self.tried(size) {
            return Some(trial);
        }
        let (text, policy) = self.policies.iter().rev().find(|(policy, _)| policy.entry().0 < size)?;
        policy.get_or_init(|| parse::parse(text.text()).ok()).as_ref()
    }

    fn tried(&self, size: u64) -> Option<&(Policy, Digest)> {
        self.trial.as_ref().filter(|_| size >= self.ledger.size())
    }

    /// The digest of the policy in force in a view, whether or not this program can read it.
    pub(super) fn policy_digest(&self, view: View<'_>) -> Digest {
        let in_force = || view.policy().map_or(Digest::of(b""), |policy| policy.digest());
        self.tried(view.size()).map_or_else(in_force, |(_, digest)| *digest)
    }

    /// Notes that a rule took an entry at its word, and these facts of it, by their paths.
    pub(super) fn believe(&self, entry: EntryNumber, facts: impl IntoIterator<Item = String>) {
        let beside = |path: &String| path.split('.').next().is_some_and(|root| BESIDE.contains(&root));
        self.believed.borrow_mut().entry(entry).or_default().facts.extend(facts.into_iter().filter(beside));
    }

    /// The same of an opening: what it says of its commit, or of the tree alone.
    pub(super) fn believe_opening(&self, entry: EntryNumber, of_commit: bool) {
        self.believed.borrow_mut().entry(entry).or_default().of_commit |= of_commit;
    }

    /// The same for the template that its facts were taken with.
    pub(super) fn believe_template(&self, entry: EntryNumber, path: String) {
        self.believed.borrow_mut().entry(entry).or_default().templates.insert(path);
    }

    /// The entries that were taken at their word since the last time somebody asked, also by the gates that
    /// others rest on: whoever acts on a decision looks whether each word is true.
    pub fn take_believed(&self) -> BTreeMap<EntryNumber, Believed> {
        self.believed.take()
    }

    /// The policies that were in force after one entry and up to another.
    pub(super) fn policies_between(&self, after: EntryNumber, before: EntryNumber) -> impl Iterator<Item = &Policy> {
        let numbers = self.policies.iter().map(|(policy, _)| policy.entry().0);
        let later = numbers.filter(move |number| after.0 < *number && *number < before.0);
        [after.0 + 1].into_iter().chain(later.map(|number| number + 1)).filter_map(|size| self.policy(size))
    }

    /// Whether two ids are one person, by all rosters there were.
    pub fn are_one(&self, one: &PersonId, other: &PersonId) -> bool {
        self.people(self.ledger.view()).are_one(one, other)
    }

    /// Who is who, by all rosters there were up to a view.
    pub(super) fn people(&self, view: View<'_>) -> Rc<People> {
        let known = self.policies.iter().take_while(|(policy, _)| policy.entry().0 < view.size()).count();
        let rosters = || self.policies.iter().take(known).map(|(policy, _)| policy.roster());
        Rc::clone(self.people.borrow_mut().entry(known).or_insert_with(|| Rc::new(People::of(rosters()))))
    }

    pub fn decide(&self, ask: &Ask<'_>) -> Decision {
        let view = self.ledger.as_of(ask.size);
        let mut decision = self.decide_on(view, ask);
        let pipeline = self.policy(view.size()).and_then(|policy| policy.pipeline(ask.pipeline));
        if let Some((pipeline, gate)) = pipeline.and_then(|pipeline| Some((pipeline, pipeline.gate(ask.gate)?))) {
            decision.promoted = self.promotion(view, pipeline, gate, ask.release).map(VerifiedEntry::number);
        }
        decision.is_older = view.releases(ask.pipeline).last().is_some_and(|newest| newest != ask.release);
        decision.name_release();
        decision
    }

    fn decide_on(&self, view: View<'l>, ask: &Ask<'_>) -> Decision {
        let mut decision = Decision {
            pipeline: ask.pipeline.clone(),
            gate: ask.gate.clone(),
            release: ask.release.clone(),
            attempt: None,
            policy: self.policy_digest(view),
            size: view.size(),
            root: view.root(),
            rules: Vec::new(),
            warnings: Vec::new(),
            promoted: None,
            is_older: false,
        };
        let found = self.policy(view.size()).and_then(|policy| {
            let pipeline = policy.pipeline(ask.pipeline)?;
            Some((policy, pipeline, pipeline.gate(ask.gate)?))
        });
        let Some((policy, pipeline, gate)) = found else {
            decision.rules.push(no_gate(ask));
            return decision;
        };
        let Some(attempt) = view.latest(ask.pipeline, ask.gate, ask.release) else {
            let promoted = |gate: &Gate| self.promotion(view, pipeline, gate, ask.release);
            let required = gate.requires.iter().filter_map(|id| pipeline.gate(id));
            decision.rules.extend(required.map(|gate| rules::required(ask.release, gate, promoted(gate))));
            decision.rules.push(not_opened(ask));
            decision.rules.extend(rules::without_attempt(policy, gate));
            return decision;
        };
        decision.attempt = Some(AttemptSummary {
            number: attempt.key.attempt,
            folder: attempt.open.folder.clone(),
            opened: attempt.entry.number(),
        });
        let case = Case { evaluator: self, policy, pipeline, gate, attempt, view, ask };
        decision.rules.extend(source_rule(&case));
        decision.rules.extend(rolled_back(&case));
        decision.rules.extend(taken_back(&case));
        decision.rules.extend(self.misdeclared(attempt));
        rules::evaluate(&case, &mut decision);
        for (entry, void) in view.all_of_attempt(attempt.key) {
            if let (Predicate::Promotion(_), Some(void)) = (entry.predicate(), void) {
                decision.warnings.push(format!("the promotion of entry {} is void: {void}", entry.number()));
            }
        }
        decision
    }

    /// The artifacts a pipeline promised when an attempt was opened.
    pub fn promised(&self, opened: &VerifiedEntry) -> Option<Vec<DeclaredArtifact>> {
        let key = opened.attempt()?;
        Some(self.policy(opened.number().0)?.pipeline(&key.pipeline)?.promised(&key.release))
    }

    /// An attempt that declares other artifacts than its pipeline promised opens nothing.
    fn misdeclared(&self, attempt: Attempt<'_>) -> Option<RuleOutcome> {
        let promised = self.promised(attempt.entry);
        (promised.as_ref() != Some(&attempt.open.artifacts)).then(|| {
            let need = "an attempt that declares the artifacts its pipeline promised";
            let have = format!("entry {} declares {} others", attempt.entry.number(), attempt.open.artifacts.len());
            over(name("artifacts-declared"), need, have, attempt.key)
        })
    }

    /// Whether a person may approve a gate now, by its rule; `None` when gate or attempt is not there.
    pub fn standing(&self, ask: &Ask<'_>, rule: &ApprovalRule, person: &Person) -> Option<Standing> {
        self.case(ask).map(|case| rules::standing(&case, rule, person))
    }

    /// What came out for the evidence in a slot of a gate that was opened.
    pub fn slot(&self, ask: &Ask<'_>, slot: &Name) -> Option<RuleOutcome> {
        rules::of_slot(&self.case(ask)?, slot)
    }

    /// The newest evidence in every slot that is to show that a way back worked, brought after the trigger.
    pub fn validation(&self, going: &Going<'_>) -> Result<Vec<(EntryNumber, EntryId)>, Unshown> {
        rules::validation(self, going)
    }

    /// Triggers of the release that nobody has answered, each with its class; empty where no gate is open.
    pub fn open_triggers(&self, ask: &Ask<'_>) -> Vec<(&'l VerifiedEntry, TriggerClass)> {
        let Some(case) = self.case(ask) else { return Vec::new() };
        let class = |trigger: &Trigger| {
            let rule = case.pipeline.trigger(&trigger.trigger);
            rules::class_of(rule, trigger)
        };
        rules::open_triggers(&case).into_iter().map(|(entry, trigger)| (entry, class(trigger))).collect()
    }

    /// What is owed at a gate, whether or not it closes it yet; empty where it was never opened.
    pub fn owed(&self, ask: &Ask<'_>) -> Vec<RuleOutcome> {
        self.case(ask).map(|case| rules::owed(&case)).unwrap_or_default()
    }

    /// The newest attempt at the gate asked about, with everything its rules may look at.
    fn case<'c>(&'c self, ask: &'c Ask<'c>) -> Option<Case<'c, 'l>> {
        let view = self.ledger.as_of(ask.size);
        let policy = self.policy(view.size())?;
        let pipeline = policy.pipeline(ask.pipeline)?;
        let gate = pipeline.gate(ask.gate)?;
        let attempt = view.latest(ask.pipeline, ask.gate, ask.release)?;
        Some(Case { evaluator: self, policy, pipeline, gate, attempt, view, ask })
    }

    /// The promotion that opened a gate for a release and still stands: in the newest attempt,
    /// not reversed, and borne out when evaluated again, also without what a key signed that is known by
    /// now to have been in other hands.
    pub fn promotion(
        &self,
        view: View<'l>,
        pipeline: &Pipeline,
        gate: &Gate,
        release: &Version,
    ) -> Option<&'l VerifiedEntry> {
        let attempt = view.latest(&pipeline.id, &gate.id, release)?;
        // What was rolled back stays so; the release goes on in a new attempt.
        let is_back = view.attempt(attempt.key).any(|entry| entry.kind() == Kind::Rollback);
        if is_back { None } else { self.opened_by(view, attempt) }
    }

    /// The promotion of an attempt that there is to go back from. A rollback that answers no trigger closes its gate,
    /// and leaves the way to be gone.
    pub fn reversible(&self, ask: &Ask<'_>, key: &AttemptKey) -> Option<(Attempt<'l>, &'l VerifiedEntry)> {
        let case = self.case(ask)?;
        let attempts = case.view.attempts(ask.pipeline, ask.gate, ask.release);
        let attempt = attempts.into_iter().find(|attempt| attempt.key == key)?;
        let is_back = rules::is_taken_back(&case, key);
        if is_back { None } else { Some((attempt, self.opened_by(case.view, attempt)?)) }
    }

    /// The promotion that opened an attempt's gate, whatever became of it. It is the first: what counts from a
    /// promotion does not begin anew because somebody records another.
    fn opened_by(&self, view: View<'l>, attempt: Attempt<'_>) -> Option<&'l VerifiedEntry> {
        let mut promotions = view.attempt(attempt.key).filter(|entry| entry.kind() == Kind::Promotion);
        promotions.find(|entry| self.is_justified(entry, view.known()))
    }

    /// Whether a recorded promotion's gate was open, judged by what stood before the entry, and by what
    /// is known of keys after `known` entries.
    pub fn is_justified(&self, promotion: &VerifiedEntry, known: u64) -> bool {
        let question = (promotion.number(), self.ledger.knowledge(known));
        let answer = self.justified.borrow().get(&question).copied();
        answer.unwrap_or_else(|| {
            let justified = self.judge(promotion, known);
            self.justified.borrow_mut().insert(question, justified);
            justified
        })
    }

    fn judge(&self, promotion: &VerifiedEntry, known: u64) -> bool {
        let (Predicate::Promotion(claim), Some(key)) = (promotion.predicate(), promotion.attempt()) else {
            return false;
        };
        let ask = Ask {
            pipeline: &key.pipeline,
            gate: &key.gate,
            release: &key.release,
            size: promotion.number().0,
            // The commit's time: never before its parent's, so nobody can promote in the past.
            now: promotion.committed_at(),
            observed: &Observed::new(),
            source: None,
        };
        let decision = self.decide_on(self.ledger.as_of(ask.size).knowing(known), &ask);
        decision.verdict() == Verdict::Open
            && decision.policy == claim.policy
            && claim.to == key.gate
            && decision.attempt.is_some_and(|attempt| attempt.number == key.attempt)
    }
}

/// The commit (or tree) an attempt was opened for is the one in the asker's hand.
fn source_rule(case: &Case<'_, '_>) -> Option<RuleOutcome> {
    let (commit, tree) = case.ask.source?;
    let opened = &case.attempt.open.source;
    let same = match case.pipeline.bind {
        Bind::Commit => opened.commit == *commit,
        Bind::Tree => {
            case.evaluator.believe_opening(case.attempt.entry.number(), false);
            opened.tree == *tree
        }
    };
    let mut outcome = RuleOutcome {
        id: name("source"),
        kind: RuleKind::Attempt,
        state: if same { RuleState::Satisfied } else { RuleState::Failed },
        by: vec![(case.attempt.entry.number(), case.attempt.entry.id())],
        need: format!("the attempt was opened for this source, commit {commit}"),
        have: format!("it was opened for commit {}", opened.commit),
        who: Vec::new(),
        hint: String::new(),
        due: None,
        parts: Vec::new(),
    };
    if !same {
        outcome.by.clear();
        outcome.hint = format!(
            "ledger open {} --release {} --commit {commit} --retry",
            case.gate.id,
            shell(case.ask.release.as_str())
        );
    }
    Some(outcome)
}

/// An attempt that was rolled back is over.
fn rolled_back(case: &Case<'_, '_>) -> Option<RuleOutcome> {
    let mut entries = case.view.attempt(case.attempt.key);
    let rollback = entries.find(|entry| matches!(entry.predicate(), Predicate::Rollback(_)))?;
    let have = format!("entry {} rolled it back", rollback.number());
    Some(over(name("rollback"), "an attempt that was not rolled back", have, case.attempt.key))
}

/// An attempt whose promotion somebody revoked is over: a second one would begin anew what counts from the first.
/// What went with a key that was given up was never theirs, and is promoted again.
fn taken_back(case: &Case<'_, '_>) -> Option<RuleOutcome> {
    let mut promotions = case.view.all_of_attempt(case.attempt.key).filter(|(e, _)| e.kind() == Kind::Promotion);
    let (promotion, void) = promotions.find(|(entry, void)| {
        matches!(void, Some(Void::Revoked(_))) && case.evaluator.is_justified(entry, case.view.known())
    })?;
    let void = void.map(|void| format!(": {void}")).unwrap_or_default();
    let have = format!("the promotion of entry {} is void{void}", promotion.number());
    Some(over(name("promotion"), "an attempt whose promotion was not taken back", have, case.attempt.key))
}

/// An attempt nothing can come of any more: the release goes on in a new one.
fn over(id: Name, need: &str, have: String, attempt: &AttemptKey) -> RuleOutcome {
    RuleOutcome {
        id,
        kind: RuleKind::Attempt,
        state: RuleState::Failed,
        by: Vec::new(),
        need: need.to_owned(),
        have,
        who: Vec::new(),
        hint: format!("ledger open {} --release {} --retry", attempt.gate, shell(attempt.release.as_str())),
        due: None,
        parts: Vec::new(),
    }
}

fn no_gate(ask: &Ask<'_>) -> RuleOutcome {
    RuleOutcome {
        id: name("policy"),
        kind: RuleKind::Attempt,
        state: RuleState::Failed,
        by: Vec::new(),
        need: format!("a policy in force that this program can read, with the gate {}/{}", ask.pipeline, ask.gate),
        have: "none".to_owned(),
        who: Vec::new(),
        hint: "ledger policy check".to_owned(),
        due: None,
        parts: Vec::new(),
    }
}

fn not_opened(ask: &Ask<'_>) -> RuleOutcome {
    RuleOutcome {
        id: name("attempt"),
        kind: RuleKind::Attempt,
        state: RuleState::Missing,
        by: Vec::new(),
        need: format!("an attempt at {} for {}", ask.gate, ask.release),
        have: "none was opened".to_owned(),
        who: vec!["anybody in the roster".to_owned()],
        hint: format!("ledger open {} --release {}", ask.gate, shell(ask.release.as_str())),
        due: None,
        parts: Vec::new(),
    }
}

/// An id of our own making: known to be a valid name.
pub(super) fn name(word: &'static str) -> Name {
    Name::parse(word).unwrap_or_else(|_| unreachable!("{word} is a valid name"))
}

/// A word for a command line a person pastes: quoted where a shell would take it apart.
pub fn shell(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "._-/=:@+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::shell;

    #[test]
    fn a_word_is_quoted_where_a_shell_would_take_it_apart() {
        for plain in ["1.0", "v1.4.0-rc.1", "schema=r118", "2025:09,29", "베타", "a@b+c/d_e"] {
            assert_eq!(shell(plain), plain);
        }
        for (word, quoted) in [("", "''"), ("1.0 beta", "'1.0 beta'"), ("a;b", "'a;b'"), ("it's", r"'it'\''s'")] {
            assert_eq!(shell(word), quoted);
        }
    }
}

//! `ledger sign`: a person approves, rejects or withdraws, and sees what they sign.

use super::{Answer, docs};
use crate::chain::{VerifiedEntry, VerifiedLedger};
use crate::cli::append::append;
use crate::cli::args::text;
use crate::cli::board::{self, DecisionJson};
use crate::cli::confirm;
use crate::cli::context::{Context, Identity, current_policy};
use crate::cli::draft::{actor, commit_subject, draft, scope};
use crate::cli::failure::Failure;
use crate::cli::load::Loaded;
use crate::cli::select::Question;
use crate::cli::target::said_last;
use crate::entry::Draft;
use crate::entry::kinds::{Approval, AttemptKey, Decision as Word, Meaning, Mode, Predicate, Saw};
use crate::findings::counted;
use crate::id::{EntryId, EntryNumber, ObjectId, Timestamp};
use crate::policy::decision::{Decision, RuleKind, RuleOutcome, RuleState};
use crate::policy::{Evaluator, Gate, Observed, Standing};
use crate::report::escape::visible;

/// Approve a gate, reject it, or take an approval back
#[derive(Debug, clap::Args)]
#[command(
    before_help = "Examples:\n  ledger sign alpha\n  ledger sign alpha -m \"installed on three machines\" --meaning review\n  ledger sign alpha --reject -m \"smoke test was run on the wrong build\"\n  ledger sign alpha --withdraw -m \"superseded by a new installer\"\n  ledger sign alpha --yes                       in scripts: nobody is asked, recorded as mode ci"
)]
pub struct Args {
    /// Gate, or PIPELINE/GATE
    #[arg(value_parser = text())]
    gate: String,
    /// Release; default: the newest of the pipeline
    #[arg(long, value_parser = text())]
    release: Option<String>,
    /// Reason; required for --reject and --withdraw
    #[arg(short = 'm', long, value_parser = text())]
    message: Option<String>,
    /// What your signature means
    #[arg(long, value_parser = ["review", "approval", "responsibility", "authorship"], default_value = "approval")]
    meaning: String,
    /// Say no: the gate stays closed until you withdraw or approve
    #[arg(long, conflicts_with = "withdraw")]
    reject: bool,
    /// Take back your approval or rejection
    #[arg(long)]
    withdraw: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Answer, Failure> {
    let mut loaded = context.load(args.release.as_deref())?;
    let ledger = loaded.ledger.clone();
    let evaluator = Evaluator::new(&ledger);
    let policy = current_policy(&evaluator)?;
    let question = Question::new(policy, &loaded, &args.gate, args.release.as_deref())?;
    let Question { pipeline, gate, release } = &question;
    if (args.reject || args.withdraw) && args.message.is_none() {
        return Err(Failure::usage("a rejection or withdrawal needs a reason").hint("say why: -m REASON"));
    }
    let decision = question.decide(context, &loaded, &evaluator)?;
    let Some(attempt) = ledger.view().latest(&pipeline.id, &gate.id, release) else {
        return refuse(context, &decision, &format!("{} has not been opened for {release}", gate.id));
    };
    let (key, commit) = (attempt.key.clone(), attempt.open.source.commit.clone());
    if !context.printer.json {
        let heading = board::heading(&context.printer, &decision, Some(commit.as_str()));
        context.printer.say(heading);
        let mut shown = decision.clone();
        // Telling somebody who is signing to sign would only be noise.
        if shown.unmet().all(|rule| rule.kind == RuleKind::Approval) {
            shown.rules.iter_mut().for_each(|rule| rule.hint.clear());
        }
        board::rules(&context.printer, &shown).into_iter().for_each(|line| context.printer.say(line));
    }
    let identity = context.identity(&loaded.store, &policy.roster)?;
    if let Some(why) = refusal(args, &evaluator, &decision, &question, &identity, context.world().now()) {
        return refuse(context, &decision, &why);
    }
    context.refuse_lies(&loaded, &evaluator)?;
    if let Some(entry) = counted_already(args, &evaluator, &decision, &question, &identity, context.world().now()) {
        context.printer.talk(format!("{} has approved already: entry {entry}", identity.person.handle()));
        if context.printer.json {
            context.printer.json(&DecisionJson::from(&decision));
        }
        return Ok(Answer::Yes);
    }
    if let Some(entry) = rejected_already(args, &loaded, &key, &identity) {
        context.printer.talk(format!("{} has rejected already: entry {entry}", identity.person.handle()));
        if context.printer.json {
            context.printer.json(&DecisionJson::from(&decision));
        }
        return Ok(Answer::Yes);
    }
    let word = match (args.reject, args.withdraw) {
        (true, _) => Word::Rejected,
        (_, true) => Word::Withdrawn,
        _ => Word::Approved,
    };
    let withdraws = match word {
        Word::Withdrawn => Some(own_decision(&loaded, &key, &identity)?),
        _ => None,
    };
    let mode = confirm(args, context, gate, &identity, word, &decision, &loaded)?;
    let signing = Signing { args, question: &question, key, commit, word, withdraws, mode, shown: &decision };
    signing.append(context, &mut loaded, &identity)
}

/// Why this person may not sign now; rejecting needs the right to approve, withdrawing only an own decision.
fn refusal(
    args: &Args,
    evaluator: &Evaluator<'_>,
    decision: &Decision,
    question: &Question<'_>,
    identity: &Identity,
    now: Timestamp,
) -> Option<String> {
    if args.withdraw {
        return None;
    }
    let gate = question.gate;
    let observed = Observed::new();
    let ask = question.ask(decision.size, now, &observed);
    let standings: Vec<Standing> =
        gate.approvals.iter().filter_map(|rule| evaluator.standing(&ask, rule, &identity.person)).collect();
    let may = standings.iter().any(|standing| matches!(standing, Standing::May { .. }));
    if !may {
        let why = standings.into_iter().find_map(|standing| match standing {
            Standing::MayNot(why) => Some(why),
            Standing::May { .. } => None,
        });
        return Some(format!("{} may not sign {}: {}", identity.person.handle(), gate.id, why.unwrap_or_default()));
    }
    let ledger = evaluator.ledger();
    let terminal = gate.approvals.iter().all(|rule| rule.interactive);
    if args.yes && terminal && !args.reject {
        return Some(format!("{} wants its approval confirmed on a terminal: sign without --yes", gate.id));
    }
    if !args.reject && !decision.is_ready(|entry| is_own(ledger, identity, entry)) {
        return Some(format!("{} cannot be signed: {}", gate.id, board::tally(decision)));
    }
    None
}

/// The person's approval that counts as things are: a second one, by whichever key, would say nothing new;
/// unless a role they were given since lets them stand for an approval that is still wanted.
fn counted_already(
    args: &Args,
    evaluator: &Evaluator<'_>,
    decision: &Decision,
    question: &Question<'_>,
    identity: &Identity,
    now: Timestamp,
) -> Option<EntryNumber> {
    let own = |rule: &RuleOutcome| {
        let mut counted = rule.by.iter().map(|(entry, _)| *entry);
        counted.find(|entry| is_own(evaluator.ledger(), identity, *entry))
    };
    let outcomes = || decision.rules.iter().filter(|rule| rule.kind == RuleKind::Approval);
    let entry = outcomes().find_map(own).filter(|_| !args.reject && !args.withdraw)?;
    let observed = Observed::new();
    let ask = question.ask(decision.size, now, &observed);
    let may_stand_for = |outcome: &RuleOutcome| {
        let mut rules = question.gate.approvals.iter().filter(|rule| rule.id == outcome.id);
        rules.any(|rule| matches!(evaluator.standing(&ask, rule, &identity.person), Some(Standing::May { .. })))
    };
    let mut wanted = outcomes().filter(|rule| rule.state != RuleState::Satisfied && own(rule).is_none());
    (!wanted.any(may_stand_for)).then_some(entry)
}

/// The person's last word in this attempt, where it is this very rejection: a retry adds nothing.
fn rejected_already(args: &Args, loaded: &Loaded, key: &AttemptKey, identity: &Identity) -> Option<EntryNumber> {
    let own =
        |entry: &VerifiedEntry, approval: &Approval| approval.about.is_none() && *entry.person() == identity.person.id;
    let said = said_last(&loaded.ledger, key, own, (Word::Rejected, args.message.as_deref()));
    said.filter(|_| args.reject).map(VerifiedEntry::number)
}

/// Whether the person signed this entry before, by whichever key.
fn is_own(ledger: &VerifiedLedger, identity: &Identity, entry: EntryNumber) -> bool {
    ledger.entry(entry).is_some_and(|entry| *entry.person() == identity.person.id)
}

fn refuse(context: &mut Context<'_>, decision: &Decision, why: &str) -> Result<Answer, Failure> {
    if context.printer.json {
        context.printer.json(&DecisionJson::from(decision));
        context.printer.talk(visible(why));
        return Ok(Answer::No);
    }
    let line = format!("{} {}", context.printer.bad(), visible(why));
    context.printer.talk(line);
    if decision.attempt.is_none() {
        context.printer.talk(format!("  → {}", board::next_command(decision)));
    }
    Ok(Answer::No)
}

/// The person's own last word in this attempt.
fn own_decision(loaded: &Loaded, key: &AttemptKey, identity: &Identity) -> Result<EntryId, Failure> {
    let mut own = None;
    for entry in loaded.ledger.view().attempt(key).filter(|entry| *entry.person() == identity.person.id) {
        match entry.predicate() {
            Predicate::Approval(approval) if approval.about.is_some() => {}
            Predicate::Approval(approval) if approval.decision == Word::Withdrawn => own = None,
            Predicate::Approval(_) => own = Some(entry.id()),
            _ => {}
        }
    }
    own.ok_or_else(|| Failure::no(format!("{} has nothing to withdraw in this attempt", identity.person.handle())))
}

/// Shows who signs what, and has the gate's name typed. The mode says whether it was.
fn confirm(
    args: &Args,
    context: &mut Context<'_>,
    gate: &Gate,
    identity: &Identity,
    word: Word,
    decision: &Decision,
    loaded: &Loaded,
) -> Result<Mode, Failure> {
    let person = &identity.person;
    let roles: Vec<&str> = person.roles.iter().map(crate::id::Name::as_str).collect();
    let evidence =
        decision.rules.iter().filter(|rule| rule.kind != RuleKind::Approval).map(|rule| rule.by.len()).sum::<usize>();
    let verb = match word {
        Word::Approved => "approve",
        Word::Rejected => "reject",
        Word::Withdrawn => "withdraw your decision on",
    };
    context.printer.talk(format!(
        "you {verb}, as {} ({}): {} of {}, {}, ledger of {}, root {}",
        person.handle(),
        roles.join(", "),
        gate.id,
        visible(decision.release.as_str()),
        counted(evidence, "entry", "entries"),
        counted(decision.size, "entry", "entries"),
        loaded.ledger.root().short()
    ));
    confirm::confirm(context, gate.id.as_str(), args.yes, &format!("ledger sign {} --yes", gate.id))
}

struct Signing<'s> {
    args: &'s Args,
    question: &'s Question<'s>,
    key: AttemptKey,
    commit: ObjectId,
    word: Word,
    withdraws: Option<EntryId>,
    mode: Mode,
    shown: &'s Decision,
}

impl Signing<'_> {
    fn append(&self, context: &mut Context<'_>, loaded: &mut Loaded, identity: &Identity) -> Result<Answer, Failure> {
        let now = context.world().now();
        let observed = self.question.observe(context, &loaded.store)?;
        let appended = append(context, loaded, identity, |_, ledger| {
            let evaluator = Evaluator::new(ledger);
            let decision = evaluator.decide(&self.question.ask(ledger.size(), now, &observed));
            if decision.evidence() != self.shown.evidence() || decision.policy != self.shown.policy {
                return Err(Failure::conflict("the gate changed while you were looking at it: nothing was signed")
                    .hint(format!("ledger sign {}", self.question.gate.id)));
            }
            self.compose(ledger, &decision, identity, now)
        })?;
        let entry = appended.as_ref().and_then(|appended| loaded.ledger.entry(appended.number));
        let evaluator = Evaluator::new(&loaded.ledger);
        let after = self.question.decide(context, loaded, &evaluator)?;
        if context.printer.json {
            context.printer.json(&DecisionJson::from(&after));
            return Ok(Answer::Yes);
        }
        if let Some(entry) = entry {
            let line = format!(
                "{} {} {} by {}  entry {}  {}",
                context.printer.good(),
                self.question.gate.id,
                self.word.word(),
                identity.person.handle(),
                entry.number(),
                entry.path()
            );
            context.printer.say(line);
            docs::remind(context, &evaluator, self.question.pipeline, entry);
        }
        context.printer.talk(format!("next: {}", self.next(&after, identity)));
        Ok(Answer::Yes)
    }

    /// What brings the gate forward. Who has just approved has said all they can: it is for somebody else.
    fn next(&self, after: &Decision, identity: &Identity) -> String {
        let command = board::next_command(after);
        let wanted = after.unmet().next().filter(|rule| rule.kind == RuleKind::Approval);
        let Some(rule) = wanted.filter(|_| self.word == Word::Approved) else { return command };
        let own = format!("{} ({})", identity.person.handle(), identity.person.name);
        let others: Vec<&str> = rule.who.iter().filter(|who| **who != own).map(String::as_str).collect();
        match others.is_empty() {
            true => format!("nobody else can: {}", visible(&rule.need)),
            false => format!("{command}  by {}", visible(&others.join(" or "))),
        }
    }

    fn compose(
        &self,
        ledger: &VerifiedLedger,
        decision: &Decision,
        identity: &Identity,
        now: Timestamp,
    ) -> Result<Draft, Failure> {
        let meaning = match self.args.meaning.as_str() {
            "review" => Meaning::Review,
            "responsibility" => Meaning::Responsibility,
            "authorship" => Meaning::Authorship,
            _ => Meaning::Approval,
        };
        let predicate = Predicate::Approval(Approval {
            ledger: scope(ledger, &self.key),
            actor: actor(&identity.person, self.mode),
            recorded_at: now,
            decision: self.word,
            meaning,
            reason: self.args.message.clone(),
            saw: Saw {
                policy: decision.policy,
                evidence: decision.evidence(),
                size: decision.size,
                root: decision.root,
            },
            withdraws: self.withdraws,
            about: None,
        });
        let handle = identity.person.handle();
        let summary = format!(
            "approval: {} {} by {handle} for {}",
            self.question.gate.id,
            self.word.word(),
            self.question.release
        );
        let mut body = vec![format!("{} as {}, meaning {}.", identity.person.name, handle, meaning.word())];
        body.extend(self.args.message.clone());
        body.push(format!("Saw {}, root sha256:{}.", counted(decision.size, "entry", "entries"), decision.root));
        Ok(draft(
            vec![commit_subject(self.question.release.as_str(), &self.commit)],
            predicate,
            Vec::new(),
            &summary,
            &body,
        )?)
    }
}

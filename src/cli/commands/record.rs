//! `ledger record`: files become evidence for a slot.

use std::path::PathBuf;
use std::time::Duration;

use super::{Answer, open};
use crate::chain::{VerifiedEntry, VerifiedLedger};
use crate::cli::append::append;
use crate::cli::args::{path, text};
use crate::cli::beside;
use crate::cli::board;
use crate::cli::context::{Context, Identity, current_policy};
use crate::cli::draft::{actor, commit_subject, draft, file_subject, scope};
use crate::cli::failure::Failure;
use crate::cli::files::{self, Brought, Taking};
use crate::cli::load::Loaded;
use crate::cli::objects::StoreArgs;
use crate::cli::secrets::{self, Secrets};
use crate::cli::select::Question;
use crate::cli::storing::Storing;
use crate::entry::kinds::{AttemptKey, Command, Evidence, EvidenceFile, Mode, Predicate, Stored};
use crate::entry::{Attachment, Draft};
use crate::evidence::facts::{Fact, Facts};
use crate::evidence::location::Location;
use crate::evidence::quantity::Quantity;
use crate::evidence::readers::{self, FROM_ELSEWHERE, Reader};
use crate::findings::counted;
use crate::id::{EntryNumber, Name, ObjectId, Timestamp};
use crate::policy::decision::RuleState;
use crate::policy::{Evaluator, Rule};
use crate::report::escape::visible;

/// Bring evidence for a slot
#[derive(Debug, clap::Args)]
#[command(
    before_help = "Examples:\n  ledger record qa-checklist                          the file its rule names\n  ledger record build-log logs/qa/frontend_build_20251004.log\n  ledger record artifacts                             every declared artifact, by digest\n  some-command | ledger record smoke-test - --stdin-name smoke.txt\n  ledger record screenshots *.png --gate beta"
)]
pub struct Args {
    /// What the evidence is for, as the policy's rules name it
    #[arg(value_parser = text())]
    slot: String,
    /// Files; `-` is standard input; none: the file the rule names
    #[arg(value_parser = path())]
    files: Vec<PathBuf>,
    /// Gate, where several have the slot
    #[arg(long, value_parser = text())]
    gate: Option<String>,
    /// Release; default: the newest of the pipeline
    #[arg(long, value_parser = text())]
    release: Option<String>,
    /// How to read the files; default: as the rule says
    #[arg(long, value_parser = text())]
    format: Option<String>,
    /// Keep the bytes out of the ledger: in the store named with it, or nowhere (only the digest)
    #[arg(long)]
    external: bool,
    /// Where an external file can be had, verbatim
    #[arg(long, value_parser = text(), conflicts_with = "store")]
    location: Option<String>,
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    secrets: Secrets,
    /// Name of what comes on standard input
    #[arg(long, default_value = "stdin.txt", value_parser = text())]
    stdin_name: String,
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Answer, Failure> {
    let mut loaded = context.load(args.release.as_deref())?;
    let ledger = loaded.ledger.clone();
    let evaluator = Evaluator::new(&ledger);
    let policy = current_policy(&evaluator)?;
    let slot = Name::parse(&args.slot)?;
    let (gate_text, release_text) = (args.gate.as_deref(), args.release.as_deref());
    let question = Question::of_slot(policy, &evaluator, &loaded, &slot, gate_text, release_text)?;
    let gate = question.gate;
    let rule = gate.rule_for(&slot).ok_or_else(|| Failure::usage(format!("no gate has a slot {slot}")))?;
    let identity = context.identity(&loaded.store, &policy.roster)?;
    let storing = Storing::of(context, policy, &args.store, args.external, args.location.is_some())?;
    let taking = Taking {
        rule,
        format: args.format.as_deref(),
        external: args.external,
        location: args.location.clone(),
        storing: &storing,
        secrets: &args.secrets,
        stdin_name: &args.stdin_name,
    };
    let paths = files::paths(context, &loaded, &question, rule, &args.files)?;
    let (read, brought) = read(context, &loaded, &question, &taking, &paths)?;
    if args.external {
        warn_of_unfetchable(context, &brought);
    }
    storing.upload(context, &brought)?;
    let Some(attempt) = open::ensure(context, &mut loaded, &identity, policy, &question, None)? else {
        context.printer.outcome(&format!("would open {} and record {slot}", gate.id), true);
        return Ok(Answer::Yes);
    };
    let recording = Recording { attempt, ..read };
    let number = recording.append(context, &mut loaded, &identity, brought)?;
    recording.tell(context, &loaded, number, &question);
    Ok(Answer::Yes)
}

/// Nothing can ask for a file later of which only the digest is told, or a place for people.
fn warn_of_unfetchable(context: &mut Context<'_>, brought: &[Brought]) {
    let is_lost = |one: &&Brought| {
        let place = one.file.location.as_deref().map(Location::parse);
        one.file.stored == Stored::External && place.is_none_or(|place| place.is_err())
    };
    let count = brought.iter().filter(is_lost).count();
    if count > 0 {
        context.printer.talk(format!(
            "note: of {} the digest alone is recorded: `ledger evidence check` can never fetch such a file (exit 3)\n  → keep it in a store: --store URL_OR_DIR, or say where a program finds it: --location https://…",
            counted(count, "file", "files")
        ));
    }
}

/// Files read as their slot's rule says, and what an entry will say of them. The attempt is the caller's to
/// open: nothing is written for files that cannot be read.
pub fn read(
    context: &mut Context<'_>,
    loaded: &Loaded,
    question: &Question<'_>,
    taking: &Taking<'_>,
    paths: &[PathBuf],
) -> Result<(Recording, Vec<Brought>), Failure> {
    let rule = taking.rule;
    let mut brought = files::bring(context, &loaded.store, taking, paths)?;
    let texts = [("--location", taking.location.as_deref().unwrap_or_default())];
    let allowed = secrets::keep_out(context, taking, &texts, &mut brought)?;
    brought.extend(files::template(loaded, question, rule)?);
    let first = brought.first().ok_or_else(|| Failure::usage("no file to record"))?;
    let reader = files::reader_for(taking, first.file.name.as_str(), first.bytes.as_deref().unwrap_or_default())?;
    let source = question.source(&loaded.ledger, &loaded.store)?;
    let mut facts = taken(loaded, question, rule, reader, &brought, &source)?;
    files::warn_of_uncommitted(context, &loaded.store, rule, &brought);
    facts.extend(allowed);
    let attempt = question.next_attempt(&loaded.ledger);
    let format = Name::parse(reader.format)?;
    let timed = question.asks_when(&rule.slot);
    Ok((Recording { slot: rule.slot.clone(), format, facts, command: None, timed, attempt }, brought))
}

/// What a reader takes from files, and what the ledger adds: what they cite, where their links lead, what became of
/// them since.
pub fn taken(
    loaded: &Loaded,
    question: &Question<'_>,
    rule: &Rule,
    reader: &Reader,
    brought: &[Brought],
    source: &ObjectId,
) -> Result<Facts, Failure> {
    let mut facts = files::facts(reader, question.gate, &rule.slot, brought)?;
    let place = beside::Place {
        store: &loaded.store,
        view: loaded.ledger.view(),
        pipeline: &question.pipeline.id,
        release: &question.release,
        slot: &rule.slot,
        source,
    };
    facts.extend(beside::facts(&place, rule.changed_since.iter(), reader.format, brought));
    Ok(facts)
}

/// Everything an `evidence` entry says but its files.
pub struct Recording {
    pub slot: Name,
    pub format: Name,
    pub facts: Facts,
    pub command: Option<Command>,
    /// When it comes says something of its own: the same again is a new entry.
    pub timed: bool,
    pub attempt: AttemptKey,
}

/// What `append` did, for the one who asked.
pub type Recorded = Option<(EntryNumber, bool)>;

impl Recording {
    pub fn append(
        &self,
        context: &mut Context<'_>,
        loaded: &mut Loaded,
        identity: &Identity,
        brought: Vec<Brought>,
    ) -> Result<Recorded, Failure> {
        let listed: Vec<EvidenceFile> = brought.iter().map(|one| one.file.clone()).collect();
        let attachments = files::attachments(brought);
        let mut now = context.world().now();
        let appended = append(context, loaded, identity, |context, ledger| {
            // What the slot's newest evidence says already is no new entry, whatever the clock: a retry adds nothing.
            if let Some(newest) = self.newest(ledger).filter(|_| !self.timed) {
                let again = self.compose(ledger, identity, newest.recorded_at(), &listed, &attachments)?;
                if again.statement.id() == newest.id() {
                    return Ok(again);
                }
            }
            loop {
                let draft = self.compose(ledger, identity, now, &listed, &attachments)?;
                if ledger.position(draft.statement.id()).is_none() {
                    return Ok(draft);
                }
                // It has something to say and needs a time of its own: no two statements are the same.
                context.world().pause(Duration::from_millis(200));
                now = context.world().now();
            }
        })?;
        Ok(appended.map(|appended| (appended.number, appended.existing)))
    }

    fn compose(
        &self,
        ledger: &VerifiedLedger,
        identity: &Identity,
        now: Timestamp,
        listed: &[EvidenceFile],
        attachments: &[Attachment],
    ) -> Result<Draft, Failure> {
        let key = &self.attempt;
        let attempts = ledger.view().attempts(&key.pipeline, &key.gate, &key.release);
        let attempt = attempts.iter().find(|attempt| attempt.key == key);
        let attempt = attempt.ok_or_else(|| Failure::conflict("the attempt is gone"))?;
        let mut subject = vec![commit_subject(key.release.as_str(), &attempt.open.source.commit)];
        subject.extend(listed.iter().map(|file| file_subject(file.name.as_str(), file.sha256)));
        let predicate = Predicate::Evidence(Evidence {
            ledger: scope(ledger, key),
            actor: actor(&identity.person, Mode::Ci),
            recorded_at: now,
            slot: self.slot.clone(),
            format: self.format.clone(),
            files: listed.to_vec(),
            facts: self.facts.clone(),
            command: self.command.clone(),
        });
        let summary = format!("evidence: {} for {} of {}", self.slot, key.gate, key.release);
        let mut body: Vec<String> =
            listed.iter().take(20).map(|file| format!("{}  sha256:{}", file.path, file.sha256)).collect();
        body.extend((listed.len() > 20).then(|| format!("and {} more files", listed.len() - 20)));
        body.push(format!("Facts: {}", brief(self.format.as_str(), &self.facts)));
        body.push(format!("Recorded by {}.", identity.person.handle()));
        Ok(draft(subject, predicate, attachments.to_vec(), &summary, &body)?)
    }

    /// The newest evidence in the slot.
    fn newest<'l>(&self, ledger: &'l VerifiedLedger) -> Option<&'l VerifiedEntry> {
        let entries = ledger.view().all_of_attempt(&self.attempt);
        let own = entries.filter(|(entry, _)| entry.evidence().is_some_and(|e| e.slot == self.slot));
        // One that is void is no reason not to bring the same again.
        own.last().filter(|(_, void)| void.is_none()).map(|(entry, _)| entry)
    }

    /// What was recorded, and what the gate's rule makes of it.
    pub fn tell(&self, context: &mut Context<'_>, loaded: &Loaded, number: Recorded, question: &Question<'_>) {
        let entry = number.and_then(|(number, _)| loaded.ledger.entry(number));
        if context.printer.json {
            let files = entry.and_then(|entry| entry.evidence()).map(|evidence| &evidence.files);
            let attempt = &self.attempt;
            let folder = loaded
                .ledger
                .view()
                .latest(&attempt.pipeline, &attempt.gate, &attempt.release)
                .map(|a| a.open.folder.clone());
            context.printer.json(&serde_json::json!({
                "schema": format!("{}record/v0.1", crate::cli::output::SCHEMAS),
                "entry": entry.map(|entry| entry.number()), "id": entry.map(|entry| entry.id()),
                "slot": self.slot, "format": self.format, "gate": attempt.gate, "attempt": attempt.attempt, "folder": folder,
                "files": files, "facts": self.facts, "dryRun": context.global.dry_run, "existing": number.is_some_and(|(_, existing)| existing),
            }));
            return;
        }
        let facts = visible(&brief(self.format.as_str(), &self.facts));
        match (entry, number) {
            (Some(entry), Some((_, existing))) => {
                let was = if existing { "was recorded already as" } else { "recorded as" };
                let line =
                    format!("{} {} {was} entry {}  {}", context.printer.good(), self.slot, entry.number(), facts);
                context.printer.say(line);
                context.printer.say(format!("  {}", entry.path()));
            }
            _ => context.printer.say(format!("{} would be recorded  {facts}", self.slot)),
        }
        self.tell_rule(context, loaded, question);
    }

    /// The entry stands whatever the work tree holds: a gate that cannot be judged now is no failure to record, and
    /// a script told so would record it again.
    fn tell_rule(&self, context: &mut Context<'_>, loaded: &Loaded, question: &Question<'_>) {
        let decision = match question.decide(context, loaded, &Evaluator::new(&loaded.ledger)) {
            Ok(decision) => decision,
            Err(failure) => {
                let why = visible(&failure.message);
                let line = format!("note: how {} stands cannot be told now: {why}", question.gate.id);
                return context.printer.talk(line);
            }
        };
        let gate = question.gate;
        let ids: Vec<&Name> = gate.rules.iter().filter(|rule| rule.slot == self.slot).map(|rule| &rule.id).collect();
        for rule in decision.rules.iter().filter(|rule| ids.contains(&&rule.id) && rule.state != RuleState::Satisfied) {
            let line = format!("{} rule {} is not met: {}", context.printer.bad(), rule.id, visible(&rule.have));
            context.printer.talk(line);
        }
        context.printer.talk(format!("{}: {}", gate.id, board::tally(&decision)));
    }
}

/// The simple facts in one line: counts, answers and measures. Of facts that the file or the rule names itself, short
/// texts and groups too.
pub fn brief(format: &str, facts: &Facts) -> String {
    let own = readers::find(format).is_some_and(|reader| reader.facts.contains(&readers::OTHERS));
    let mut told = Vec::new();
    simple(own, "", facts, &mut told);
    told.truncate(MAX_BRIEF);
    told.join(", ")
}

fn simple(own: bool, above: &str, facts: &Facts, told: &mut Vec<String>) {
    for (name, fact) in facts {
        let is_own = own && !FROM_ELSEWHERE.contains(&name.as_str());
        match fact {
            Fact::Int(_) | Fact::Bool(_) => told.push(format!("{above}{name} {fact}")),
            Fact::Text(text) if Quantity::parse(text).is_some() => told.push(format!("{above}{name} {text}")),
            Fact::Text(text) if is_own && text.chars().count() <= MAX_WORD => {
                told.push(format!("{above}{name} {text}"))
            }
            Fact::Group(group) if is_own && name != "tool" => simple(own, &format!("{above}{name}."), group, told),
            _ => {}
        }
    }
}

/// One line is no list.
const MAX_BRIEF: usize = 40;
const MAX_WORD: usize = 40;

//! `ledger check`: the verdict about gates, for a person or for CI. Offline, reads only.

use super::{Answer, rollback, verify};
use crate::cli::args::text;
use crate::cli::changed;
use crate::cli::context::{Context, POLICY_FILE};
use crate::cli::failure::Failure;
use crate::cli::load::Loaded;
use crate::cli::moment::{AsOf, Moment};
use crate::cli::seen;
use crate::cli::select::{self, Question};
use crate::cli::verdicts::Telling;
use crate::findings::line_and_column;
use crate::policy::decision::Decision;
use crate::policy::{Ask, Evaluator};
use crate::report::verdict::{GateVerdict, Places};
use crate::store::git::{BRANCH, Elsewhere, SourceCommit};

/// Say whether gates are open (exit 0) or closed (exit 1)
#[derive(Debug, clap::Args)]
#[command(
    before_help = "Examples:\n  ledger check beta\n  ledger check ga --ci                          in a pipeline: wants a pin, compares HEAD with the release's commit\n  ledger check ga --commit v1.4.0 --json\n  ledger check alpha beta --ci --changed origin/main...HEAD\n  ledger check --all --ci --report junit=ledger.xml --report sarif=ledger.sarif\n  ledger check ga --as-of 58                    the verdict as it was with entry 58, the same for ever\n\nIn CI fetch the evidence first: git fetch origin refs/heads/evidence:refs/heads/evidence\nUnder GitHub Actions --ci also annotates the change and fills the step's summary. More: docs/ci.md"
)]
pub struct Args {
    /// Gates, or PIPELINE/GATE; open is the answer when every one is
    #[arg(value_parser = text(), value_name = "GATE")]
    gates: Vec<String>,
    /// Every gate of each pipeline's release
    #[arg(long, conflicts_with = "gates")]
    all: bool,
    /// Release; default: the newest of the pipeline
    #[arg(long, value_parser = text())]
    release: Option<String>,
    /// The source about to ship; must be what the attempt was opened for
    #[arg(long, value_name = "REV", value_parser = text())]
    commit: Option<String>,
    /// Refuse to trust an unpinned ledger or what this machine verified before; --commit defaults to HEAD
    #[arg(long)]
    ci: bool,
    /// Size and root somebody saw: a branch that was cut back below that, or is another, opens no gate
    #[arg(long, value_name = "SIZE:ROOT", value_parser = text())]
    against: Option<String>,
    /// Commits under review, as A..B or A...B: a document they change must have been recorded as they leave it
    #[arg(long, value_name = "RANGE", value_parser = text())]
    changed: Option<String>,
    #[command(flatten)]
    as_of: AsOf,
    #[command(flatten)]
    telling: Telling,
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Answer, Failure> {
    let asked = args.telling.begin(context, args.ci);
    match judge(args, context) {
        Ok(gates) => args.telling.tell(context, asked, gates),
        Err(failure) => {
            args.telling.tell_failure(context, asked, &failure);
            Err(failure)
        }
    }
}

fn judge(args: &Args, context: &mut Context<'_>) -> Result<Vec<GateVerdict>, Failure> {
    if args.gates.is_empty() && !args.all {
        return Err(Failure::usage("no gate is named").hint("ledger check GATE, or every gate: ledger check --all"));
    }
    if args.as_of.is_given() && (args.ci || args.changed.is_some()) {
        return Err(Failure::usage(
            "what was open once opens nothing now: --as-of goes with neither --ci nor --changed",
        ));
    }
    let theirs = args.against.as_deref().map(verify::figures).transpose()?;
    let release = args.release.as_deref();
    let mut loaded = if args.ci { context.load_anew(release)? } else { context.load(release)? };
    if args.ci && !loaded.ledger.is_anchored() {
        return Err(unpinned(args, &loaded));
    }
    if let Some(elsewhere) = loaded.tip.elsewhere.as_ref().filter(|_| args.ci) {
        return Err(behind(elsewhere));
    }
    theirs.map_or(Ok(()), |figures| seen::require(&loaded.ledger, figures))?;
    let moment = args.as_of.moment(context, &mut loaded)?;
    let evaluator = Evaluator::new(&loaded.ledger);
    let policy = moment.policy(&evaluator)?;
    let view = moment.view(&loaded);
    // A gate that is named says more than LEDGER_ALL.
    let questions = match args.gates.is_empty() {
        true => select::every(policy, view, release)?,
        false => {
            let named = args.gates.iter().map(|gate| Question::in_view(policy, view, gate, release));
            named.collect::<Result<_, _>>()?
        }
    };
    let source = source(args, &loaded)?;
    let changes = args.changed.as_deref().map(|range| loaded.store.changes(range)).transpose()?;
    let text = policy_in_work_tree(context, &loaded, &moment);
    let mut gates = Vec::new();
    for question in &questions {
        let mut decision = decide(context, &loaded, &evaluator, (question, &moment), source.as_ref())?;
        if let Some(changes) = &changes {
            changed::close(&mut decision, question, &loaded, changes)?;
        }
        let places = text.as_ref().map(|text| places(question, text)).unwrap_or_default();
        gates.push(GateVerdict { decision, places });
    }
    Ok(gates)
}

fn decide(
    context: &Context<'_>,
    loaded: &Loaded,
    evaluator: &Evaluator<'_>,
    (question, moment): (&Question<'_>, &Moment),
    source: Option<&SourceCommit>,
) -> Result<Decision, Failure> {
    let observed = moment.observe(context, loaded, question)?;
    let ask = question.ask(moment.size, moment.now, &observed);
    let mut decision = evaluator.decide(&Ask { source: source.map(|source| (&source.commit, &source.tree)), ..ask });
    if !moment.is_past {
        rollback::heed(context, loaded, &mut decision);
    }
    context.refuse_lies(loaded, evaluator)?;
    Ok(decision)
}

/// The source about to ship, where somebody names it or a pipeline has it checked out.
fn source(args: &Args, loaded: &Loaded) -> Result<Option<SourceCommit>, Failure> {
    let revision = args.commit.as_deref().or(args.ci.then_some("HEAD"));
    let source = revision.map(|revision| loaded.store.source(revision)).transpose();
    source.map_err(|error| match args.commit {
        Some(_) => Failure::from(error),
        None => {
            Failure::unknown("this repository has no commit to compare with the release").hint("name it: --commit REV")
        }
    })
}

fn unpinned(args: &Args, loaded: &Loaded) -> Failure {
    let gates = if args.all { "--all".to_owned() } else { args.gates.join(" ") };
    Failure::unknown("nothing pins this ledger, so a verdict would mean nothing in CI")
        .hint("commit .ledger.toml with the source")
        .hint(format!(
            "or: ledger check {gates} --ci --root sha256:{} (compare this digest with a colleague first)",
            loaded.ledger.first()
        ))
}

/// An older ledger is a whole ledger, and says nothing of what came after it.
fn behind(elsewhere: &Elsewhere) -> Failure {
    let remote = &elsewhere.remote;
    let what = if elsewhere.diverged { "another branch than is here" } else { "entries that are not here" };
    Failure::unknown(format!("{remote} has {what}, so a verdict would be about an older ledger"))
        .hint(format!("git fetch {remote} {BRANCH}:{BRANCH} (by its full name: git takes a tag called evidence first)"))
        .hint(format!("where that is refused, see who wrote what: git log {BRANCH}...refs/remotes/{remote}/evidence"))
}

/// The text of the policy in force, where the work tree has it too: only then do its lines mean anything.
fn policy_in_work_tree(context: &Context<'_>, loaded: &Loaded, moment: &Moment) -> Option<String> {
    let file = loaded.store.work_tree()?.join(POLICY_FILE);
    let here = String::from_utf8(context.world().read_if_there(&file).ok()??).ok()?;
    let in_force = moment.view(loaded).policy()?.text();
    (here == in_force || here.replace("\r\n", "\n") == in_force).then(|| in_force.to_owned())
}

fn places(question: &Question<'_>, text: &str) -> Places {
    let gate = question.gate;
    let line = |offset: usize| line_and_column(text, offset).0;
    let rules = gate.rules.iter().map(|rule| (rule.id.clone(), line(rule.span.start)));
    let approvals = gate.approvals.iter().map(|approval| (approval.id.clone(), line(approval.span.start)));
    Places { gate: Some(line(gate.span.start)), rules: rules.chain(approvals).collect() }
}

//! `ledger init`: a policy draft, entry 0, and its pin.

use toml_edit::{ArrayOfTables, DocumentMut, Item, Table, value};

use super::Answer;
use crate::chain::{Limits, TrustAnchor, Verifier};
use crate::cli::append;
use crate::cli::args::text;
use crate::cli::context::{Context, PIN_FILE, POLICY_FILE, pin_text};
use crate::cli::draft::PolicyDraft;
use crate::cli::failure::Failure;
use crate::cli::seen;
use crate::cli::survey::examined;
use crate::cli::typed;
use crate::entry::kinds::Mode;
use crate::id::{Origin, PersonId};
use crate::policy::{Policy, lint, parse};
use crate::sign::public_key::PublicKey;
use crate::store::git::{GitStore, StoreError};

/// Shipped policies, exactly as they stand in `examples/`.
const EXAMPLES: &[(&str, &str)] = &[
    ("starter", include_str!("../../../examples/starter/ledger.toml")),
    ("stage9", include_str!("../../../examples/stage9/ledger.toml")),
    ("rollout", include_str!("../../../examples/rollout/ledger.toml")),
    ("production", include_str!("../../../examples/production/ledger.toml")),
    ("staged", include_str!("../../../examples/staged/ledger.toml")),
    ("roadmap", include_str!("../../../examples/roadmap/ledger.toml")),
];

/// Start a ledger in this repository
#[derive(Debug, clap::Args)]
#[command(
    before_help = "Examples:\n  ledger init                                     a small policy to start from\n  ledger init --example stage9                    Alpha, Beta and GA\n  ledger init --example rollout                   one night by a plan, row by row\n  ledger init --example production                a checklist, three signatures, windows after go-live\n  ledger init --example staged                    routing first, then automation stage by stage\n  ledger init --example roadmap                   phases, recurring controls, an emergency way\n  ledger init --origin github.com/acme/widget --id kim@acme.example --name Kim"
)]
pub struct Args {
    /// Policy to start from, where there is no ledger.toml yet
    #[arg(long, value_parser = ["starter", "stage9", "rollout", "production", "staged", "roadmap"], help = "Policy to start from, where there is no ledger.toml yet [default: starter]")]
    example: Option<String>,
    /// The ledger's name; default: from the remote `origin`
    #[arg(long, value_parser = text())]
    origin: Option<String>,
    /// Your id, an e-mail address; default: git's user.email
    #[arg(long, value_parser = text())]
    id: Option<String>,
    /// Your printed name; default: git's user.name
    #[arg(long, value_parser = text())]
    name: Option<String>,
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Answer, Failure> {
    let store = context.open_store()?;
    match store.tip() {
        Ok(tip) => {
            return Err(Failure::no(format!("there is a ledger already: the evidence branch is at {}", tip.commit))
                .hint("ledger status"));
        }
        Err(StoreError::NoBranch { .. }) => {}
        Err(other) => return Err(other.into()),
    }
    let root = store.work_tree().map(std::path::Path::to_owned).ok_or_else(|| {
        Failure::usage("this repository has no work tree to keep ledger.toml and the pin in")
            .hint("run ledger init in a clone, then push the evidence branch here")
    })?;
    let path = root.join(POLICY_FILE);
    let existing = context.world().read(&path).ok();
    refuse_second(args, context, &store, existing.is_some())?;
    let (sources, candidate) = context.first_identity(&store)?;
    let text = match &existing {
        Some(bytes) => String::from_utf8(bytes.clone()).map_err(|_| Failure::usage("ledger.toml is not UTF-8"))?,
        None => draft_policy(args, &store, candidate.public)?,
    };
    let policy = parse::parse(&text).map_err(|findings| {
        Failure::usage(format!("the policy does not parse\n{}", findings.render(POLICY_FILE, &text)))
    })?;
    let person = policy.roster.person_of_key(candidate.public).ok_or_else(|| {
        Failure::usage(format!("your key {} belongs to nobody in ledger.toml", candidate.public.fingerprint()))
            .hint("add it to your [[person]]")
    })?;
    if !policy.roster.may_approve(person) {
        return Err(Failure::no(format!(
            "{} does not hold {}, the role that approves policies",
            person.handle(),
            policy.roster.approve.role
        )));
    }
    let composed = PolicyDraft {
        origin: &policy.roster.origin,
        text: &text,
        roster: &policy.roster,
        replaces: None,
        reason: "the ledger begins",
        person,
        mode: Mode::Ci,
        now: context.world().now(),
    };
    let draft = composed.compose()?;
    let first = draft.statement.id().0;
    typed::refuse_secrets(&draft)?;
    store.check_writable()?;
    if context.global.dry_run {
        context.printer.outcome(&format!("would begin {} with {}", policy.roster.origin, person.handle()), true);
        return Ok(Answer::Yes);
    }
    let signer = sources.unlock(&candidate)?;
    let commit = append::begin(&store, &draft, (person.id.as_str(), &person.name), &signer)?;
    let mut verifier =
        Verifier::new(store.format(), TrustAnchor { first: Some(first) }, Limits::default(), context.world().now());
    verifier.admit(examined(&store, &commit)?);
    let ledger = verifier.finish().map_err(Failure::broken)?;
    seen::begin(context, &store, &ledger)?;
    // The ledger is there; the two files only describe it and can be written again.
    let write = |path: &std::path::Path, text: &str| {
        context
            .world()
            .write(path, text.as_bytes())
            .map_err(|error| Failure::unknown(format!("cannot write {}: {error}", path.display())))
    };
    if existing.is_none() {
        write(&path, &text)?;
    }
    write(&root.join(PIN_FILE), &pin_text(&policy.roster.origin, first))?;
    tell(context, &policy, person.handle(), &candidate.public, &commit, first, &text)
}

/// A pin says that this source has a ledger already, wherever its branch is; and a policy that is
/// there is taken as it is.
fn refuse_second(args: &Args, context: &Context<'_>, store: &GitStore, has_policy: bool) -> Result<(), Failure> {
    if let Some(first) = context.pin(store)? {
        return Err(Failure::no(format!(
            "{PIN_FILE} pins a ledger already (entry 0 sha256:{first}), its branch is not here"
        ))
        .hint("ledger pull")
        .hint(format!("only to begin another ledger for good: remove {PIN_FILE} first")));
    }
    let chosen = [args.example.is_some(), args.origin.is_some(), args.id.is_some(), args.name.is_some()];
    if has_policy && chosen.contains(&true) {
        return Err(Failure::usage(format!("{POLICY_FILE} is there already and says all that itself"))
            .hint("edit it and run `ledger init` without flags, or move it away"));
    }
    Ok(())
}

fn tell(
    context: &mut Context<'_>,
    policy: &Policy,
    handle: &str,
    key: &PublicKey,
    commit: &crate::id::ObjectId,
    first: crate::id::Digest,
    text: &str,
) -> Result<Answer, Failure> {
    let printer = &mut context.printer;
    if printer.json {
        printer.json(&serde_json::json!({
            "schema": format!("{}init/v0.1", crate::cli::output::SCHEMAS),
            "origin": policy.roster.origin.as_str(), "first": first.to_string(), "commit": commit.as_str(), "person": handle,
        }));
        return Ok(Answer::Yes);
    }
    let good = printer.good();
    printer.say(format!("{good} ledger {} begun by {handle} ({})", policy.roster.origin, key.fingerprint()));
    printer.say(format!("  entry 0  sha256:{first}  on branch evidence"));
    printer.say(format!("  {POLICY_FILE} is the policy, {PIN_FILE} pins the ledger: commit both"));
    let findings = lint::lint(policy);
    if !findings.is_empty() {
        printer.talk("\nnot every gate can be passed by the people in the policy yet:");
        printer.talk(findings.render(POLICY_FILE, text));
    }
    if policy.roster.origin.as_str().starts_with("localhost/") {
        let undo = format!("git branch -D evidence && rm {POLICY_FILE} {PIN_FILE}");
        printer.talk(format!("note: the ledger is named {} for good, as no remote on a host names it; to name it otherwise, before anybody relies on it:\n  → {undo}\n  → ledger init --origin github.com/you/project", policy.roster.origin));
    }
    let gate = policy.gates().next().map_or("GATE", |(_, gate)| gate.id.as_str());
    printer.talk(format!("next:\n  → git add {POLICY_FILE} {PIN_FILE} && git commit -m \"Begin the evidence ledger\"\n  → ledger open {gate} --release VERSION"));
    Ok(Answer::Yes)
}

/// An example with this ledger's name, and one person who holds every role it mentions.
fn draft_policy(args: &Args, store: &GitStore, key: PublicKey) -> Result<String, Failure> {
    let wanted = args.example.as_deref().unwrap_or("starter");
    let example = EXAMPLES.iter().find(|(name, _)| *name == wanted).map_or("", |(_, text)| text);
    let mut document: DocumentMut =
        example.parse().map_err(|error| Failure::unknown(format!("the example does not parse: {error}")))?;
    let origin = match &args.origin {
        Some(origin) => Origin::parse(origin)?,
        None => origin_of(store),
    };
    let id = args.id.clone().or_else(|| store.config("user.email"));
    let id = id.ok_or_else(|| {
        Failure::usage("who are you? git's user.email is not set")
            .hint("ledger init --id you@example.com --name \"Your Name\"")
    })?;
    let id = PersonId::parse(&id)?;
    let name = args
        .name
        .clone()
        .or_else(|| store.config("user.name"))
        .unwrap_or_else(|| id.as_str().split('@').next().unwrap_or_default().to_owned());
    set_text(&mut document["ledger"]["origin"], origin.as_str());
    let roles = roles_of(example);
    let mut person = Table::new();
    person.insert("id", value(id.as_str()));
    person.insert("name", value(name));
    let mut list = toml_edit::Array::new();
    roles.iter().for_each(|role| list.push(role.as_str()));
    person.insert("roles", value(list));
    let mut keys = toml_edit::Array::new();
    keys.push(key.to_string());
    person.insert("keys", value(keys));
    let old = document.get("person").and_then(Item::as_array_of_tables).and_then(|people| people.get(0));
    if let Some(old) = old {
        *person.decor_mut() = old.decor().clone();
        person.set_position(old.position());
    }
    let mut people = ArrayOfTables::new();
    people.push(person);
    document.insert("person", Item::ArrayOfTables(people));
    Ok(document.to_string())
}

/// Replaces a text and keeps the comment behind it.
fn set_text(item: &mut Item, text: &str) {
    let decor = item.as_value().map(|old| old.decor().clone());
    *item = value(text);
    if let (Some(decor), Some(new)) = (decor, item.as_value_mut()) {
        *new.decor_mut() = decor;
    }
}

/// Every role the example's people hold, but for bots'.
fn roles_of(example: &str) -> Vec<String> {
    let Ok(policy) = parse::parse(example) else { return Vec::new() };
    let mut roles: Vec<String> = Vec::new();
    for person in policy.roster.people().filter(|person| !person.bot) {
        for role in &person.roles {
            if !roles.iter().any(|known| known == role.as_str()) {
                roles.push(role.to_string());
            }
        }
    }
    roles
}

/// `git@github.com:acme/widget.git` and `https://github.com/acme/widget` are both `github.com/acme/widget`.
fn origin_of(store: &GitStore) -> Origin {
    let from_remote = store.url_of("origin").and_then(|url| {
        let rest = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
        let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
        let name = rest.replacen(':', "/", usize::from(!url.contains("://")));
        let name = name.trim_end_matches('/').trim_end_matches(".git").trim_start_matches('/');
        let host = name.split('/').next().unwrap_or_default();
        Origin::parse(name).ok().filter(|_| host.contains('.') && name.contains('/'))
    });
    let folder = store.work_tree().and_then(|root| root.file_name()).map(|name| name.to_string_lossy().into_owned());
    let local = format!("localhost/{}", crate::store::layout::slug(&folder.unwrap_or_default()));
    from_remote
        .or_else(|| Origin::parse(&local).ok())
        .unwrap_or_else(|| Origin::parse("localhost/ledger").unwrap_or_else(|_| unreachable!("a valid origin")))
}

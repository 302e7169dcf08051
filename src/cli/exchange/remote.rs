//! The network, through the user's own git: their transports, credentials, agent and proxies.

use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::world::Ran;
use crate::id::ObjectId;
use crate::store::git::{BRANCH, GitStore, share};

/// What became of a push.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    Taken,
    /// The remote has entries that are not among ours.
    Behind,
}

/// What git and servers say of a push that came second. Whatever else they say is a refusal.
const RACES: &[&str] = &[
    "(fetch first)",
    "(non-fast-forward)",
    "(stale info)",
    "failed to update ref",
    "cannot lock ref",
    "failed to lock",
    "incorrect old value provided",
    "reference already exists",
];

/// What git says where another process here moved the same ref, or holds its lock.
const LOCAL_RACES: &[&str] = &["cannot lock ref", "unable to update local ref", ".lock': File exists"];

/// A fetch that moves one ref of ours, whatever the configuration says.
pub(super) const FETCH: &[&str] =
    &["--quiet", "--no-tags", "--no-prune", "--no-recurse-submodules", "--no-write-fetch-head", "--refmap="];

/// The remote named, or the one people mean when they name none.
pub fn named(store: &GitStore, wanted: Option<&str>) -> Result<String, Failure> {
    let name = wanted.map(str::to_owned).or_else(|| store.first_remote());
    let Some(name) = name else {
        return Err(Failure::usage("this repository has no remote to share the evidence with")
            .hint("git remote add origin URL"));
    };
    if !store.has_remote(&name) {
        return Err(Failure::usage(format!("no remote is called {name:?}")).hint("git remote -v"));
    }
    Ok(name)
}

/// Fetches the remote's branch to a ref of its own, where it replaces nothing that was believed.
/// `None`: the remote has no such branch.
pub fn fetch(context: &Context<'_>, store: &GitStore, remote: &str) -> Result<Option<ObjectId>, Failure> {
    let to = share::fetched(remote);
    let refspec = format!("+{BRANCH}:{to}");
    let ran = git(context, store, &[&["fetch"], FETCH, &["--", remote, &refspec]].concat())?;
    if ran.exit_code == 0 {
        return Ok(store.resolve(&to)?);
    }
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    if said.contains("find remote ref") {
        return Ok(None);
    }
    let own = |line: &&str| !line.starts_with("remote:");
    if said.lines().filter(own).any(|line| LOCAL_RACES.iter().any(|race| line.contains(race))) {
        let lock = store.common_directory().join(format!("{to}.lock"));
        return Err(Failure::conflict(format!("another process here is fetching from {remote}"))
            .hint(format!("run the command again; if no git process is running, remove {}", lock.display())));
    }
    Err(unreached(remote, &ran))
}

/// Where the remote's branch stands, without fetching anything.
pub fn look(context: &Context<'_>, store: &GitStore, remote: &str) -> Result<Option<ObjectId>, Failure> {
    let ran = git(context, store, &["ls-remote", "--", remote, BRANCH])?;
    if ran.exit_code != 0 {
        return Err(unreached(remote, &ran));
    }
    let text = String::from_utf8_lossy(&ran.stdout).into_owned();
    let line = text.lines().find_map(|line| line.split_once('\t').filter(|(_, name)| *name == BRANCH));
    Ok(line.map(|(id, _)| ObjectId::parse(id)).transpose()?)
}

/// Sends one commit of the branch, fast-forward only, and nothing else whatever the configuration says. The
/// hook of `ledger hooks install` is passed over: what it does was done before.
pub fn push(context: &Context<'_>, store: &GitStore, remote: &str, tip: &ObjectId) -> Result<Sent, Failure> {
    let refspec = format!("{tip}:{BRANCH}");
    let options = ["--porcelain", "--no-verify", "--no-follow-tags", "--recurse-submodules=no"];
    let ran = git(context, store, &[&["push"], &options[..], &["--", remote, &refspec]].concat())?;
    let out = String::from_utf8_lossy(&ran.stdout).into_owned();
    if ran.exit_code == 0 {
        return if is_taken(&out) { Ok(Sent::Taken) } else { Err(unconfirmed(remote)) };
    }
    let refused = out.lines().find(|line| line.starts_with('!'));
    match refused {
        Some(line) if RACES.iter().any(|race| line.contains(race)) => Ok(Sent::Behind),
        Some(line) => {
            let why = line.rsplit('\t').next().unwrap_or(line);
            let said = String::from_utf8_lossy(&ran.stderr).into_owned();
            let told: Vec<&str> = said.lines().filter(|line| line.starts_with("remote:")).collect();
            Err(Failure::no(
                [vec![format!("{remote} does not take the evidence: {why}").as_str()], told].concat().join("\n"),
            ))
        }
        None => Err(unreached(remote, &ran)),
    }
}

/// Whether git reports of the branch itself (git-push, "--porcelain") that it was made, moved on, or there already.
fn is_taken(out: &str) -> bool {
    let of_branch =
        |line: &&str| line.split('\t').nth(1).and_then(|refs| refs.split_once(':')).is_some_and(|(_, to)| to == BRANCH);
    out.lines().find(of_branch).is_some_and(|line| matches!(line.split('\t').next(), Some(" " | "*" | "=")))
}

/// Git ended well and reported nothing: perhaps it is not git at all.
fn unconfirmed(remote: &str) -> Failure {
    Failure::unknown(format!("git does not say that {remote} has the entries: nobody can tell whether they were sent"))
        .hint(format!("see what {remote} has: git ls-remote {remote} {BRANCH}"))
        .hint("and which git it is: git --version")
}

pub(super) fn git(context: &Context<'_>, store: &GitStore, args: &[&str]) -> Result<Ran, Failure> {
    // A relative URL is meant from the work tree's root.
    let root = store.work_tree().unwrap_or_else(|| store.directory()).to_string_lossy().into_owned();
    let directory = store.directory().to_string_lossy().into_owned();
    let place = ["-C", root.as_str(), "--git-dir", directory.as_str()];
    let mut env = vec![("LC_ALL", "C")];
    if !context.world().is_interactive {
        env.push(("GIT_TERMINAL_PROMPT", "0"));
    }
    let ran = context.world().output("git", &[&place, args].concat(), &env);
    ran.map_err(|error| Failure::unknown(format!("git cannot be run: {error}")).hint("install git 2.34 or newer"))
}

fn unreached(remote: &str, ran: &Ran) -> Failure {
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    let why = said.lines().find(|line| line.starts_with("fatal:") || line.starts_with("error:"));
    let why = why.or_else(|| said.lines().last()).unwrap_or("git said nothing");
    Failure::unknown(format!("{remote} cannot be reached: {why}"))
        .hint("entries stay here until it can; everything else works without it")
        .hint(format!("see what git says: git ls-remote {remote} {BRANCH}"))
}

#[cfg(test)]
mod tests {
    use super::is_taken;

    #[test]
    fn git_s_own_report_is_what_counts() {
        for taken in
            ["*\t1:refs/heads/evidence\t[new branch]", " \t1:refs/heads/evidence\ta..b", "=\t1:refs/heads/evidence\t"]
        {
            assert!(is_taken(&format!("To x\n{taken}\nDone\n")), "{taken}");
        }
        for not in [
            "",
            "Done",
            "!\t1:refs/heads/evidence\t[rejected]",
            "*\t1:refs/heads/main\t[new branch]",
            "+\t1:refs/heads/evidence\t",
        ] {
            assert!(!is_taken(not), "{not}");
        }
    }
}

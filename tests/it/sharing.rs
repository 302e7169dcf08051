//! `ledger push` and `ledger pull` with real clones and a bare repository between them.

use std::process::Stdio;
use std::time::Duration;

use crate::steps::{QA, says_all};
use crate::support::team::{Clone, Team};
use crate::support::{POLICY, files};

/// A ledger whose gates are open for 1.0, on the server and in a clone of Min's and of Kim's.
fn team() -> Team {
    let team = Team::new(&POLICY);
    for gate in ["ga", "alpha"] {
        let _ = team.repo.ledger("lee", &["open", gate, "--release", "1.0"]).exits(0);
    }
    let _ = team.repo.ledger("lee", &["push"]).exits(0);
    team
}

fn brings(clone: &Clone<'_>, who: &str, text: &str) {
    clone.write("note.txt", text);
    clone.types(who, "record announcement note.txt --gate ga", 0);
}

/// Kim's clone, which has parted from the server: Min's entry is there and not here, Kim's is here and not there.
fn parted(team: &Team) -> Clone<'_> {
    let (min, kim) = (team.clone("min"), team.clone("kim"));
    brings(&min, "min", "by min");
    min.types("min", "push", 0);
    brings(&kim, "kim", "by kim");
    kim
}

/// The statements of the last entries of a branch, as bytes in Git's own words.
fn statements(clone: &Clone<'_>, range: &str) -> Vec<String> {
    let commits = clone.git(&["rev-list", "--reverse", range]);
    let of = |commit: &str| {
        let added = clone.git(&["diff-tree", "-r", "--no-commit-id", "--diff-filter=A", commit]);
        let mut blobs: Vec<String> =
            added.lines().map(|line| line.split_whitespace().nth(3).unwrap().to_owned()).collect();
        blobs.sort();
        blobs.join(" ")
    };
    commits.lines().map(of).collect()
}

#[test]
fn what_others_sent_is_taken_and_own_entries_come_on_top_with_the_same_bytes() {
    let team = team();
    let (min, kim) = (team.clone("min"), team.clone("kim"));
    brings(&min, "min", "by min");
    says_all(&min.types("min", "push", 0), &["origin has 4 entries"]);
    brings(&kim, "kim", "by kim, one");
    brings(&kim, "kim", "by kim, two");
    let before = statements(&kim, "origin/evidence..evidence");
    // As a pull that was killed at its end leaves it.
    kim.git(&["update-ref", "refs/ledger/queued/old", "evidence"]);
    says_all(
        &kim.types("kim", "pull", 0),
        &["1 entry taken from origin", "yours brought again as #4, #5", "2 not sent yet"],
    );
    assert_eq!(statements(&kim, "origin/evidence..evidence"), before, "only the commits are others");
    assert_eq!(kim.queued(), Vec::<String>::new());
    kim.types("", "verify", 0);
    // Again there is nothing to do, and nothing else than the branch was ever sent.
    says_all(&kim.types("kim", "pull", 0), &["origin has nothing new", "2 not sent yet"]);
    kim.git(&["tag", "-a", "-m", "t", "v1"]);
    kim.git(&["config", "push.followTags", "true"]);
    says_all(&kim.types("kim", "push", 0), &["origin has 6 entries"]);
    assert_eq!(team.on_server(&["for-each-ref", "--format=%(refname)"]), "refs/heads/evidence\nrefs/heads/main");
    assert_eq!(team.on_server(&["rev-parse", "evidence"]), kim.at("evidence"));
    says_all(&min.types("", "pull", 0), &["2 entries taken"]);
}

#[test]
fn what_does_not_fit_any_more_waits_under_a_ref_and_nothing_is_lost() {
    let team = team();
    let (min, kim) = (team.clone("min"), team.clone("kim"));
    for clone in [&min, &kim] {
        clone.write("docs/qa.md", QA);
        clone.write("build/app_1.0.bin", "binary");
    }
    kim.types("kim", "record qa-checklist", 0);
    kim.types("kim", "record artifacts", 0);
    kim.types("kim", "sign alpha --yes", 0);
    let approved = kim.at("evidence");
    // Meanwhile Min has brought other artifacts.
    min.types("min", "record artifacts", 0);
    min.types("min", "push", 0);
    let said = kim.types("kim", "pull", 5);
    says_all(&said, &["✗ approval: alpha APPROVED by KIM for 1.0", "(was entry 5)", "1 entry was not brought again"]);
    let [queued] = &kim.queued()[..] else { panic!("{:?}", kim.queued()) };
    says_all(&said, &[&format!("git log refs/heads/evidence..{queued}"), &format!("git update-ref -d {queued}")]);
    assert_eq!(kim.at(queued), approved, "every commit is still there, as it was");
    assert_eq!(kim.summaries("origin/evidence..evidence").len(), 2, "the evidence fits, the approval does not");
    kim.types("", "verify", 0);
    // It is said again until somebody has looked; then signing anew is an ordinary entry.
    says_all(&kim.types("kim", "pull", 0), &["1 entry waits from an earlier pull", queued]);
    kim.types("kim", "sign alpha --yes", 0);
    kim.types("kim", "push", 0);
    kim.git(&["update-ref", "-d", queued]);
    says_all(&kim.types("", "status alpha", 0), &["approval"]);
}

#[test]
fn an_attempt_that_was_taken_and_a_promotion_that_closed_are_not_written() {
    let team = team();
    let (min, kim) = (team.clone("min"), team.clone("kim"));
    min.types("min", "open alpha --release 2.0", 0);
    kim.types("kim", "open alpha --release 2.0", 0);
    min.types("min", "push", 0);
    says_all(&kim.types("kim", "push", 5), &["open", "attempt", "origin has 4 entries"]);
    assert_eq!(kim.at("evidence"), min.at("evidence"));
    // Kim signs and Min promotes; at the same time Han rejects.
    for clone in [&min, &kim] {
        clone.write("docs/qa.md", QA);
        clone.write("build/app_1.0.bin", "binary");
    }
    kim.types("kim", "record qa-checklist --release 1.0", 0);
    kim.types("kim", "record artifacts --release 1.0", 0);
    kim.types("kim", "sign alpha --yes --release 1.0", 0);
    kim.types("kim", "push", 0);
    min.types("min", "pull", 0);
    min.types("min", "promote alpha --release 1.0", 0);
    kim.types("han", "sign alpha --reject --yes -m no --release 1.0", 0);
    kim.types("han", "push", 0);
    says_all(&min.types("min", "push", 5), &["✗ promotion", "alpha is not open there"]);
    min.types("", "verify", 0);
    assert_eq!(team.on_server(&["rev-parse", "evidence"]), kim.at("evidence"));
}

#[test]
fn somebody_else_s_entries_are_never_signed_again() {
    let team = team();
    let (min, shared) = (team.clone("min"), team.clone("shared"));
    brings(&min, "min", "by min");
    min.types("min", "push", 0);
    brings(&shared, "ci", "by the robot");
    brings(&shared, "kim", "by kim");
    let said = shared.types("kim", "push", 5);
    says_all(&said, &["ci@acme.example signed it, and nobody else signs it again", "(was entry 3)"]);
    let authors = shared.git(&["log", "-2", "--format=%ae", "evidence"]);
    assert_eq!(authors, "kim@acme.example\nmin@acme.example", "Kim's own was sent all the same");
    assert_eq!(team.on_server(&["rev-parse", "evidence"]), shared.at("evidence"));
    // Its author brings it where it is; then nothing waits.
    let [queued] = &shared.queued()[..] else { panic!() };
    assert_eq!(shared.git(&["log", "-1", "--format=%ae", &format!("{queued}~1")]), "ci@acme.example");
    // Without a key nobody can tell whose they are, and nothing changes.
    brings(&min, "min", "more by min");
    min.types("min", "push", 0);
    brings(&shared, "kim", "more by kim");
    let before = shared.at("evidence");
    let _ = shared.ledger("", &["pull"]).exits(3);
    assert_eq!(shared.at("evidence"), before);
    shared.types("kim", "pull", 0);
}

#[test]
fn a_pull_killed_at_any_moment_leaves_the_old_branch_or_the_new_one() {
    let team = team();
    let (min, kim) = (team.clone("min"), team.clone("kim"));
    let delays = [0, 5, 15, 30, 45, 60, 75, 90, 110, 130, 160, 200];
    for (round, delay) in delays.into_iter().enumerate() {
        brings(&min, "min", &format!("by min {round}"));
        min.types("min", "push", 0);
        brings(&kim, "kim", &format!("by kim {round}"));
        let old = kim.at("evidence");
        let mut child = kim.command("kim", &["pull"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(delay));
        child.kill().unwrap();
        let _ = child.wait().unwrap();
        kim.types("", "verify", 0);
        if kim.at("evidence") != old {
            assert!(kim.summaries("evidence").len() > kim.summaries(&old).len(), "round {round}");
        }
        stale_locks_are_named(&kim);
        kim.types("kim", "push", 0);
        min.types("min", "pull", 0);
    }
    let notes = kim.git(&["grep", "-h", "", "evidence", "--", ":(glob)Stage9_*/files/**"]);
    let mut lines: Vec<&str> = notes.lines().collect();
    lines.sort_unstable();
    lines.dedup();
    assert_eq!(lines.len(), 2 * delays.len(), "{notes}");
    assert_eq!(kim.queued(), Vec::<String>::new());
}

/// A process that was killed may leave a lock: whoever comes next is told which file it is.
fn stale_locks_are_named(clone: &Clone<'_>) {
    for lock in
        files(&clone.path().join(".git/refs")).iter().filter(|file| file.extension().is_some_and(|e| e == "lock"))
    {
        let said = clone.ledger("kim", &["pull"]);
        assert!([3, 5].contains(&said.code) && said.err.contains(".lock"), "{lock:?}: {said:?}");
        std::fs::remove_file(lock).unwrap();
    }
}

#[test]
fn a_lock_somebody_left_is_named_and_the_pull_goes_on_without_it() {
    let team = team();
    let kim = parted(&team);
    let before = kim.at("evidence");
    for name in ["refs/remotes/origin/evidence.lock", "refs/heads/evidence.lock"] {
        let lock = kim.path().join(".git").join(name);
        std::fs::write(&lock, "").unwrap();
        says_all(&kim.types("kim", "pull", 5), &[name, "run the command again"]);
        assert_eq!((kim.at("evidence"), kim.queued()), (before.clone(), Vec::new()));
        std::fs::remove_file(&lock).unwrap();
    }
    kim.types("kim", "push", 0);
}

/// Whoever loses the race to the branch takes nothing away that the winner has put under a ref.
#[test]
fn who_comes_second_never_forgets_what_waits() {
    let team = team();
    let kim = parted(&team);
    let (before, lock) = (kim.at("evidence"), kim.path().join(".git/refs/heads/evidence.lock"));
    // As a pull at the same moment leaves them: the branch it is about to move away from, and one that arrived.
    let names = [&before[..12], "z-arrived"].map(|name| format!("refs/ledger/queued/{name}"));
    names.iter().for_each(|name| drop(kim.git(&["update-ref", name, "evidence"])));
    std::fs::write(&lock, "").unwrap();
    says_all(&kim.types("kim", "pull", 5), &["refs/heads/evidence.lock"]);
    assert_eq!((kim.at("evidence"), kim.queued()), (before, names.to_vec()));
    std::fs::remove_file(&lock).unwrap();
    kim.types("kim", "pull", 0);
    assert_eq!(kim.queued(), Vec::<String>::new(), "all of it is in the ledger");
    let names = ["refs/ledger/queued/z-arrived".to_owned()];
    kim.git(&["update-ref", &names[0], "evidence"]);
    std::fs::write(&lock, "").unwrap();
    kim.types("kim", "pull", 0);
    assert_eq!(kim.queued(), names, "somebody is about to move the branch");
}

#[test]
fn pulls_at_once_leave_every_entry_under_a_ref() {
    let team = team();
    let (min, kim) = (team.clone("min"), team.clone("kim"));
    for clone in [&min, &kim] {
        clone.write("docs/qa.md", QA);
        clone.write("build/app_1.0.bin", "binary");
    }
    kim.types("kim", "record qa-checklist", 0);
    for round in 0..4 {
        kim.types("kim", "record artifacts", 0);
        kim.types("kim", "sign alpha --yes", 0);
        let approved = kim.at("evidence");
        min.write("build/app_1.0.bin", &format!("binary {round}"));
        min.types("min", "record artifacts", 0);
        min.types("min", "push", 0);
        std::thread::scope(|scope| {
            let pulls: Vec<_> = (0..3).map(|_| scope.spawn(|| kim.ledger("kim", &["pull"]))).collect();
            let ran: Vec<_> = pulls.into_iter().map(|pull| pull.join().unwrap()).collect();
            assert!(ran.iter().all(|ran| [0, 5].contains(&ran.code)), "{ran:?}");
        });
        let kept = kim.git(&["for-each-ref", "--contains", &approved, "--format=%(refname)"]);
        assert!(kept.contains("refs/ledger/queued/"), "round {round}: the approval is under no ref: {kept:?}");
        kim.types("kim", "push", 0);
        kim.write("build/app_1.0.bin", &format!("of kim {round}"));
        min.types("min", "pull", 0);
    }
    kim.types("", "verify", 0);
}

#[test]
fn a_fetch_that_another_process_came_before_is_a_conflict() {
    let team = team();
    let kim = parted(&team);
    let lock = kim.path().join(".git/refs/ledger/fetched/origin.lock");
    std::fs::write(&lock, "").unwrap();
    says_all(&kim.types("kim", "push", 5), &["another process here is fetching", "fetched/origin.lock"]);
    says_all(&kim.types("kim", "pull", 5), &["fetched/origin.lock"]);
    std::fs::remove_file(&lock).unwrap();
    kim.types("kim", "push", 0);
}

#[test]
fn people_who_keep_pushing_at_once_all_arrive() {
    let team = team();
    let clones: Vec<_> = ["min", "kim", "lee", "han"].into_iter().map(|who| (who, team.clone(who))).collect();
    std::thread::scope(|scope| {
        for (who, clone) in &clones {
            scope.spawn(move || {
                for turn in 0..3 {
                    brings(clone, who, &format!("{who} {turn}"));
                    clone.types(who, "push", 0);
                }
            });
        }
    });
    let last = team.clone("auditor");
    says_all(&last.types("", "verify", 0), &["15 entries"]);
}

#[test]
fn asked_wrongly_or_out_of_reach_nothing_is_guessed() {
    let team = team();
    let kim = team.clone("kim");
    says_all(&kim.types("kim", "pull --remote nowhere", 2), &["no remote is called", "git remote -v"]);
    kim.types("kim", "push --remote --upload-pack=touch", 2);
    says_all(&kim.types("kim", "push --dry-run", 0), &["dry run"]);
    brings(&kim, "kim", "one");
    let refs = kim.git(&["for-each-ref"]);
    kim.types("kim", "push --dry-run", 0);
    kim.types("kim", "pull --dry-run", 0);
    assert_eq!(kim.git(&["for-each-ref"]), refs);
    kim.git(&["remote", "set-url", "origin", "/nonexistent/server.git"]);
    says_all(&kim.types("kim", "push", 3), &["origin cannot be reached"]);
    says_all(&kim.types("kim", "pull", 3), &["origin cannot be reached"]);
    kim.git(&["remote", "remove", "origin"]);
    says_all(&kim.types("kim", "push", 2), &["no remote"]);
}

/// What the server's own hook refuses is a no, told in its words, and no lost race.
#[cfg(unix)]
#[test]
fn a_server_that_refuses_is_no_lost_race() {
    use std::os::unix::fs::PermissionsExt as _;
    let team = team();
    let kim = team.clone("kim");
    brings(&kim, "kim", "one");
    let hook = team.server.join("hooks/pre-receive");
    std::fs::write(&hook, "#!/bin/sh\necho we are closed >&2\nexit 1\n").unwrap();
    std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755)).unwrap();
    says_all(&kim.types("kim", "push", 1), &["origin does not take the evidence", "we are closed"]);
}

#[test]
fn an_approval_comes_by_mail_from_somebody_without_a_way_to_the_remote() {
    let team = team();
    let (min, kim, late) = (team.clone("min"), team.clone("kim"), team.clone("late"));
    for clone in [&min, &kim] {
        clone.write("docs/qa.md", QA);
        clone.write("build/app_1.0.bin", "binary");
    }
    min.types("min", "record qa-checklist --release 1.0", 0);
    min.types("min", "record artifacts --release 1.0", 0);
    min.types("min", "push", 0);
    kim.types("kim", "pull", 0);
    says_all(&kim.types("kim", "push --to ../mail.bundle", 1), &["nothing to put in a file"]);
    kim.git(&["remote", "set-url", "origin", "/nonexistent"]);
    kim.types("kim", "sign alpha --yes", 0);
    kim.types("kim", "push --to ../mail.bundle --dry-run", 0);
    assert!(!team.repo.home().join("mail.bundle").exists());
    says_all(&kim.types("kim", "push --to ../mail.bundle", 0), &["1 entry in ../mail.bundle"]);
    // Min needs no key of Kim's, and signs nothing.
    let before = min.at("evidence");
    says_all(&min.types("", "pull --from ../mail.bundle --dry-run", 0), &["1 entry taken"]);
    assert_eq!(min.at("evidence"), before);
    says_all(&min.types("", "pull --from ../mail.bundle", 0), &["1 entry taken", "ledger push"]);
    assert_eq!(min.at("evidence"), kim.at("evidence"));
    says_all(&min.types("", "pull --from ../mail.bundle", 0), &["nothing new"]);
    min.types("min", "push", 0);
    min.types("min", "promote alpha", 0);
    // Another file, made before that, fits nowhere any more.
    kim.types("kim", "sign alpha --withdraw --yes -m no", 0);
    kim.types("kim", "push --to ../late.bundle", 0);
    let before = min.at("evidence");
    says_all(&min.types("min", "pull --from ../late.bundle", 5), &["only who signed it", "ledger push --to FILE"]);
    assert_eq!((min.at("evidence"), min.queued()), (before, Vec::new()));
    // A clone that is behind is told so; what is no file of ours is refused.
    says_all(&late.types("", "pull --from ../late.bundle", 3), &["entries that are not here", "ledger pull"]);
    std::fs::write(team.repo.home().join("no.bundle"), "nothing\n").unwrap();
    late.types("", "pull --from ../no.bundle", 3);
    late.types("", "pull --from ../absent.bundle", 2);
    late.types("", "pull --from=", 2);
}

/// Entries go into a new file, or one of theirs: nothing else is taken away for them.
#[cfg(unix)]
#[test]
fn a_file_of_entries_takes_the_place_of_its_like_only() {
    use std::os::unix::fs::FileTypeExt as _;
    let team = team();
    let kim = team.clone("kim");
    brings(&kim, "kim", "one");
    kim.types("kim", "push --to ../own.bundle", 0);
    brings(&kim, "kim", "two");
    says_all(&kim.types("kim", "push --to ../own.bundle", 0), &["2 entries in ../own.bundle"]);
    kim.write("text.md", "kept");
    kim.git(&["bundle", "create", "-q", "foreign.bundle", "main"]);
    std::os::unix::fs::symlink("text.md", kim.path().join("link")).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(kim.path().join("pipe")).status().unwrap().success());
    let bytes = |name: &str| std::fs::read(kim.path().join(name)).unwrap();
    let names = ["text.md", ".git/config", "foreign.bundle"];
    let before = names.map(bytes);
    for name in names.into_iter().chain(["link", "pipe", "docs", ".git/new.bundle", ".git/refs/heads/x"]) {
        let place = kim.path().join("docs");
        std::fs::create_dir_all(place).unwrap();
        kim.types("kim", &format!("push --to {name} --dry-run"), 2);
        says_all(&kim.types("kim", &format!("push --to {name}"), 2), &["name a new file"]);
    }
    assert_eq!(names.map(bytes), before);
    assert!(!kim.path().join(".git/new.bundle").exists() && !kim.path().join(".git/refs/heads/x").exists());
    let kind = |name: &str| std::fs::symlink_metadata(kim.path().join(name)).unwrap().file_type();
    assert!(kind("link").is_symlink() && kind("pipe").is_fifo());
}

/// Git reads a file that is none of its own to the end; nobody waits for that.
#[cfg(unix)]
#[test]
fn a_file_that_is_no_bundle_is_not_read_to_its_end() {
    let team = team();
    let kim = team.clone("kim");
    let file = std::fs::File::create(kim.path().join("huge.bundle")).unwrap();
    file.set_len(64 << 30).unwrap();
    says_all(
        &kim.types("", "pull --from huge.bundle", 3),
        &["no bundle with that one branch", "ledger push --to FILE"],
    );
    kim.git(&["bundle", "create", "-q", "large.bundle", "refs/heads/evidence"]);
    let file = std::fs::OpenOptions::new().append(true).open(kim.path().join("large.bundle")).unwrap();
    file.set_len(64 << 30).unwrap();
    says_all(&kim.types("", "pull --from large.bundle", 3), &["larger than 4 GiB"]);
    assert!(std::process::Command::new("mkfifo").arg(kim.path().join("pipe")).status().unwrap().success());
    kim.types("", "pull --from pipe", 3);
}

/// A program that is not git sends nothing, however well it ends.
#[cfg(unix)]
#[test]
fn what_git_does_not_report_was_not_sent() {
    use std::os::unix::fs::PermissionsExt as _;
    let team = team();
    let kim = team.clone("kim");
    brings(&kim, "kim", "one");
    let shim = team.repo.home().join("shim");
    std::fs::create_dir(&shim).unwrap();
    std::fs::write(shim.join("git"), "#!/bin/sh\nexit 0\n").unwrap();
    std::fs::set_permissions(shim.join("git"), std::fs::Permissions::from_mode(0o755)).unwrap();
    for (args, code) in [(&["push"][..], 3), (&["push", "--to", "x.bundle"], 3)] {
        let ran = crate::support::finish(kim.command("kim", args).env("PATH", &shim));
        assert_eq!(ran.code, code, "{args:?}: {ran:?}");
    }
    assert!(!kim.path().join("x.bundle").exists());
    let sent = || team.on_server(&["rev-parse", "evidence"]) == kim.at("evidence");
    assert!(!sent() && kim.at("origin/evidence") != kim.at("evidence"));
    kim.types("kim", "push", 0);
    assert!(sent());
}

/// A file whose entries were changed on the way moves nothing.
#[test]
fn a_file_with_an_entry_that_does_not_hold_is_refused() {
    let team = team();
    let (min, kim) = (team.clone("min"), team.clone("kim"));
    let tree = kim.at("evidence^{tree}");
    let forged = kim.git(&["commit-tree", &tree, "-p", "evidence", "-m", "approval: alpha APPROVED by KIM"]);
    kim.git(&["update-ref", "refs/heads/evidence", &forged]);
    kim.git(&["bundle", "create", "--quiet", "../forged.bundle", "refs/heads/evidence", "^origin/evidence"]);
    let before = min.at("evidence");
    says_all(&min.types("", "pull --from ../forged.bundle", 4), &["does not hold"]);
    assert_eq!(min.at("evidence"), before);
    // Nor does such a branch leave the clone it is in.
    kim.types("kim", "push", 4);
    kim.types("kim", "push --to ../forged2.bundle", 4);
    assert_eq!(team.on_server(&["rev-parse", "evidence"]), before);
}

//! A19: what stands around a ledger has no say in it.

use super::*;
use crate::steps::approved;

/// A19. Replacement refs: `refusals::replacements_change_no_verdict`.
#[test]
fn neither_git_s_configuration_nor_its_environment_has_a_say() {
    let repo = approved();
    let forge = Forge::of(&repo);
    let marker = repo.home().join("ran");
    let script = repo.home().join("script");
    std::fs::write(&script, format!("#!/bin/sh\ntouch {}\n", marker.display())).unwrap();
    let _ = crate::support::finish(repo.command("chmod", repo.home()).arg("755").arg(&script)).exits(0);
    let hooks = repo.home().join("hooks");
    std::fs::create_dir(&hooks).unwrap();
    for hook in ["reference-transaction", "post-index-change", "fsmonitor-watchman"] {
        std::fs::copy(&script, hooks.join(hook)).unwrap();
    }
    let signers = repo.home().join("mallory_signers");
    std::fs::write(&signers, format!("* {}\n", repo.public_key("mallory"))).unwrap();
    let [script, hooks, signers] = [&script, &hooks, &signers].map(|path| path.to_str().unwrap());
    for (key, value) in [
        ("gpg.format", "ssh"),
        ("gpg.program", script),
        ("gpg.ssh.program", script),
        ("gpg.ssh.defaultKeyCommand", script),
        ("gpg.ssh.allowedSignersFile", signers),
        ("core.hooksPath", hooks),
        ("core.fsmonitor", script),
        ("core.sshCommand", script),
        ("core.pager", script),
        ("diff.external", script),
        ("filter.x.smudge", script),
        ("i18n.commitEncoding", "EUC-KR"),
        ("core.autocrlf", "true"),
        ("fsck.skipList", signers),
    ] {
        repo.git(&["config", key, value]);
    }
    repo.write(".git/info/attributes", "* filter=x text eol=crlf ident export-subst\n");
    let (tips, tip) = (repo.commits(), forge.tip());
    repo.write(".git/info/grafts", format!("{} {}\n", tips[0], tips[2]));
    // Git may run what its configuration names, so it is not asked while the marker counts.
    std::fs::remove_file(&marker).unwrap_or_default();
    let elsewhere = TestRepo::bare_of_ledger();
    let objects = elsewhere.path.join(".git/objects");
    let env = [
        ("GIT_OBJECT_DIRECTORY", objects.to_str().unwrap()),
        ("GIT_ALTERNATE_OBJECT_DIRECTORIES", objects.to_str().unwrap()),
        ("GIT_REPLACE_REF_BASE", "refs/heads/"),
        ("GIT_GRAFT_FILE", ".git/info/grafts"),
        ("GIT_SHALLOW_FILE", ".git/info/grafts"),
        ("GIT_NAMESPACE", "other"),
        ("GIT_CEILING_DIRECTORIES", "/"),
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
        ("GIT_CONFIG_PARAMETERS", "'core.bare=true'"),
    ];
    let told = |env: &[(&str, &str)]| {
        let ran = repo.ledger_in(&repo.path, "", &["verify", "--json"], env);
        (ran.code, ran.out)
    };
    let good = told(&[]);
    assert_eq!(good.0, 0, "{}", good.1);
    env.iter().for_each(|pair| assert_eq!(told(&[*pair]), good, "{pair:?}"));
    let mut forged = forge.cut(5);
    forged.last().signed_with("mallory");
    assert_ne!(forged.lay(), tip);
    assert_eq!(verdict(&repo), (4, ["4 signer-unknown".to_owned()].into()));
    env.iter().for_each(|pair| assert_eq!(told(&[*pair]).0, 4, "{pair:?}"));
    assert!(!marker.exists(), "a program of the repository's choice was run");
}

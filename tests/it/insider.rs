//! An insider with a key and a client of their own: each entry is signed and in its place, and says what is not
//! so. Nobody signs, promotes or passes anything on the strength of it.

use crate::steps::says_all;
use crate::support::clock::Story;
use crate::support::forge::{Draft, Forge};
use crate::support::{POLICY, Policy};
use crate::tamper::forget;

const DAY: &str = "2025-10-04T09:00:00+09:00";

fn story(pipeline: &str) -> Story {
    Story::begin(&Policy { people: POLICY.people, pipeline: pipeline.to_owned().leak() }, DAY)
}

/// Two gates, the second of which requires the first.
fn two_gates(alpha: &str, beta: &str) -> Story {
    let approval = "[pipeline.p.gate.approval]\nrole = \"qa-lead\"\n";
    story(&format!(
        "[[pipeline.p.gate]]\nid = \"alpha\"\n{alpha}\n{approval}\n[[pipeline.p.gate]]\nid = \"beta\"\nrequires = [\"alpha\"]\n{beta}\n{approval}"
    ))
}

fn rule(id: &str, rest: &str) -> String {
    format!("\n[[pipeline.p.gate.rule]]\nid = \"{id}\"\n{rest}\n")
}

/// Lays the ledger again with one entry changed, as whoever holds the keys can.
fn forge(story: &Story, change: impl FnOnce(&mut Forge<'_>)) {
    let mut forge = Forge::of(&story.repo);
    change(&mut forge);
    forge.settle();
    forge.lay();
    forget(&story.repo);
}

/// The draft whose statement lies at a path with this word.
fn entry<'f>(forge: &'f mut Forge<'_>, word: &str) -> &'f mut Draft {
    forge.drafts.iter_mut().rev().find(|draft| draft.path.contains(word)).unwrap()
}

/// The gate named is not signed and passes no check, for a reason in words: the ledger does not hold.
fn refused(story: &mut Story, gate: &str, words: &[&str]) {
    asked_in_vain(story, gate, 4, words);
    says_all(&story.types("", "verify", 4), words);
}

/// The same where the ledger holds, and what lies beside it does not bear an entry out.
fn not_borne_out(story: &mut Story, gate: &str, words: &[&str]) {
    asked_in_vain(story, gate, 1, words);
    story.types("", "verify", 0);
}

fn asked_in_vain(story: &mut Story, gate: &str, code: i32, words: &[&str]) {
    for line in [format!("sign {gate} --yes"), format!("check {gate} --ci")] {
        says_all(&story.types("han", &line, code), words);
    }
}

fn passes(story: &mut Story, gate: &str) {
    story.types("kim", &format!("sign {gate} --yes"), 0);
    story.types("kim", &format!("promote {gate}"), 0);
}

#[test]
fn facts_that_a_file_below_a_required_gate_does_not_bear_out() {
    let mut story = two_gates(&rule("qa", "format = \"checklist\"\nexpect = \"open == 0\""), "");
    story.repo.write("qa.md", "- [x] installs\n");
    story.types("min", "open alpha --release 1.0", 0);
    story.types("min", "record qa qa.md", 0);
    passes(&mut story, "alpha");
    story.types("min", "open beta --release 1.0", 0);
    story.types("kim", "sign beta --yes", 0);
    story.types("", "check beta --ci", 0);
    forge(&story, |forge| entry(forge, "evidence-qa").refile(0, b"- [ ] installs\n").done());
    refused(&mut story, "beta", &["facts", "done = 0"]);
    story.types("min", "promote beta", 4);
    // Nor do notes tell of it.
    says_all(&story.types("", "notes 1.0", 4), &["facts", "done = 0"]);
}

#[test]
fn a_source_that_changed_though_an_opening_below_says_it_did_not() {
    let mut story = two_gates(&rule("evals", "when = { changed = [\"src/**\"] }"), "");
    story.repo.write("src/a.rs", "fn a() {}\n");
    story.commits("source");
    story.repo.git(&["tag", "before"]);
    story.repo.write("README.md", "# another\n");
    story.commits("words");
    story.types("min", "open alpha --release 1.0 --since before", 0);
    passes(&mut story, "alpha");
    story.types("min", "open beta --release 1.0", 0);
    story.types("kim", "sign beta --yes", 0);
    story.types("", "check beta --ci", 0);
    let root = story.repo.git(&["rev-list", "--max-parents=0", "main"]);
    let before = story.repo.git(&["rev-parse", "before"]);
    forge(&story, |forge| {
        let opening = forge.drafts.iter_mut().find(|draft| draft.text().contains("\"since\"")).unwrap();
        opening.says(before.trim(), root.trim()).done();
    });
    refused(&mut story, "beta", &["nothing changed under src/**"]);
    story.types("min", "promote beta", 4);
}

#[test]
fn a_document_that_is_the_same_though_its_entry_says_it_changed() {
    let notes = "format = \"document\"\nfile = \"docs/notes.md\"\nchanged_since = \"alpha\"";
    let mut story = two_gates("", &rule("notes", notes));
    story.repo.write("docs/notes.md", "# Notes\n");
    story.commits("notes");
    story.types("min", "open alpha --release 1.0", 0);
    passes(&mut story, "alpha");
    story.types("min", "open beta --release 1.0", 0);
    story.types("min", "record notes", 0);
    says_all(&story.types("kim", "sign beta --yes", 1), &["the same as at alpha"]);
    forge(&story, |forge| entry(forge, "evidence-notes").says("\"alpha\": false", "\"alpha\": true").done());
    not_borne_out(&mut story, "beta", &["believed what is not so", "changed_since.alpha = false"]);
    // It is brought again as it is, and the gate says what it always said.
    story.types("min", "record notes", 0);
    says_all(&story.types("kim", "sign beta --yes", 1), &["the same as at alpha"]);
}

#[test]
fn a_template_that_is_not_the_one_of_the_source() {
    let qa = "format = \"checklist\"\nfile = \"docs/qa.md\"\ntemplate = \"docs/qa.md\"\nexpect = [\"open == 0\", \"done > 0\"]";
    let mut story = two_gates(&rule("qa", qa), "");
    // Somebody ticked the box before the release began: that is nobody's word about it.
    story.repo.write("docs/qa.md", "- [x] installs\n- [ ] starts\n");
    story.commits("checklist");
    story.types("min", "open alpha --release 1.0", 0);
    story.repo.write("docs/qa.md", "- [x] installs\n- [x] starts\n");
    story.types("min", "record qa", 0);
    assert_eq!(story.state("alpha", "qa"), "failed");
    forge(&story, |forge| {
        let draft = entry(forge, "evidence-qa");
        let template = draft.files.iter().position(|(path, _)| path.contains("template-")).unwrap();
        draft.refile(template, b"- [ ] installs\n- [ ] starts\n");
        let changes = [
            ("\"done\": 1", "\"done\": 2"),
            ("\"open\": 1", "\"open\": 0"),
            ("\"pre_ticked\": 1", "\"pre_ticked\": 0"),
        ];
        for (was, is) in changes {
            draft.statement = draft.text().replace(was, is).into_bytes();
        }
    });
    not_borne_out(&mut story, "alpha", &["has another template docs/qa.md"]);
}

#[test]
fn a_second_promotion_renews_no_time() {
    let watch = "window = { since = \"alpha\", to = \"2h\" }\nexpect = \"files == 1\"";
    let mut story = two_gates("", &rule("watch", watch));
    story.types("min", "open alpha --release 1.0", 0);
    passes(&mut story, "alpha");
    let promoted = story.repo.commits().len() - 1;
    story.after("3h");
    story.types("min", "open beta --release 1.0", 0);
    says_all(&story.has("beta", "watch"), &["the time is over"]);
    forge(&story, |forge| {
        let size = forge.drafts.len();
        forge.again(promoted).set("size", &size.to_string()).done();
    });
    story.types("", "verify", 0);
    story.brings("min", "watch of beta", "late");
    assert_eq!(story.state("beta", "watch"), "failed");
    says_all(&story.has("beta", "watch"), &["the time is over"]);
}

#[test]
fn a_digest_from_a_slot_that_asks_for_no_artifacts() {
    let rules = [
        rule("build", "format = \"artifact\"\nartifacts = \"recorded\"\nby = [\"deployment-engineer\"]"),
        rule("sums", "format = \"checksums\"\nartifacts = \"published\""),
        rule("smoke", ""),
    ];
    let mut story = story(&format!(
        "[pipeline.p]\nartifacts = [{{ name = \"app\", path = \"build/app.bin\" }}]\n[[pipeline.p.gate]]\nid = \"alpha\"\n{}\n[pipeline.p.gate.approval]\nrole = \"qa-lead\"\n",
        rules.concat()
    ));
    story.repo.write(".git/info/exclude", "build\n");
    story.repo.write("build/app.bin", "good");
    story.types("min", "open alpha --release 1.0", 0);
    story.types("min", "record build", 0);
    // With the tool itself, in another slot and by somebody who builds nothing.
    story.repo.write("build/app.bin", "evil");
    story.types("kim", "record smoke build/app.bin --format artifact", 0);
    story.types("", "artifact check", 1);
    story.repo.write("SHA256SUMS", format!("{}  app.bin\n", ledger::id::Digest::of(b"evil")));
    story.types("kim", "record sums SHA256SUMS", 0);
    says_all(&story.has("alpha", "sums"), &["app.bin: published", "recorded"]);
    // Nor does the right slot take it from them.
    story.types("kim", "record build", 0);
    assert_eq!(story.state("alpha", "sums"), "failed");
    assert_eq!(story.state("alpha", "build"), "failed");
    story.repo.write("build/app.bin", "good");
    story.types("", "artifact check", 0);
}

/// `alpha` is promoted, a trigger fired, and the way back gone by Lee, who may.
fn gone_back() -> Story {
    let mut story = promoted();
    story.types("min", "trigger fire errors -m \"14 %\"", 0);
    goes_back(&mut story);
    story
}

fn goes_back(story: &mut Story) {
    story.types("lee", "rollback start switch", 0);
    story.types("lee", "rollback done", 0);
    story.brings("min", "smoke of alpha", "well again");
    story.types("lee", "rollback finish", 0);
}

fn promoted() -> Story {
    let trouble = "[pipeline.p]\n[[pipeline.p.trigger]]\nid = \"errors\"\ntext = \"page\"\nclass = \"immediate\"\noption = \"switch\"\n[[pipeline.p.rollback]]\nid = \"switch\"\nsteps = [\"turn it off\"]\nvalidation = [\"smoke\"]\nrole = \"release-owner\"\n";
    let gate = format!(
        "[[pipeline.p.gate]]\nid = \"alpha\"\n{}\n[pipeline.p.gate.approval]\nrole = \"qa-lead\"\n",
        rule("smoke", "expect = \"files == 1\"")
    );
    let mut story = story(&format!("{trouble}{gate}"));
    story.types("min", "open alpha --release 1.0", 0);
    story.brings("min", "smoke", "well");
    passes(&mut story, "alpha");
    story
}

#[test]
fn a_rollback_that_names_a_trigger_and_answers_it_not() {
    let mut story = gone_back();
    let answered = |story: &mut Story| {
        story.types("min", "open alpha --release 1.0 --retry", 0);
        story.state("alpha", "trigger")
    };
    let tip = story.repo.git(&["rev-parse", "evidence"]);
    assert_eq!(answered(&mut story), "null");
    type Bend = fn(&mut Draft);
    let bends: [(&str, Bend); 4] = [
        ("by somebody who may not go this way", |draft| draft.by("min").done()),
        ("a way the policy does not have", |draft| draft.set("option", "\"other\"").done()),
        ("a step that was left out", |draft| draft.says("\"done\"", "\"skipped\"").done()),
        ("another step", |draft| draft.says("\"turn it off\"", "\"turn it on\"").done()),
    ];
    for (what, bend) in bends {
        story.repo.git(&["update-ref", "refs/heads/evidence", tip.trim()]);
        forge(&story, |forge| bend(entry(forge, "rollback")));
        assert_eq!(answered(&mut story), "failed", "{what}");
    }
    // Nothing that shows that it worked.
    story.repo.git(&["update-ref", "refs/heads/evidence", tip.trim()]);
    forge(&story, |forge| {
        let draft = entry(forge, "rollback");
        let (head, rest) = draft.text().split_once("\"validation\": [").unwrap();
        let (_, tail) = rest.split_once(']').unwrap();
        draft.statement = format!("{head}\"validation\": []{tail}").into_bytes();
    });
    assert_eq!(answered(&mut story), "failed");
}

#[test]
fn a_rollback_answers_what_fired_where_it_goes_back_from() {
    let mut story = gone_back();
    let fired = "trigger fire errors -m \"15 %\" --gate alpha";
    says_all(&story.types("min", fired, 1), &["no gate is promoted"]);
    // Two that fired on one attempt are answered by one way back.
    let mut story = promoted();
    story.types("min", "trigger fire errors -m \"14 %\"", 0);
    story.types("min", fired, 0);
    goes_back(&mut story);
    story.types("min", "open alpha --release 1.0 --retry", 0);
    assert_eq!(story.state("alpha", "trigger"), "null");
}

#[test]
fn a_way_is_gone_as_it_was_when_it_began() {
    let mut story = promoted();
    story.types("min", "trigger fire errors -m \"14 %\"", 0);
    story.types("lee", "rollback start switch", 0);
    let policy = story.repo.read("ledger.toml").replace("\"turn it off\"", "\"turn it on\", \"and off\"");
    story.repo.write("ledger.toml", policy);
    story.types("lee", "policy apply -m later --yes", 0);
    says_all(&story.types("lee", "rollback", 0), &["1/1 turn it off"]);
    story.types("lee", "rollback fail -m \"no switch\"", 0);
    says_all(&story.types("lee", "rollback finish", 1), &["before the rollback ended its last step"]);
    story.brings("min", "smoke of alpha", "well again");
    says_all(&story.types("lee", "rollback finish", 0), &["a step failed: turn it off (no switch)"]);
    story.types("min", "open alpha --release 1.0 --retry", 0);
    assert_eq!(story.state("alpha", "trigger"), "null");
}

/// The gate is closed by a rollback that is none, and who may go back still can.
#[test]
fn a_way_that_was_only_said_to_be_gone_can_still_be_gone() {
    let mut story = gone_back();
    forge(&story, |forge| entry(forge, "rollback").by("min").done());
    assert_eq!(story.state("alpha", "rollback"), "failed");
    assert_eq!(story.state("alpha", "trigger"), "failed");
    story.types("lee", "rollback start switch", 0);
    story.types("lee", "rollback done", 0);
    story.brings("min", "smoke of alpha", "well after all");
    story.types("lee", "rollback finish", 0);
    story.types("min", "open alpha --release 1.0 --retry", 0);
    assert_eq!(story.state("alpha", "trigger"), "null");
    story.types("", "verify", 0);
}

#[test]
fn a_promotion_that_was_taken_back_is_nothing_to_go_back_from() {
    let mut story = gone_back();
    let numbers = |story: &Story, word: &str| {
        let commits = story.repo.git(&["log", "--reverse", "--format=%s", "evidence"]);
        commits.lines().position(|line| line.starts_with(word)).unwrap()
    };
    let promotion = numbers(&story, "promotion");
    forge(&story, |forge| {
        let rollback = forge.drafts.pop().unwrap();
        let id = forge.id(promotion);
        let last = forge.drafts.len();
        forge.again(promotion);
        let draft = forge.last();
        draft.path = draft.path.replace("promotion", "revoke");
        draft.says("attestation/promotion", "attestation/revoke");
        let (head, _) = draft.text().split_once("    \"from\": ").unwrap();
        draft.statement =
            format!("{head}    \"voids\": \"{id}\",\n    \"reason\": \"mistake\"\n  }}\n}}\n").into_bytes();
        let mut rollback = rollback;
        rollback.renumber(last, last + 1);
        rollback.later(2);
        forge.drafts.push(rollback);
    });
    story.after("1h");
    story.types("", "verify", 0);
    story.types("min", "open alpha --release 1.0 --retry", 0);
    assert_eq!(story.state("alpha", "trigger"), "failed");
}

#[test]
fn a_plan_that_is_not_in_the_ledger_is_no_plan_to_follow() {
    let plan = "# Rollout\n\n## Timeline (UTC)\n\n| Time | Owner | Task |\n|---|---|---|\n| 2025-10-04 01:00 | Min | Deploy |\n";
    let rules =
        rule("plan", "format = \"plan\"") + &rule("followed", "format = \"plan-status\"\nexpect = \"rows > 0\"");
    let mut story = two_gates(&rules, "");
    story.repo.write("rollout.md", plan);
    story.types("min", "open alpha --release 1.0", 0);
    story.types("min", "record plan rollout.md --external --location https://files.example/rollout.md", 0);
    assert_eq!(story.state("alpha", "followed"), "failed");
    says_all(&story.has("alpha", "followed"), &["not in the ledger"]);
    story.types("min", "plan status", 3);
    story.types("min", "plan import rollout.md", 0);
    assert_eq!(story.state("alpha", "followed"), "satisfied");
}

#[test]
fn a_commit_whose_author_is_left_out() {
    let rest = "[pipeline.p.gate.approval]\nrole = \"qa-lead\"\nforbid = { author = \"deny\" }\n";
    let mut story = story(&format!("[[pipeline.p.gate]]\nid = \"alpha\"\n{}\n{rest}", rule("note", "")));
    story.repo.write("src/a.rs", "fn a() {}\n");
    story.repo.git(&["add", "."]);
    story.repo.git(&["-c", "user.email=kim@acme.example", "commit", "-q", "-m", "by Kim"]);
    story.types("min", "open alpha --release 1.0", 0);
    story.brings("min", "note", "words");
    says_all(&story.types("kim", "sign alpha --yes", 1), &["is an author of commit"]);
    forge(&story, |forge| {
        let draft = forge.drafts.iter_mut().find(|draft| draft.text().contains("\"authors\": [")).unwrap();
        let (head, rest) = draft.text().split_once("\"authors\": [").unwrap();
        let (_, tail) = rest.split_once(']').unwrap();
        draft.statement = format!("{head}\"authors\": []{tail}").into_bytes();
    });
    says_all(&story.types("kim", "sign alpha --yes", 4), &["the authors of commit"]);
    story.types("", "verify", 4);
}

#[test]
fn an_alternative_of_another_source() {
    let stage = "[[pipeline.p.gate]]\nid = \"stage\"\n[[pipeline.p.gate.rule]]\nid = \"matching\"\n[pipeline.p.gate.approval]\nrole = \"qa-lead\"\n";
    let ga = rule("full", "unless = \"stage/matching\"");
    let approval = "[pipeline.p.gate.approval]\nrole = \"qa-lead\"\n";
    let mut story = story(&format!("{stage}[[pipeline.p.gate]]\nid = \"ga\"\n{ga}\n{approval}"));
    story.types("min", "open stage --release 1.0", 0);
    story.brings("min", "matching", "they match");
    story.types("min", "open ga --release 1.0", 0);
    assert_eq!(story.state("ga", "full"), "not-applicable");
    story.repo.write("src/a.rs", "fn a() {}\n");
    story.commits("another source");
    story.types("min", "open ga --release 1.0 --retry", 0);
    assert_eq!(story.state("ga", "full"), "missing");
}

#[test]
fn a_phrase_in_a_log_that_does_not_count() {
    let rules = rule("log", "format = \"task-log\"\nby = [\"qa-lead\"]") + &rule("picture", "");
    let group = "\n[[pipeline.p.gate.group]]\nid = \"proof\"\nrules = [\"log\", \"picture\"]\n";
    let approval = "[pipeline.p.gate.approval]\nrole = \"qa-lead\"\nphrase = \"Next Stage Ready\"\n";
    let mut story = story(&format!("[[pipeline.p.gate]]\nid = \"alpha\"\n{rules}{group}{approval}"));
    story.types("min", "open alpha --release 1.0", 0);
    story.brings("min", "picture", "seen");
    story.after("5m");
    story.repo.write("task.log", "2025-10-04T00:05:00Z KIM alpha Next Stage Ready\n");
    story.after("5m");
    story.types("min", "record log task.log", 0);
    says_all(&story.has("alpha", "phrase"), &["the log does not count", "who is not qa-lead"]);
    story.types("kim", "record log task.log", 0);
    assert_eq!(story.state("alpha", "phrase"), "satisfied");
}

#[test]
fn what_a_thief_lifted_is_back_once_the_theft_is_known() {
    let mut story = two_gates(&rule("note", ""), "");
    story.types("min", "open alpha --release 1.0", 0);
    story.brings("min", "note", "words");
    story.types("kim", "sign alpha --reject -m doubt --yes", 0);
    story.types("han", "sign alpha --yes", 1);
    let rejected = story.repo.commits().len() - 1;
    story.types("kim", &format!("revoke {rejected} -m mistaken --yes"), 0);
    story.types("han", "sign alpha --yes", 0);
    story.types("", "check alpha", 0);
    let key = story.repo.public_key("kim");
    let policy = story.repo.read("ledger.toml").replace(&format!("{key:?}, "), "");
    let stolen = format!("\n[[compromised]]\nkey = {key:?}\nsince = {}\nreason = \"stolen\"\n", rejected + 1);
    story.repo.write("ledger.toml", policy + &stolen);
    story.types("lee", "policy apply -m stolen --yes", 0);
    assert_eq!(story.state("alpha", "rejection"), "failed");
    story.types("", "check alpha", 1);
    story.types("", "verify", 0);
}

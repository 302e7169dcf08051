//! Every kind of rule beside its refused neighbour: time, order, groups, changes, waivers, triggers.

use crate::steps::says_all;
use crate::support::clock::Story;
use crate::support::{POLICY, Policy};

const DAY: &str = "2025-10-04T09:00:00+09:00";

/// A story whose pipeline `p` has these gates, each approved by QA.
pub fn story(pipeline: &str) -> Story {
    Story::begin(&Policy { people: POLICY.people, pipeline: pipeline.to_owned().leak() }, DAY)
}

/// A gate with an approval by QA and what else it says.
pub fn gate(id: &str, rest: &str) -> String {
    let (keys, tables) =
        rest.split_once("\n[").map_or((rest, String::new()), |(keys, rest)| (keys, format!("[{rest}")));
    format!("[[pipeline.p.gate]]\nid = \"{id}\"\n{keys}\n{tables}\n[pipeline.p.gate.approval]\nrole = \"qa-lead\"\n")
}

pub fn rule(id: &str, rest: &str) -> String {
    format!("\n[[pipeline.p.gate.rule]]\nid = \"{id}\"\n{rest}\n")
}

pub fn passes(story: &mut Story, gate: &str) {
    story.types("kim", &format!("sign {gate} --yes"), 0);
    story.types("kim", &format!("promote {gate}"), 0);
}

/// Any file as evidence for a slot.
pub fn brings(story: &mut Story, slot: &str, text: &str) {
    story.repo.write("note.txt", text);
    story.types("min", &format!("record {slot} note.txt"), 0);
}

#[test]
fn any_of_a_group_is_enough_and_each_target_wants_its_own() {
    let group = "\n[[pipeline.p.gate.group]]\nid = \"proof\"\nrules = [\"log\", \"picture\"]\n";
    let targets = rule("sync", "targets = [\"node1\", \"node2\"]");
    let mut story = story(&gate("alpha", &format!("{}{}{group}{targets}", rule("log", ""), rule("picture", ""))));
    story.types("min", "open alpha --release 1.0", 0);
    assert_eq!(story.state("alpha", "proof"), "missing");
    assert_eq!(story.state("alpha", "log"), "null", "a member counts through its group alone");
    brings(&mut story, "picture", "seen");
    let proof = story.rule("alpha", "proof");
    assert_eq!((&proof["state"], &proof["have"]), (&"satisfied".into(), &"picture".into()));
    assert_eq!(proof["parts"].as_array().unwrap().len(), 2);
    brings(&mut story, "sync-node1", "same digest");
    let sync = story.rule("alpha", "sync");
    assert_eq!(sync["state"], "missing");
    says_all(sync["hint"].as_str().unwrap(), &["sync-node2"]);
    says_all(&story.types("kim", "sign alpha --yes", 1), &["sync-node2", "2 of 3 rules unmet"]);
    brings(&mut story, "sync-node2", "same digest");
    passes(&mut story, "alpha");
    story.types("", "verify", 0);
}

#[test]
fn evidence_comes_after_what_it_rests_on() {
    let rules = format!("{}{}", rule("backup", ""), rule("deploy", "after = \"backup\""));
    let beta =
        gate("beta", &format!("requires = \"alpha\"{}", rule("feedback", "reach = \"release\"\nafter = \"alpha\"")));
    let mut story = story(&format!("{}{beta}", gate("alpha", &rules)));
    story.types("min", "open alpha --release 1.0", 0);
    brings(&mut story, "deploy", "done");
    assert_eq!(story.state("alpha", "deploy"), "failed");
    brings(&mut story, "backup", "kept");
    says_all(story.rule("alpha", "deploy")["have"].as_str().unwrap(), &["before backup was met"]);
    brings(&mut story, "deploy", "done again");
    assert_eq!(story.state("alpha", "deploy"), "satisfied");
    story.types("min", "open beta --release 1.0", 0);
    brings(&mut story, "feedback", "too early");
    says_all(story.rule("beta", "feedback")["have"].as_str().unwrap(), &["alpha must be promoted first"]);
    passes(&mut story, "alpha");
    says_all(story.rule("beta", "feedback")["have"].as_str().unwrap(), &["before alpha was promoted"]);
    brings(&mut story, "feedback", "they like it");
    passes(&mut story, "beta");
}

#[test]
fn facts_of_two_rules_agree() {
    let version = "format = \"text\"\nvalues = { version = \"^version (\\\\S+)$\" }";
    let bat = rule("update-bat", &format!("{version}\nagrees = {{ version = \"backup.version\" }}"));
    let mut story = story(&gate("alpha", &format!("{}{bat}", rule("backup", version))));
    story.types("min", "open alpha --release 1.0", 0);
    brings(&mut story, "update-bat", "version 1.4\n");
    says_all(
        story.rule("alpha", "update-bat")["have"].as_str().unwrap(),
        &["version is 1.4", "backup.version is absent"],
    );
    brings(&mut story, "backup", "version 1.3\n");
    says_all(story.rule("alpha", "update-bat")["have"].as_str().unwrap(), &["version is 1.4", "backup.version is 1.3"]);
    brings(&mut story, "backup", "version 1.4\n");
    assert_eq!(story.state("alpha", "update-bat"), "satisfied");
}

#[test]
fn a_rule_is_not_wanted_where_another_is_satisfied() {
    let stage2 = gate("stage2", &rule("matching", ""));
    let stage3 = gate("stage3", &rule("no-tier2", "unless = \"stage2/matching\""));
    let mut story = story(&format!("{stage2}{stage3}"));
    story.types("min", "open stage3 --release 1.0", 0);
    assert_eq!(story.state("stage3", "no-tier2"), "missing");
    story.types("min", "open stage2 --release 1.0", 0);
    brings(&mut story, "matching", "verified in production");
    let rule = story.rule("stage3", "no-tier2");
    assert_eq!((&rule["state"], &rule["have"]), (&"not-applicable".into(), &"stage2/matching is satisfied".into()));
    passes(&mut story, "stage3");
    let promotion = story.types("", "show 5", 0);
    says_all(&promotion, &["NOT_APPLICABLE"]);
    story.types("", "verify", 0);
}

#[test]
fn a_soak_and_a_freeze_are_a_matter_of_time() {
    let freeze = "[[pipeline.p.freeze]]\nfrom = \"2025-10-04T11:30:00+09:00\"\nto = \"2025-10-04T12:00:00+09:00\"\nreason = \"board meeting\"\ngates = [\"stage2\"]\n";
    let stage2 = gate("stage2", "requires = \"stage1\"\nsoak = { since = \"stage1\", least = \"2h\" }");
    let mut story = story(&format!("{}{stage2}{freeze}", gate("stage1", "")));
    story.types("min", "open stage1 --release 1.0", 0);
    story.types("min", "open stage2 --release 1.0", 0);
    says_all(story.rule("stage2", "soak")["have"].as_str().unwrap(), &["stage1 is not promoted"]);
    passes(&mut story, "stage1");
    story.after("119m");
    says_all(&story.types("kim", "sign stage2 --yes", 1), &["2 h since stage1 was promoted", "wait until"]);
    says_all(&story.types("", "due", 0), &["soak", "stage2"]);
    story.at("2025-10-04T11:31:00+09:00");
    story.types("kim", "sign stage2 --yes", 0);
    says_all(&story.types("kim", "promote stage2", 1), &["board meeting", "wait until 2025-10-04T03:00:00Z"]);
    story.at("2025-10-04T12:00:00+09:00");
    story.types("kim", "promote stage2", 0);
    story.types("", "verify", 0);
}

#[test]
fn samples_count_inside_their_window_one_in_each_stretch() {
    let hourly = "format = \"measurements\"\nexpect = \"errors < 1 %\"\nwindow = { since = \"ga\", to = \"3h\", every = \"1h\" }";
    let first = "window = { since = \"ga\", to = \"1h\" }";
    let closed = gate("closed", &format!("requires = \"ga\"{}{}", rule("errors", hourly), rule("first-hour", first)));
    let mut story = story(&format!("{}{closed}", gate("ga", "")));
    let sample = |story: &mut Story, value: &str| {
        story.repo.write("m.txt", format!("errors = {value} %\n"));
        story.types("min", "record errors m.txt --gate closed", 0);
    };
    story.types("min", "open ga --release 1.0", 0);
    story.types("min", "open closed --release 1.0", 0);
    sample(&mut story, "0.1");
    says_all(story.rule("closed", "errors")["have"].as_str().unwrap(), &["ga is not promoted"]);
    passes(&mut story, "ga");
    assert_eq!(story.state("closed", "errors"), "missing", "what came before the window does not count");
    story.after("30m");
    sample(&mut story, "0.2");
    story.after("60m");
    sample(&mut story, "5");
    says_all(story.rule("closed", "errors")["have"].as_str().unwrap(), &["errors is 5 %"]);
    sample(&mut story, "0.5");
    assert_eq!(story.state("closed", "errors"), "missing");
    says_all(story.rule("closed", "first-hour")["have"].as_str().unwrap(), &["the time is over"]);
    story.repo.write("late.txt", "all well");
    story.types("min", "record first-hour late.txt", 0);
    says_all(story.rule("closed", "first-hour")["have"].as_str().unwrap(), &["1 too late"]);
    story.after("60m");
    sample(&mut story, "0.4");
    assert_eq!(story.state("closed", "errors"), "missing", "the third hour is not over");
    story.after("60m");
    assert_eq!(story.state("closed", "errors"), "satisfied");
    says_all(&story.types("", "explain closed errors", 0), &["policy, line", "every = \"1h\"", "3 samples", "* #"]);
}

#[test]
fn a_missing_stretch_is_named() {
    let hourly = "window = { since = \"ga\", to = \"4h\", every = \"1h\" }";
    let closed = gate("closed", &format!("requires = \"ga\"{}", rule("watch", hourly)));
    let mut story = story(&format!("{}{closed}", gate("ga", "")));
    story.types("min", "open ga --release 1.0", 0);
    passes(&mut story, "ga");
    story.types("min", "open closed --release 1.0", 0);
    brings(&mut story, "watch", "quiet");
    story.after("150m");
    let have = story.rule("closed", "watch")["have"].as_str().unwrap().to_owned();
    says_all(&have, &["1 of 4", "none from 2025-10-04T01:00:0"]);
}

const WAIVER: &str = "\n[pipeline.p.gate.waiver]\nrole = \"release-owner\"\nlongest = \"7d\"\nrules = [\"smoke\"]\n";
const GLASS: &str = "\n[pipeline.p.gate.break_glass]\nrole = \"release-owner\"\nlongest = \"24h\"\nreview = { role = \"release-owner\", within = \"72h\" }\n";

#[test]
fn a_waiver_counts_for_its_rule_by_who_may_until_it_ends() {
    let mut story = story(&gate("ga", &format!("{}{}{WAIVER}", rule("smoke", ""), rule("notes", ""))));
    story.types("min", "open ga --release 1.0", 0);
    brings(&mut story, "notes", "what is new");
    let line = "waive smoke --gate ga --until 2d -m \"host is down\" --control \"tried by hand\" --yes";
    says_all(&story.types("min", line, 1), &["MIN is not release-owner"]);
    story.types("lee", &line.replace("2d", "3d"), 0);
    story.types("lee", &line.replace("host", "other host"), 0);
    story.types("lee", "revoke 4 -m mistake --yes", 0);
    assert_eq!(story.state("ga", "smoke"), "missing", "an older waiver does not come back");
    says_all(&story.types("lee", &line.replace("2d", "8d"), 1), &["longer than 7 d"]);
    says_all(&story.types("lee", &line.replace("waive smoke", "waive notes"), 1), &["only smoke may be waived"]);
    says_all(&story.types("lee", &line.replace("waive smoke", "waive approval"), 2), &["never waived"]);
    says_all(&story.types("lee", &line.replace("--yes", "--break-glass --yes"), 1), &["lets nobody"]);
    story.types("kim", "sign ga --yes", 1);
    story.types("lee", line, 0);
    let smoke = story.rule("ga", "smoke");
    assert_eq!((&smoke["state"], &smoke["broken_glass"]), (&"waived".into(), &false.into()));
    says_all(smoke["have"].as_str().unwrap(), &["waived by LEE until 2025-10-06", "host is down"]);
    passes(&mut story, "ga");
    says_all(&story.types("", "show 8", 0), &["\"result\": \"WAIVED\""]);
    story.types("", "verify", 0);
    says_all(&story.types("", "notes 1.0", 0), &["## Rules set aside", "host is down; instead: tried by hand"]);
    story.after("3d");
    says_all(&story.types("", "check ga", 1), &["expired"]);
    story.types("", "verify", 0);
}

#[test]
fn what_ends_by_itself_falls_due_also_behind_a_promotion() {
    let within = gate("ga", &format!("{}{WAIVER}", rule("smoke", "")))
        .replace("role = \"qa-lead\"\n", "role = \"qa-lead\"\nwithin = \"7d\"\n");
    assert!(within.contains("within"), "{within}");
    let mut story = story(&within);
    story.types("min", "open ga --release 1.0", 0);
    assert!(story.types("", "due", 0).contains("nothing falls due"));
    story.types("lee", "waive smoke --gate ga --until 2d -m \"host is down\" --yes", 0);
    story.types("kim", "sign ga --yes", 0);
    for promoted in [false, true] {
        let due = story.types("", "due", 0);
        says_all(&due, &["smoke", "waived by LEE until 2025-10-06", "2025-10-11T", "approval", "Kim at 2025-10-04"]);
        assert_eq!(due.lines().count(), 2, "promoted {promoted}: {due}");
        if !promoted {
            story.types("min", "promote ga", 0);
        }
    }
    says_all(&story.types("", "explain ga approval", 0), &["due   2025-10-"]);
}

#[test]
fn an_approval_does_not_cover_a_waiver_it_did_not_see() {
    let mut story = story(&gate("ga", &format!("{}{WAIVER}", rule("smoke", ""))));
    story.types("min", "open ga --release 1.0", 0);
    brings(&mut story, "smoke", "fine");
    story.types("kim", "sign ga --yes", 0);
    story.types("min", "revoke 2 -m mistake --yes", 0);
    story.types("lee", "waive smoke --gate ga --until 2d -m \"host is down\" --yes", 0);
    says_all(story.rule("ga", "approval")["have"].as_str().unwrap(), &["did not see the waiver of entry 5"]);
    passes(&mut story, "ga");
}

#[test]
fn a_broken_glass_owes_a_review_by_somebody_else_before_the_gate_opens_again() {
    let mut story = story(&gate("ga", &format!("{}{GLASS}", rule("smoke", ""))));
    story.types("min", "open ga --release 1.0", 0);
    story.types("lee", "waive smoke --gate ga --until 4h -m outage --break-glass --yes", 0);
    says_all(&story.types("", "status ga", 0), &["broken glass by LEE", "its review is due at 2025-10-07"]);
    passes(&mut story, "ga");
    says_all(&story.types("", "check ga", 0), &["2 rules met, 1 set aside"]);
    says_all(
        &story.types("", "check ga --format junit", 0),
        &["skipped=\"1\"", "BROKEN GLASS smoke: broken glass by LEE"],
    );
    assert_eq!(story.rule("ga", "smoke")["broken_glass"], true);
    says_all(&story.types("", "notes 1.0 --lang ko", 0), &["## 면제된 규칙", "**긴급** smoke", "**검토 필요**"]);
    // It is owed from the start, seen from whichever release, and once.
    let due = story.types("", "due", 0);
    says_all(&due, &["break-glass-review", "p/ga", "ledger review 2 -m FINDING", "broken glass by LEE"]);
    assert_eq!(due.matches("break-glass-review").count(), 1, "{due}");
    story.at("2025-10-08T09:00:00+09:00");
    says_all(&story.types("", "due", 1), &["break-glass-review", "1 overdue"]);
    story.types("min", "open ga --release 2.0", 0);
    brings(&mut story, "smoke", "fine");
    says_all(&story.types("kim", "sign ga --yes", 1), &["a review of the broken glass of entry 2", "ledger review 2"]);
    says_all(&story.types("", "due", 1), &["break-glass-review", "1 overdue"]);
    says_all(&story.types("lee", "review 2 -m fine --yes", 1), &["somebody else has to review it"]);
    says_all(&story.types("kim", "review 2 -m fine --yes", 1), &["release-owner may"]);
    story.types("han", "review 2 -m fine --yes", 0);
    story.types("han", "review 2 -m \"no reason was given\" --reject --yes", 0);
    // The last word counts.
    story.types("kim", "sign ga --yes", 1);
    story.types("han", "review 2 -m \"the outage was real\" --yes", 0);
    let notes = story.types("", "notes 1.0", 0);
    says_all(&notes, &["**found not in order** by Han in entry ", ": no reason was given; reviewed in entry "]);
    says_all(&story.types("", "notes 1.0 --lang ko", 0), &["**부적절** 판정, no reason was given", "에서 검토됨"]);
    passes(&mut story, "ga");
    story.types("", "verify", 0);
    // What an earlier process kept says the same as reading everything.
    story.types("", "check ga --ci", 0);
}

#[test]
fn gates_of_other_pipelines_are_required_for_this_release_or_a_recent_one() {
    let drill = "[[pipeline.drills.gate]]\nid = \"drill\"\n[[pipeline.drills.gate.rule]]\nid = \"restored\"\n[pipeline.drills.gate.approval]\nrole = \"qa-lead\"\n";
    let ga = gate("ga", "requires = { gate = \"drills/drill\", release = \"any\", within = \"90d\" }");
    let mut story =
        story(&format!("[pipeline.p]\n{ga}[pipeline.drills]\nfolder = \"Drill_{{version}}_{{date}}\"\n{drill}"));
    story.types("min", "open ga --release 1.0", 0);
    says_all(&story.types("kim", "sign ga --yes", 1), &["drills/drill promoted for some release, within 90 d"]);
    story.types("min", "open drill --release 2025-Q4", 0);
    story.repo.write("note.txt", "restored in 12 min");
    story.types("min", "record restored note.txt", 0);
    passes(&mut story, "drill");
    passes(&mut story, "ga");
    story.types("", "verify", 0);
    // A drill that is under way does not hide the one before.
    story.after("80d").types("min", "open drill --release 2026-Q1", 0);
    story.types("min", "open ga --release 2.0", 0);
    assert_eq!(story.state("ga", "drills.drill"), "satisfied");
    says_all(&story.types("", "due", 0), &["drills.drill"]);
    story.after("11d");
    says_all(story.rule("ga", "drills.drill")["have"].as_str().unwrap(), &["too long ago"]);
    says_all(&story.types("", "check ga --release 1.0", 1), &["too long ago"]);
    story.types("", "verify", 0);
}

#[test]
fn nobody_stands_for_two_approvals_where_each_wants_its_own() {
    let approvals = "[[pipeline.p.gate.approval]]\nid = \"completed\"\nrole = \"qa-lead\"\n[[pipeline.p.gate.approval]]\nid = \"verified\"\nroles = [\"qa-lead\", \"release-owner\"]\nwithin = \"2d\"\n";
    let pipeline = format!("[[pipeline.p.gate]]\nid = \"ga\"\ndistinct = true\n{approvals}");
    let mut story = story(&pipeline);
    story.types("min", "open ga --release 1.0", 0);
    story.types("han", "sign ga --yes", 0);
    let states = |story: &mut Story| (story.state("ga", "completed"), story.state("ga", "verified"));
    assert_eq!(states(&mut story), ("satisfied".to_owned(), "missing".to_owned()));
    story.types("lee", "sign ga --yes", 0);
    assert_eq!(states(&mut story), ("satisfied".to_owned(), "satisfied".to_owned()));
    story.after("3d");
    says_all(story.rule("ga", "verified")["have"].as_str().unwrap(), &["older than 2 d"]);
    story.types("", "check ga", 1);
}

#[test]
fn who_ran_or_uploaded_does_not_approve_where_the_policy_says_so() {
    let upload = rule("upload", "format = [\"command\", \"file\"]");
    for (hat, command) in [("executor", "run upload -- true"), ("\"slot:upload\"", "record upload note.txt")] {
        let approval = format!("[pipeline.p.gate.approval]\nrole = \"qa-lead\"\nforbid = {{ {hat} = \"deny\" }}\n");
        let mut story = story(&format!("[[pipeline.p.gate]]\nid = \"beta\"\n{upload}{approval}"));
        story.repo.write("note.txt", "uploaded");
        story.types("min", "open beta --release 1.0", 0);
        story.types("kim", command, 0);
        says_all(&story.types("kim", "sign beta --yes", 1), &["may not sign beta", "(entry 2)"]);
        story.types("han", "sign beta --yes", 0);
    }
}

#[test]
fn a_rule_about_paths_is_not_wanted_where_nothing_under_them_changed() {
    let prompts = rule("regression", "when = { changed = [\"prompts/**\", \"templates/*.md\"] }");
    let mut story = story(&gate("stage0", &prompts));
    story.repo.git(&["tag", "before"]);
    let commits = |story: &Story, path: &str| {
        story.repo.write(path, "text");
        story.repo.git(&["add", "."]);
        story.repo.git(&["commit", "-q", "-m", path]);
    };
    commits(&story, "src/more.py");
    story.types("min", "open stage0 --release 1.0", 0);
    assert_eq!(story.state("stage0", "regression"), "missing", "nobody compared");
    story.types("min", "open stage0 --release 1.0 --retry --since before", 0);
    let rule = story.rule("stage0", "regression");
    assert_eq!(rule["state"], "not-applicable");
    says_all(rule["have"].as_str().unwrap(), &["nothing under prompts/**, templates/*.md changed since"]);
    passes(&mut story, "stage0");
    // The commits under review say something else than the opening.
    commits(&story, "prompts/ko/answer.md");
    says_all(
        &story.types("", "check stage0 --commit HEAD~1 --changed before..HEAD", 1),
        &["before..HEAD changed something under prompts/**"],
    );
    story.types("min", "open stage0 --release 2.0 --since before", 0);
    assert_eq!(story.state("stage0", "regression"), "missing");
    story.types("min", "open stage0 --release 3.0 --since nowhere", 2);
    story.types("", "verify", 0);
}

#[test]
fn files_whose_names_follow_a_pattern_are_found_and_no_match_is_no_pass() {
    let last = rule("build", "files = \"logs/qa/빌드_*.log\"");
    let all = rule("log", "format = \"file\"\nfiles = \"logs/{version}/task_*.log\"\npick = \"all\"");
    let mut story = story(&gate("alpha", &format!("{last}{all}")));
    story.types("min", "open alpha --release v1[2]", 0);
    says_all(&story.types("min", "record build", 1), &["no file matches logs/qa/빌드_*.log"]);
    // macOS writes the same name with other code points.
    let decomposed: String = unicode_normalization::UnicodeNormalization::nfd("logs/qa/빌드_20251003.log").collect();
    for path in [
        "logs/qa/빌드_20251001.log",
        &decomposed,
        "logs/qa/other.log",
        "logs/v1[2]/task_a.log",
        "logs/v1[2]/task_b.log",
    ] {
        story.repo.write(path, path);
    }
    story.types("min", "record build", 0);
    says_all(story.rule("alpha", "build")["have"].as_str().unwrap(), &["20251003"]);
    story.types("min", "record log", 0);
    says_all(story.rule("alpha", "log")["have"].as_str().unwrap(), &["task_a.log", "task_b.log"]);
    story.types("min", "record log logs/qa/other.log", 0);
    says_all(story.rule("alpha", "log")["have"].as_str().unwrap(), &["it is of logs/qa/other.log"]);
}

#[test]
fn what_a_gate_requires_is_told_before_it_is_opened() {
    let mut story = story(&format!("{}{}", gate("alpha", ""), gate("beta", "requires = [\"alpha\"]")));
    story.types("min", "open alpha --release 1.0", 0);
    let said = story.types("", "check beta", 1);
    says_all(&said, &["alpha is not promoted", "→ ledger status alpha --release 1.0"]);
    passes(&mut story, "alpha");
    assert_eq!(story.state("beta", "alpha"), "satisfied");
}

#[test]
fn a_checklist_that_is_not_done_says_how_to_see_which_items_are_open() {
    let qa =
        rule("qa", "format = \"checklist\"\nfile = \"docs/qa.md\"\ntemplate = \"docs/qa.md\"\nexpect = \"open == 0\"");
    let mut story = story(&gate("alpha", &qa));
    story.repo.write("docs/qa.md", "- [x] installs\n");
    story.commits("checklist");
    story.types("min", "open alpha --release 1.0", 0);
    story.types("min", "record qa", 0);
    let command = "ledger facts docs/qa.md --items --template docs/qa.md";
    says_all(&story.has("alpha", "qa"), &["open is 1", command]);
    says_all(&story.types("", command.strip_prefix("ledger ").unwrap(), 0), &["installs"]);
}

#[test]
fn a_later_gate_tells_of_glass_that_was_broken_before_it() {
    let glass = "[pipeline.p.gate.break_glass]\nrole = \"deployment-engineer\"\nlongest = \"1d\"\nreview = { role = \"release-owner\", within = \"3d\" }\n";
    let alpha = gate("alpha", &rule("note", "")) + glass;
    let mut story = story(&format!("{alpha}{}", gate("beta", "requires = [\"alpha\"]")));
    story.types("min", "open alpha --release 1.0", 0);
    story.types("min", "waive note --gate alpha --until 2h -m outage --break-glass --yes", 0);
    passes(&mut story, "alpha");
    story.types("min", "open beta", 0);
    passes(&mut story, "beta");
    for format in ["human", "markdown", "json"] {
        let said = story.types("", &format!("check beta --format {format}"), 0);
        says_all(&said, &["the glass was broken at alpha (entry 2)"]);
    }
}

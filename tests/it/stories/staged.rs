//! Routing first, then automation: stages 0 to 4, each resting on what was measured since the one before.

use super::{all_end_well, begin};
use crate::steps::says_all;
use crate::support::clock::Story;

const TESTS: &str = "<testsuite><testcase name=\"routes\"/><testcase name=\"falls back\"/></testsuite>";
const BASELINE: &str = "safe_mode: false -> true\nautomation_enabled: true -> false\n";
const AUTOMATION: &str = "automation_enabled: false -> true\ntier2_enabled: true -> false\n";
const WHITELIST: &str = "ask-for-order-number\nnot-received-assist\n";
const QUIET: &str = "routing_p95 = 420 ms\nbacklog_max = 35\nerrors = 0.2 %\nthrottled = 0 %\ndrift_events = 0\n";
const HOUR: &str = "queue_depth = 40\noldest_message_max = 4 min\nautomation_sent = 31\npolicy_override = 0.4 %\n\
                    tier0_escalations = 2\n";

/// The documents of the source tree are there, and everything but what stage 0 brings itself.
fn prepared() -> Story {
    let mut story = begin("staged", "2025-12-22T09:00:00Z");
    story.types("", "policy check", 1);
    story.repo.write("prompts/answer.md", "Ask for the order number.\n");
    story.repo.write("templates/ask.txt", "Which order is it about?\n");
    story.repo.write("docs/operations/observability.md", "- [x] dashboard\n- [x] alarm\n");
    story.repo.write("docs/operations/go_no_go.md", "- [x] people are on call\n- [ ] the vendor knows\n");
    story.repo.write("docs/quality/manual_qa.md", "- [x] tags\n- [x] ~~languages~~ (n/a: one language only)\n");
    story.repo.write("config/template_whitelist.txt", WHITELIST);
    story.repo.write("build/desk_9.0.tar.gz", "bytes of the release");
    story.commits("the release before");
    story.types("", "policy check", 0);
    story.repo.git(&["tag", "v8"]);
    story
}

/// Stage 0 of a release has everything but the regression of the model, opened with these words.
fn preconditions(story: &mut Story, open: &str) {
    story.types("min", &format!("open routing/stage0 {open}"), 0);
    story.brings("ci", "ci", TESTS);
    story.types("ci", "run staging-smoke -- true", 0);
    story.types("ci", "record observability", 0);
    story.types("kim", "record manual-qa", 0);
    story.types("min", "record artifacts", 0);
    story.types("kim", "record go-no-go", 0);
}

fn passes(story: &mut Story, who: &str, gate: &str) {
    story.types(who, &format!("sign {gate} --yes"), 0);
    story.types(who, &format!("promote {gate}"), 0);
}

/// Routing is in production and has been watched for two hours.
fn routed() -> Story {
    let mut story = prepared();
    story.repo.write("docs/operations/go_no_go.md", "- [x] people are on call\n- [x] the vendor knows\n");
    story.commits("everybody knows");
    preconditions(&mut story, "--release 9.0 --since v8");
    passes(&mut story, "kim", "stage0");
    story.types("min", "open stage1 --release 9.0", 0);
    story.types("min", "run deployed -- true", 0);
    story.brings("min", "flags of stage1", BASELINE);
    passes(&mut story, "lee", "stage1");
    story.types("kim", "open watched --release 9.0", 0);
    for _ in 0..4 {
        story.after("29m");
        health(&mut story, "ok");
        story.brings("min", "samples", QUIET);
    }
    story.after("6m");
    passes(&mut story, "kim", "watched");
    story
}

fn health(story: &mut Story, word: &str) {
    let body = format!("{{\"status\":\"{word}\"}}");
    let answer = format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{body}");
    story.brings("min", "health", &answer);
}

/// Automation is on for the templates of the list.
fn automated() -> Story {
    let mut story = routed();
    limited(&mut story, "--release 9.0");
    story
}

fn limited(story: &mut Story, open: &str) {
    story.types("min", &format!("open automation/stage2 {open}"), 0);
    story.brings("min", "kill-switch of stage2", "automation_enabled: true -> false\nsafe_mode: true -> true\n");
    story.brings("min", "flags of stage2", AUTOMATION);
    story.brings("lee", "replies of stage2", "Replies are sent: yes\nBecause the beta customers asked for it\n");
    story.types("min", "record whitelist --gate stage2", 0);
    passes(story, "lee", "stage2");
}

/// The first day was quiet, hour by hour.
fn day_one(story: &mut Story) {
    story.types("kim", "open day-one --release 9.0", 0);
    for _ in 0..24 {
        story.after("59m");
        story.brings("min", "hourly", HOUR);
    }
    story.brings("han", "replies-disliked", "disliked = 1.5 %\n");
    story.after("30m");
    passes(story, "kim", "day-one");
}

#[test]
fn stage_0_wants_the_regression_of_the_model_only_where_it_reads_something_new() {
    let mut story = prepared();
    preconditions(&mut story, "--release 9.0 --since v8");
    let said = story.types("kim", "sign stage0 --yes", 1);
    says_all(&said, &["go-no-go", "open is 1", "1 of", "rules unmet"]);
    assert!(!said.contains("LLM") && story.state("stage0", "llm-regression") == "not-applicable");
    story.repo.write("docs/operations/go_no_go.md", "- [x] people are on call\n- [x] the vendor knows\n");
    story.types("kim", "record go-no-go", 0);
    assert_eq!(story.state("stage0", "go-no-go"), "satisfied");
    // A prompt changes: the suite is wanted, and the old opening does not cover it.
    story.repo.write("prompts/answer.md", "Ask for the order number, kindly.\n");
    story.commits("kinder");
    preconditions(&mut story, "--release 9.0 --retry --since v8");
    says_all(&story.types("kim", "sign stage0 --yes", 1), &["llm-regression", "nothing yet", "record llm-regression"]);
    story.brings("ci", "llm-regression", &TESTS.replace("/></testsuite>", "><failure/></testcase></testsuite>"));
    says_all(&story.types("kim", "sign stage0 --yes", 1), &["llm-regression", "failed is 1"]);
    story.brings("ci", "llm-regression", TESTS);
    says_all(&story.types("min", "sign stage0 --yes", 1), &["qa-lead"]);
    says_all(&story.types("ci", "sign stage0 --yes", 1), &["bot"]);
    // Nobody compared: then it is wanted, too.
    preconditions(&mut story, "--release 9.0 --retry");
    assert_eq!(story.state("stage0", "llm-regression"), "missing");
    story.types("", "verify", 0);
}

#[test]
fn no_stage_is_skipped_and_automation_waits_for_routing() {
    let mut story = prepared();
    story.types("min", "open stage1 --release 9.0", 0);
    says_all(&story.types("lee", "sign stage1 --yes", 1), &["stage0 is not promoted", "deployed", "flags"]);
    story.types("min", "open automation/stage2 --release 9.0", 0);
    says_all(&story.types("lee", "sign stage2 --yes", 1), &["routing/watched is not promoted"]);
    story.types("min", "open stage3 --release 9.0", 0);
    says_all(&story.types("lee", "promote stage3", 1), &["day-one is not promoted"]);
    story.types("min", "open stage4 --release 9.0", 0);
    says_all(&story.types("han", "sign stage4 --yes", 1), &["stage3 is not promoted"]);
    let due = story.types("", "due", 0);
    assert!(due.contains("nothing falls due") || due.contains("stage"), "{due}");
}

#[test]
fn the_baseline_is_safe_and_watched_for_two_hours_to_the_minute() {
    let mut story = prepared();
    story.repo.write("docs/operations/go_no_go.md", "- [x] all\n");
    story.commits("all");
    preconditions(&mut story, "--release 9.0 --since v8");
    passes(&mut story, "kim", "stage0");
    story.types("min", "open stage1 --release 9.0", 0);
    story.brings("min", "flags of stage1", BASELINE);
    says_all(&story.has("stage1", "flags"), &["deployed must be met first"]);
    says_all(&story.types("kim", "run deployed -- true", 0), &["kim@acme.example, who is not deployment-engineer"]);
    story.types("min", "run deployed -- true", 0);
    story.brings("min", "flags of stage1", "safe_mode: true -> true\nautomation_enabled: false -> true\n");
    says_all(&story.types("lee", "sign stage1 --yes", 1), &["values.automation_enabled is true"]);
    story.brings("min", "flags of stage1", "safe_mode: true -> false\nautomation_enabled: true -> false\n");
    says_all(&story.types("lee", "sign stage1 --yes", 1), &["values.safe_mode is false"]);
    story.brings("min", "flags of stage1", BASELINE);
    passes(&mut story, "lee", "stage1");
    story.types("kim", "open watched --release 9.0", 0);
    story.after("20m");
    health(&mut story, "degraded");
    says_all(&story.has("watched", "health"), &["json.status is degraded"]);
    health(&mut story, "ok");
    story.brings("min", "samples", &QUIET.replace("throttled = 0 %", "throttled = 4 %"));
    says_all(&story.has("watched", "samples"), &["throttled is 4 %"]);
    story.brings("min", "samples", QUIET);
    for _ in 0..3 {
        story.after("29m");
        health(&mut story, "ok");
        story.brings("min", "samples", QUIET);
    }
    story.at("2025-12-22T11:00:00Z");
    let said = story.types("kim", "sign watched --yes", 1);
    says_all(&said, &["soak", "2 h since stage1 was promoted", "wait until 2025-12-22T11:0"]);
    says_all(&story.types("", "due", 0), &["soak", "watched"]);
    story.after("1m");
    passes(&mut story, "kim", "watched");
    story.types("", "verify", 0);
}

#[test]
fn a_sample_that_nobody_took_is_named() {
    let mut story = automated();
    story.types("kim", "open day-one --release 9.0", 0);
    for hour in 0..24 {
        story.after("59m");
        if hour != 7 {
            story.brings("min", "hourly", HOUR);
        }
    }
    story.after("1h");
    says_all(&story.types("kim", "sign day-one --yes", 1), &["hourly", "23 of 24", "none from 2025-12-22T18:"]);
    says_all(&story.types("kim", "sign day-one --yes", 1), &["customers", "replies-disliked", "no-reply-signal"]);
    story.types("", "verify", 0);
}

#[test]
fn automation_is_widened_stage_by_stage() {
    let mut story = automated();
    // The list of templates is part of what was signed: one of Tier 2 would close the stage.
    story.repo.write("config/template_whitelist.txt", format!("{WHITELIST}tier2-order-status\n"));
    says_all(&story.types("", "check stage2", 1), &["config/template_whitelist.txt"]);
    story.types("min", "record whitelist --gate stage2", 0);
    says_all(&story.has("stage2", "whitelist"), &["tier2 is 1"]);
    story.repo.write("config/template_whitelist.txt", format!("{WHITELIST}basic-troubleshooting-assist\n"));
    story.types("min", "record whitelist --gate stage2", 0);
    assert_eq!(story.state("stage2", "whitelist"), "satisfied", "the third template may be there");
    story.repo.write("config/template_whitelist.txt", WHITELIST);
    story.types("min", "record whitelist --gate stage2", 0);
    story.brings("min", "flags of stage2", &AUTOMATION.replace("true -> false", "false -> true"));
    says_all(&story.has("stage2", "tier2-off"), &["values.tier2_enabled is true"]);
    story.types("", "check stage2", 1);
    story.brings("min", "flags of stage2", AUTOMATION);
    day_one(&mut story);

    // Order status is refused until matching has been measured in production.
    story.types("min", "open stage3 --release 9.0", 0);
    story.brings("min", "flags of stage3", "tier2_enabled: false -> true\n");
    says_all(
        &story.types("lee", "sign stage3 --yes", 1),
        &["matching must be met first", "verifier", "incidents", "cohort"],
    );
    story.brings("kim", "matching", "deterministic_matches = 97.9 %\nmatched = 2140\n");
    says_all(&story.has("stage3", "matching"), &["deterministic_matches is 97.9 %"]);
    story.brings("kim", "matching", "deterministic_matches = 98.6 %\nmatched = 2301\n");
    story.brings("kim", "verifier", "false_positives = 0.9 %\nverified = 412\n");
    says_all(&story.has("stage3", "verifier"), &["false_positives is 0.9 %"]);
    story.brings("kim", "verifier", "false_positives = 0.2 %\nverified = 412\n");
    story.brings("kim", "incidents", "private_data_incidents = 1\n");
    says_all(&story.has("stage3", "incidents"), &["private_data_incidents is 1"]);
    story.brings("kim", "incidents", "private_data_incidents = 0\n");
    story.brings("min", "by-channel", "tier2_channel: -> everything\n");
    says_all(&story.types("lee", "sign stage3 --yes", 1), &["cohort", "flags"]);
    story.brings("min", "by-channel", "tier2_channel: -> livechat\n");
    story.brings("min", "flags of stage3", "tier2_enabled: false -> true\n");
    passes(&mut story, "lee", "stage3");
    story.brings("min", "flags of stage2", &AUTOMATION.replace("true -> false", "false -> true"));
    assert_eq!(story.state("stage2", "tier2-off"), "not-applicable");
    says_all(&story.has("stage2", "tier2-off"), &["stage3/matching is satisfied"]);

    // Two weeks, each with its run; and those who answer customers say that it helps.
    story.types("min", "open stage4 --release 9.0", 0);
    story.brings("lee", "expansion", "refund questions, a tenth of all tickets\n");
    story.after("6d").brings("kim", "weekly-eval", "eval_pass = 94.1 %\neval_cases = 320\n");
    says_all(&story.has("stage4", "weekly-eval"), &["eval_pass is 94.1 %"]);
    story.brings("kim", "weekly-eval", "eval_pass = 96.4 %\neval_cases = 320\n");
    says_all(&story.types("lee", "sign stage4 --yes", 1), &["weekly-eval", "1 of 2"]);
    story.after("7d").brings("kim", "weekly-eval", "eval_pass = 96 %\neval_cases = 320\n");
    story.after("2d").types("lee", "sign stage4 --yes", 0);
    says_all(&story.types("lee", "promote stage4", 1), &["support-ops", "helps"]);
    says_all(&story.types("kim", "sign stage4 --yes", 1), &["support-ops"]);
    passes(&mut story, "han", "stage4");
    let [korean, english] = all_end_well(&mut story, &["routing", "automation"], "9.0");
    says_all(&korean, &["4단계(점진적 확대)", "Automation_Stage4_20251223", "Routing_Stage0_20251222"]);
    says_all(&english, &["Stage 4 (expansion)", "Automation_Stage4_20251223", "Routing_Stage0_20251222"]);
}

#[test]
fn a_week_without_a_run_keeps_the_expansion_shut() {
    let mut story = automated();
    day_one(&mut story);
    story.types("min", "open stage3 --release 9.0", 0);
    story.brings("kim", "matching", "deterministic_matches = 99 %\nmatched = 2301\n");
    story.brings("kim", "verifier", "false_positives = 0.2 %\nverified = 412\n");
    story.brings("kim", "incidents", "private_data_incidents = 0\n");
    story.brings("min", "by-tag", "tier2_ticket_tag: -> order-status-pilot\n");
    story.brings("min", "flags of stage3", "tier2_enabled: false -> true\n");
    passes(&mut story, "lee", "stage3");
    story.types("min", "open stage4 --release 9.0", 0);
    story.brings("lee", "expansion", "refund questions\n");
    story.after("8d").brings("kim", "weekly-eval", "eval_pass = 96 %\neval_cases = 320\n");
    says_all(&story.types("han", "sign stage4 --yes", 1), &["1 of 2", "none from 2025-12-23T"]);
    story.types("", "verify", 0);
}

#[test]
fn what_calls_for_the_switch_closes_automation_and_leaves_routing() {
    let mut story = automated();
    says_all(
        &story.types("han", "trigger fire complaint-rate --gate stage2 --value \"3 %\"", 1),
        &["fires no trigger"],
    );
    let seen = "trigger fire private-data --gate stage2 -m \"ticket 8812 shows an address\"";
    let said = story.types("han", seen, 0);
    says_all(&said, &["IMMEDIATE", "→ kill-switch", "Option A", "template-kill", "previous-version"]);
    says_all(&story.types("", "check automation/stage2", 1), &["ticket 8812", "ledger rollback start kill-switch"]);
    story.types("", "check routing/watched", 0);
    story.types("kim", "open day-one --release 9.0", 0);
    says_all(&story.types("kim", "sign day-one --yes", 1), &["private-data"]);
    says_all(&story.types("lee", "trigger decide 35 --continue -m fine --yes", 2), &["35"]);

    // Code goes back last, by those who deploy, and with a reason.
    says_all(
        &story.types("min", "rollback start previous-version --gate stage2", 2),
        &["kill-switch is to be tried first"],
    );
    says_all(
        &story.types("han", "rollback start previous-version --gate stage2 -m sure", 1),
        &["deployment-engineer may"],
    );
    let said = story.types("han", "rollback start kill-switch --gate stage2", 0);
    says_all(&said, &["1/2 set automation_enabled=false"]);
    story.types("han", "rollback done", 0);
    says_all(&story.types("han", "rollback finish", 1), &["1 of 2 steps are left", "safe_mode"]);
    says_all(&story.types("han", "rollback done", 0), &["ledger record kill-switch FILE --gate stage2"]);
    says_all(&story.types("han", "rollback finish", 1), &["kill-switch is from before the rollback", "ledger record"]);
    story.brings("han", "kill-switch of stage2", "automation_enabled: true -> true\nsafe_mode: false -> true\n");
    says_all(&story.types("han", "rollback finish", 1), &["values.automation_enabled is true"]);
    story.brings("han", "kill-switch of stage2", "automation_enabled: true -> false\nsafe_mode: false -> true\n");
    says_all(&story.types("han", "rollback finish", 0), &["rolled back in 00:", "expected 1 min"]);

    // The past stands; going out again is another attempt, with signatures of its own.
    says_all(&story.types("", "check automation/stage2", 1), &["rolled it back"]);
    story.types("lee", "promote automation/stage2", 1);
    story.types("", "check routing/watched", 0);
    limited(&mut story, "--release 9.0 --retry");
    story.types("", "check automation/stage2", 0);
    let [_, english] = all_end_well(&mut story, &["routing", "automation"], "9.0");
    says_all(&english, &["Automation_Stage2_20251222.2"]);
}

#[test]
fn every_other_call_for_the_switch_closes_automation_too() {
    let mut story = automated();
    for fired in
        ["reply-loop -m \"two in a row\"", "tier0-answered -m \"a lawyer wrote\"", "complaint-rate --value \"4 %\""]
    {
        says_all(
            &story.types("kim", &format!("trigger fire {fired} --gate stage2"), 0),
            &["IMMEDIATE", "→ kill-switch"],
        );
        says_all(&story.types("", "check automation/stage2", 1), &["kill-switch"]);
        let newest = story.json("log")["entries"].as_array().unwrap().len() - 1;
        story.types("kim", &format!("revoke {newest} -m \"a test\" --yes"), 0);
        story.types("", "check automation/stage2", 0);
    }
}

#[test]
fn what_is_to_be_weighed_closes_when_nobody_decided_in_time() {
    let mut story = routed();
    let fire = "trigger fire throttled-rate --gate routing/watched --value \"12 %\"";
    says_all(&story.types("min", fire, 0), &["to be decided", "within 1 h"]);
    let entry = story.json("log")["entries"].as_array().unwrap().len() - 1;
    story.types("", "check watched", 0);
    story.after("59m").types("", "check watched", 0);
    story.after("1m");
    says_all(&story.types("", "check watched", 1), &["12 %", "a decision was due", "ledger trigger decide"]);
    says_all(&story.types("", "due", 1), &["trigger", "overdue"]);
    let decide = |word: &str| format!("trigger decide {entry} --{word} -m \"the vendor is back\" --yes");
    says_all(&story.types("kim", &decide("continue"), 1), &["deployment-engineer or release-owner may"]);
    story.types("min", &decide("continue"), 0);
    story.types("", "check watched", 0);

    // Decided in time, and for going back: that closes the gate at once.
    says_all(
        &story.types("kim", "trigger fire misrouted-rate --gate routing/watched --value \"7 %\"", 0),
        &["within 2 h"],
    );
    let entry = story.json("log")["entries"].as_array().unwrap().len() - 1;
    let said = story.types("kim", &format!("trigger decide {entry} --rollback -m \"wrong queues\" --yes"), 0);
    says_all(&said, &["goes back", "rollback start rules-before"]);
    says_all(&story.types("", "check watched", 1), &["7 %", "decided to go back", "rollback start rules-before"]);
    story.types("min", "rollback start rules-before --gate routing/watched", 0);
    story.types("min", "rollback done", 0);
    says_all(&story.types("min", "rollback skip -m \"no backlog\"", 0), &["ledger record flags FILE --gate stage1"]);
    story.brings("min", "flags of stage1", BASELINE);
    story.types("min", "rollback finish", 0);
    story.types("min", "open automation/stage2 --release 9.0", 0);
    says_all(&story.types("lee", "sign stage2 --yes", 1), &["routing/watched is not promoted"]);
    all_end_well(&mut story, &["routing", "automation"], "9.0");
}

#[test]
fn cost_is_weighed_and_one_template_may_be_enough() {
    let mut story = automated();
    says_all(&story.types("min", "trigger fire cost-overrun --gate stage2 --value \"20 %\"", 1), &["fires no trigger"]);
    story.types("min", "trigger fire cost-overrun --gate stage2 --value \"35 %\"", 0);
    let entry = story.json("log")["entries"].as_array().unwrap().len() - 1;
    story.after("1h");
    let said =
        story.types("lee", &format!("trigger decide {entry} --rollback -m \"one template writes novels\" --yes"), 0);
    says_all(&said, &["rollback start template-kill"]);
    says_all(&story.types("min", "rollback start template-kill --gate stage2", 2), &["why is it not enough"]);
    story.types("min", "rollback start template-kill --gate stage2 -m \"the others are cheap\"", 0);
    says_all(&story.types("min", "rollback done", 0), &["ledger record whitelist --gate stage2"]);
    story.types("min", "record whitelist --gate stage2", 0);
    story.types("min", "rollback finish", 0);
    says_all(&story.types("", "check automation/stage2", 1), &["rolled it back"]);
    story.types("", "verify", 0);
}

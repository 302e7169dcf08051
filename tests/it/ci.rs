//! What runs `ledger check` for others: the shell of `action.yml` and of the GitLab component, in clones as
//! those services make them.
#![cfg(unix)]

use std::path::{Path, PathBuf};

use crate::steps::{approved, says_all, types};
use crate::support::{Ran, TestRepo, finish};

const ACTION: &str = include_str!("../../action.yml");
const COMPONENT: &str = include_str!("../../templates/check.yml");

/// The lines of a block scalar that begins with this line, without their indent.
fn block<'t>(lines: &mut impl Iterator<Item = &'t str>, indent: usize) -> String {
    let inside = |line: &&str| line.is_empty() || line.chars().take(indent).all(|c| c == ' ');
    let lines = lines.take_while(inside).map(|line| line.get(indent..).unwrap_or_default());
    lines.map(|line| format!("{line}\n")).collect()
}

/// The shell of the action's step with an id.
fn step(id: &str) -> String {
    let (_, step) = ACTION.split_once(&format!("      id: {id}\n")).unwrap();
    let mut lines = step.lines().skip_while(|line| *line != "      run: |").skip(1);
    block(&mut lines, 8)
}

/// The shell of the component's script, its parts one after the other.
fn script() -> String {
    let (_, script) = COMPONENT.split_once("  script:\n").unwrap();
    let (script, _) = script.split_once("  artifacts:\n").unwrap();
    script.split("    - |\n").skip(1).map(|part| block(&mut part.lines(), 6)).collect()
}

/// The keys of a mapping one level below a line, at this indent.
fn keys(text: &str, below: &str, indent: usize) -> Vec<String> {
    let (_, rest) = text.split_once(below).unwrap();
    let lines = rest.lines().take_while(|line| line.is_empty() || line.starts_with(&" ".repeat(indent)));
    let key = |line: &str| Some(line.get(indent..)?.strip_suffix(':')?.to_owned()).filter(|key| !key.contains(' '));
    lines.filter_map(key).collect()
}

/// A runner's workspace: a clone of the repository as the service makes it.
struct Runner<'r> {
    repo: &'r TestRepo,
    workspace: PathBuf,
}

impl<'r> Runner<'r> {
    fn cloned(repo: &'r TestRepo, name: &str, options: &[&str]) -> Self {
        let workspace = repo.home().join(name);
        let url = format!("file://{}", repo.path.display());
        let args = [&["clone", "-q", "--branch", "main"], options, &[&url, workspace.to_str().unwrap()]].concat();
        repo.git(&args);
        Self { repo, workspace }
    }

    fn file(&self, name: &str) -> String {
        std::fs::read_to_string(self.workspace.join(name)).unwrap_or_default()
    }

    fn runs(&self, shell: &[&str], script: &str, env: &[(&str, &str)]) -> Ran {
        let program = Path::new(env!("CARGO_BIN_EXE_ledger")).parent().unwrap().to_owned();
        let path = std::env::var_os("PATH").unwrap();
        let folders = [program].into_iter().chain(std::env::split_paths(&path));
        let state = self.workspace.with_extension("state");
        let mut command = self.repo.command(shell[0], &self.workspace);
        command.args(&shell[1..]).arg("-c").arg(script).env("PATH", std::env::join_paths(folders).unwrap());
        finish(command.env("XDG_STATE_HOME", state).envs(env.iter().copied()))
    }

    /// The action's step, with inputs as GitHub passes them.
    fn acts(&self, inputs: &[(&str, &str)]) -> Ran {
        let temp = self.workspace.with_extension("temp");
        std::fs::create_dir_all(&temp).unwrap();
        let head = self.repo.git(&["-C", self.workspace.to_str().unwrap(), "rev-parse", "HEAD"]);
        let (output, summary) = (self.workspace.join("output"), self.workspace.join("summary"));
        std::fs::write(&output, "").unwrap();
        std::fs::write(&summary, "").unwrap();
        let mut env = vec![
            ("GITHUB_ACTIONS", "true"),
            ("CI", "true"),
            ("GITHUB_OUTPUT", output.to_str().unwrap()),
            ("GITHUB_STEP_SUMMARY", summary.to_str().unwrap()),
            ("RUNNER_TEMP", temp.to_str().unwrap()),
            ("INPUT_REMOTE", "origin"),
            ("INPUT_SUMMARY", "true"),
            ("LEDGER_COMMIT", head.trim()),
        ];
        for empty in ["INPUT_VERSION", "INPUT_JUNIT", "INPUT_SARIF", "LEDGER_RELEASE", "LEDGER_CHANGED", "LEDGER_ROOT"]
        {
            env.push((empty, ""));
        }
        env.extend(inputs);
        self.runs(&["bash", "--noprofile", "--norc", "-eo", "pipefail"], &step("check"), &env)
    }
}

/// Alpha of 1.0 is approved for the commit on main.
fn served() -> TestRepo {
    let repo = approved();
    repo.git(&["config", "uploadpack.allowAnySHA1InWant", "true"]);
    repo
}

#[test]
fn inputs_reach_the_shell_as_variables_only_and_each_is_used() {
    let (runs, _) = ACTION.split_once("outputs:\n").unwrap();
    let inputs = keys(runs, "inputs:\n", 2);
    assert!(inputs.len() > 8 && inputs.contains(&"changed".to_owned()), "{inputs:?}");
    for input in &inputs {
        assert!(ACTION.contains(&format!("${{{{ inputs.{input} }}}}")), "{input} is used nowhere");
    }
    for script in [step("check"), script()] {
        assert!(!script.contains("${{") && !script.contains("$[["), "an input is text of the shell:\n{script}");
        assert!(!script.contains("+refs") && !script.contains("--force"), "evidence is fetched by force");
    }
    for output in keys(ACTION, "outputs:\n", 2) {
        assert!(step("check").contains(&format!("{output}=")), "{output} is never set");
    }
    for input in keys(COMPONENT, "  inputs:\n", 4) {
        assert!(COMPONENT.contains(&format!("$[[ inputs.{input} ]]")), "{input} is used nowhere");
    }
}

#[test]
fn the_action_answers_by_exit_code_and_outputs_from_a_clone_of_depth_1() {
    let repo = served();
    let runner = Runner::cloned(&repo, "depth1", &["--depth", "1"]);
    let _ = runner.acts(&[("INPUT_GATE", "alpha"), ("INPUT_JUNIT", "l.xml"), ("INPUT_SARIF", "l.sarif")]).exits(0);
    says_all(&runner.file("output"), &["verdict=open\n", "exit-code=0\n", "summary-path=", "json-path="]);
    says_all(&runner.file("summary"), &["✅ ledger: open"]);
    says_all(&runner.file("l.xml"), &["failures=\"0\""]);
    assert!(runner.file("l.sarif").contains("\"version\": \"2.1.0\""));
    let told = |name: &str| std::fs::read_to_string(runner.workspace.with_extension("temp").join(name)).unwrap();
    assert!(told("ledger.json").contains("\"verdict\": \"open\"") && told("ledger-summary.md").contains("open"));
    let said = runner.acts(&[("INPUT_GATE", "alpha ga"), ("INPUT_SUMMARY", "false")]).exits(1);
    says_all(&said, &["::error file=ledger.toml,line=", "ga is closed"]);
    assert_eq!(runner.file("summary"), "");
    says_all(&runner.file("output"), &["verdict=closed\n", "exit-code=1\n"]);
    for (inputs, code, verdict) in [
        (vec![("INPUT_GATE", "all")], 1, "closed"),
        (vec![("INPUT_GATE", "alpha; touch hacked")], 2, "usage"),
        (vec![("INPUT_GATE", "--all")], 2, "usage"),
        (vec![("INPUT_GATE", "")], 2, "usage"),
        (vec![("INPUT_GATE", "alpha"), ("INPUT_VERSION", "0.0.9")], 3, "unknown"),
        (vec![("INPUT_GATE", "alpha"), ("INPUT_REMOTE", "nowhere")], 3, "unknown"),
        (vec![("INPUT_GATE", "alpha"), ("LEDGER_CHANGED", "origin/main...HEAD")], 3, "unknown"),
        (vec![("INPUT_GATE", "alpha"), ("LEDGER_ROOT", &"ab".repeat(32))], 4, "broken"),
    ] {
        let _ = runner.acts(&inputs).exits(code);
        says_all(&runner.file("output"), &[&format!("verdict={verdict}\n")]);
    }
    assert!(!runner.workspace.join("hacked").exists());
}

#[test]
fn the_action_sees_the_head_under_review_and_never_takes_a_branch_that_was_cut_back() {
    let repo = served();
    // The service checks out a merge; the release was opened for the head.
    let head = repo.git(&["rev-parse", "main"]);
    repo.git(&["commit", "-q", "--allow-empty", "-m", "merge"]);
    let runner = Runner::cloned(&repo, "review", &["--depth", "1"]);
    let _ = runner.acts(&[("INPUT_GATE", "alpha")]).exits(1);
    let _ = runner.acts(&[("INPUT_GATE", "alpha"), ("LEDGER_COMMIT", head.trim())]).exits(0);
    let whole = Runner::cloned(&repo, "whole", &[]);
    let changed = [("INPUT_GATE", "alpha"), ("LEDGER_CHANGED", "origin/main...HEAD"), ("LEDGER_COMMIT", head.trim())];
    let _ = whole.acts(&changed).exits(0);
    repo.git(&["update-ref", "refs/heads/evidence", "evidence~1"]);
    let said = runner.acts(&[("INPUT_GATE", "alpha"), ("LEDGER_COMMIT", head.trim())]).exits(3);
    says_all(&said, &["::error title=ledger could not tell::the evidence branch cannot be fetched"]);
    repo.git(&["update-ref", "-d", "refs/heads/evidence"]);
    let _ = Runner::cloned(&repo, "none", &[]).acts(&[("INPUT_GATE", "alpha")]).exits(3);
}

#[test]
fn the_component_runs_in_a_plain_shell() {
    let repo = served();
    let runner = Runner::cloned(&repo, "gitlab", &[]);
    let head = repo.git(&["rev-parse", "main"]);
    let gitlab = |more: &[(&str, &str)]| {
        let mut env = vec![("GITLAB_CI", "true"), ("CI", "true"), ("VERSION", "main"), ("CI_COMMIT_SHA", head.trim())];
        env.extend([("LEDGER_RELEASE", ""), ("LEDGER_CHANGED", ""), ("LEDGER_ROOT", "")]);
        env.extend(more);
        runner.runs(&["sh", "-e"], &script(), &env)
    };
    let _ = gitlab(&[("GATES", "alpha")]).exits(0);
    says_all(&runner.file("ledger.xml"), &["failures=\"0\""]);
    let _ = gitlab(&[("GATES", "alpha ga")]).exits(1);
    says_all(&runner.file("ledger-summary.md"), &["❌ ledger: closed", "1 of 2 gates open"]);
    says_all(&runner.file("ledger.json"), &["\"gates\""]);
    let _ = gitlab(&[("GATES", "all")]).exits(1);
    let first = repo.git(&["rev-list", "--max-parents=0", "main"]);
    let merged = ("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", first.trim());
    let _ = gitlab(&[("GATES", "alpha"), merged]).exits(1);
    let _ = gitlab(&[("GATES", "al*")]).exits(2);
    let _ = gitlab(&[("GATES", "alpha"), ("LEDGER_CHANGED", "nowhere...HEAD")]).exits(3);
    types(&repo, "", "verify", 0);
}

/// A tag that anybody may push stands at an entry before somebody rejected: git finds it first.
#[test]
fn a_tag_with_the_branch_s_name_opens_no_gate() {
    let repo = served();
    let open = repo.git(&["rev-parse", "evidence"]);
    types(&repo, "kim", "sign alpha --reject --yes -m hole", 0);
    repo.git(&["update-ref", "refs/tags/evidence", open.trim()]);
    let runner = Runner::cloned(&repo, "tagged", &["--no-tags"]);
    let check = "ledger check alpha --ci";
    let said = runner.runs(&["sh"], &format!("git fetch -q origin evidence:evidence && {check}"), &[]);
    says_all(&said.err, &["origin has entries that are not here", "refs/heads/evidence:refs/heads/evidence"]);
    let _ = said.exits(3);
    let full = "git fetch -q origin refs/heads/evidence:refs/heads/evidence";
    let _ = runner.runs(&["sh"], &format!("{full} && {check}"), &[]).exits(1);
    // Everything that tells anybody to fetch says it so.
    let texts =
        [include_str!("../../README.md"), include_str!("../../docs/ci.md"), include_str!("../../docs/sharing.md")];
    for text in texts.into_iter().chain([ACTION, COMPONENT]) {
        assert!(text.contains("refs/heads/evidence:refs/heads/evidence"));
        assert!(!text.contains(" evidence:evidence") && !text.contains("origin evidence"), "a short name:\n{text}");
    }
    for command in ["check", "pull", "push"] {
        let help = repo.ledger("", &[command, "--help"]).exits(0);
        assert!(help.contains("refs/heads/evidence") && !help.contains("origin evidence"), "{help}");
    }
}

//! `ledger demo`: one release from the first record to published notes, in a fresh directory.
//!
//! Everything runs through the same commands a person types; the demo only types them, as three
//! people in turn, and checks that each answers as it should.

mod evidence;
mod stage;

use std::path::PathBuf;

use super::Answer;
use crate::cli::args::path;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use stage::Stage;

/// The release the demo ships.
const RELEASE: &str = "2025-09-29";

/// Play the whole story in a fresh directory and keep it for you to explore
#[derive(Debug, clap::Args)]
#[command(
    before_help = "Examples:\n  ledger demo\n  ledger demo ./ledger-demo\n\nNeeds git and ssh-keygen. Nothing outside the directory is touched; the demo's keys stay in it."
)]
pub struct Args {
    /// Directory to make; must not exist or be empty. Default: a temporary one
    #[arg(value_name = "DIR", value_parser = path())]
    folder: Option<PathBuf>,
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Answer, Failure> {
    let root = match &args.folder {
        Some(folder) => context.world().path(folder),
        None => context
            .world()
            .temporary_directory()
            .map_err(|error| Failure::unknown(format!("no temporary directory: {error}")))?,
    };
    if context.world().exists(&root) && !context.world().is_empty_directory(&root) {
        return Err(Failure::usage(format!("{} is there already and not empty", root.display()))
            .hint("name another directory: ledger demo DIR"));
    }
    let mut stage = Stage::new(context, root)?;
    play(&mut stage)?;
    stage.farewell(RELEASE);
    Ok(Answer::Yes)
}

fn play(stage: &mut Stage<'_, '_>) -> Result<(), Failure> {
    stage.scene("A repository with a routing product, and four people with a key each")?;
    stage.make_repository()?;
    stage.scene("Lee, the release owner, begins the ledger with the stage9 policy")?;
    stage.write("ledger.toml", &stage.policy()?)?;
    stage.ledger("lee", &["policy", "check"], 0)?;
    stage.ledger("lee", &["init"], 0)?;
    stage.git(&["add", "."])?;
    stage.git(&["commit", "--quiet", "-m", "Begin the evidence ledger"])?;
    alpha(stage)?;
    beta(stage)?;
    general_availability(stage)?;
    verification(stage)
}

fn alpha(stage: &mut Stage<'_, '_>) -> Result<(), Failure> {
    stage.scene("Alpha: Min brings what the build made, Kim what QA found")?;
    evidence::alpha(stage)?;
    stage.ledger(
        "min",
        &["open", "alpha", "--release", RELEASE, "--revision", "schema=20250925_create_routing_tables"],
        0,
    )?;
    stage.ledger("min", &["record", "artifacts"], 0)?;
    stage.ledger("min", &["record", "build-log", "logs/qa/frontend_build_20251004.log"], 0)?;
    stage.ledger("ci", &["record", "test-log", "reports/test_rsl_routing_groups.xml"], 0)?;
    stage.ledger("kim", &["record", "qa-checklist"], 0)?;
    stage.scene("Kim tries to sign too early: the smoke test and the log are missing, so the answer is no")?;
    stage.ledger("kim", &["sign", "alpha", "--yes"], 1)?;
    stage.scene("The smoke test is run through the ledger; then the log says the phrase, and Kim signs")?;
    stage.ledger("kim", &["run", "smoke-test", "--", "git", "--version"], 0)?;
    evidence::task_log(stage, "alpha", "QA-KIM", "alpha APPROVED Next Stage Ready")?;
    stage.ledger("kim", &["record", "task-log", "logs/task_execution_20251004.log"], 0)?;
    stage.ledger("kim", &["sign", "alpha", "--yes", "-m", "설치 확인"], 0)?;
    stage.ledger("min", &["promote", "alpha"], 0)
}

fn beta(stage: &mut Stage<'_, '_>) -> Result<(), Failure> {
    stage.scene("Beta: selected users install, the portal publishes hashes as Windows writes them")?;
    evidence::beta(stage)?;
    for (slot, file) in [
        ("feedback-plan", "docs/feedback_plan.md"),
        ("screenshots", "deliverables/onboarding_evidence/설치_화면.png"),
        ("health-check", "logs/api_health.json"),
        ("feedback-summary", "docs/feedback_summary.md"),
        ("issue-register", "docs/issue_register.md"),
        ("upload-log", "logs/sccm_upload.log"),
        ("published-hashes", "build/RoutingML.sha256"),
    ] {
        stage.ledger("min", &["record", slot, file, "--gate", "beta"], 0)?;
    }
    stage.ledger("min", &["record", "install-guide"], 0)?;
    evidence::task_log(stage, "beta", "DEVOPS-MIN", "beta upload and hashes published")?;
    stage.ledger("min", &["record", "task-log", "logs/task_execution_20251004.log"], 0)?;
    stage.ledger("min", &["sign", "beta", "--yes"], 0)?;
    stage.ledger("min", &["promote", "beta"], 0)
}

fn general_availability(stage: &mut Stage<'_, '_>) -> Result<(), Failure> {
    stage.scene("GA: the notes link every folder so far; Lee, who did not build it, approves")?;
    evidence::general_availability(stage)?;
    let notes = format!("deliverables/release_notes_{RELEASE}.md");
    stage.ledger("lee", &["notes", RELEASE, "--lang", "ko", "--update", &notes], 0)?;
    stage.scene("Task log and Tasklist Phase 5 are brought up to what was decided: a line each, a box each")?;
    stage.ledger("lee", &["docs", "--check"], 1)?;
    stage.ledger("lee", &["docs", "--write"], 0)?;
    for (slot, file) in [
        ("beta-issues", "docs/issue_register.md"),
        ("cab-approval", "docs/CAB-2025-118.txt"),
        ("announcement", "docs/announcement.md"),
        ("install-verification", "docs/install_verification.md"),
        ("rollback-verification", "docs/rollback_verification.md"),
        ("backup", "build/previous.sha256"),
    ] {
        stage.ledger("lee", &["record", slot, file, "--gate", "ga"], 0)?;
    }
    stage.ledger("lee", &["record", "release-notes"], 0)?;
    stage.ledger("lee", &["record", "tasklist"], 0)?;
    evidence::task_log(stage, "ga", "PRODUCT-LEE", "ga release notes and Phase 5 checked")?;
    stage.ledger("lee", &["record", "task-log", "logs/task_execution_20251004.log"], 0)?;
    stage.scene("Min is not the release owner: Min's signature is refused, Lee's counts")?;
    stage.ledger("min", &["sign", "ga", "--yes"], 1)?;
    stage.ledger("lee", &["sign", "ga", "--yes", "--meaning", "responsibility"], 0)?;
    stage.ledger("lee", &["promote", "ga"], 0)?;
    stage.ledger("lee", &["docs", "--write"], 0)
}

fn verification(stage: &mut Stage<'_, '_>) -> Result<(), Failure> {
    stage.scene("Anybody can check it: with this program, and without it")?;
    stage.ledger("", &["verify"], 0)?;
    stage.ledger("", &["check", "ga"], 0)?;
    stage.ledger("", &["docs", "--check"], 0)?;
    stage.verify_with_stock_git()?;
    stage.scene("Release notes in Korean and English, and the check CI would run on them")?;
    for language in ["ko", "en"] {
        let file = format!("release_notes_{RELEASE}.{language}.md");
        stage.ledger("", &["notes", RELEASE, "--lang", language, "--update", &file], 0)?;
        stage.ledger("", &["notes", RELEASE, "--lang", language, "--update", &file, "--check"], 0)?;
    }
    Ok(())
}

//! One night by a plan: prerequisites, ten rows across midnight, sign-off, going live, the watch; and the way back.

mod before;
mod night;
mod way_back;

use super::{begin, brings, commits, passes, sha256};
use crate::support::clock::Story;

const RELEASE: &str = "2025-10-06";

const PLAN: &str = "\
# Lab rollout — 2025-10-06

## Timeline (UTC)
| Time | Owner | Task |
|---|---|---|
| 2025-10-05 23:30 | DBA (Han) | Copy staging, hold schema and row counts against production (`sh scripts/compare.sh --snapshot night`) |
| 2025-10-06 00:15 | DevOps (Min) | Put the images `registry.lab.example/routing:{frontend,backend}-night` into the registry |
| 2025-10-06 00:45 | QA (Kim) | Try staging by hand on the form (toggle, reset) |
| 2025-10-06 01:00 | DevOps (Min) | Check-in: a quarter of an hour to the window |
| 2025-10-06 01:15 | DevOps (Min) | Make production read-only, back up `candidates` and `candidate_operations` |
| 2025-10-06 01:30 | DBA (Han) | Apply the migration `20251001_tables` if it is pending, compare its sum |
| 2025-10-06 01:45 | QA (Kim) | Turn the ERP flag on through `/api/admin/config` (`erp_required_enabled=true`) |
| 2025-10-06 02:00 | DevOps (Min) | Roll the web build out, restart the workers, empty the cache |
| 2025-10-06 02:15 | QA (Kim) | Check the deployment (`sh scripts/post_deploy.sh --suite routing`) |
| 2025-10-06 02:45 | Product (Lee) | Sign off by the governance list (`docs/release_governance.md`) |
| 2025-10-06 03:30 | DevOps (Min) | End read-only, watch the dashboard for 30 minutes |

## Sign-off
- [ ] Staging copy held against production
- [ ] Images are in the registry
- [ ] ERP flag turned on
- [ ] Deployment checked (row 9)
- [ ] Governance list complete
";

const FORM: &str = "# Staging by hand\n\n- [ ] ERP toggle\n- [x] Dirty reset\n- [ ] Legacy group\n";
const DONE: &str = "# Staging by hand\n\n- [x] ERP toggle\n- [x] Dirty reset\n- [x] Legacy group\n";
const GOVERNANCE: &str = "# Governance\n\n- [x] a\n- [x] b\n- [x] c\n- [x] d\n- [x] e\n";
const SCRIPT: &str = "test ! -e broken\n";

/// Days before: the source tree has what the plan speaks of.
fn begun() -> Story {
    let story = begin("rollout", "2025-10-01T09:00:00Z");
    let clean_form = FORM.replace("[x]", "[ ]");
    commits(
        &story,
        &[
            ("docs/rollout.md", PLAN),
            ("docs/way_back.md", "# The way back\n\nFlag, images, schema.\n"),
            ("docs/smoke.template.md", &clean_form),
            ("config/erp_flags.json", "{\"legacy\": {\"erp_required\": false}}\n"),
            ("scripts/compare.sh", SCRIPT),
            ("scripts/post_deploy.sh", SCRIPT),
        ],
    );
    story
}

fn image(name: &str) -> String {
    format!("{name} image of the night")
}

/// Everything `ready` wants, without a single refusal.
fn prepares(story: &mut Story) {
    story.repo.write("build/frontend_2025-10-06.tar", image("frontend"));
    story.repo.write("build/backend_2025-10-06.tar", image("backend"));
    story.repo.write("deliverables/onboarding_evidence/lab_session_2025-10-06.md", "# Session\n\nERP toggle works.\n");
    story.types("kim", "import deliverables/onboarding_evidence/ --gate ready", 0);
    brings(story, "han", ("ready", "db-snapshot"), "snapshot qa-night\npending migrations: 0\n");
    story.types("min", "record flag-default", 0);
    story.types("min", "record artifacts --gate ready", 0);
    story.types("min", "record way-back", 0);
    let previous = format!(
        "{{\"frontend\": {{\"digest\": \"sha256:{0}\"}}, \"backend\": {{\"digest\": \"sha256:{0}\"}}}}",
        sha256("old")
    );
    brings(story, "min", ("ready", "previous-images"), &previous);
}

/// `ready` is passed on the eve, the gates of the night are open and the plan is recorded.
fn eve(story: &mut Story) {
    story.at("2025-10-05T20:00:00Z");
    story.types("min", "open ready --release 2025-10-06 --revision schema=20251001_tables", 0);
    prepares(story);
    passes(story, "ready", &["kim"]);
    story.types("min", "open signoff", 0);
    story.types("min", "open live", 0);
    story.types("min", "open closed", 0);
    story.types("min", "plan import docs/rollout.md --gate closed", 0);
}

fn config(key: &str, value: &str) -> String {
    format!("{{\"system\": \"admin\", \"key\": \"{key}\", \"old\": null, \"new\": {value}, \"by\": \"ops\"}}")
}

/// One row after the other, each at its time, its evidence and its mark by its owner.
fn rows_one_to_nine(story: &mut Story) {
    story.at("2025-10-05T23:30:00Z");
    story.types("han", "run compare --gate signoff -- sh scripts/compare.sh --snapshot night", 0);
    story.at("2025-10-06T00:15:00Z");
    let sums = ["frontend", "backend"].map(|name| format!("{}  {name}_2025-10-06.tar\n", sha256(&image(name))));
    brings(story, "min", ("signoff", "images"), &sums.concat());
    story.types("min", "plan done 2", 0);
    story.at("2025-10-06T00:45:00Z");
    brings(story, "kim", ("signoff", "smoke"), DONE);
    story.types("kim", "plan done 3", 0);
    story.at("2025-10-06T01:00:00Z");
    brings(story, "min", ("signoff", "check-in"), "to the channel: it begins at 01:15\n");
    story.types("min", "plan done 4", 0);
    story.at("2025-10-06T01:15:00Z");
    brings(story, "min", ("signoff", "read-only"), &config("read_only", "true"));
    let dump = sha256("dump");
    brings(story, "min", ("signoff", "backup"), &format!("{dump}  candidates.sql\n{dump}  candidate_operations.sql\n"));
    story.types("min", "plan done 5", 0);
    story.at("2025-10-06T01:30:00Z");
    let sum = sha256("migration");
    brings(story, "han", ("signoff", "migration-script"), &format!("{sum}  20251001_tables.py\n"));
    brings(story, "han", ("signoff", "migration-applied"), &format!("applied 20251001_tables {sum}\n"));
    story.types("han", "plan done 6", 0);
    story.at("2025-10-06T01:45:00Z");
    brings(story, "kim", ("signoff", "erp-toggle"), &config("erp_required_enabled", "true"));
    story.types("kim", "plan done 7", 0);
    story.at("2025-10-06T02:00:00Z");
    brings(
        story,
        "min",
        ("signoff", "deployed"),
        "HTTP/1.1 200 OK\nContent-Type: text/html\n\n<title>Routing</title>\n",
    );
    story.types("min", "plan done 8", 0);
    story.at("2025-10-06T02:15:00Z");
    story.types("kim", "run post-deploy --gate signoff -- sh scripts/post_deploy.sh --suite routing", 0);
}

fn signed_off(story: &mut Story) {
    story.at("2025-10-06T02:45:00Z");
    story.repo.write("docs/release_governance.md", GOVERNANCE);
    story.types("kim", "record governance", 0);
    passes(story, "signoff", &["lee"]);
}

fn goes_live(story: &mut Story) {
    story.at("2025-10-06T03:30:00Z");
    brings(story, "min", ("live", "writable"), &config("read_only", "false"));
    story.types("min", "run smoke-api --gate live -- true", 0);
    passes(story, "live", &["min"]);
}

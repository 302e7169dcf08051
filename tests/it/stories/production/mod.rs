//! A production checklist: readiness, deployment, three signatures, three windows; triggers, and the ways back.

mod after;
mod before;
mod trouble;

use super::{begin, brings, commits, passes, sha256};
use crate::support::clock::Story;

const RELEASE: &str = "v1.0-p2";
const READY: &[&str] = &["1.", "2.", "3.", "4.", "5."];
const LIVE: &[&str] = &["1.", "2.", "3.", "4.", "5.", "Successful"];

/// The form as somebody printed it: boxes ticked in advance, a heading that says it is all done.
const PRINTED: &str = "\
# Go-live

## Before

### 1. Code and tests ✅
- [x] Defects of the first class resolved (6/6)
- [ ] Staging tried
- [ ] Load tested
- [ ] Security audit done

### 2. Infrastructure
- [ ] Server has 4 cores, 16 GB of memory, 100 GB of disk
- [ ] Ports 80, 443 and 8000 are open

### 3. Environment
- [ ] Variables are set:
  ```sh
  LOG_LEVEL=INFO
  - [ ] no box, but code
  ```
- [ ] Models lie in `models/`

### 4. Security
- [ ] Default key replaced
- [ ] Directory login configured (if applicable)

### 5. Documentation
- [x] Deployment guide written
- [ ] Way back written down

## Steps

STEPS
## After

### First hour (0-1 h)
- [ ] No error in the logs
- [ ] Predictions are right

### First day (1-24 h)
- [ ] Memory does not grow
- [ ] Backups ran

### First week (1-7 d)
- [ ] A model was trained
- [ ] No regression was reported

## Successful when
- [x] Services run
- [ ] Health answers

## Sign-off

**Completed by**: ______________

**Verified by**: ______________

**Release approved**: ☐ Yes ☐ No
";

fn printed() -> String {
    let steps = (1..=14).map(|step| format!("### Step {step}\n\n**Verification**: ✅ Step {step} was done\n\n"));
    PRINTED.replace("STEPS\n", &steps.collect::<String>())
}

/// The same as it should have been printed.
fn form() -> String {
    printed().replace("[x]", "[ ]").replace("tests ✅", "tests")
}

/// Every box ticked below headings that begin so.
fn ticked(form: &str, sections: &[&str]) -> String {
    let mut below = false;
    let mut out = String::new();
    for line in form.lines() {
        if let Some(heading) = line.strip_prefix('#') {
            let heading = heading.trim_start_matches('#').trim();
            below = sections.iter().any(|section| heading.starts_with(section));
        }
        let line = if below && line.starts_with("- [ ]") { line.replacen("[ ]", "[x]", 1) } else { line.to_owned() };
        out += &(line + "\n");
    }
    out
}

fn signed(form: &str) -> String {
    let form = form.replacen("______________", "Min, 10:00", 1).replacen("______________", "Kim, 10:05", 1);
    form.replace("☐ Yes ☐ No", "☑ Yes ☐ No")
}

fn ab(taken: &str, per_second: &str, request: &str) -> String {
    format!(
        "This is ApacheBench, Version 2.3 <$Revision: 1 $>\n\nBenchmarking x.example (be patient)\nFinished 1000 requests\n\n\n\
        Server Hostname:        x.example\nDocument Path:          /api/predict\nConcurrency Level:      10\n\
        Time taken for tests:   {taken} seconds\nComplete requests:      1000\nFailed requests:        0\n\
        Requests per second:    {per_second} [#/sec] (mean)\nTime per request:       {request} [ms] (mean)\n\
        Time per request:       {taken} [ms] (mean, across all concurrent requests)\n\n\
        Percentage of the requests served within a certain time (ms)\n  50%     17\n  66%     20\n  75%     22\n  80%     24\n  90%     31\n  95%     39\n  98%     52\n  99%     61\n 100%    320 (longest request)\n"
    )
}

fn lighthouse(performance: &str) -> String {
    format!(
        "{{\"lighthouseVersion\": \"12.2.1\", \"requestedUrl\": \"https://x.example/\", \"fetchTime\": \"2025-10-09T01:00:00Z\", \"categories\": {{\"performance\": {{\"score\": {performance}}}, \"accessibility\": {{\"score\": 0.95}}, \"best-practices\": {{\"score\": 1}}}}}}"
    )
}

fn health(status: &str) -> String {
    format!("HTTP/1.1 200 OK\nContent-Type: application/json\n\n{{\"status\": \"{status}\"}}\n")
}

fn begun(template: &str) -> Story {
    let story = begin("production", "2025-10-01T09:00:00+09:00");
    commits(
        &story,
        &[
            ("docs/go_live.template.md", template),
            ("docs/rollback.md", "# The way back\n\nQuick, or from source.\n"),
            (
                "docs/roadmap.md",
                "# Roadmap\n\n## Done means\n\n- [x] Security scan passed\n- [ ] Released to production\n",
            ),
        ],
    );
    story.repo.git(&["tag", RELEASE]);
    story
}

/// A rollback was tried lately.
fn drilled(story: &mut Story) {
    story.types("han", "open drills/rollback --release 2025-Q4", 0);
    brings(story, "han", ("drills/rollback", "restored"), "restore_total = 12 min\n");
    passes(story, "drills/rollback", &["kim"]);
}

fn records_checklist(story: &mut Story, gate: &str, text: &str) {
    story.repo.write("docs/go_live.md", text);
    story.types("kim", &format!("record checklist --gate {gate}"), 0);
}

fn ready(story: &mut Story) {
    story.types("min", "open readiness --release v1.0-p2 --commit v1.0-p2", 0);
    records_checklist(story, "readiness", &ticked(&form(), READY));
    brings(story, "han", ("readiness", "server"), "cores = 8\nram = 32 GB\ndisk = 200 GB\n");
    brings(story, "ci", ("readiness", "backend-tests"), "======= 56 passed in 3.21s =======\n");
    story.types("min", "record rollback-procedure", 0);
    passes(story, "readiness", &["kim"]);
}

fn builds(story: &Story) {
    for image in ["backend", "training-ui", "prediction-ui"] {
        story.repo.write(&format!("build/{image}_v1.0-p2.tar"), image);
    }
    for file in ["encoder.joblib", "scaler.joblib", "manifest.json"] {
        story.repo.write(&format!("models/default/{file}"), file);
    }
}

const SERVICES: &str = "web Up 3 minutes\napi Up 3 minutes\ntrain Up 3 minutes\nproxy Up 3 minutes\nmetrics Up 3 minutes\nboard Up 3 minutes\n";
const ACCESS: &str = "GET /api/groups 200 from=10.0.0.7 at=2025-10-09T01:00:00Z\nPOST /api/groups 201 from=10.0.0.7 at=2025-10-09T01:00:09Z\n";

fn deployed(story: &mut Story) {
    builds(story);
    story.types("min", "open deployed --commit v1.0-p2", 0);
    let sum = sha256("x");
    brings(story, "min", ("deployed", "backup"), &format!("{sum}  db.sql\n{sum}  models.tar\n{sum}  settings.tar\n"));
    story.types("min", "record artifacts --gate deployed", 0);
    story.types("min", "run migration --gate deployed -- true", 0);
    brings(story, "min", ("deployed", "services"), SERVICES);
    brings(story, "min", ("deployed", "health"), &health("ok"));
    brings(story, "kim", ("deployed", "groups"), ACCESS);
    story.types("kim", "run smoke --gate deployed -- true", 0);
    brings(story, "min", ("deployed", "alert"), "the message came after a minute\n");
    story.types("min", "run backup-job --gate deployed -- true", 0);
    brings(story, "min", ("deployed", "https"), "HTTP/2 200\n\n");
    brings(story, "kim", ("deployed", "load"), &ab("2.013", "496.77", "20.130"));
    brings(story, "kim", ("deployed", "pages"), &lighthouse("0.81"));
    passes(story, "deployed", &["kim"]);
}

fn goes_live(story: &mut Story) {
    story.types("min", "open go-live --commit v1.0-p2", 0);
    story.types("min", "open closed --commit v1.0-p2", 0);
    records_checklist(story, "go-live", &signed(&ticked(&form(), LIVE)));
    story.types("kim", "record form --gate go-live", 0);
    passes(story, "go-live", &["min", "kim", "lee"]);
}

fn watches(story: &mut Story, slot: &str, sections: &[&str]) {
    story.repo.write("docs/go_live.md", ticked(&signed(&ticked(&form(), LIVE)), sections));
    story.types("han", &format!("record {slot} docs/go_live.md --gate closed"), 0);
}

fn live() -> Story {
    let mut story = begun(&form());
    drilled(&mut story);
    ready(&mut story);
    deployed(&mut story);
    story.at("2025-10-09T10:00:00+09:00");
    goes_live(&mut story);
    story
}

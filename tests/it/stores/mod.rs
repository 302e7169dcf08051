//! Evidence outside the ledger: in a directory, behind HTTP, and in a store that speaks S3.

mod directory;
mod http;
mod s3;

use serde_json::Value;

use crate::steps::types;
use crate::support::{POLICY, Policy, TestRepo};

/// One gate that takes a report, any file and a build product; what is above 64 KiB leaves the ledger.
macro_rules! policy {
    ($more:literal) => {
        Policy {
            people: POLICY.people,
            pipeline: concat!(
                "\n[evidence]\ninline = \"64 KiB\"\n",
                $more,
                r#"
[pipeline.p]
folder = "Stage9_{gate}_{date}"
artifacts = [{ name = "app", path = "app.bin" }]

[[pipeline.p.gate]]
id = "alpha"
name = "Alpha"

[[pipeline.p.gate.rule]]
id = "report"
format = "junit"
expect = ["failed == 0", "passed > 0"]

[[pipeline.p.gate.rule]]
id = "shots"

[[pipeline.p.gate.rule]]
id = "smoke"
format = "command"

[[pipeline.p.gate.rule]]
id = "app"
format = "artifact"
artifacts = "recorded"

[pipeline.p.gate.approval]
role = "qa-lead"
"#
            ),
        }
    };
}

/// The ledger alone says what counts.
pub const STRICT: Policy = policy!("");
/// What a reader took from a file elsewhere counts as well.
pub const TRUSTING: Policy = policy!("external_facts = true\n");

/// Alpha of 1.0 is open.
pub fn opened(policy: &Policy) -> TestRepo {
    let repo = TestRepo::with_ledger(policy);
    types(&repo, "min", "open alpha --release 1.0", 0);
    repo
}

/// A report of so many tests: two thousand take more than 64 KiB.
pub fn report(count: usize) -> String {
    let cases = (0..count).map(|at| format!("<testcase name=\"test number {at}\" classname=\"some.module\"/>\n"));
    format!("<testsuite tests=\"{count}\">\n{}</testsuite>\n", cases.collect::<String>())
}

/// So many bytes that are not all alike, and are other ones for each `seed`.
pub fn bytes(count: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..count).map(|_| next()).collect()
}

/// The newest entry's predicate.
pub fn newest(repo: &TestRepo) -> Value {
    let newest = (repo.commits().len() - 1).to_string();
    repo.ledger("", &["show", &newest, "--json"]).json()["statement"]["predicate"].clone()
}

/// The number of the newest entry.
pub fn last(repo: &TestRepo) -> String {
    (repo.commits().len() - 1).to_string()
}

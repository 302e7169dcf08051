//! A small policy for tests: one pipeline of two gates, and the people a test wants.

use super::TestRepo;

/// Everybody a test may sign as.
pub const CAST: &[&str] = &["kim", "kim2", "min", "lee", "han", "ci", "mallory"];

/// `alpha` wants a checklist, an artifact and a QA lead; `ga` wants alpha and a release owner who is no author.
pub const POLICY: Policy = Policy { people: PEOPLE, pipeline: PIPELINE };

pub struct Policy {
    /// `id-before-@, keys, roles, bot`.
    pub people: &'static [(&'static str, &'static [&'static str], &'static [&'static str], bool)],
    pub pipeline: &'static str,
}

const PEOPLE: &[(&str, &[&str], &[&str], bool)] = &[
    ("kim", &["kim", "kim2"], &["qa-lead"], false),
    ("min", &["min"], &["deployment-engineer"], false),
    ("lee", &["lee"], &["release-owner"], false),
    ("han", &["han"], &["qa-lead", "release-owner"], false),
    ("ci", &["ci"], &["ci", "qa-lead"], true),
];

const PIPELINE: &str = r#"
[pipeline.stage9]
folder = "Stage9_{gate}_{date}"
artifacts = [{ name = "app", path = "build/app_{version}.bin" }]

[[pipeline.stage9.gate]]
id = "alpha"
name = "Alpha"
label = { ko = "Alpha(내부 QA)" }

[[pipeline.stage9.gate.rule]]
id = "qa-checklist"
format = "checklist"
file = "docs/qa.md"
expect = ["open == 0", "total > 0"]

[[pipeline.stage9.gate.rule]]
id = "artifacts"
format = "artifact"
artifacts = "recorded"

[pipeline.stage9.gate.approval]
role = "qa-lead"

[[pipeline.stage9.gate]]
id = "ga"
name = "GA"
requires = ["alpha"]

[[pipeline.stage9.gate.rule]]
id = "announcement"

[pipeline.stage9.gate.approval]
role = "release-owner"
forbid = { author = "deny" }
"#;

impl Policy {
    pub fn text(&self, repo: &TestRepo) -> String {
        let mut text = String::from(
            "[ledger]\norigin = \"example.org/acme/widget\"\ntimezone = \"UTC\"\n\n[policy]\napprove = { role = \"release-owner\" }\n",
        );
        for (who, keys, roles, bot) in self.people {
            let keys: Vec<String> = keys.iter().map(|key| format!("{:?}", repo.public_key(key))).collect();
            text.push_str(&format!(
                "\n[[person]]\nid = \"{who}@acme.example\"\nname = \"{}\"\nhandles = [\"{}\"]\nroles = {roles:?}\nkeys = [{}]\nbot = {bot}\n",
                who[..1].to_uppercase() + &who[1..],
                who.to_uppercase(),
                keys.join(", "),
            ));
        }
        text + self.pipeline
    }
}

//! What a ledger was, its first entries say: a question asked as of a size gets the answer that a reader of
//! so short a ledger gets.

use ledger::chain::{Limits, VerifiedLedger, View};
use ledger::id::{Digest, EntryNumber, Name, Timestamp, Version};
use ledger::policy::{Ask, Decision, Evaluator, Observed};

use crate::steps::types;
use crate::support::TestRepo;
use crate::support::forge::{Draft, Forge, verify};
use crate::tamper::story;

const GATES: [&str; 2] = ["alpha", "ga"];
pub const RELEASES: [&str; 2] = ["1.0", "2.0"];

pub fn now() -> Timestamp {
    Timestamp::parse("9999-12-31T23:59:59Z").unwrap()
}

pub fn verified(drafts: &[Draft]) -> VerifiedLedger {
    verify(drafts, Limits::default(), now()).unwrap()
}

pub fn pipeline() -> Name {
    Name::parse("stage9").unwrap()
}

/// Size, root, policy in force and releases; then what became of each release, and of each of its attempts.
pub type Told = (u64, Digest, Option<Digest>, Vec<Version>, Vec<Vec<EntryNumber>>);

pub fn told(view: View<'_>) -> Told {
    let pipeline = pipeline();
    let mut entries = Vec::new();
    for release in RELEASES.map(|release| Version::parse(release).unwrap()) {
        entries.push(view.release(&pipeline, &release).iter().map(|entry| entry.number()).collect());
        for gate in GATES.map(|gate| Name::parse(gate).unwrap()) {
            let attempts = view.attempts(&pipeline, &gate, &release);
            let latest = view.latest(&pipeline, &gate, &release);
            assert_eq!(latest.map(|attempt| attempt.entry.number()), attempts.last().map(|last| last.entry.number()));
            entries.extend(attempts.iter().map(|attempt| view.attempt(attempt.key).map(|e| e.number()).collect()));
        }
    }
    (view.size(), view.root(), view.policy().map(|policy| policy.digest()), view.releases(&pipeline), entries)
}

pub fn decisions(evaluator: &Evaluator<'_>, size: u64) -> Vec<Decision> {
    let (pipeline, observed) = (pipeline(), Observed::new());
    let questions = GATES.iter().flat_map(|gate| RELEASES.map(|release| (*gate, release)));
    let decide = |(gate, release)| {
        let (gate, release) = (Name::parse(gate).unwrap(), Version::parse(release).unwrap());
        let ask = Ask {
            pipeline: &pipeline,
            gate: &gate,
            release: &release,
            size,
            now: now(),
            observed: &observed,
            source: None,
        };
        evaluator.decide(&ask)
    };
    questions.map(decide).collect()
}

/// After the story a key is given up with what it signed, two must approve a policy from then on, one has
/// approved the next, and 2.0 is opened once more.
pub fn long_story() -> TestRepo {
    let repo = story();
    let one = "approve = { role = \"release-owner\" }";
    let two = "approve = { role = \"release-owner\", count = 2 }";
    let given_up = format!("\n[[compromised]]\nkey = {:?}\nsince = 4\nreason = \"lost\"\n", repo.public_key("kim"));
    repo.write("ledger.toml", repo.read("ledger.toml").replace(one, two) + &given_up);
    types(&repo, "lee", "policy apply -m stolen --yes", 0);
    repo.write("ledger.toml", repo.read("ledger.toml").replace("name = \"Min\"", "name = \"Minji\""));
    types(&repo, "lee", "policy apply -m renamed --yes", 0);
    types(&repo, "min", "open alpha --release 2.0 --retry", 0);
    types(&repo, "kim2", "record qa-checklist", 0);
    repo
}

#[test]
fn a_ledger_as_of_a_size_is_the_ledger_that_was() {
    let repo = long_story();
    let forge = Forge::of(&repo);
    let whole = verified(&forge.drafts);
    let evaluator = Evaluator::new(&whole);
    assert!(evaluator.policy(0).is_none(), "nothing is in force before the first entry");
    for size in 1..=whole.size() {
        let short = verified(&forge.drafts[..usize::try_from(size).unwrap()]);
        assert_eq!(told(whole.as_of(size)), told(short.view()), "{size} entries");
        let hindsight = whole.as_of(size).knowing(whole.size());
        assert_eq!(told(whole.view().before(EntryNumber(size))), told(hindsight), "before entry {size}");
        assert_eq!(decisions(&evaluator, size), decisions(&Evaluator::new(&short), size), "{size} entries");
        assert_eq!((whole.root_at(size), whole.commit_at(size)), (Some(short.root()), short.tip()));
    }
    let of = |view: View<'_>, release: &str| -> Vec<u64> {
        view.release(&pipeline(), &Version::parse(release).unwrap()).iter().map(|entry| entry.number().0).collect()
    };
    assert_eq!(of(whole.view(), "2.0"), [12, 13, 16, 17]);
    // What was approved with the key that is given up later counted, and is void only in hindsight.
    assert_eq!(of(whole.as_of(10), "1.0"), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
    assert_eq!(of(whole.as_of(14), "1.0"), [1, 2, 4, 5, 6, 7, 8, 9, 11]);
    for hindsight in [whole.as_of(15), whole.as_of(14).knowing(15)] {
        assert_eq!(of(hindsight, "1.0"), [1, 2, 5, 6, 7, 8, 9, 11]);
    }
    let size = whole.size();
    assert_eq!((whole.root_at(size + 1), whole.commit_at(size + 1), whole.commit_at(0)), (None, None, None));
    assert_eq!(told(whole.as_of(size + 1)), told(whole.view()), "no ledger is longer than it is");
}

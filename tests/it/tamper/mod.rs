//! The attack catalogue as code: one row a manipulation, with every fault it must give.
//!
//! A row starts from a ledger the program wrote. The same ledger, taken apart and laid again with
//! nothing bent, must be the same commits and verify, so that a row fails for the reason it names.
//!
//! Rows by theme: `log` A5-A9, A11, A54; `commits` A11, A20, A21; `content` A12-A16, A18, A42; `spelling`
//! A16-A18; `environment` A19; `keys` A23-A31; `signatures` A29, A32; `approvals` A36-A40, A45; `gates` A23,
//! A33-A36, A40-A45; `policy` A11, A33, A36, A37, A43, A44, A46, A47, A49, A55; and `bytes`, A22, does something
//! to every byte there is.
//!
//! No row: A1, A2, A4, A10 and A56 compare a ledger with what was seen of it before (`anchor`), and A3 cannot be
//! seen from inside (docs/security.md). A48, A50 and A51: nothing is delegated, there is one format, and no check
//! is switched off in the ledger. A52 and A53 are about tags and the source's own history, which is read only
//! for the one commit that is asked about (A38).

mod approvals;
mod bytes;
mod commits;
mod content;
mod environment;
mod gates;
mod keys;
mod log;
mod means;
mod policy;
mod signatures;
mod spelling;

use std::collections::BTreeSet;

use ledger::id::Digest;
use serde_json::Value;

use crate::interop::disagreement;
use crate::steps::{ga_supplied, rule, supplied, types};
use crate::support::forge::Forge;
use crate::support::{POLICY, TestRepo};

/// What is done to a ledger taken apart.
type Bend = fn(&mut Forge<'_>);

/// A ledger's first so many entries, and what honest people do next.
#[derive(Clone, Copy)]
struct Base(usize, Bend);

const NOTHING: Bend = |_| {};

/// The entries of [`story`], by what the newest of them is.
const BEGUN: Base = Base(1, NOTHING);
const OPENED: Base = Base(2, NOTHING);
const CHECKLIST: Base = Base(4, NOTHING);
const APPROVAL: Base = Base(5, NOTHING);
const PROMOTION: Base = Base(6, NOTHING);
const GA_OPENED: Base = Base(7, NOTHING);
const GA_APPROVAL: Base = Base(9, NOTHING);
const GA_PROMOTION: Base = Base(10, NOTHING);
const NEW_POLICY: Base = Base(11, NOTHING);
const REVOKED: Base = Base(12, NOTHING);
const SECOND_OPENED: Base = Base(13, NOTHING);
const SECOND_CHECKLIST: Base = Base(14, NOTHING);
/// Han approves alpha as well.
const HAN_TOO: Base = Base(5, |forge| {
    let approval = forge.again(4).by("han");
    approval.path = approval.path.replace("KIM", "HAN");
});

/// The case's number, what is done, to what, how, and every fault it gives as `entry fault`.
struct Row(&'static str, &'static str, Base, Bend, &'static [&'static str]);

/// A release from its opening to GA, a policy that takes a key away, a revocation, and the next release.
pub fn story() -> TestRepo {
    let repo = supplied(&POLICY, "min");
    ga_supplied(&repo);
    types(&repo, "han", "sign ga --yes", 0);
    types(&repo, "min", "promote ga", 0);
    let lost = format!("{:?}, ", repo.public_key("kim"));
    repo.write("ledger.toml", repo.read("ledger.toml").replace(&lost, ""));
    types(&repo, "lee", "policy apply -m lost --yes", 0);
    types(&repo, "kim2", "revoke 3 -m mistaken --yes", 0);
    types(&repo, "min", "open alpha --release 2.0", 0);
    types(&repo, "kim2", "record qa-checklist", 0);
    repo
}

/// Nobody here has seen this ledger before, nor a longer one or another: that is `anchor`'s theme.
pub fn forget(repo: &TestRepo) {
    std::fs::remove_dir_all(repo.home().join("state")).unwrap_or_default();
}

/// What `verify` tells a stranger: its exit code, and the faults it lists as `entry fault`.
fn verdict(repo: &TestRepo) -> (i32, BTreeSet<String>) {
    forget(repo);
    let ran = repo.ledger("", &["verify", "--json"]);
    let json = ran.json();
    let fault = |fault: &Value| match fault["entry"].as_u64() {
        Some(entry) => format!("{entry} {}", fault["fault"].as_str().unwrap()),
        None => fault["fault"].as_str().unwrap().to_owned(),
    };
    (ran.code, json["faults"].as_array().unwrap().iter().map(fault).collect())
}

/// Ledgers cut out of one, each verified once before anything is bent.
struct Bench<'r> {
    whole: Forge<'r>,
    honest: BTreeSet<(usize, usize)>,
    wrong: Vec<String>,
}

impl<'r> Bench<'r> {
    fn of(repo: &'r TestRepo) -> Self {
        let mut whole = Forge::of(repo);
        assert_eq!(whole.lay(), whole.tip(), "laid as it was");
        // All at one instant: which second the program wrote an entry in changes no fault.
        let newest = whole.last().commit.seconds;
        whole.drafts.iter_mut().for_each(|draft| draft.commit.seconds = newest);
        whole.lay();
        let whole = Forge::of(repo);
        Self { whole, honest: BTreeSet::new(), wrong: Vec::new() }
    }

    /// The ledger a row starts from, which holds.
    #[track_caller]
    fn start(&mut self, Base(entries, make): Base) -> Forge<'r> {
        let mut forge = self.whole.cut(entries);
        make(&mut forge);
        if self.honest.insert((entries, make as usize)) {
            forge.lay();
            assert_eq!(verdict(forge.repo), (0, BTreeSet::new()), "the untouched neighbour of {entries} entries");
            assert_eq!(
                disagreement(forge.repo, "", 0, &BTreeSet::new()),
                None,
                "the untouched neighbour of {entries} entries"
            );
        }
        forge
    }

    /// Bends and lays; notes when the faults are not the ones expected.
    fn gives(&mut self, label: &str, base: Base, bend: impl Fn(&mut Forge<'_>), faults: &[&str]) {
        let mut forge = self.start(base);
        bend(&mut forge);
        forge.lay();
        let expected = (4, faults.iter().map(|fault| (*fault).to_owned()).collect());
        let found = verdict(forge.repo);
        if found != expected {
            self.wrong.push(format!("{label}: expected {expected:?}, found {found:?}"));
        }
        self.wrong.extend(
            disagreement(forge.repo, label, found.0, &found.1).map(|why| format!("{label}: {found:?}, but {why}")),
        );
    }

    #[track_caller]
    fn done(self) {
        assert!(self.wrong.is_empty(), "\n{}", self.wrong.join("\n"));
    }
}

/// Every row gives its faults and no other; and gives none before anything is bent.
#[track_caller]
fn each_row_gives_its_faults(repo: &TestRepo, rows: &[Row]) {
    let mut bench = Bench::of(repo);
    for Row(case, what, base, bend, faults) in rows {
        bench.gives(&format!("{case} {what}"), *base, bend, faults);
    }
    bench.done();
}

/// A forged ledger that holds and opens nothing: case, what, base, bend, gate, and the rule that says so.
struct Closed(&'static str, &'static str, Base, Bend, &'static str, &'static str, &'static str);

/// Every row holds, and its gate stays closed by the rule it names; before, it is open.
#[track_caller]
fn each_row_stays_closed(repo: &TestRepo, rows: &[Closed]) {
    let mut bench = Bench::of(repo);
    let mut open = BTreeSet::new();
    for Closed(case, what, base, bend, gate, id, state) in rows {
        let mut forge = bench.start(*base);
        if open.insert((base.0, base.1 as usize)) {
            forge.lay();
            forget(repo);
            types(repo, "", &format!("check {gate}"), 0);
        }
        bend(&mut forge);
        forge.lay();
        let (held, code) = (verdict(repo), repo.ledger("", &["check", gate]).code);
        let found = if code == 1 { rule(repo, gate, id)["state"].clone() } else { Value::Null };
        let (found, expected) = ((held, code, found), ((0, BTreeSet::new()), 1, Value::from(*state)));
        if found != expected {
            bench.wrong.push(format!("{case} {what}: expected {expected:?}, found {found:?}"));
        }
    }
    bench.done();
}

/// The text of the policy among an entry's files.
fn policy_text(files: &[(String, Vec<u8>)]) -> String {
    let (_, bytes) = files.iter().find(|(path, _)| path.ends_with("/policy.toml")).unwrap();
    String::from_utf8(bytes.clone()).unwrap()
}

/// SHA-256 of the policy an entry brings.
fn policy_of(forge: &Forge<'_>, at: usize) -> Digest {
    Digest::of(policy_text(&forge.drafts[at].files).as_bytes())
}

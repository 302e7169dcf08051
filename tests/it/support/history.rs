//! Histories nobody wrote by hand: people who do what they may and may not, in whatever order, on a ledger made in
//! memory.

use std::rc::Rc;

use ledger::chain::VerifiedEntry;
use ledger::entry::kinds::{
    Approval, AttemptKey, Decision as Word, Evidence, EvidenceFile, Meaning, Open, Predicate, Promotion,
    PromotionDecision, Revoke, Rollback, RollbackStep, RuleRecord, RuleResult, Saw, Source, StepResult, Stored,
    Trigger, TriggerClass, Waiver,
};
use ledger::evidence::facts::{Fact, Facts};
use ledger::id::{Digest, EntryId, FileName, Folder, Name, ObjectId, PersonId, Timestamp, Version};
use ledger::policy::{Ask, Decision, Evaluator, Observed, RuleState};
use proptest::prelude::*;

use super::made::{Begun, Made};
use super::{POLICY, Policy};

pub const PIPELINE: &str = r#"
[pipeline.p]
folder = "{pipeline}_{gate}_{version}"

[[pipeline.p.trigger]]
id = "errors"
text = "page"
class = "immediate"
option = "switch"

[[pipeline.p.trigger]]
id = "raised"
text = "page"
class = "evaluate"
decide = "release-owner"
within = "1h"

[[pipeline.p.rollback]]
id = "switch"
steps = ["off"]
validation = ["build"]

[[pipeline.p.gate]]
id = "alpha"
rule = [
  { id = "build", expect = "bytes > 3" },
  { id = "shots", expect = "bytes > 3" },
  { id = "words", expect = "bytes > 3", after = "build" },
  { id = "smoke", expect = "bytes > 3", unless = "shots" },
  { id = "log", format = "task-log" },
]
group = [{ id = "proof", rules = ["shots", "words"] }]
approval = { role = "qa-lead", phrase = "Next Stage Ready" }
waiver = { role = "release-owner", longest = "2d", rules = ["build", "proof"] }

[[pipeline.p.gate]]
id = "beta"
requires = ["alpha"]
rule = [
  { id = "fresh", expect = "bytes > 3", within = "2h" },
  { id = "watch", expect = "bytes > 3", window = { since = "alpha", to = "3h" } },
]
approval = [{ role = "qa-lead" }, { role = "release-owner", id = "owner" }]
distinct = true

[[pipeline.p.gate]]
id = "ga"
requires = ["beta"]
soak = [{ id = "rest", since = "alpha", least = "1h" }]
approval = { role = "release-owner" }

[pipeline.q]
folder = "{pipeline}_{gate}_{version}"
[[pipeline.q.gate]]
id = "drill"
requires = [{ gate = "p/alpha", release = "any", within = "1d" }]
approval = { role = "qa-lead" }
"#;

pub const GATES: [(&str, &str, &[&str]); 4] = [
    ("p", "alpha", &["build", "shots", "words", "smoke", "log"]),
    ("p", "beta", &["fresh", "watch"]),
    ("p", "ga", &[]),
    ("q", "drill", &[]),
];
pub const WHO: [&str; 4] = ["kim", "min", "lee", "han"];

/// One thing somebody does; what cannot be done is left out.
#[derive(Debug, Clone)]
pub enum Act {
    Open(usize),
    Bring { gate: usize, slot: usize, good: bool, who: usize },
    Say { gate: usize, word: Word, who: usize },
    Waive { gate: usize, rule: &'static str, hours: i64, who: usize },
    Promote { gate: usize, who: usize },
    Fire { trigger: &'static str, class: TriggerClass, who: usize },
    Decide { word: Word, who: usize },
    GoBack { gate: usize, whole: bool, who: usize },
    Revoke { entry: usize },
    Wait(i64),
}

pub fn act() -> impl Strategy<Value = Act> {
    let (gate, who) = (|| prop_oneof![4 => Just(0), 2 => Just(1), 1 => Just(2), 1 => Just(3)], || 0..WHO.len());
    let word = prop_oneof![5 => Just(Word::Approved), 1 => Just(Word::Rejected), 1 => Just(Word::Withdrawn)];
    let bring = (gate(), 0..5_usize, prop::bool::weighted(0.8), who());
    prop_oneof![
        3 => gate().prop_map(Act::Open),
        9 => bring.prop_map(|(gate, slot, good, who)| Act::Bring { gate, slot, good, who }),
        6 => (gate(), word, who()).prop_map(|(gate, word, who)| Act::Say { gate, word, who }),
        1 => (gate(), prop::sample::select(vec!["build", "proof", "phrase", "fresh"]), 1..60_i64, who())
            .prop_map(|(gate, rule, hours, who)| Act::Waive { gate, rule, hours, who }),
        4 => (gate(), who()).prop_map(|(gate, who)| Act::Promote { gate, who }),
        1 => (prop::bool::ANY, who()).prop_map(|(now, who)| match now {
            true => Act::Fire { trigger: "errors", class: TriggerClass::Immediate, who },
            false => Act::Fire { trigger: "raised", class: TriggerClass::Evaluate, who },
        }),
        1 => (prop_oneof![Just(Word::Approved), Just(Word::Rejected)], who()).prop_map(|(word, who)| Act::Decide { word, who }),
        1 => (gate(), prop::bool::ANY, who()).prop_map(|(gate, whole, who)| Act::GoBack { gate, whole, who }),
        1 => (0..1000_usize).prop_map(|entry| Act::Revoke { entry }),
        2 => (1..200_i64).prop_map(Act::Wait),
    ]
}

pub fn name(word: &str) -> Name {
    Name::parse(word).unwrap()
}

pub fn release() -> Version {
    Version::parse("1.0").unwrap()
}

pub fn begun() -> Rc<Begun> {
    Begun::with(&Policy { people: POLICY.people, pipeline: PIPELINE })
}

pub fn observed() -> &'static Observed {
    static NONE: std::sync::OnceLock<Observed> = std::sync::OnceLock::new();
    NONE.get_or_init(Observed::new)
}

/// What is decided about a gate of the release at an instant.
pub fn decide(evaluator: &Evaluator<'_>, gate: usize, at: Timestamp) -> Decision {
    let (pipeline, gate, _) = GATES[gate];
    evaluator.decide(&Ask {
        pipeline: &name(pipeline),
        gate: &name(gate),
        release: &release(),
        size: evaluator.ledger().size(),
        now: at,
        observed: observed(),
        source: None,
    })
}

pub fn all(made: &Made, at: Timestamp) -> Vec<Decision> {
    let evaluator = Evaluator::new(&made.ledger);
    (0..GATES.len()).map(|gate| decide(&evaluator, gate, at)).collect()
}

/// The newest attempt, and its folder.
pub fn attempt(made: &Made, gate: usize, release: &Version) -> Option<(AttemptKey, String)> {
    let (pipeline, gate, _) = GATES[gate];
    let latest = made.ledger.view().latest(&name(pipeline), &name(gate), release)?;
    Some((latest.key.clone(), latest.open.folder.to_string()))
}

pub fn opens(made: &mut Made, gate: usize, release: &Version) -> bool {
    let (pipeline, id, _) = GATES[gate];
    let number = attempt(made, gate, release).map_or(1, |(key, _)| key.attempt + 1);
    let key = AttemptKey { pipeline: name(pipeline), gate: name(id), attempt: number, release: release.clone() };
    let repeat = if number == 1 { String::new() } else { format!(".{number}") };
    let folder = format!("{pipeline}_{id}_{release}{repeat}");
    let commit = ObjectId::parse(&"2".repeat(40)).unwrap();
    let predicate = Predicate::Open(Open {
        ledger: made.scope(&key),
        actor: made.actor("min"),
        recorded_at: made.now(),
        source: Source { commit: commit.clone(), tree: commit, authors: Vec::new() },
        artifacts: Vec::new(),
        revisions: Default::default(),
        folder: Folder::parse(&folder).unwrap(),
        time_zone: "UTC".to_owned(),
        compared: None,
    });
    made.adds("min", &folder, predicate, &[])
}

pub fn brings(made: &mut Made, gate: usize, slot: &str, good: bool, who: &str, of: &Version) -> bool {
    let Some((key, folder)) = attempt(made, gate, of) else { return false };
    let bytes = if good { format!("number {}", made.ledger.size()) } else { "no".to_owned() }.into_bytes();
    let counts = [("bytes", bytes.len()), ("files", 1)];
    let mut facts: Facts = counts.map(|(name, count)| (name.to_owned(), Fact::from(count))).into();
    if slot == "log" && good {
        let text = |text: &str| Fact::Text(text.to_owned());
        let line = [("text", text("Next Stage Ready")), ("actor", text("KIM")), ("at", text(&made.now().to_string()))];
        let line: Facts = line.into_iter().map(|(name, fact)| (name.to_owned(), fact)).collect();
        facts.insert("phrase".to_owned(), Fact::Group(line));
    }
    let predicate = Predicate::Evidence(Evidence {
        ledger: made.scope(&key),
        actor: made.actor(who),
        recorded_at: made.now(),
        slot: name(slot),
        format: name(if slot == "log" { "task-log" } else { "file" }),
        files: vec![EvidenceFile {
            name: FileName::parse("note.txt").unwrap(),
            path: "note.txt".to_owned(),
            size: bytes.len() as u64,
            sha256: Digest::of(&bytes),
            stored: Stored::Inline,
            location: None,
            role: None,
        }],
        facts,
        command: None,
    });
    made.adds(who, &folder, predicate, &[("note.txt", &bytes)])
}

/// Somebody says a word about a gate as it is, or about a trigger.
pub fn says(made: &mut Made, gate: usize, word: Word, who: &str, about: Option<EntryId>) -> bool {
    let Some((mut key, mut folder)) = attempt(made, gate, &release()) else { return false };
    if let Some(of) = about.and_then(|id| made.ledger.find(id)?.attempt()) {
        (key, folder) = (of.clone(), made.ledger.opening(of).unwrap().folder.to_string());
    }
    let decision = decide(&Evaluator::new(&made.ledger), gate, made.now());
    let own = |entry: &&VerifiedEntry| {
        let is_said =
            matches!(entry.predicate(), Predicate::Approval(a) if a.decision != Word::Withdrawn && a.about.is_none());
        is_said && entry.person().as_str().starts_with(who)
    };
    let withdraws = made.ledger.view().attempt(&key).filter(own).last().map(VerifiedEntry::id);
    let predicate = Predicate::Approval(Approval {
        ledger: made.scope(&key),
        actor: made.actor(who),
        recorded_at: made.now(),
        decision: word,
        meaning: Meaning::Approval,
        reason: (word != Word::Approved || about.is_some()).then(|| "doubt".to_owned()),
        saw: Saw {
            policy: decision.policy,
            evidence: decision.evidence(),
            size: made.ledger.size(),
            root: made.ledger.root(),
        },
        withdraws: withdraws.filter(|_| word == Word::Withdrawn),
        about,
    });
    made.adds(who, &folder, predicate, &[])
}

pub fn promotes(made: &mut Made, gate: usize, who: &str) -> bool {
    let Some((key, folder)) = attempt(made, gate, &release()) else { return false };
    let decision = decide(&Evaluator::new(&made.ledger), gate, made.now());
    let met = decision.rules.iter().filter(|rule| rule.state == RuleState::Satisfied);
    let rules = met.map(|rule| RuleRecord {
        id: rule.id.clone(),
        result: RuleResult::Satisfied,
        by: rule.by.iter().map(|(_, id)| *id).collect(),
    });
    let predicate = Predicate::Promotion(Promotion {
        ledger: made.scope(&key),
        actor: made.actor(who),
        recorded_at: made.now(),
        from: Vec::new(),
        to: key.gate.clone(),
        decision: PromotionDecision::Promoted,
        rules: rules.collect(),
        policy: decision.policy,
        size: made.ledger.size(),
        root: made.ledger.root(),
        verifier: "a test".to_owned(),
    });
    made.adds(who, &folder, predicate, &[])
}

/// The newest entry of the release that is one of these.
pub fn newest(made: &Made, wanted: impl Fn(&Predicate) -> bool) -> Option<EntryId> {
    let entries = made.ledger.entries().filter(|entry| wanted(entry.predicate()));
    entries.last().map(VerifiedEntry::id)
}

pub fn revokes(made: &mut Made, number: usize) -> bool {
    let found =
        made.ledger.entries().nth(number).and_then(|entry| Some((entry.attempt()?, entry.person(), entry.id())));
    let Some((key, person, voids)) = found else { return false };
    let (key, person) = (key.clone(), person.clone());
    let Some(folder) = made.ledger.opening(&key).map(|open| open.folder.to_string()) else { return false };
    let who = person.as_str().split('@').next().unwrap();
    let (ledger, actor, recorded_at) = (made.scope(&key), made.actor(who), made.now());
    let revoke = Revoke { ledger, actor, recorded_at, voids, reason: "mistaken".to_owned() };
    made.adds(who, &folder, Predicate::Revoke(revoke), &[])
}

pub fn goes_back(made: &mut Made, gate: usize, whole: bool, who: &str) -> bool {
    let Some((key, folder)) = attempt(made, gate, &release()) else { return false };
    let promotion = made.ledger.view().attempt(&key).find(|e| matches!(e.predicate(), Predicate::Promotion(_)));
    let Some(reverses) = promotion.map(VerifiedEntry::id) else { return false };
    let is_shown = |predicate: &Predicate| matches!(predicate, Predicate::Evidence(e) if e.slot == name("build"));
    let step = RollbackStep {
        text: "off".to_owned(),
        result: StepResult::Done,
        note: None,
        started_at: made.now(),
        finished_at: made.now(),
    };
    let predicate = Predicate::Rollback(Rollback {
        ledger: made.scope(&key),
        actor: made.actor(who),
        recorded_at: made.now(),
        option: name("switch"),
        reason: None,
        steps: if whole { vec![step] } else { Vec::new() },
        trigger: newest(made, |predicate| matches!(predicate, Predicate::Trigger(_))),
        reverses,
        validation: newest(made, is_shown).into_iter().collect(),
    });
    made.adds(who, &folder, predicate, &[])
}

pub fn does(made: &mut Made, act: &Act) -> bool {
    made.seconds += 60;
    match act {
        Act::Open(gate) => opens(made, *gate, &release()),
        Act::Bring { gate, slot, good, who } => {
            let slots = GATES[*gate].2;
            !slots.is_empty() && brings(made, *gate, slots[slot % slots.len()], *good, WHO[*who], &release())
        }
        Act::Say { gate, word, who } => says(made, *gate, *word, WHO[*who], None),
        Act::Waive { gate, rule, hours, who } => {
            let Some((key, folder)) = attempt(made, *gate, &release()) else { return false };
            let (who, now) = (WHO[*who], made.now());
            let waiver = Waiver {
                ledger: made.scope(&key),
                actor: made.actor(who),
                recorded_at: now,
                rule: name(rule),
                reason: "no time".to_owned(),
                compensating_controls: Vec::new(),
                requested_by: PersonId::parse("min@acme.example").unwrap(),
                expires_at: Timestamp::from_seconds(now.seconds() + hours * 3600).unwrap(),
                break_glass: false,
            };
            made.adds(who, &folder, Predicate::Waiver(waiver), &[])
        }
        Act::Promote { gate, who } => promotes(made, *gate, WHO[*who]),
        Act::Fire { trigger, class, who } => {
            let Some((key, folder)) = attempt(made, 0, &release()) else { return false };
            let (ledger, actor, recorded_at) = (made.scope(&key), made.actor(WHO[*who]), made.now());
            let (trigger, class, observed) = (name(trigger), *class, "seen".to_owned());
            let fired = Trigger { ledger, actor, recorded_at, trigger, class, observed, decision: None };
            made.adds(WHO[*who], &folder, Predicate::Trigger(fired), &[])
        }
        Act::Decide { word, who } => {
            let trigger = newest(made, |predicate| matches!(predicate, Predicate::Trigger(_)));
            trigger.is_some() && says(made, 0, *word, WHO[*who], trigger)
        }
        Act::GoBack { gate, whole, who } => goes_back(made, *gate, *whole, WHO[*who]),
        Act::Revoke { entry } => revokes(made, entry % usize::try_from(made.ledger.size()).unwrap()),
        Act::Wait(minutes) => {
            made.seconds += minutes * 60;
            true
        }
    }
}

/// A history: so many steps of what opens the gates where nobody interferes, then whatever comes.
pub fn history(begun: &Rc<Begun>, head: usize, acts: &[Act]) -> Made {
    let mut made = Made::begin(begun);
    let bring = |gate, slot| Act::Bring { gate, slot, good: true, who: 1 };
    let approve = |gate, who| Act::Say { gate, word: Word::Approved, who };
    let usual = [
        Act::Open(0),
        bring(0, 0),
        bring(0, 1),
        bring(0, 4),
        approve(0, 0),
        Act::Promote { gate: 0, who: 1 },
        Act::Open(1),
        bring(1, 0),
        bring(1, 1),
        approve(1, 0),
        approve(1, 2),
        Act::Promote { gate: 1, who: 1 },
        Act::Open(3),
        approve(3, 0),
        Act::Open(2),
        approve(2, 2),
    ];
    usual.iter().take(head).chain(acts).for_each(|act| {
        does(&mut made, act);
    });
    made
}

//! The program run in this process under a clock that stands still until it is moved.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io::{self, Cursor, Write};
use std::rc::Rc;

use ledger::cli::world::{Clock, World};

use super::{Policy, Ran, TestRepo};

/// A repository, and what time it is there.
pub struct Story {
    pub repo: TestRepo,
    seconds: i64,
}

impl Story {
    /// A ledger that Lee began with this policy at an instant (RFC 3339).
    pub fn begin(policy: &Policy, at: &str) -> Self {
        Self::begin_with(|repo| policy.text(repo), at)
    }

    /// The same with the text of a policy, which may name the keys of the cast.
    pub fn begin_with(text: impl FnOnce(&TestRepo) -> String, at: &str) -> Self {
        let repo = TestRepo::bare_of_ledger();
        let mut story = Self { repo, seconds: 0 };
        story.at(at);
        story.repo.write("ledger.toml", text(&story.repo));
        story.types("lee", "init", 0);
        story.repo.git(&["add", "."]);
        story.repo.git(&["commit", "-q", "-m", "begin the ledger"]);
        story
    }

    /// Moves the clock to an instant, which must not lie in the past.
    pub fn at(&mut self, instant: &str) -> &mut Self {
        let then = chrono::DateTime::parse_from_rfc3339(instant).unwrap().timestamp();
        assert!(then >= self.seconds, "{instant} is over");
        self.seconds = then;
        self
    }

    /// Lets so much time pass: `90m`, `2h`, `7d`.
    pub fn after(&mut self, time: &str) -> &mut Self {
        let (count, unit) = time.split_at(time.len() - 1);
        let unit = match unit {
            "m" => 60,
            "h" => 3_600,
            "d" => 86_400,
            _ => panic!("{time}"),
        };
        self.seconds += count.parse::<i64>().unwrap() * unit;
        self
    }

    /// Somebody types a command line; a second passes. Insists on the exit code and returns all that was said.
    #[track_caller]
    pub fn types(&mut self, who: &str, line: &str, code: i32) -> String {
        let ran = self.run(who, line, None);
        let said = ran.said();
        let _ = ran.exits(code);
        said
    }

    /// The same by somebody at a terminal, who answers what they are asked.
    #[track_caller]
    pub fn answers(&mut self, who: &str, line: &str, typed: &str, code: i32) -> String {
        let ran = self.run(who, line, Some(typed));
        let said = ran.said();
        let _ = ran.exits(code);
        said
    }

    /// Somebody brings a file of these words for a slot.
    #[track_caller]
    pub fn brings(&mut self, who: &str, slot: &str, words: &str) -> String {
        self.repo.write("note.txt", words);
        let (slot, gate) =
            slot.split_once(" of ").map_or((slot, String::new()), |(slot, gate)| (slot, format!(" --gate {gate}")));
        self.types(who, &format!("record {slot} note.txt{gate}"), 0)
    }

    /// What a rule of a gate has, in the words a person reads.
    #[track_caller]
    pub fn has(&mut self, gate: &str, id: &str) -> String {
        self.rule(gate, id)["have"].as_str().unwrap_or("null").to_owned()
    }

    /// Everything under the source tree is committed.
    pub fn commits(&self, message: &str) {
        self.repo.git(&["add", "."]);
        self.repo.git(&["commit", "-q", "-m", message]);
    }

    /// The JSON a command prints.
    #[track_caller]
    pub fn json(&mut self, line: &str) -> serde_json::Value {
        self.run("", &format!("{line} --json"), None).json()
    }

    /// One rule of a gate as it stands.
    #[track_caller]
    pub fn rule(&mut self, gate: &str, id: &str) -> serde_json::Value {
        let decision = self.json(&format!("status {gate}"));
        let rules = decision["rules"].as_array().unwrap_or_else(|| panic!("{decision:#}"));
        rules.iter().find(|rule| rule["id"] == id).cloned().unwrap_or_default()
    }

    /// The state of a rule; `null` where the gate has no such rule.
    #[track_caller]
    pub fn state(&mut self, gate: &str, id: &str) -> String {
        self.rule(gate, id)["state"].as_str().unwrap_or("null").to_owned()
    }

    fn run(&mut self, who: &str, line: &str, typed: Option<&str>) -> Ran {
        let (out, err) = (Shared::default(), Shared::default());
        let mut env = BTreeMap::from([
            ("HOME".to_owned(), self.repo.home().display().to_string()),
            ("XDG_STATE_HOME".to_owned(), self.repo.home().join("state").display().to_string()),
            ("PATH".to_owned(), std::env::var("PATH").unwrap()),
            ("GIT_CONFIG_NOSYSTEM".to_owned(), "1".to_owned()),
        ]);
        if !who.is_empty() {
            env.insert("LEDGER_KEY".to_owned(), self.repo.key(who).display().to_string());
        }
        let mut world = World {
            directory: self.repo.path.clone(),
            env,
            out: Box::new(out.clone()),
            err: Box::new(err.clone()),
            input: Box::new(Cursor::new(typed.unwrap_or_default().as_bytes().to_vec())),
            is_interactive: typed.is_some(),
            colour: false,
            clock: Clock::Stepped(Cell::new(self.seconds)),
        };
        let words = ["ledger".to_owned()].into_iter().chain(words(line)).map(Into::into).collect();
        let code = ledger::cli::run(words, &mut world);
        if let Clock::Stepped(seconds) = &world.clock {
            self.seconds = seconds.get() + 1;
        }
        Ran { code: i32::from(code), out: out.text(), err: err.text() }
    }
}

/// A command line taken apart: blanks part words, but not inside double quotes.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (at, part) in line.split('"').enumerate() {
        match at % 2 {
            1 => words.push(part.to_owned()),
            _ => words.extend(part.split_whitespace().map(str::to_owned)),
        }
    }
    words
}

/// What was written, for whoever wants to see it.
#[derive(Clone, Default)]
struct Shared(Rc<RefCell<Vec<u8>>>);

impl Shared {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.borrow()).into_owned()
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

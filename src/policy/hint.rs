//! The commands that bring a gate forward, for the release that was asked about.

use super::decision::{Decision, RuleKind, RuleOutcome};
use super::evaluate::shell;
use crate::id::Version;

/// Commands that are about the newest release where they name none.
const OF_A_RELEASE: &[&str] =
    &["record", "run", "sign", "status", "open", "waive", "promote", "explain", "check", "plan status"];

impl Decision {
    /// Has every hint name the release where the pipeline has a newer one.
    pub(super) fn name_release(&mut self) {
        if self.is_older {
            let release = self.release.clone();
            self.rules.iter_mut().for_each(|rule| name_in(rule, &release));
        }
    }

    /// A command about the release.
    pub fn command(&self, command: String) -> String {
        if self.is_older { named(&command, &self.release) } else { command }
    }
}

fn name_in(rule: &mut RuleOutcome, release: &Version) {
    // A gate of another pipeline can be wanted for whichever release; the rules that want one name it.
    if rule.kind != RuleKind::Gate {
        rule.hint = named(&rule.hint, release);
    }
    rule.parts.iter_mut().for_each(|part| name_in(part, release));
}

/// A hint whose command, the last thing in it, names the release.
fn named(hint: &str, release: &Version) -> String {
    let command = hint.rfind("ledger ").map(|at| &hint[at + "ledger ".len()..]).unwrap_or_default();
    let takes_one =
        OF_A_RELEASE.iter().any(|word| command.strip_prefix(word).is_some_and(|rest| rest.starts_with(' ')));
    if !takes_one || command.contains(" --release ") {
        return hint.to_owned();
    }
    let option = format!(" --release {}", shell(release.as_str()));
    // What stands behind `--` belongs to the command that is run.
    match hint.rfind(" -- ") {
        Some(at) => format!("{}{option}{}", &hint[..at], &hint[at..]),
        None => format!("{hint}{option}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_takes_a_release_names_it_once() {
        for (hint, told) in [
            ("ledger record qa --gate alpha", "ledger record qa --gate alpha --release 1.0"),
            ("ledger run tests --gate alpha -- COMMAND", "ledger run tests --gate alpha --release 1.0 -- COMMAND"),
            (
                "add the line `x` to the log, then: ledger record log FILE",
                "add the line `x` to the log, then: ledger record log FILE --release 1.0",
            ),
            ("ledger open alpha --release 1.0 --retry", "ledger open alpha --release 1.0 --retry"),
            ("ledger review 3 -m FINDING", "ledger review 3 -m FINDING"),
            ("ledger plan status", "ledger plan status"),
            ("wait until 2025-10-04T09:00:00Z", "wait until 2025-10-04T09:00:00Z"),
            ("", ""),
        ] {
            assert_eq!(named(hint, &Version::parse("1.0").unwrap()), told);
        }
        let spaced = Version::parse("1.0 rc").unwrap();
        assert_eq!(named("ledger sign alpha", &spaced), "ledger sign alpha --release '1.0 rc'");
    }
}

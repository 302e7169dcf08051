//! Commands in a row's backticks, and whether what was run is one of them.

/// The spans of code that are commands: several words, or one script; none that begin with an option or an
/// assignment.
pub fn commands(code: &[String]) -> impl Iterator<Item = &str> {
    code.iter().map(String::as_str).filter(|span| {
        let mut words = span.split_whitespace();
        let Some(first) = words.next() else { return false };
        let is_script = SCRIPTS.iter().any(|ending| first.to_ascii_lowercase().ends_with(ending));
        let is_program = !first.starts_with('-') && !first.contains(['=', '{', ':']);
        is_program && (is_script || words.next().is_some())
    })
}

/// The very words of the command, or a shell that was given it as it stands. Where a shell would take a
/// command apart in another way than by blanks, only a shell can have run it.
pub(super) fn is_run_of(command: &str, argv: &[String]) -> bool {
    let is_plain =
        !command.contains(['\'', '"', '\\', '$', '`', '|', '&', ';', '<', '>', '*', '?', '~', '(', ')', '{', '[']);
    if is_plain && command.split_whitespace().eq(argv.iter().map(String::as_str)) {
        return true;
    }
    matches!(argv, [shell, flag, given] if SHELLS.contains(&shell.as_str()) && flag == "-c" && given.trim() == command.trim())
}

const SCRIPTS: &[&str] = &[".sh", ".py", ".ps1", ".bat", ".cmd", ".exe"];
const SHELLS: &[&str] = &["sh", "bash", "/bin/sh", "/bin/bash"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_told_from_names_and_settings() {
        let spans = [
            "scripts/compare.py --snapshot a",
            "deploy.sh",
            "routing_table",
            "docs/x.md",
            "/api/config",
            "flag=true",
            "FLAG=1 make install",
            "--suite x",
            "registry.acme.example/app:{a,b} now",
            "",
            "alembic downgrade -1",
        ];
        let code = spans.map(str::to_owned);
        let found: Vec<&str> = commands(&code).collect();
        assert_eq!(found, ["scripts/compare.py --snapshot a", "deploy.sh", "alembic downgrade -1"]);
    }

    #[test]
    fn only_the_very_command_is_it() {
        let ran = |command: &str, argv: &[&str]| {
            is_run_of(command, &argv.iter().map(|&word| word.to_owned()).collect::<Vec<_>>())
        };
        assert!(ran("a.sh  --b c", &["a.sh", "--b", "c"]) && ran("a.sh 'b c'", &["sh", "-c", "a.sh 'b c'"]));
        for argv in [&["a.sh", "--b c"][..], &["a.sh", "--b"], &["a.sh", "--b", "c", "d"], &["A.sh", "--b", "c"], &[]] {
            assert!(!ran("a.sh --b c", argv), "{argv:?}");
        }
        assert!(!ran("a.sh 'b", &["a.sh", "'b"]) && !ran("a.sh $X", &["a.sh", "$X"]));
        assert!(!ran("a.sh", &["zsh", "-c", "a.sh"]) && !ran("a.sh", &["sh", "-x", "a.sh"]));
    }
}

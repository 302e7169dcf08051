//! Path and link templates: `{version}`, `{gate}`, `{date}` and friends.

use std::fmt;

/// A checked template. Korean spellings are taken too, so that a line of an SOP can be pasted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(String);

const ALIASES: &[(&str, &str)] = &[("<버전>", "{version}"), ("<게이트>", "{gate}")];

impl Template {
    /// Accepts a text whose placeholders are all among `allowed`; the error names the other.
    pub fn parse(text: &str, allowed: &[&str]) -> Result<Self, String> {
        let text = ALIASES.iter().fold(text.to_owned(), |text, (alias, name)| text.replace(alias, name));
        let mut rest = text.as_str();
        while let Some(start) = rest.find(['{', '}']) {
            let inner = rest[start..].strip_prefix('{').and_then(|tail| tail.split_once('}'));
            let Some((name, tail)) = inner else { return Err("a brace without its partner".to_owned()) };
            if !allowed.contains(&name) {
                return Err(format!("unknown placeholder {{{name}}}: use {}", allowed.join(", ")));
            }
            rest = tail;
        }
        Ok(Self(text))
    }

    /// The same for a path inside the source tree, with forward slashes; never into git's own folder.
    pub fn of_path(text: &str, allowed: &[&str]) -> Result<Self, String> {
        let template = Self::parse(text, allowed)?;
        match stays_inside(&template.0) {
            true => Ok(template),
            false => Err(format!("{text:?} must be a path inside the repository, with forward slashes")),
        }
    }

    pub fn fill(&self, values: &[(&str, &str)]) -> String {
        let mut out = String::new();
        let mut rest = self.0.as_str();
        // One pass from the left, so that a value is never taken for a placeholder.
        while let Some((before, tail)) = rest.split_once('{') {
            out.push_str(before);
            let (name, tail) = tail.split_once('}').unwrap_or((tail, ""));
            out.push_str(values.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value));
            rest = tail;
        }
        out + rest
    }

    pub fn mentions(&self, name: &str) -> bool {
        self.0.contains(&format!("{{{name}}}"))
    }
}

/// Whether a path leads from the root of the source tree to something in it: asked again when a template is
/// filled, since a version may have slashes.
pub fn stays_inside(path: &str) -> bool {
    let leads_out = |part: &str| matches!(part, "" | "." | "..") || part.eq_ignore_ascii_case(".git");
    !path.contains(['\\', ':']) && !path.split('/').any(leads_out)
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Template;

    #[test]
    fn paths_stay_inside_the_source_tree() {
        assert!(Template::of_path("docs/작업 목록.md", &[]).is_ok());
        for bad in ["/etc/passwd", "../a", "a/../b", "a//b", "a\\b", "C:/a", ".git/config", "a/.GIT/b", "docs/"] {
            assert!(Template::of_path(bad, &[]).is_err(), "{bad}");
        }
    }

    #[test]
    fn placeholders_are_checked_and_filled_once() {
        let template = Template::parse("build/App_<버전>.exe", &["version"]).unwrap();
        assert_eq!(template.fill(&[("version", "{version}")]), "build/App_{version}.exe");
        for bad in ["{gate}", "{version", "version}", "{}"] {
            assert!(Template::parse(bad, &["version"]).is_err(), "{bad}");
        }
    }
}

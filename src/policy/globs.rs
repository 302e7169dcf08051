//! Globs over the paths of the source tree: which files a rule means, and which changes it is about.
//!
//! `*` stops at `/`, `**` does not, and letter case counts. Paths are compared in the form NFC: macOS writes NFD.

use globset::{GlobBuilder, GlobMatcher};
use unicode_normalization::UnicodeNormalization as _;

/// Whether a text is a glob such as `prompts/**`.
pub fn check(text: &str) -> Result<(), String> {
    matcher(text).map(drop)
}

/// Whether a path is meant; one that does not read means nothing.
pub fn matches(glob: &str, path: &str) -> bool {
    matcher(glob).is_ok_and(|glob| is_match(&glob, path))
}

/// The globs that none of the paths matches. One that does not read matches everything.
pub fn untouched<'g>(globs: impl IntoIterator<Item = &'g str>, paths: &[String]) -> Vec<String> {
    let is_untouched = |glob: &&str| matcher(glob).is_ok_and(|glob| !paths.iter().any(|path| is_match(&glob, path)));
    globs.into_iter().filter(is_untouched).map(str::to_owned).collect()
}

/// The folder every match lies in, and whether there is one: `logs/qa` of `logs/qa/build_*.log`.
pub fn folder(glob: &str) -> Option<&str> {
    let fixed = &glob[..glob.find(['*', '?', '[', '{']).unwrap_or(glob.len())];
    fixed.rsplit_once('/').map(|(folder, _)| folder).filter(|folder| !folder.is_empty())
}

fn is_match(glob: &GlobMatcher, path: &str) -> bool {
    glob.is_match(path.nfc().collect::<String>())
}

fn matcher(text: &str) -> Result<GlobMatcher, String> {
    let normal: String = text.nfc().collect();
    let glob = GlobBuilder::new(&normal).literal_separator(true).backslash_escape(true).build();
    glob.map(|glob| glob.compile_matcher()).map_err(|error| format!("{text:?} is no glob: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_glob_is_untouched_when_no_path_matches_it() {
        let paths = ["prompts/ko/답변.md", "src/main.rs"].map(str::to_owned);
        let globs = ["prompts/**", "prompts/*", "src/*.rs", "templates/**", "**/*.md", "["];
        assert_eq!(untouched(globs, &paths), ["prompts/*", "templates/**"]);
        assert_eq!(untouched(["**"], &[]), ["**"]);
        assert!(check("a/{b,c}/**").is_ok() && check("a[").is_err());
    }

    #[test]
    fn letters_match_in_either_unicode_form() {
        let decomposed: String = "logs/빌드_1.log".nfd().collect();
        assert!(matches("logs/빌드_*.log", &decomposed) && matches(&decomposed, "logs/빌드_1.log"));
        assert!(!matches("logs/*.log", "logs/qa/1.log") && !matches("[", "["));
    }

    #[test]
    fn the_folder_of_a_glob_is_what_is_fixed() {
        for (glob, found) in [
            ("logs/qa/build_*.log", Some("logs/qa")),
            ("logs/{a,b}/x.log", Some("logs")),
            ("logs/x.log", Some("logs")),
            ("*.log", None),
            ("**/x.log", None),
        ] {
            assert_eq!(folder(glob), found, "{glob}");
        }
    }
}

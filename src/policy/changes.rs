//! Which paths a release changes, as far as rules ask: globs over the paths of the source tree.

use globset::{GlobBuilder, GlobMatcher};

/// Whether a text is a glob such as `prompts/**`; `*` stops at `/`, and letter case counts.
pub fn check_glob(text: &str) -> Result<(), String> {
    matcher(text).map(drop)
}

/// The globs that none of the paths matches. One that does not read matches everything.
pub fn untouched<'g>(globs: impl IntoIterator<Item = &'g str>, paths: &[String]) -> Vec<String> {
    let is_untouched = |glob: &&str| matcher(glob).is_ok_and(|glob| !paths.iter().any(|path| glob.is_match(path)));
    globs.into_iter().filter(is_untouched).map(str::to_owned).collect()
}

fn matcher(text: &str) -> Result<GlobMatcher, String> {
    let glob = GlobBuilder::new(text).literal_separator(true).backslash_escape(true).build();
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
        assert!(check_glob("a/{b,c}/**").is_ok() && check_glob("a[").is_err());
    }
}

//! A report and a template's text to text. Undefined names are errors; values are escaped; a template takes
//! neither more time nor more memory than a report does.

mod filters;
mod language;

use std::fmt::Write as _;
use std::io;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Value;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior};
use serde::Serialize;

use super::escape;

/// The templates shipped with the program, exactly as they stand in `templates/`.
pub const NOTES: &[(&str, &str)] = &[
    ("en", include_str!("../../templates/release-notes.en.md")),
    ("ko", include_str!("../../templates/release-notes.ko.md")),
];

/// The same for a region of gates in a document of the user's own.
pub const GATES: &[(&str, &str)] =
    &[("en", include_str!("../../templates/gates.en.md")), ("ko", include_str!("../../templates/gates.ko.md"))];

/// Enough for a report of thousands of entries; a template that loops for ever is stopped.
const FUEL: u64 = 2_000_000;
/// Longer than any template, and than any document that one gives.
const MOST_TEMPLATE: usize = 64 << 10;
const MOST_OUTPUT: usize = 8 << 20;

/// Why a template gave no text: its name, where, and what is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name}:{line}: {message}")]
pub struct TemplateError {
    pub name: String,
    pub line: usize,
    pub message: String,
}

/// Renders Markdown. Every value a template prints is escaped, unless it passed the filter
/// `code` (a code span) or `url` (a link's destination). `local` gives an instant in the policy's zone.
pub fn markdown(name: &str, template: &str, context: &impl Serialize) -> Result<String, TemplateError> {
    let template_text = template;
    let refused = |line: usize, message: String| TemplateError { name: name.to_owned(), line, message };
    if template.len() > MOST_TEMPLATE {
        return Err(refused(1, format!("a template has at most {} KiB", MOST_TEMPLATE >> 10)));
    }
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    environment.set_auto_escape_callback(|_| AutoEscape::Custom("markdown".into()));
    environment.set_formatter(print_escaped);
    filters::add_to(&mut environment);
    environment.set_debug(true);
    let failed = |error: Error| TemplateError {
        name: name.to_owned(),
        line: error.line().unwrap_or(1),
        message: match (error.detail(), error.range().and_then(|range| template_text.get(range))) {
            (Some(detail), _) => format!("{}: {detail}", error.kind()),
            (None, Some(place)) => format!("{}: {place}", error.kind()),
            (None, None) => error.kind().to_string(),
        },
    };
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true).build();
    let syntax = syntax.map_err(failed)?;
    // Before it is compiled, for that reckons with constants already.
    let parsed = minijinja::machinery::parse(template, name, syntax.clone()).map_err(failed)?;
    language::judge(&parsed).map_err(|asked| {
        refused(asked.line, format!("a template may not use {}: see docs/sync.md, \"Templates\"", asked.what))
    })?;
    environment.set_syntax(syntax);
    let template = environment.template_from_named_str(name, template).map_err(failed)?;
    let mut text = Text::default();
    let rendered = template.render_captured_to(Value::from(minijinja::value::Serde(context)), &mut text).map(drop);
    if text.is_full {
        return Err(refused(1, format!("it gives more than {} MiB", MOST_OUTPUT >> 20)));
    }
    rendered.map_err(failed)?;
    String::from_utf8(text.bytes).map_err(|_| refused(1, "it gives bytes that are no text".to_owned()))
}

/// What a template gave so far.
#[derive(Default)]
struct Text {
    bytes: Vec<u8>,
    is_full: bool,
}

impl io::Write for Text {
    fn write(&mut self, part: &[u8]) -> io::Result<usize> {
        self.is_full |= self.bytes.len().saturating_add(part.len()) > MOST_OUTPUT;
        if self.is_full {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(part);
        Ok(part.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn print_escaped(out: &mut Output<'_>, _: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    if value.is_undefined() {
        return Err(Error::from(ErrorKind::UndefinedError));
    }
    let mut shown = filters::Bounded::default();
    if !value.is_none() {
        write!(shown, "{value}").map_err(|_| filters::too_long())?;
    }
    let text = if value.is_safe() { shown.0 } else { escape::markdown(&shown.0) };
    out.write_str(&text).map_err(Error::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Context {
        name: &'static str,
        time_zone: &'static str,
    }

    #[test]
    fn values_are_escaped_and_unknown_names_refused() {
        let context = Context { name: "<b>*x*", time_zone: "UTC" };
        assert_eq!(markdown("t", "{{ name }}", &context).unwrap(), "&lt;b&gt;\\*x\\*");
        assert_eq!(markdown("t", "{{ name|code }}", &context).unwrap(), "`<b>*x*`");
        let error = markdown("t.md", "\n{{ nome }}", &context).unwrap_err();
        assert_eq!((error.name.as_str(), error.line), ("t.md", 2));
        assert!(
            markdown("t", "{% for i in range(10000) %}{% for j in range(10000) %}{% endfor %}{% endfor %}", &context)
                .is_err()
        );
    }

    #[test]
    fn an_instant_is_told_in_the_zone_of_the_policy() {
        for (name, time_zone, told) in [
            ("2025-10-04T16:12:33Z", "Asia/Seoul", "2025-10-05T01:12:33+09:00"),
            ("2025-10-04T16:12:33Z", "UTC", "2025-10-04T16:12:33Z"),
            ("2025-10-04T16:12:33Z", "Nowhere/Else", "2025-10-04T16:12:33Z"),
            ("soon", "Asia/Seoul", "soon"),
        ] {
            let text = "{% for one in [1] %}{{ name|local }}{% endfor %}";
            assert_eq!(markdown("t", text, &Context { name, time_zone }).unwrap(), told, "{time_zone}");
        }
    }

    #[test]
    fn what_reports_need_is_there() {
        let context = Context { name: "b a c a", time_zone: "UTC" };
        for (template, text) in [
            ("{% for part in name|split(' ')|sort|unique %}{{ loop.index }}{{ part }}{% endfor %}", "1a2b3c"),
            ("{{ name|split|map('upper')|join(', ') }}", "B, A, C, A"),
            ("{{ name|replace('a', 'x') }} {{ missing|default('none') }}", "b x c x none"),
            ("{% for n in range(3) if n is odd %}{{ n }}{% endfor %}", "1"),
            ("{{ 'yes' if name[:1] in ['b', 'c'] and name|length - 1 == 6 else 'no' }}", "yes"),
            ("{{ {'b a c a': 'known'}[name] }}", "known"),
        ] {
            assert_eq!(markdown("t", template, &context).as_deref(), Ok(text), "{template}");
        }
    }

    #[test]
    fn nothing_grows_beyond_its_bounds() {
        let context = Context { name: "x", time_zone: "UTC" };
        let deep = "{% for a in [[a, a]] %}".repeat(40) + "{{ a }}" + &"{% endfor %}".repeat(40);
        let nested = format!("{{{{ name{} }}}}", "|replace('x', 'xxxxxxxxxx')".repeat(12));
        let joined = format!("{{{{ name{} }}}}", "|split('')|join('xxxxxxxxxx')".repeat(12));
        let long = "x".repeat(60_000);
        for template in [
            "{% set ns = namespace(a='x') %}{% for i in range(40) %}{% set ns.a = ns.a ~ ns.a %}{% endfor %}",
            "{% set a %}{{ name }}{{ name }}{% endset %}{{ a }}",
            "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
            "{{ '%1000000000d'|format(1) }}",
            "{{ [1]|map('format', 1)|list }}",
            "{{ ['%1000000000d']|map('format', 1)|list }}",
            "{{ [1] * 100000000 }}",
            "{{ 'x' * 100000000 }}",
            "{{ name ~ name }}{{ name + name }}",
            "{{ name|tojson(indent=100000000) }}",
            "{{ name|indent(100000000) }}",
            "{{ [1]|batch(100000000, 0)|list }}",
            "{% for i in range(99999) %}{{ range(99999)|list|length }}{% endfor %}",
            "{% for i in name recursive %}{{ loop(i) }}{% endfor %}",
            "{% include '/etc/passwd' %}",
            "{{ debug() }}{{ name.upper() }}",
            &format!("{{% for i in range(99999) %}}{long}{{% endfor %}}"),
            &format!("{{# {long}{long} #}}"),
            &deep,
            &nested,
            &joined,
        ] {
            let shown: String = template.chars().take(80).collect();
            assert!(markdown("t", template, &context).is_err(), "{shown}");
        }
    }
}

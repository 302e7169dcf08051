//! A report and a template's text to text. Undefined names are errors; values are escaped.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Value;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior};
use serde::Serialize;

use super::escape;
use crate::id::Timestamp;

/// The templates shipped with the program, exactly as they stand in `templates/`.
pub const NOTES: &[(&str, &str)] = &[
    ("en", include_str!("../../templates/release-notes.en.md")),
    ("ko", include_str!("../../templates/release-notes.ko.md")),
];

/// The same for a region of gates in a document of the user's own.
pub const GATES: &[(&str, &str)] =
    &[("en", include_str!("../../templates/gates.en.md")), ("ko", include_str!("../../templates/gates.ko.md"))];

/// Enough for a report of thousands of entries; a template that loops for ever is stopped.
const FUEL: u64 = 10_000_000;

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
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    environment.set_auto_escape_callback(|_| AutoEscape::Custom("markdown".into()));
    environment.set_formatter(print_escaped);
    environment.add_filter("code", |text: String| Value::from_safe_string(escape::code_span(&text)));
    environment.add_filter("url", |text: String| Value::from_safe_string(escape::url(&text)));
    environment.add_filter("local", |state: &State<'_, '_>, text: String| {
        let zone = state.lookup("time_zone").and_then(|zone| zone.as_str()?.parse().ok());
        local(&text, zone.unwrap_or(chrono_tz::Tz::UTC))
    });
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
    environment.set_syntax(syntax.map_err(failed)?);
    let template = environment.template_from_named_str(name, template).map_err(failed)?;
    template.render(Value::from(minijinja::value::Serde(context))).map_err(failed)
}

/// An instant as people in a zone write it; UTC as it stands everywhere else. Other text stays as it is.
fn local(text: &str, zone: chrono_tz::Tz) -> String {
    match Timestamp::parse(text) {
        Ok(at) if zone != chrono_tz::Tz::UTC => {
            at.to_utc().with_timezone(&zone).format("%Y-%m-%dT%H:%M:%S%:z").to_string()
        }
        _ => text.to_owned(),
    }
}

fn print_escaped(out: &mut Output<'_>, _: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    if value.is_undefined() {
        return Err(Error::from(ErrorKind::UndefinedError));
    }
    let text = match value.is_none() {
        true => String::new(),
        false if value.is_safe() => value.to_string(),
        false => escape::markdown(&value.to_string()),
    };
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
}

//! Marked regions: what stands between the marks is what the template gives now.

use super::{Case, Desk, Disagreement, Edit, Mend};
use crate::id::Name;
use crate::report::render::{self, TemplateError};
use crate::report::{collect, regions};

pub(super) fn compare(
    case: &Case<'_, '_>,
    path: &str,
    (region, template, language): (&Name, Option<&str>, &str),
    desk: &mut Desk<'_>,
) -> Result<(), TemplateError> {
    let Some(text) = rendered(case, template, language, desk)? else { return Ok(()) };
    let Some(sheet) = desk.sheet(path, Some("bring it back, or take its [[sync]] out of the policy")) else {
        return Ok(());
    };
    let (range, text) = match regions::change(&sheet.text, region.as_str(), &text) {
        Ok(change) => change,
        Err(error) => {
            let (ledger, document) = (format!("the region {region} is to be filled"), error.to_string());
            let mend = Mend::By("put the two marks in by hand, each on a line of its own".to_owned());
            desk.tell(Disagreement { file: path.to_owned(), line: None, ledger, document, mend });
            return Ok(());
        }
    };
    let before = sheet.text.get(range.clone()).unwrap_or_default();
    if before == text {
        return Ok(());
    }
    let (above, old, new) = first_difference(before, &text);
    let line = sheet.text.get(..range.start).unwrap_or_default().lines().count() + above + 1;
    desk.tell(Disagreement {
        file: path.to_owned(),
        line: Some(line),
        ledger: shown(new),
        document: shown(old),
        mend: Mend::Written,
    });
    desk.edit(path, Edit { range, text });
    Ok(())
}

/// The region's text, by the template of the work tree or the one that comes with the program.
fn rendered(
    case: &Case<'_, '_>,
    template: Option<&str>,
    language: &str,
    desk: &mut Desk<'_>,
) -> Result<Option<String>, TemplateError> {
    let own = match template {
        Some(path) => match desk.sheet(path, Some("it is the template of a [[sync]] in the policy")) {
            Some(sheet) => Some((path, sheet.text)),
            None => return Ok(None),
        },
        None => None,
    };
    let shipped = || render::GATES.iter().find(|(known, _)| *known == language).map(|(_, text)| *text);
    let (name, template) = match &own {
        Some((path, text)) => (*path, text.as_ref()),
        None => ("gates.md", shipped().unwrap_or_default()),
    };
    let Case { evaluator, policy, pipeline, release, now } = case;
    let report = collect::collect(evaluator, policy, pipeline, release, language, *now);
    let text = report.map(|report| render::markdown(name, template, &report)).transpose()?;
    let text = text.filter(|text| !text.trim().is_empty());
    if text.is_none() {
        desk.cannot_read(name, "it gives an empty text", None);
    }
    Ok(text)
}

/// The first line that differs: how many stand above it, and both of its versions.
fn first_difference<'t>(before: &'t str, after: &'t str) -> (usize, &'t str, &'t str) {
    let (mut old, mut new) = (before.lines(), after.lines());
    for above in 0.. {
        match (old.next(), new.next()) {
            (Some(one), Some(other)) if one == other => {}
            // Only line ends differ.
            (None, None) => return (0, "", ""),
            (one, other) => return (above, one.unwrap_or_default(), other.unwrap_or_default()),
        }
    }
    (0, "", "")
}

fn shown(line: &str) -> String {
    match line.trim() {
        "" => "an empty line, or none".to_owned(),
        line => line.chars().take(MAX_LINE).collect(),
    }
}

const MAX_LINE: usize = 200;

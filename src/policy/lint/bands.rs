//! Triggers that share a metric divide its values: nothing between them is forgotten or said twice.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use crate::findings::Findings;
use crate::id::Name;
use crate::policy::Pipeline;
use crate::policy::response::{Band, TriggerRule};

pub fn check(pipeline: &Pipeline, findings: &mut Findings) {
    let mut metrics: BTreeMap<&Name, Vec<(&TriggerRule, &Band)>> = BTreeMap::new();
    for trigger in &pipeline.triggers {
        match (&trigger.metric, &trigger.band) {
            (Some(metric), Some(band)) => metrics.entry(metric).or_default().push((trigger, band)),
            (Some(metric), None) => {
                let message = format!("trigger `{}` is about {metric} and does not say at which values", trigger.id);
                findings.add_help(trigger.span.clone(), message, "band = \"> 10 %\"");
            }
            (None, _) => {}
        }
    }
    for (metric, mut bands) in metrics {
        if let Some(trigger) = of_another_kind(&bands) {
            let message = format!("trigger `{}` measures {metric} in units that do not compare", trigger.id);
            findings.add(trigger.span.clone(), message);
            continue;
        }
        bands.sort_by(|(_, one), (_, other)| lower(one, other));
        for pair in bands.windows(2) {
            if let [(one, low), (other, high)] = pair {
                check_pair(metric, (one, low), (other, high), findings);
            }
        }
        if let Some((last, Band { high: Some(end), .. })) = bands.last() {
            let beyond = if end.inclusive { "above" } else { "of or above" };
            let message = format!("values of {metric} {beyond} {} fire no trigger", end.value);
            findings.add(last.span.clone(), message);
        }
    }
}

/// A trigger whose band cannot be compared with the first one's.
fn of_another_kind<'p>(bands: &[(&'p TriggerRule, &'p Band)]) -> Option<&'p TriggerRule> {
    let ends = |band: &'p Band| band.low.iter().chain(&band.high).map(|end| &end.value);
    let first = bands.first().and_then(|(_, band)| ends(band).next())?;
    let differs = |band: &'p Band| ends(band).any(|end| end.compare(first).is_none());
    bands.iter().find(|(_, band)| differs(band)).map(|(trigger, _)| *trigger)
}

/// By the lower end; one that is open comes first.
fn lower(one: &Band, other: &Band) -> Ordering {
    match (&one.low, &other.low) {
        (Some(one), Some(other)) => one.value.compare(&other.value).unwrap_or(Ordering::Equal),
        (one, other) => one.is_some().cmp(&other.is_some()),
    }
}

fn check_pair(metric: &Name, one: (&TriggerRule, &Band), other: (&TriggerRule, &Band), findings: &mut Findings) {
    let names = format!("`{}` and `{}`", one.0.id, other.0.id);
    let overlap = format!("{names} both fire on some values of {metric}");
    let (Some(end), Some(begin)) = (&one.1.high, &other.1.low) else {
        findings.add(other.0.span.clone(), overlap);
        return;
    };
    let Some(found) = end.value.compare(&begin.value) else { return };
    match found {
        Ordering::Greater => findings.add(other.0.span.clone(), overlap),
        Ordering::Equal if end.inclusive && begin.inclusive => findings.add(other.0.span.clone(), overlap),
        Ordering::Equal if end.inclusive || begin.inclusive => {}
        Ordering::Equal => {
            let message = format!("{metric} of exactly {} fires neither of {names}", end.value);
            findings.add(other.0.span.clone(), message);
        }
        Ordering::Less => {
            let message =
                format!("values of {metric} between {} and {} fire neither of {names}", end.value, begin.value);
            findings.add(other.0.span.clone(), message);
        }
    }
}

//! How grave a result or a notification is: what it says itself, what its invocation sets for its rule, what
//! its rule has by default, and at last `warning` (SARIF 2.1.0, 3.27.10 and 3.58.6).

use std::collections::HashMap;

use serde::Deserialize;

use super::log::{Component, ComponentReference, Descriptor, Found, Kind, Notification, Override, Run};
use crate::evidence::readers::bounds::short;

/// In rising order of weight.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[serde(rename_all = "camelCase")]
pub enum Level {
    None,
    Note,
    Warning,
    Error,
}

/// What a run says of levels.
pub struct Levels<'r> {
    rules: Table<'r>,
    notifications: Table<'r>,
}

impl<'r> Levels<'r> {
    pub fn of(run: &'r Run) -> Result<Self, String> {
        let mut rules = Table::of(run, |component| component.rules.as_ref());
        let mut notifications = Table::of(run, |component| component.notifications.as_ref());
        for invocation in run.invocations.iter().flatten() {
            rules.set(invocation.rule_configuration_overrides.as_ref())?;
            notifications.set(invocation.notification_configuration_overrides.as_ref())?;
        }
        Ok(Self { rules, notifications })
    }

    pub fn of_result(&self, result: &Found) -> Result<Level, String> {
        match (result.kind.unwrap_or(Kind::Fail), result.level) {
            (Kind::Fail, Some(level)) => Ok(level),
            (Kind::Fail, None) => {
                let rule = result.rule.as_deref();
                self.rules.level(&Sought {
                    component: rule.and_then(|rule| rule.tool_component.as_ref()),
                    index: rule.and_then(|rule| rule.index).or(result.rule_index),
                    guid: rule.and_then(|rule| rule.guid.as_deref()),
                    id: rule.and_then(|rule| rule.id.as_deref()).or(result.rule_id.as_deref()),
                })
            }
            (_, None | Some(Level::None)) => Ok(Level::None),
            (_, Some(_)) => Err("gives a level to a result whose kind is not \"fail\", which has none".to_owned()),
        }
    }

    pub fn of_notification(&self, notification: &Notification) -> Result<Level, String> {
        match (notification.level, &notification.descriptor) {
            (Some(level), _) => Ok(level),
            (None, Some(descriptor)) => self.notifications.level(&descriptor.sought()),
            (None, None) => Ok(Level::Warning),
        }
    }
}

/// Which descriptor is meant.
pub struct Sought<'r> {
    pub component: Option<&'r ComponentReference>,
    pub index: Option<i64>,
    pub guid: Option<&'r str>,
    pub id: Option<&'r str>,
}

/// The rules, or the notifications, of every component of the tool: the driver, then its extensions.
struct Table<'r> {
    components: Vec<(&'r Component, &'r [Descriptor])>,
    /// By the component's place, and the id or guid. Results are many, so nothing is searched for twice.
    places: HashMap<(usize, &'r str), usize>,
    /// The gravest level an invocation sets, by the places of component and descriptor. Which invocation
    /// a result belongs to is seldom told.
    set: HashMap<(usize, usize), Level>,
}

impl<'r> Table<'r> {
    fn of(run: &'r Run, list: fn(&Component) -> Option<&Vec<Descriptor>>) -> Self {
        let extensions = run.tool.extensions.iter().flatten();
        let of = |component| (component, list(component).map(Vec::as_slice).unwrap_or_default());
        let components: Vec<_> = std::iter::once(&run.tool.driver).chain(extensions).map(of).collect();
        let mut places = HashMap::new();
        for (at, (_, descriptors)) in components.iter().enumerate() {
            for (index, descriptor) in descriptors.iter().enumerate() {
                for name in std::iter::once(descriptor.id.as_str()).chain(descriptor.guid.as_deref()) {
                    let place = places.entry((at, name)).or_insert(index);
                    // An id need not be unique (3.49.3): the graver of two is meant.
                    let other = descriptors.get(*place).map_or(Level::None, default_level);
                    *place = if default_level(descriptor) > other { index } else { *place };
                }
            }
        }
        Self { components, places, set: HashMap::new() }
    }

    fn set(&mut self, overrides: Option<&'r Vec<Override>>) -> Result<(), String> {
        for one in overrides.into_iter().flatten() {
            let Some(level) = one.configuration.level else { continue };
            let sought = one.descriptor.sought();
            let place = self.place(&sought)?.ok_or("sets the level of a rule that its tool does not hold")?;
            let set = self.set.entry(place).or_insert(level);
            *set = level.max(*set);
        }
        Ok(())
    }

    fn level(&self, sought: &Sought<'_>) -> Result<Level, String> {
        let Some(place) = self.place(sought)? else { return Ok(Level::Warning) };
        let default = self.components.get(place.0).and_then(|(_, list)| list.get(place.1)).map(default_level);
        Ok(self.set.get(&place).copied().or(default).unwrap_or(Level::Warning))
    }

    /// Where the descriptor stands. A log may leave the rules out, but what it names by place must be there:
    /// the level it stands for would be guessed otherwise.
    fn place(&self, sought: &Sought<'_>) -> Result<Option<(usize, usize)>, String> {
        let at = self.component(sought.component)?;
        let (_, descriptors) = self.components.get(at).ok_or("has no such tool component")?;
        // -1 is how the schema spells that there is none.
        if let Some(index) = sought.index.filter(|index| *index != -1) {
            let place = usize::try_from(index).ok().filter(|index| *index < descriptors.len());
            let place =
                place.ok_or_else(|| format!("names rule {index} of a tool that holds {}", descriptors.len()))?;
            return Ok(Some((at, place)));
        }
        let named = |name: &str| self.places.get(&(at, name)).map(|index| (at, *index));
        // 3.52.4: `CA1000/1` is a part of the rule `CA1000`.
        let parents = sought.id.into_iter().flat_map(|id| {
            std::iter::successors(Some(id), |id| id.rsplit_once('/').map(|(parent, _)| parent)).take(MAX_PARTS)
        });
        Ok(sought.guid.into_iter().chain(parents).find_map(named))
    }

    fn component(&self, sought: Option<&ComponentReference>) -> Result<usize, String> {
        let Some(sought) = sought else { return Ok(0) };
        if let Some(index) = sought.index.filter(|index| *index != -1) {
            let place = usize::try_from(index).ok().and_then(|index| index.checked_add(1));
            let place = place.filter(|place| *place < self.components.len());
            return place.ok_or_else(|| format!("names extension {index}, which its tool does not have"));
        }
        let is = |component: &Component| match (&sought.guid, &sought.name) {
            (Some(guid), _) => component.guid.as_ref() == Some(guid),
            (None, Some(name)) => component.name == *name,
            (None, None) => true,
        };
        let name = sought.guid.as_deref().or(sought.name.as_deref()).unwrap_or_default();
        let place = self.components.iter().position(|(component, _)| is(component));
        place.ok_or_else(|| format!("names the tool component {:?}, which is not there", short(name)))
    }
}

fn default_level(descriptor: &Descriptor) -> Level {
    descriptor.default_configuration.as_ref().and_then(|default| default.level).unwrap_or(Level::Warning)
}

const MAX_PARTS: usize = 8;

#[cfg(test)]
mod tests {
    use super::super::READER;
    use crate::evidence::readers::Input;

    /// Counts of errors, warnings and notes of one result beside what the run says else.
    fn level(result: &str, invocations: &str) -> String {
        let rules = |level: &str| {
            format!(
                "[{{\"id\": \"a\"}}, {{\"id\": \"b\", \"guid\": \"1-2\", \"defaultConfiguration\": {{\"level\": \"{level}\"}}}}]"
            )
        };
        let text = format!(
            "{{\"version\": \"2.1.0\", \"runs\": [{{\"results\": [{result}], \"invocations\": [{invocations}], \"tool\": {{\
            \"driver\": {{\"name\": \"CodeQL\", \"rules\": {}, \"notifications\": {}}}, \
            \"extensions\": [{{\"name\": \"pack\", \"guid\": \"3-4\", \"rules\": {}}}]}}}}]}}",
            rules("note"),
            rules("error"),
            rules("error")
        );
        match (READER.read)(&Input::plain("a.sarif", text.as_bytes())) {
            Ok(facts) => ["errors", "warnings", "notes", "complete"].map(|name| facts[name].to_string()).join(" "),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_level_comes_from_the_rule_where_the_result_has_none() {
        for (result, expected) in [
            (r#"{"ruleId": "a"}"#, "0 1 0 true"),
            (r#"{"ruleId": "b"}"#, "0 0 1 true"),
            (r#"{"ruleId": "b/1/2"}"#, "0 0 1 true"),
            (r#"{"ruleId": "c"}"#, "0 1 0 true"),
            (r#"{"ruleId": "x", "ruleIndex": 1}"#, "0 0 1 true"),
            (r#"{"ruleId": "b", "ruleIndex": -1}"#, "0 0 1 true"),
            (r#"{"ruleId": "b", "level": "error"}"#, "1 0 0 true"),
            (r#"{"rule": {"guid": "1-2"}}"#, "0 0 1 true"),
            (r#"{"ruleId": "b", "rule": {"toolComponent": {"index": 0}}}"#, "1 0 0 true"),
            (r#"{"rule": {"index": 1, "toolComponent": {"name": "pack"}}}"#, "1 0 0 true"),
            (r#"{"rule": {"id": "b", "toolComponent": {"guid": "3-4"}}}"#, "1 0 0 true"),
            (r#"{"ruleIndex": 2}"#, "names rule 2 of a tool that holds 2"),
            (r#"{"ruleIndex": -2}"#, "names rule -2 of a tool that holds 2"),
            (r#"{"rule": {"toolComponent": {"index": 1}}}"#, "names extension 1, which its tool does not have"),
            (r#"{"rule": {"toolComponent": {"name": "x"}}}"#, "names the tool component \"x\", which is not there"),
        ] {
            assert_eq!(level(result, ""), expected, "{result}");
        }
    }

    #[test]
    fn an_invocation_sets_levels_and_the_gravest_holds() {
        let set = |descriptor: &str, level: &str| {
            format!(
                r#"{{"executionSuccessful": true, "ruleConfigurationOverrides": [{{"descriptor": {descriptor}, "configuration": {level}}}]}}"#
            )
        };
        let note = set(r#"{"id": "a"}"#, r#"{"level": "note"}"#);
        let error = set(r#"{"index": 0}"#, r#"{"level": "error"}"#);
        assert_eq!(level(r#"{"ruleId": "a"}"#, &note), "0 0 1 true");
        assert_eq!(level(r#"{"ruleId": "a"}"#, &format!("{error},{note}")), "1 0 0 true");
        assert_eq!(level(r#"{"ruleId": "a"}"#, &set(r#"{"id": "a"}"#, r#"{"enabled": true}"#)), "0 1 0 true");
        assert!(level("", &set(r#"{"id": "x"}"#, r#"{"level": "note"}"#)).contains("does not hold"));
    }

    #[test]
    fn a_notification_has_the_level_of_its_kind() {
        let told = |descriptor: &str| {
            let told = format!(r#"[{{"descriptor": {descriptor}}}]"#);
            level("", &format!(r#"{{"executionSuccessful": true, "toolExecutionNotifications": {told}}}"#))
        };
        assert_eq!(told(r#"{"id": "a"}"#), "0 0 0 true");
        assert_eq!(told(r#"{"id": "b"}"#), "0 0 0 false");
        assert_eq!(told(r#"{"index": 1}"#), "0 0 0 false");
    }
}

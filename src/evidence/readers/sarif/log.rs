//! The parts of a SARIF log that say what was found; all others are passed over.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::level::{Level, Sought};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Log {
    pub version: String,
    pub runs: Option<Vec<Run>>,
    pub inline_external_properties: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Run {
    pub tool: Tool,
    pub invocations: Option<Vec<Invocation>>,
    pub conversion: Option<Conversion>,
    pub results: Option<Vec<Found>>,
    pub external_property_file_references: Option<IgnoredAny>,
}

#[derive(Deserialize)]
pub struct Tool {
    pub driver: Component,
    pub extensions: Option<Vec<Component>>,
}

/// 3.19: the driver or an extension, with what it can tell of.
#[derive(Deserialize)]
pub struct Component {
    pub name: String,
    pub guid: Option<String>,
    pub rules: Option<Vec<Descriptor>>,
    pub notifications: Option<Vec<Descriptor>>,
}

/// 3.49: a rule or a kind of notification.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    pub id: String,
    pub guid: Option<String>,
    pub default_configuration: Option<Configuration>,
}

#[derive(Deserialize)]
pub struct Configuration {
    pub level: Option<Level>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Invocation {
    pub execution_successful: Option<bool>,
    pub tool_execution_notifications: Option<Vec<Notification>>,
    pub tool_configuration_notifications: Option<Vec<Notification>>,
    pub rule_configuration_overrides: Option<Vec<Override>>,
    pub notification_configuration_overrides: Option<Vec<Override>>,
}

#[derive(Deserialize)]
pub struct Conversion {
    pub invocation: Option<Invocation>,
}

#[derive(Deserialize)]
pub struct Notification {
    pub level: Option<Level>,
    pub descriptor: Option<Reference>,
}

#[derive(Deserialize)]
pub struct Override {
    pub configuration: Configuration,
    pub descriptor: Reference,
}

/// 3.52: which descriptor is meant.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reference {
    pub id: Option<String>,
    pub index: Option<i64>,
    pub guid: Option<String>,
    pub tool_component: Option<ComponentReference>,
}

impl Reference {
    pub fn sought(&self) -> Sought<'_> {
        let component = self.tool_component.as_ref();
        Sought { component, index: self.index, guid: self.guid.as_deref(), id: self.id.as_deref() }
    }
}

/// 3.54: which component is meant; the driver where nothing is said.
#[derive(Deserialize)]
pub struct ComponentReference {
    pub name: Option<String>,
    pub index: Option<i64>,
    pub guid: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Found {
    pub rule_id: Option<String>,
    pub rule_index: Option<i64>,
    pub rule: Option<Box<Reference>>,
    pub kind: Option<Kind>,
    pub level: Option<Level>,
    pub suppressions: Option<Vec<Suppression>>,
}

/// 3.27.9.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    NotApplicable,
    Pass,
    Fail,
    Review,
    Open,
    Informational,
}

#[derive(Deserialize)]
pub struct Suppression {
    pub status: Option<Status>,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub enum Status {
    Accepted,
    UnderReview,
    Rejected,
}

//! What the readers of XML share: what well-formed means where the parser is lenient, and bounds.
//!
//! Source: XML 1.0, fifth edition. Nothing outside the file is ever fetched.

use std::borrow::Cow;

use quick_xml::XmlVersion;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};

use super::ReadError;
use super::bounds::short;

/// Refuses what only a document type could define, and text outside the root. `inside`: an element is open.
pub(super) fn check(event: &Event<'_>, inside: bool) -> Result<(), ReadError> {
    match event {
        Event::GeneralRef(entity) if !entity.starts_with('#') && resolve_predefined_entity(entity).is_none() => {
            Err(ReadError::whole(format!("uses the entity &{};, which XML does not define", short(entity))))
        }
        Event::Text(text) if !inside && !text.trim_matches(BLANK).is_empty() => Err(malformed(&OUTSIDE)),
        Event::CData(_) | Event::GeneralRef(_) if !inside => Err(malformed(&OUTSIDE)),
        _ => Ok(()),
    }
}

/// Hands over the name and the value of every attribute, once it is known to be well-formed.
pub(super) fn attributes<'s>(
    start: &'s BytesStart<'_>,
    mut take: impl FnMut(&'s str, Cow<'_, str>) -> Result<(), ReadError>,
) -> Result<(), ReadError> {
    for (index, attribute) in start.attributes().enumerate() {
        // Every attribute is compared with all before it.
        if index == MAX_ATTRIBUTES {
            return Err(ReadError::whole(format!("holds an element with more than {MAX_ATTRIBUTES} attributes")));
        }
        let attribute = attribute.map_err(|error| malformed(&error))?;
        if attribute.value.contains('<') {
            return Err(malformed(&"an attribute holds '<'"));
        }
        let value = attribute.normalized_value(XmlVersion::Explicit1_0).map_err(|error| malformed(&error))?;
        take(attribute.key.into_inner(), value)?;
    }
    Ok(())
}

pub(super) fn malformed(error: &dyn std::fmt::Display) -> ReadError {
    ReadError::whole(format!("is no well-formed XML: {}", short(&error.to_string())))
}

pub(super) fn too_deep() -> ReadError {
    ReadError::whole(format!("nests deeper than {MAX_DEPTH} elements"))
}

pub(super) const MAX_DEPTH: usize = 64;
const MAX_ATTRIBUTES: usize = 64;
const OUTSIDE: &str = "text outside the root";
/// White space as XML defines it.
const BLANK: [char; 4] = [' ', '\t', '\r', '\n'];

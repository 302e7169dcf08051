//! The head of one response: its status line, and the fields that say where its body ends.

use crate::evidence::readers::bounds::short;

#[derive(Debug)]
pub struct Head {
    pub status: i64,
    /// Where its status line stands in the recording.
    pub line: usize,
    pub content_type: Option<String>,
    /// Content-Length.
    pub length: Option<u64>,
    /// Content-Encoding, unless it is `identity`.
    pub coding: Option<String>,
    chunked: bool,
    location: bool,
}

impl Head {
    /// Reads the status line; `None` where the line is none.
    pub fn of(line: &str, number: usize) -> Option<Self> {
        let status = status_of(line)?;
        Some(Self {
            status,
            line: number,
            content_type: None,
            length: None,
            coding: None,
            chunked: false,
            location: false,
        })
    }

    /// Takes one field (RFC 9110, 5): `Name: value`.
    pub fn field(&mut self, line: &str) -> Result<(), String> {
        let (name, value) = line.split_once(':').ok_or_else(|| format!("{:?} is no header field", short(line)))?;
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || MARKS.contains(&byte)) {
            return Err(format!("{:?} is no header field", short(line)));
        }
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            "content-type" if self.content_type.as_deref().is_some_and(|other| other != value) => {
                Err("gives a second, different Content-Type".to_owned())
            }
            "content-type" => {
                self.content_type = Some(value.to_owned()).filter(|kind| !kind.is_empty());
                Ok(())
            }
            "content-length" => self.measured(value),
            "content-encoding" => {
                self.coding = Some(value.to_owned()).filter(|coding| !coding.eq_ignore_ascii_case("identity"));
                Ok(())
            }
            "transfer-encoding" => {
                self.chunked = true;
                self.one_length()
            }
            "location" => {
                self.location = true;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn measured(&mut self, value: &str) -> Result<(), String> {
        let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
        let length = value.parse().ok().filter(|_| digits);
        let length = length.ok_or_else(|| format!("says Content-Length: {:?}, which is no length", short(value)))?;
        if self.length.replace(length).is_some_and(|other| other != length) {
            return Err("gives a second, different Content-Length".to_owned());
        }
        self.one_length()
    }

    /// RFC 9112, 6.1: a sender gives one of the two.
    fn one_length(&self) -> Result<(), String> {
        match self.chunked && self.length.is_some() {
            true => Err("gives both Content-Length and Transfer-Encoding, which contradict".to_owned()),
            false => Ok(()),
        }
    }

    /// Whether another response may follow in the same exchange: after `100 Continue` and its like, a
    /// redirect, a request for credentials, or a proxy that says it is connected (RFC 9110, 15 and 9.3.6).
    pub fn may_pass(&self) -> bool {
        let connected = self.content_type.is_none() && self.length.is_none() && !self.chunked;
        match self.status {
            100..=199 | 401 | 407 => true,
            200..=299 => connected,
            300..=399 => self.location,
            _ => false,
        }
    }

    pub fn is_json(&self) -> bool {
        let kind = self.content_type.as_deref().and_then(|kind| kind.split(';').next()).unwrap_or_default();
        let kind = kind.trim().to_ascii_lowercase();
        kind == "application/json" || kind == "text/json" || kind.ends_with("+json")
    }
}

/// `HTTP/1.1 200 OK` or `HTTP/2 200` (RFC 9112, 4; curl writes the same for later versions).
pub fn status_of(line: &str) -> Option<i64> {
    let (version, rest) = line.trim_end().strip_prefix("HTTP/")?.split_once(' ')?;
    let status = rest.split(' ').next()?;
    let is_version = (1..=3).contains(&version.len()) && version.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let digits = status.len() == 3 && status.bytes().all(|byte| byte.is_ascii_digit());
    status.parse().ok().filter(|status| is_version && digits && (100..=599).contains(status))
}

/// What a field's name may hold beside letters and digits (RFC 9110, 5.6.2).
const MARKS: &[u8] = b"!#$%&'*+-.^_`|~";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_lines_are_exact() {
        for (line, status) in [("HTTP/1.1 200 OK\r", 200), ("HTTP/2 404 ", 404), ("HTTP/3 503", 503)] {
            assert_eq!(status_of(line), Some(status), "{line}");
        }
        for line in [
            "HTTP/1.1 99 x",
            "HTTP/1.1 600 x",
            "HTTP/1.1 2000",
            "HTTP/1.1  200",
            "HTTP 200",
            "http/1.1 200",
            "HTTP/x 200",
            " HTTP/1.1 200",
        ] {
            assert_eq!(status_of(line), None, "{line}");
        }
    }

    #[test]
    fn fields_must_not_contradict() {
        let head = |fields: &[&str]| {
            let mut head = Head::of("HTTP/1.1 200 OK", 1).unwrap();
            fields.iter().try_for_each(|field| head.field(field)).map(|()| head)
        };
        let twice =
            head(&["Content-Length: 5", "CONTENT-LENGTH:5 ", "Content-Type: Application/Problem+JSON; charset=utf-8"])
                .unwrap();
        assert!(twice.length == Some(5) && twice.is_json() && !twice.may_pass());
        assert!(head(&["content-encoding: identity"]).unwrap().coding.is_none());
        for (fields, why) in [
            (&["Content-Length: 5", "Content-Length: 6"][..], "second, different"),
            (&["Content-Type: a/b", "Content-Type: a/c"], "second, different"),
            (&["Content-Length: 5", "Transfer-Encoding: chunked"], "contradict"),
            (&["Transfer-Encoding: chunked", "Content-Length: 5"], "contradict"),
            (&["Content-Length: 5, 5"], "no length"),
            (&["Content-Length: +5"], "no length"),
            (&["Content-Length:"], "no length"),
            (&["Content-Length: 99999999999999999999"], "no length"),
            (&["Content Length: 5"], "no header field"),
            (&[" folded"], "no header field"),
            (&[": x"], "no header field"),
        ] {
            assert!(head(fields).unwrap_err().contains(why), "{fields:?}");
        }
    }
}

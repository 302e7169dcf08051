//! A recorded HTTP exchange: its last response, as `curl -i`, `curl -v` or `Invoke-WebRequest` shows it.
//!
//! Sources: RFC 9110 and RFC 9112; the output of curl 7.88 to 8. `http/transcript.rs` takes the recording
//! apart, `http/head.rs` reads a response's head, `http/powershell.rs` what PowerShell shows.

mod head;
mod powershell;
mod transcript;

use self::head::{Head, status_of};
use self::powershell::Shown;
use self::transcript::{ONE, Request, Transcript};
use super::bounds::{self, short};
use super::{Input, ReadError, Reader, json_text};
use crate::evidence::facts::{Fact, Facts};
use crate::evidence::quantity::Quantity;
use crate::evidence::text;
use crate::id::Digest;

pub(super) const READER: Reader = Reader {
    format: "http",
    about: "an HTTP exchange as curl -i, curl -v or Invoke-WebRequest shows it, with what its body says in JSON",
    facts: &[
        "status",
        "redirects",
        "method",
        "host",
        "path",
        "url",
        "content_type",
        "body_bytes",
        "body_sha256",
        "time_total",
        "json",
    ],
    looks_like,
    read,
};

fn looks_like(input: &Input<'_>) -> bool {
    let head = bounds::head(input.bytes);
    let first = head.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let is_verbose = |line: &str| line.strip_prefix("< ").is_some_and(|line| status_of(line).is_some());
    powershell::begins(&head)
        || status_of(first).is_some()
        || (head.lines().any(is_verbose) && head.lines().any(|line| line.starts_with("> ")))
}

fn read(input: &Input<'_>) -> Result<Facts, ReadError> {
    bounds::check_size(input.bytes, bounds::MAX_BYTES, "an HTTP exchange")?;
    // A body need not be text; the lines around it are. What PowerShell redirects is UTF-16, and its body
    // counts in the UTF-8 it came in.
    let decoded = text::decode(input.bytes);
    let bytes = decoded.as_ref().map_or(input.bytes, |text| text.as_bytes());
    // What Korean Windows writes otherwise is in its code page.
    if let Some(text) = text::decode_local(input.bytes).filter(|text| powershell::begins(text)) {
        return shown(&powershell::read(&text)?);
    }
    if bytes.trim_ascii_start().starts_with(b"{") {
        let message = "shows no status: bring the output of Invoke-WebRequest or curl -i, or this as json";
        return Err(ReadError::whole(message));
    }
    let exchange = Transcript::of(bytes)?;
    let (body, rest) = body_of(&exchange)?;
    let written = Written::of(&exchange, rest)?;
    let mut facts = Facts::from([
        ("status".to_owned(), Fact::Int(exchange.head.status)),
        ("redirects".to_owned(), Fact::from(exchange.redirects)),
        ("body_bytes".to_owned(), Fact::from(body.len())),
        ("body_sha256".to_owned(), Fact::Text(Digest::of(body).to_string())),
    ]);
    let Request { method, path, host } = exchange.request.clone();
    let texts = [
        ("method", method.or(written.method)),
        ("host", host),
        ("path", path),
        ("url", written.url),
        ("content_type", exchange.head.content_type.clone()),
        ("time_total", written.time),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            facts.insert(name.to_owned(), bounds::fact(name, &text).map_err(ReadError::whole)?);
        }
    }
    let json = json_of(&exchange.head, body).map_err(|error| below(error, exchange.body_line))?;
    facts.extend(json.filter(|json| !json.is_empty()).map(|json| ("json".to_owned(), Fact::Group(json))));
    Ok(facts)
}

/// The facts of what PowerShell shows; of a body that may be cut there is none.
fn shown(shown: &Shown) -> Result<Facts, ReadError> {
    let mut facts = Facts::from([("status".to_owned(), Fact::Int(shown.head.status))]);
    if let Some(kind) = &shown.head.content_type {
        facts.insert("content_type".to_owned(), bounds::fact("content_type", kind).map_err(ReadError::whole)?);
    }
    if let Some((body, line)) = &shown.body {
        facts.insert("body_bytes".to_owned(), Fact::from(body.len()));
        facts.insert("body_sha256".to_owned(), Fact::Text(Digest::of(body.as_bytes()).to_string()));
        let json = json_of(&shown.head, body.as_bytes()).map_err(|error| below(error, *line))?;
        facts.extend(json.filter(|json| !json.is_empty()).map(|json| ("json".to_owned(), Fact::Group(json))));
    }
    Ok(facts)
}

/// The body of the last response, and what the recording holds behind it.
fn body_of(exchange: &Transcript) -> Result<(&[u8], &[u8]), ReadError> {
    let (head, held) = (&exchange.head, exchange.held.as_slice());
    // RFC 9110, 6.4.1.
    if exchange.request.method.as_deref() == Some("HEAD") || matches!(head.status, 204 | 304) {
        return Ok((&[], held));
    }
    if let Some(coding) = &head.coding {
        let message = format!("has a body in the coding {:?}: record it without --compressed", short(coding));
        return Err(ReadError::at(head.line, message));
    }
    if let Some(length) = head.length {
        let cut = || format!("says Content-Length: {length} and holds {} bytes: bring the whole body", held.len());
        let split = usize::try_from(length).ok().and_then(|length| held.split_at_checked(length));
        return split.ok_or_else(|| ReadError::at(head.line, cut()));
    }
    if held.trim_ascii().is_empty() && exchange.verbose {
        return Ok((&[], held));
    }
    if exchange.verbose {
        // Only a JSON value tells where it ends and curl's own lines go on.
        let text = std::str::from_utf8(held).unwrap_or_default();
        let mut values = serde_json::Deserializer::from_str(text).into_iter::<serde::de::IgnoredAny>();
        let first =
            values.next().is_some_and(|value| value.is_ok()).then(|| held.split_at_checked(values.byte_offset()));
        let unclear = "has a body of unknown length among curl's own lines: record it with curl -i";
        return first.flatten().ok_or_else(|| ReadError::at(exchange.body_line, unclear));
    }
    for (number, line) in (exchange.body_line..).zip(held.split(|byte| *byte == b'\n')) {
        if line.starts_with(b"HTTP/") && status_of(&String::from_utf8_lossy(line)).is_some() {
            return Err(ReadError::at(number, format!("may be a second response: {ONE}")));
        }
        if line.starts_with(b"curl: (") {
            return Err(ReadError::at(number, "curl failed here"));
        }
    }
    Ok((held, &[]))
}

/// What `curl -w` wrote behind the body.
#[derive(Default)]
struct Written {
    url: Option<String>,
    method: Option<String>,
    time: Option<String>,
}

impl Written {
    /// Nothing but blank lines, curl's own lines, and what was asked for with `-w %{http_code}` or
    /// `-w %{json}`, may follow a body whose length is known.
    fn of(exchange: &Transcript, rest: &[u8]) -> Result<Self, ReadError> {
        let stray = || {
            let message = format!("holds more than one exchange, {} bytes behind the body: {ONE}", rest.len());
            ReadError::at(exchange.head.line, message)
        };
        let text = std::str::from_utf8(rest).map_err(|_| stray())?;
        let own = |line: &&str| !(line.trim().is_empty() || exchange.verbose && line.starts_with("* "));
        let left: Vec<&str> = text.lines().filter(own).collect();
        let left = left.join("\n");
        if left.is_empty() || left.trim() == exchange.head.status.to_string() {
            return Ok(Self::default());
        }
        json_text::check(&left).map_err(|_| stray())?;
        let members = json_text::members(&left).map_err(|_| stray())?;
        let status = json_text::member(&members, "http_code").ok_or_else(stray)?;
        if status != exchange.head.status.to_string() {
            let message = format!("says http_code {} of a response with {}", short(status), exchange.head.status);
            return Err(ReadError::at(exchange.head.line, message));
        }
        let text = |name| json_text::member(&members, name).and_then(json_text::text);
        let time = json_text::member(&members, "time_total").and_then(|time| Quantity::of(time, "s"));
        Ok(Self { url: text("url_effective"), method: text("method"), time: time.map(|time| time.to_string()) })
    }
}

/// The scalar members of a JSON body. One that calls itself JSON must be; another may.
fn json_of(head: &Head, body: &[u8]) -> Result<Option<Facts>, ReadError> {
    let claimed = head.is_json() && !body.is_empty();
    if body.len() > MAX_JSON || !(claimed || body.trim_ascii_start().starts_with(b"{")) {
        return Ok(None);
    }
    let scalars = |text: &str| {
        json_text::check(text)?;
        json_text::scalars(text).map_err(ReadError::whole)
    };
    let text = std::str::from_utf8(body).map_err(|_| ReadError::whole("says its body is JSON, and it is no UTF-8"));
    match text.and_then(scalars) {
        Ok(facts) => Ok(Some(facts)),
        Err(error) if claimed => Err(error),
        Err(_) => Ok(None),
    }
}

/// The error, its line counted from the start of the recording.
fn below(error: ReadError, first: usize) -> ReadError {
    ReadError { line: Some(error.line.map_or(first, |line| line + first - 1)), ..error }
}

/// A larger body is a download, not an answer anybody tests member by member.
const MAX_JSON: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &str = "HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: 43\r\n\r\n\
        {\"status\":\"ok\",\"db\":{\"lag\":0.50,\"up\":true}}";
    const VERBOSE: &str = "*   Trying 127.0.0.1:8080...\n* Connected to 127.0.0.1 (127.0.0.1) port 8080 (#0)\n\
        > GET /api/health HTTP/1.1\r\n> Host: 127.0.0.1:8080\r\n> User-Agent: curl/7.88.1\r\n> Accept: */*\r\n> \r\n\
        < HTTP/1.1 200 OK\r\n< Content-Type: application/json\r\n< Content-Length: 15\r\n< \r\n{ [15 bytes data]\n\
        * Connection #0 to host 127.0.0.1 left intact\n{\"status\":\"ok\"}";
    const OK_SUM: &str = "a29ee2b15c494311c52521766e44af56a3ad2248e7a8ab465e5206463c13d288";

    fn exchange(text: &str) -> Result<Facts, ReadError> {
        read(&Input::plain("health.txt", text.as_bytes()))
    }

    fn shown(text: &str) -> String {
        exchange(text).map_or_else(|error| error.to_string(), |facts| Fact::Group(facts).to_string())
    }

    fn refused(text: &str, why: &str) {
        let error = exchange(text).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }

    #[test]
    fn what_curl_i_shows() {
        let sum = Digest::of(PLAIN.split_once("\r\n\r\n").unwrap().1.as_bytes());
        let expected = format!(
            "{{body_bytes=43 body_sha256={sum} content_type=application/json; charset=utf-8 \
            json={{db={{lag=0.5 up=true}} status=ok}} redirects=0 status=200}}"
        );
        assert_eq!(shown(PLAIN), expected);
        assert_eq!(shown(&PLAIN.replace("\r\n", "\n")), expected);
        assert_eq!(shown(&format!("{PLAIN}\r\n")), expected);
        let wide: Vec<u8> = std::iter::once(0xFEFF).chain(PLAIN.encode_utf16()).flat_map(u16::to_le_bytes).collect();
        assert_eq!(read(&Input::plain("a", &wide)).unwrap(), exchange(PLAIN).unwrap());
    }

    #[test]
    fn what_curl_v_shows() {
        let expected = format!(
            "{{body_bytes=15 body_sha256={OK_SUM} content_type=application/json host=127.0.0.1:8080 json={{status=ok}} \
            method=GET path=/api/health redirects=0 status=200}}"
        );
        assert_eq!(shown(VERBOSE), expected);
        // On a terminal the body comes first, and its last line is not ended.
        let inline = VERBOSE.replace(
            "* Connection #0 to host 127.0.0.1 left intact\n{\"status\":\"ok\"}",
            "{\"status\":\"ok\"}* Connection #0 left intact\n",
        );
        assert_eq!(shown(&inline), expected);
        let chunked = |text: &str| text.replace("Content-Length: 15", "Transfer-Encoding: chunked");
        assert_eq!([shown(&chunked(VERBOSE)), shown(&chunked(&inline))], [expected.clone(), expected]);
        refused(&chunked(VERBOSE).replace("{\"status\":\"ok\"}", "<p>ok"), "line 14: has a body of unknown length");
        refused(&VERBOSE.replace(":\"ok\"}", ":\"ok\"\n* \"}"), "line 15: is not the JSON");
        let head = VERBOSE.replace("> GET", "> HEAD").replace("{\"status\":\"ok\"}", "");
        assert!(shown(&head).contains("body_bytes=0") && shown(&head).contains("method=HEAD"));
    }

    #[test]
    fn only_the_last_response_counts() {
        let moved = "HTTP/1.1 302 Found\r\nLocation: /home\r\nContent-Length: 4\r\n\r\n";
        let facts = exchange(&format!("HTTP/1.1 100 Continue\r\n\r\n{moved}{PLAIN}")).unwrap();
        assert_eq!((&facts["status"], &facts["redirects"]), (&Fact::Int(200), &Fact::Int(1)));
        let facts = exchange(&format!("{moved}gone")).unwrap();
        assert_eq!((&facts["status"], &facts["redirects"]), (&Fact::Int(302), &Fact::Int(0)));
        assert!(shown(&format!("HTTP/1.1 200 Connection established\r\n\r\n{PLAIN}")).contains("status=200"));
        // The body of a failure is no response, whatever it says.
        let failed = PLAIN.replace("200 OK", "500 No");
        refused(&format!("{failed}{PLAIN}"), "more than one exchange");
        let endless = "HTTP/1.1 500 No\r\nContent-Type: text/plain\r\n\r\nlog\nHTTP/1.1 200 OK\n";
        refused(endless, "line 5: may be a second response");
        assert!(shown(&endless.replace("\r\n\r\n", "\r\nContent-Length: 20\r\n\r\n")).contains("status=500"));
        refused(
            "HTTP/1.1 200 OK\r\nA: b\r\nContent-Type: text/plain\r\n\r\nok\ncurl: (18) transfer closed\n",
            "line 6: curl failed",
        );
    }

    #[test]
    fn a_body_has_its_length() {
        for (end, _) in PLAIN.char_indices() {
            assert!(exchange(&PLAIN[..end]).is_err(), "{}", &PLAIN[..end]);
        }
        refused(&PLAIN.replace("43", "44"), "line 1: says Content-Length: 44 and holds 43 bytes");
        refused(&PLAIN.replace("43", "42"), "line 1: holds more than one exchange, 1 bytes behind");
        refused(&PLAIN.replace("43", "18446744073709551615"), "holds 43 bytes");
        refused(&PLAIN.replace("Server: nginx", "Content-Encoding: gzip"), "in the coding \"gzip\"");
        assert!(shown("HTTP/1.1 204 No Content\r\n\r\n").contains("body_bytes=0"));
        refused("HTTP/1.1 204 No Content\r\n\r\nok", "more than one exchange");
        let image = [b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n".as_slice(), &[0xFF, 0, b'\n']].concat();
        let facts = read(&Input::plain("a", &image)).unwrap();
        assert_eq!(facts["body_sha256"], Fact::Text(Digest::of(&[0xFF, 0, b'\n']).to_string()));
    }

    #[test]
    fn a_body_that_calls_itself_json_must_be() {
        let body = |kind: &str, body: &str| {
            shown(&format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}", body.len()))
        };
        assert_eq!(body("application/json", "{\n\"a\":}"), "line 6: is not the JSON it should be: expected value");
        assert_eq!(body("application/json", "{\"a\":1,\"a\":2}"), "line 5: gives \"a\" twice");
        assert!(body("text/html", "{{ title }}").contains("status=200"));
        assert!(body("text/plain", " {\"a\":1}").contains("json={a=1}"));
        assert!(body("text/plain", "{\"a\":1,\"a\":2}").contains("status=200"));
        for none in ["", "[1]", "\"ok\"", "{}"] {
            assert!(!body("application/json", none).contains("json="), "{none}");
        }
        assert!(!body("application/json", &format!("{{\"a\":\"{}\"}}", "x".repeat(MAX_JSON))).contains("json="));
    }

    #[test]
    fn what_curl_w_writes_must_agree() {
        assert_eq!(shown(&format!("{PLAIN}\n200\n")), shown(PLAIN));
        refused(&format!("{PLAIN}\n500\n"), "more than one exchange");
        let written =
            "{\"http_code\":200,\"method\":\"GET\",\"time_total\":0.001430,\"url_effective\":\"http://a/health\"}";
        let facts = shown(&format!("{PLAIN}{written}"));
        assert!(facts.contains("method=GET") && facts.contains("time_total=0.00143 s url=http://a/health"), "{facts}");
        refused(&format!("{PLAIN}{}", written.replace("200", "201")), "says http_code 201");
        refused(&format!("{PLAIN}{}", written.replace("http_code", "code")), "more than one exchange");
        refused(&format!("{PLAIN}{}", written.replace("a/health", &"/a".repeat(1000))), "1 to 1000 are read");
    }

    #[test]
    fn what_powershell_shows() {
        let list = |content: &str| {
            format!(
                "StatusCode        : 200\r\nStatusDescription : OK\r\nContent           : {content}\r\nRawContentLength  : 15\r\n"
            )
        };
        let whole = format!("{{body_bytes=15 body_sha256={OK_SUM} json={{status=ok}} status=200}}");
        assert_eq!(shown(&list("{\"status\":\"ok\"}")), whole);
        assert_eq!(shown(&list("{\"status\":\"o...")), "{status=200}");
        let wide: Vec<u8> = list("{\"status\":\"ok\"}").encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(read(&Input::plain("a", &wide)).unwrap(), exchange(&list("{\"status\":\"ok\"}")).unwrap());
        let cp949 = [list("").replace("OK", "").as_bytes(), b"Note              : \xBA\xF4\xB5\xE5\r\n"].concat();
        assert_eq!(Fact::Group(read(&Input::plain("a", &cp949)).unwrap()).to_string(), "{status=200}");
        assert!(looks_like(&Input::plain("a.txt", &cp949)));
        // Invoke-RestMethod tells no status.
        refused("{\"status\":\"ok\"}", "shows no status");
        for unit in ["StatusCode : 200\n", "StatusCode : 1\nA : ", "\n                    x", ":", "PS \n"] {
            let text =
                format!("StatusCode        : 200\nA                 : 1\n{}", unit.repeat(1_000_000 / unit.len()));
            let _ = exchange(&text);
        }
    }

    #[test]
    fn looks_like_needs_a_status_line() {
        let looks = |text: &str| looks_like(&Input::plain("a.txt", text.as_bytes()));
        assert!(looks(PLAIN) && looks(VERBOSE) && looks("\nHTTP/2 204\r\n"));
        assert!(!looks("see HTTP/1.1 200 OK") && !looks("< HTTP/1.1 200 OK") && !looks("> a\n< b"));
    }
}

//! Takes a recording apart: the responses in their order, and the bytes behind the last one's head.
//!
//! curl marks its lines with `-v`: `* ` what it does, `> ` what it sends, `< ` what it gets. The body has no
//! mark, so a line of the body that begins like one is taken for curl's, and then the length is wrong.

use super::head::{Head, status_of};
use crate::evidence::readers::ReadError;
use crate::evidence::readers::bounds::short;

pub struct Transcript {
    /// The last request, where the recording shows it.
    pub request: Request,
    /// Responses that sent the client elsewhere before the last one came.
    pub redirects: usize,
    pub head: Head,
    /// Whatever stands behind the last head and is no line of curl's own.
    pub held: Vec<u8>,
    /// Where that begins.
    pub body_line: usize,
    /// curl's own lines may stand around the body.
    pub verbose: bool,
}

#[derive(Default, Clone)]
pub struct Request {
    pub method: Option<String>,
    pub path: Option<String>,
    pub host: Option<String>,
}

impl Transcript {
    pub fn of(bytes: &[u8]) -> Result<Self, ReadError> {
        let mut lines = bytes.split(|byte| *byte == b'\n');
        let plainly = lines.next().is_some_and(|line| status_of(&String::from_utf8_lossy(line)).is_some());
        let verbose = lines.any(|line| without_meter(line).starts_with(b"< HTTP/"));
        if verbose && !plainly { Recorder::default().record(bytes) } else { plain(bytes, 1) }
    }
}

/// What `curl -i` shows: heads, and the body of the last.
fn plain(bytes: &[u8], first: usize) -> Result<Transcript, ReadError> {
    let mut lines = (first..).zip(bytes.split_inclusive(|byte| *byte == b'\n')).peekable();
    let mut heads = Heads::default();
    let mut at = 0;
    while let Some((number, line)) = lines.next() {
        at += line.len();
        let text = String::from_utf8_lossy(line);
        if !heads.take(text.trim_end_matches(['\r', '\n']), number)? {
            continue;
        }
        let next = lines.peek().and_then(|(_, line)| status_of(&String::from_utf8_lossy(line)));
        if next.is_none() || !heads.last.as_ref().is_some_and(Head::may_pass) {
            let held = bytes.get(at..).unwrap_or_default().to_vec();
            return heads.into_transcript(Request::default(), held, number + 1, false);
        }
    }
    heads.into_transcript(Request::default(), Vec::new(), first, false)
}

/// The heads of responses, one line at a time.
#[derive(Default)]
struct Heads {
    last: Option<Head>,
    open: bool,
    redirects: usize,
}

impl Heads {
    /// Takes a line of a head; true when it was the last of it.
    fn take(&mut self, line: &str, number: usize) -> Result<bool, ReadError> {
        match (&mut self.last, self.open) {
            (Some(_), true) if line.is_empty() => {
                self.open = false;
                return Ok(true);
            }
            (Some(head), true) => head.field(line).map_err(|message| ReadError::at(number, message))?,
            (last, _) => {
                let next = Head::of(line, number);
                let next =
                    next.ok_or_else(|| ReadError::at(number, format!("{:?} is no status line: {FORMS}", short(line))))?;
                if let Some(head) = last.as_ref().filter(|head| !head.may_pass()) {
                    let message = format!("is a second response after one of status {}: {ONE}", head.status);
                    return Err(ReadError::at(number, message));
                }
                self.redirects += usize::from(last.as_ref().is_some_and(|head| (300..400).contains(&head.status)));
                *last = Some(next);
                self.open = true;
            }
        }
        Ok(false)
    }

    fn into_transcript(
        self,
        request: Request,
        held: Vec<u8>,
        body_line: usize,
        verbose: bool,
    ) -> Result<Transcript, ReadError> {
        let head = self.last.ok_or_else(|| ReadError::whole(format!("holds no status line: {FORMS}")))?;
        if self.open {
            return Err(ReadError::at(head.line, "breaks off inside the head of this response"));
        }
        if head.status < 200 {
            return Err(ReadError::at(head.line, "breaks off before the final response"));
        }
        Ok(Transcript { request, redirects: self.redirects, head, held, body_line, verbose })
    }
}

/// Sorts the lines of `curl -v`.
#[derive(Default)]
struct Recorder {
    heads: Heads,
    request: Request,
    /// The lines of a request go on.
    sending: bool,
    held: Vec<u8>,
    body_line: Option<usize>,
}

impl Recorder {
    fn record(mut self, bytes: &[u8]) -> Result<Transcript, ReadError> {
        for (number, line) in (1..).zip(bytes.split_inclusive(|byte| *byte == b'\n')) {
            let own = without_meter(line);
            if own.len() < line.len() && own.trim_ascii().is_empty() {
                continue;
            }
            let text = String::from_utf8_lossy(own);
            let text = text.trim_end_matches(['\r', '\n']);
            match text.split_at_checked(2) {
                Some(("< ", field)) => {
                    self.heads.take(field, number)?;
                }
                Some(("> ", field)) => self.send(field, number)?,
                Some(("* ", note)) if note.starts_with("transfer closed with ") => {
                    return Err(ReadError::at(number, "the transfer broke off here"));
                }
                Some(("* ", _)) => {}
                Some(("{ " | "} ", data)) if is_data(data) => {}
                // Editors cut blanks at the end of a line.
                None if text == "<" => {
                    self.heads.take("", number)?;
                }
                None if text == ">" => self.send("", number)?,
                _ if text.starts_with("curl: (") => return Err(ReadError::at(number, "curl failed here")),
                _ if METER.iter().any(|title| text.trim_start().starts_with(title)) => {}
                _ => {
                    self.body_line.get_or_insert(number);
                    self.held.extend_from_slice(own);
                }
            }
        }
        let body_line = self.body_line.unwrap_or(1);
        // With -i as well, the heads stand before the body once more.
        let again = self.held.starts_with(b"HTTP/").then(|| plain(&self.held, body_line)).transpose()?;
        let (held, body_line) = match again {
            Some(again) if Some(again.head.status) != self.heads.last.as_ref().map(|head| head.status) => {
                return Err(ReadError::at(body_line, "shows another status than the lines that begin with `<`"));
            }
            Some(again) => (again.held, again.body_line),
            None => (self.held, body_line),
        };
        self.heads.into_transcript(self.request, held, body_line, true)
    }

    /// `GET /api/health HTTP/1.1`, then its fields, then a blank line.
    fn send(&mut self, field: &str, number: usize) -> Result<(), ReadError> {
        let wrong = || ReadError::at(number, format!("{:?} is no request line", short(field)));
        if self.sending {
            self.sending = !field.is_empty();
            let host = field.split_once(':').filter(|(name, _)| name.eq_ignore_ascii_case("host"));
            self.request.host = host.map(|(_, host)| host.trim().to_owned()).or(self.request.host.take());
            return Ok(());
        }
        let mut words = field.split(' ');
        let (method, path, version) = (words.next(), words.next(), words.next());
        let method = method.filter(|method| !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_uppercase()));
        let is_version = version.is_some_and(|version| version.starts_with("HTTP/")) && words.next().is_none();
        let (method, path) = method.zip(path.filter(|_| is_version)).ok_or_else(wrong)?;
        self.request = Request { method: Some(method.to_owned()), path: Some(path.to_owned()), host: None };
        self.sending = true;
        Ok(())
    }
}

/// `{ [15 bytes data]`.
fn is_data(text: &str) -> bool {
    let count = text.strip_prefix('[').and_then(|text| text.strip_suffix(" bytes data]"));
    count.is_some_and(|count| !count.is_empty() && count.bytes().all(|byte| byte.is_ascii_digit()))
}

/// A line without the progress curl writes over itself, each time behind a carriage return.
fn without_meter(line: &[u8]) -> &[u8] {
    let shown = line.trim_ascii_end();
    let Some(at) = shown.iter().rposition(|byte| *byte == b'\r') else { return line };
    let row = line.get(at + 1..).and_then(|rest| rest.split_at_checked(METER_WIDTH));
    match row {
        Some((row, rest)) if row.iter().all(|byte| METER_BYTES.contains(byte)) && row.contains(&b':') => rest,
        _ => line,
    }
}

pub const ONE: &str = "record each exchange as a file of its own";
const FORMS: &str = "record with curl -i, or with curl -v and both streams";
/// The titles above the progress.
const METER: [&str; 2] = ["% Total    % Received", "Dload  Upload"];
const METER_WIDTH: usize = 78;
const METER_BYTES: &[u8] = b"0123456789 :-.kMGTPdh";

#[cfg(test)]
mod tests {
    use super::*;

    fn verbose(text: &str) -> Result<Transcript, String> {
        Transcript::of(text.as_bytes()).map_err(|error| error.to_string())
    }

    const METER_ROW: &str = "100    15  100    15    0     0  28089      0 --:--:-- --:--:-- --:--:-- 15000";

    #[test]
    fn the_last_request_and_response_count() {
        let text = "*   Trying 127.0.0.1:80...\n> POST /login HTTP/1.1\r\n> Host: a\r\n> \r\n} [3 bytes data]\n\
            < HTTP/1.1 100 Continue\r\n< \r\n< HTTP/1.1 302 Found\r\n< Location: /home\r\n< \r\n* Ignoring the response-body\n\
            > GET /home HTTP/2\r\n> Host: b:8080\r\n>\n< HTTP/2 200 \r\n<\n{ [2 bytes data]\nok\n* Connection #0 to host a left intact\n";
        let found = verbose(text).unwrap();
        let Request { method, path, host } = found.request;
        assert_eq!([method, path, host], ["GET", "/home", "b:8080"].map(|text| Some(text.to_owned())));
        assert_eq!((found.redirects, found.head.status, found.head.line), (1, 200, 15));
        assert_eq!((found.held.as_slice(), found.body_line, found.verbose), (&b"ok\n"[..], 18, true));
    }

    #[test]
    fn progress_is_passed_over() {
        assert_eq!(METER_ROW.len(), METER_WIDTH);
        let early = METER_ROW.replace("100", "  0");
        let text = format!(
            "  % Total    % Received % Xferd  Average Speed   Time\n                                 Dload  Upload   Total\n\
            \r{early}* Connected\n> GET / HTTP/1.1\r\n> \r\n\r{early}\r{METER_ROW}< HTTP/1.1 200 OK\r\n< \r\n{{ [2 bytes data]\n\r{METER_ROW}\nok"
        );
        assert_eq!(verbose(&text).unwrap().held, b"ok");
        let not = text.replace("\nok", "\na\rok");
        assert_eq!(verbose(&not).unwrap().held, b"a\rok");
    }

    #[test]
    fn a_recording_that_breaks_off_is_refused() {
        for (text, why) in [
            ("", "no status line"),
            ("hello", "line 1: \"hello\" is no status line"),
            ("* x\n> GET / HTTP/1.1\n> \n", "is no status line"),
            ("HTTP/1.1 200 OK\r\nA: b\r\n", "line 1: breaks off inside"),
            ("HTTP/1.1 100 Continue\r\n\r\n", "line 1: breaks off before the final"),
            ("* x\n< HTTP/1.1 200 OK\n< A: b", "line 2: breaks off inside"),
            (
                "* x\n< HTTP/1.1 200 OK\n< \n* transfer closed with 5 bytes remaining to read\n",
                "line 4: the transfer broke off",
            ),
            ("* x\n< HTTP/1.1 200 OK\n< \nab\ncurl: (18) transfer closed", "line 5: curl failed"),
            ("* x\n> a GET\n< HTTP/1.1 200 OK\n< \n", "line 2: \"a GET\" is no request line"),
            ("* x\n< HTTP/1.1 200 OK\n< A\n< \n", "line 3: \"A\" is no header field"),
        ] {
            let error = verbose(text).map(|_| ()).unwrap_err();
            assert!(error.contains(why), "{text:?}: {error}");
        }
    }

    #[test]
    fn no_body_can_bring_another_status() {
        let forged = "* x\n< HTTP/1.1 500 No\r\n< \r\n< HTTP/1.1 200 OK\r\n< \r\n";
        assert!(
            verbose(forged).map(|_| ()).unwrap_err().contains("line 4: is a second response after one of status 500")
        );
        let inside = "HTTP/1.1 500 No\r\n\r\nHTTP/1.1 200 OK\r\n\r\n< HTTP/1.1 200 OK\n< \n";
        assert_eq!(verbose(inside).unwrap().head.status, 500);
        let both = "* x\n< HTTP/1.1 500 No\n< \nHTTP/1.1 500 No\r\n\r\nok";
        assert_eq!(verbose(both).unwrap().held, b"ok");
        assert!(
            verbose(&both.replace("\nHTTP/1.1 500", "\nHTTP/1.1 200"))
                .map(|_| ())
                .unwrap_err()
                .contains("another status")
        );
    }
}

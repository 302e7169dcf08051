//! What `Invoke-WebRequest` shows of a response: a list `StatusCode : 200` and so on, or a table.
//!
//! Sources: the output of Windows PowerShell 5.1 and PowerShell 7. Values are cut short at some length or at
//! the console's width, and long ones go on in the next line, so a body is one only where its length is told.

use super::head::{Head, status_of};
use super::transcript::ONE;
use crate::evidence::readers::ReadError;
use crate::evidence::readers::bounds::short;
use crate::evidence::text;

/// One response as it is shown.
pub struct Shown {
    pub head: Head,
    /// The body, where it is whole beyond doubt, and its line.
    pub body: Option<(String, usize)>,
}

/// Whether a text begins as such a list or table does, behind a prompt.
pub fn begins(text: &str) -> bool {
    if failure(text).is_some() {
        return true;
    }
    let mut lines = lines(text).map(|(_, line)| line);
    let (Some(first), Some(second)) = (lines.next(), lines.next()) else { return false };
    let is_list = property(first).is_some_and(|(name, _)| name == STATUS) && property(second).is_some();
    is_list || is_table(first, second)
}

/// Reads a text that [`begins`] so.
pub fn read(text: &str) -> Result<Shown, ReadError> {
    if let Some((number, message)) = failure(text) {
        return failed(text, number, &message);
    }
    let mut first = lines(text);
    match (first.next(), first.next(), first.next()) {
        (Some((_, names)), Some((_, dashes)), row) if is_table(names, dashes) => {
            if let Some((number, _)) = first.next() {
                return Err(ReadError::at(number, ONE));
            }
            let (number, row) = row.ok_or_else(|| ReadError::whole("shows no row of its table"))?;
            let status = row.split_whitespace().next().unwrap_or_default();
            Ok(Shown { head: head(status, number)?, body: None })
        }
        _ => list(text),
    }
}

/// The error that stands in place of a response, and its line: `Invoke-WebRequest : The remote server …`. What
/// follows it from `At line:1` or `+` on is where it was typed.
fn failure(text: &str) -> Option<(usize, String)> {
    let mut lines = lines(text);
    let (number, first) = lines.next()?;
    let first = text::plain(first);
    let message = COMMANDS.iter().find_map(|name| first.strip_prefix(name)?.trim_start().strip_prefix(':'))?.to_owned();
    let is_place =
        |line: &str| line.starts_with("At ") || line.contains("char:") || line.trim_start().starts_with(['+', '|']);
    let rest = lines.map(|(_, line)| text::plain(line).into_owned()).take_while(|line| !is_place(line));
    Some((number, rest.take(MOST).fold(message, |message, line| message + " " + line.trim())))
}

/// `(503)`, or `does not indicate success: 503`, whatever language the rest is in.
fn failed(text: &str, number: usize, message: &str) -> Result<Shown, ReadError> {
    if let Some((number, _)) = lines(text).find(|(_, line)| property(line).is_some_and(|(name, _)| name == STATUS)) {
        return Err(ReadError::at(number, ONE));
    }
    let behind =
        |mark: &'static str| message.split(mark).skip(1).map(|rest| rest.split([')', ' ']).next().unwrap_or_default());
    let codes = behind("(")
        .chain(behind("success: "))
        .filter(|code| code.len() == 3 && code.bytes().all(|b| b.is_ascii_digit()));
    let mut codes: Vec<&str> = codes.collect();
    codes.dedup();
    match codes.as_slice() {
        [code] => Ok(Shown { head: head(code, number)?, body: None }),
        _ => Err(ReadError::at(number, format!("failed without a status: {:?}", short(message.trim())))),
    }
}

/// One property with the lines its value goes on in.
struct Property<'t> {
    name: &'t str,
    line: usize,
    values: Vec<&'t str>,
}

fn list(text: &str) -> Result<Shown, ReadError> {
    let properties = properties(text)?;
    let find = |name: &str| properties.iter().find(|property| property.name == name);
    let status = find(STATUS).ok_or_else(|| ReadError::whole(format!("shows no {STATUS}")))?;
    let mut head = head(status.values.first().unwrap_or(&""), status.line)?;
    if let Some(raw) = find("RawContent") {
        fields(raw, &mut head)?;
    }
    let length = find("RawContentLength").and_then(|length| length.values.first()?.parse::<usize>().ok());
    let body = find("Content").and_then(|content| {
        // A line end would be one byte more, so what adds up was parted by the console alone.
        let body = content.values.concat();
        let is_cut = ["...", "…"].iter().any(|cut| body.ends_with(cut));
        (!is_cut && length == Some(body.len())).then_some((body, content.line))
    });
    Ok(Shown { head, body })
}

fn properties(text: &str) -> Result<Vec<Property<'_>>, ReadError> {
    let mut all: Vec<Property<'_>> = Vec::new();
    let mut indent = None;
    for (number, line) in (1..).zip(text.lines()) {
        let at = line.find(':').filter(|at| indent.is_none_or(|indent| *at == indent));
        match (property(line).filter(|_| at.is_some()), indent) {
            (Some((name, _)), _) if all.iter().any(|known| known.name == name) => {
                return Err(ReadError::at(number, format!("shows a second {name}: {ONE}")));
            }
            (Some((name, _)), _) if all.len() == MOST => {
                return Err(ReadError::at(number, format!("shows {:?} behind {MOST} others", short(name))));
            }
            (Some((name, value)), _) => {
                indent = at;
                all.push(Property { name, line: number, values: vec![value] });
            }
            (None, _) if is_around(line) => {
                // Of the head of a response, a blank line is the end.
                all.last_mut().into_iter().filter(|_| line.trim().is_empty()).for_each(|last| last.values.push(""));
            }
            (None, Some(indent)) => match line.get(..indent + 2).filter(|blank| blank.trim().is_empty()) {
                Some(_) => {
                    let value = line.get(indent + 2..).unwrap_or_default();
                    all.last_mut().into_iter().for_each(|last| last.values.push(value));
                }
                None => return Err(ReadError::at(number, format!("{:?} is no line of the list", short(line)))),
            },
            (None, None) => return Err(ReadError::at(number, format!("{:?} is no line of the list", short(line)))),
        }
    }
    Ok(all)
}

/// What `RawContent` shows of the head: it must not contradict, and tells the type of the content.
fn fields(raw: &Property<'_>, head: &mut Head) -> Result<(), ReadError> {
    let mut lines = raw.values.iter().map(|line| line.trim_end());
    let first = lines.next().unwrap_or_default();
    if let Some(status) = status_of(first).filter(|status| *status != head.status) {
        let message = format!("shows {STATUS} {} of a response with {status}", head.status);
        return Err(ReadError::at(raw.line, message));
    }
    let shown: Vec<&str> = lines.take_while(|line| !line.is_empty()).collect();
    for (at, line) in shown.iter().enumerate() {
        // One that is cut, or goes on in the next line, says nothing.
        let next = shown.get(at + 1);
        let is_whole = !line.ends_with("...") && !line.ends_with('…') && next.is_none_or(|next| next.contains(": "));
        if line.to_ascii_lowercase().starts_with("content-type:") && is_whole {
            head.field(line).map_err(|message| ReadError::at(raw.line, message))?;
        }
    }
    Ok(())
}

fn head(status: &str, line: usize) -> Result<Head, ReadError> {
    let head = Head::of(&format!("HTTP/1.1 {}", status.trim()), line);
    head.ok_or_else(|| ReadError::at(line, format!("shows {STATUS} {:?}, which is no status", short(status))))
}

/// `Name   : value`.
fn property(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once(':')?;
    let word = name.trim_end();
    let is_name = !word.is_empty() && word.len() < name.len() && word.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_name.then(|| (word, value.strip_prefix(' ').unwrap_or(value)))
}

/// `StatusCode StatusDescription` over dashes. Only the first column can be told apart beyond doubt.
fn is_table(names: &str, dashes: &str) -> bool {
    let begins = names.split_whitespace().next() == Some(STATUS);
    let is_rule = |line: &str| line.contains("---") && line.chars().all(|c| c == '-' || c == ' ');
    begins && !names.contains(':') && is_rule(dashes.trim())
}

/// Lines that are no part of what is shown: blank ones and prompts.
fn is_around(line: &str) -> bool {
    line.trim().is_empty() || line.starts_with("PS ")
}

fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    (1..).zip(text.lines()).filter(|(_, line)| !is_around(line))
}

const STATUS: &str = "StatusCode";
/// What errors begin with.
const COMMANDS: [&str; 2] = ["Invoke-WebRequest", "iwr"];
/// PowerShell shows fewer than twenty.
const MOST: usize = 50;

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "PS C:\\> Invoke-WebRequest http://localhost:8000/api/health\r\n\r\n\r\n\
        StatusCode        : 200\r\nStatusDescription : OK\r\nContent           : {\"status\":\"ok\"}\r\n\
        RawContent        : HTTP/1.1 200 OK\r\n                    Content-Length: 15\r\n                    Content-Type: application/json\r\n\r\n                    {\"status\":\"ok\"}\r\n\
        Forms             : {}\r\nHeaders           : {[Content-Length, 15], [Content-Type, application/json]}\r\nRawContentLength  : 15\r\n\r\n\r\n\r\nPS C:\\>\r\n";

    #[test]
    fn an_error_gives_the_status_it_names() {
        for text in [
            "PS C:\\> Invoke-WebRequest http://x/health\r\nInvoke-WebRequest : The remote server returned an error: (503) Server \r\nUnavailable.\r\n\
             At line:1 char:1\r\n+ Invoke-WebRequest http://x/health\r\n+ ~~~ (404)\r\n",
            "Invoke-WebRequest: Response status code does not indicate success: 503 (Service Unavailable).\n",
            "\u{1b}[31;1mInvoke-WebRequest: \u{1b}[31;1mResponse status code does not indicate success: 503 (X).\u{1b}[0m\n",
            "iwr : 원격 서버에서 (503) 서버를 사용할 수 없음 오류를 반환했습니다.\n위치 줄:1 문자:1\n",
        ] {
            assert_eq!(told(text), "503 None None", "{text}");
        }
        assert!(
            told("Invoke-WebRequest : Unable to connect to the remote server\nAt line:1 char:1\n")
                .contains("failed without a status")
        );
        assert!(told(&format!("Invoke-WebRequest : (503) x\nAt line:1\n{LIST}")).contains("as a file of its own"));
    }

    fn told(text: &str) -> String {
        assert!(begins(text), "{text}");
        read(text).map_or_else(
            |error| error.to_string(),
            |Shown { head, body }| format!("{} {:?} {:?}", head.status, head.content_type, body.map(|(body, _)| body)),
        )
    }

    #[test]
    fn a_list_gives_status_type_and_a_whole_body() {
        let whole = "200 Some(\"application/json\") Some(\"{\\\"status\\\":\\\"ok\\\"}\")";
        assert_eq!(told(LIST), whole);
        assert_eq!(told(&LIST.replace("\r\n", "\n")), whole);
        // The console parts what is wider than itself.
        let parted = LIST.replacen("{\"status\":\"ok\"}", "{\"status\":\r\n                    \"ok\"}", 1);
        assert_eq!(told(&parted), whole);
    }

    #[test]
    fn what_may_be_cut_is_no_body() {
        let none = "200 Some(\"application/json\") None";
        for (from, to) in [
            ("RawContentLength  : 15", "RawContentLength  : 16"),
            ("RawContentLength  : 15", "RawContentLen     : 15"),
            ("Content           : {\"status\":\"ok\"}", "Content           : {\"status\":\"o..."),
            ("Content           : {\"status\":\"ok\"}", "Content           : {\"status\":…"),
            (
                "Content           : {\"status\":\"ok\"}",
                "Content           : {\"status\":\r\n                     \"ok\"}",
            ),
            ("Content           : {\"status\":\"ok\"}", "Content           : {123, 34, 115, 116...}"),
        ] {
            assert_eq!(told(&LIST.replacen(from, to, 1)), none, "{to}");
        }
        // A cut text may be as long as the whole was.
        let cut = LIST.replacen("{\"status\":\"ok\"}", "{\"status\":\"o...", 1);
        assert_eq!(told(&cut), none);
        let without = |type_line: &str| told(&LIST.replace("Content-Type: application/json\r", type_line));
        assert!(without("Content-Type: applica...\r").starts_with("200 None"));
        assert!(without("Content-Type: applica\r\n                    tion/json\r").starts_with("200 None"));
    }

    #[test]
    fn a_table_gives_the_status_alone() {
        let table = "\nStatusCode StatusDescription Content\n---------- ----------------- -------\n       503 사용할 수 없음    {\"a\"...\n\n";
        assert_eq!(told(table), "503 None None");
        assert_eq!(told(&format!("{table}       200 OK  x\n")), format!("line 6: {ONE}"));
        assert_eq!(told("StatusCode\n----------\n"), "shows no row of its table");
    }

    #[test]
    fn what_contradicts_or_is_no_part_of_it_is_refused() {
        for (from, to, why) in [
            ("HTTP/1.1 200", "HTTP/1.1 500", "line 7: shows StatusCode 200 of a response with 500"),
            (": 200", ": OK", "line 4: shows StatusCode \"OK\", which is no status"),
            ("Forms             :", "StatusCode        :", "line 12: shows a second StatusCode"),
            ("Forms             : {}", "and so on", "line 12: \"and so on\" is no line of the list"),
        ] {
            let said = told(&LIST.replacen(from, to, 1));
            assert!(said.starts_with(why), "{said}");
        }
        for other in ["", "StatusCode: 200\n", "StatusCode : 200\n", "a : 1\nStatusCode : 200\n", "StatusCode : 1\nx\n"]
        {
            assert!(!begins(other), "{other}");
        }
    }
}

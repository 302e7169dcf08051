//! Cobertura: `<line>` elements in the `<lines>` of classes, and what the root says of them all.
//!
//! Source: `coverage-04.dtd`. The lines of a class stand once more in its methods; only the class counts.

use super::{Attributes, Counts, count};
use crate::evidence::readers::bounds::short;

#[derive(Default)]
pub struct Cobertura {
    open: Vec<Element>,
    claims: Claims,
    line: Counts,
    branch: Counts,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Element {
    Class,
    /// The list of a class, not of one of its methods.
    Lines,
    Other,
}

/// What the root says.
#[derive(Default)]
struct Claims {
    lines: Option<Counts>,
    branches: Option<Counts>,
    line_rate: Option<String>,
    branch_rate: Option<String>,
}

impl Cobertura {
    pub fn start(&mut self, name: &str, attributes: &Attributes) -> Result<(), String> {
        let element = match (name, self.open.last()) {
            (_, None) => {
                self.claims = Claims::of(attributes)?;
                Element::Other
            }
            ("class", _) => Element::Class,
            ("lines", Some(Element::Class)) => Element::Lines,
            ("line", Some(Element::Lines)) => {
                self.line(attributes)?;
                Element::Other
            }
            _ => Element::Other,
        };
        self.open.push(element);
        Ok(())
    }

    pub fn end(&mut self) {
        self.open.pop();
    }

    fn line(&mut self, attributes: &Attributes) -> Result<(), String> {
        let hits = attributes.get("hits").unwrap_or_default();
        if hits.is_empty() || !hits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(format!("says hits={:?}, which is no count", short(hits)));
        }
        let ran = hits.bytes().any(|digit| digit != b'0');
        self.line += Counts { covered: usize::from(ran), total: 1 };
        if attributes.get("branch").is_some_and(|branch| branch.eq_ignore_ascii_case("true")) {
            let share = attributes.get("condition-coverage").unwrap_or_default();
            self.branch += conditions(share).ok_or_else(|| {
                format!("has a branch with condition-coverage={:?}: 50% (1/2) would say how many ran", short(share))
            })?;
        }
        Ok(())
    }

    /// Lines and branches of the whole report, after holding them against what its root says.
    pub fn totals(self) -> Result<(Counts, Counts), String> {
        let (line, mut branch) = (self.line, self.branch);
        if let Some(claimed) = self.claims.lines.filter(|claimed| *claimed != line) {
            return Err(format!(
                "says that {} of {} lines are covered and shows {} of {}: bring the report uncut",
                claimed.covered, claimed.total, line.covered, line.total
            ));
        }
        agree(self.claims.line_rate.as_deref(), line, "line-rate")?;
        agree(self.claims.branch_rate.as_deref(), self.claims.branches.unwrap_or(branch), "branch-rate")?;
        if let Some(claimed) = self.claims.branches {
            let missed = |counts: Counts| counts.total - counts.covered;
            if claimed.covered < branch.covered || missed(claimed) < missed(branch) {
                return Err(format!(
                    "says that {} of {} branches are covered and shows {} of {}",
                    claimed.covered, claimed.total, branch.covered, branch.total
                ));
            }
            // Istanbul leaves out branches on lines without a statement: what is not shown did not run.
            branch.total = claimed.total;
        }
        Ok((line, branch))
    }
}

impl Claims {
    fn of(root: &Attributes) -> Result<Self, String> {
        let pair = |covered: &str, total: &str| match (root.count(covered)?, root.count(total)?) {
            (Some(covered), Some(total)) if covered <= total => Ok(Some(Counts { covered, total })),
            (Some(_), Some(_)) => Err(format!("says that {covered} is more than {total}")),
            _ => Ok(None),
        };
        let rate = |name: &str| root.get(name).map(str::to_owned);
        Ok(Self {
            lines: pair("lines-covered", "lines-valid")?,
            branches: pair("branches-covered", "branches-valid")?,
            line_rate: rate("line-rate"),
            branch_rate: rate("branch-rate"),
        })
    }
}

/// The counts in `50% (1/2)`.
fn conditions(share: &str) -> Option<Counts> {
    let (_, counts) = share.split_once('(')?;
    let (covered, total) = counts.strip_suffix(')')?.split_once('/')?;
    let (covered, total) = (count(covered, "").ok()?, count(total, "").ok()?);
    (covered <= total).then_some(Counts { covered, total })
}

/// Whether a rate is that of the counts, but for how it was rounded. Of nothing every rate is right.
fn agree(rate: Option<&str>, counts: Counts, name: &str) -> Result<(), String> {
    let Some(rate) = rate.filter(|_| counts.total > 0) else { return Ok(()) };
    let (parts, places) = billionths(rate).ok_or_else(|| format!("says {name}={:?}, which is no rate", short(rate)))?;
    // coverage.py writes four digits, coverlet cuts off after four, others fewer and without zeros.
    let slack = 10_i128.pow(9 - places.clamp(2, 4));
    let (covered, total) = (counts.covered as i128, counts.total as i128);
    if (parts * total - covered * BILLION).abs() <= slack * total {
        return Ok(());
    }
    Err(format!("says {name}={rate:?} where {covered} of {total} are covered"))
}

/// A decimal from 0 to 1 in billionths, and its digits after the point. Java writes small ones as `9.0E-4`.
fn billionths(rate: &str) -> Option<(i128, u32)> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let lower = rate.to_ascii_lowercase();
    let (decimal, shift) = match lower.split_once("e-") {
        Some((decimal, shift)) => {
            (decimal, shift.parse::<usize>().ok().filter(|s| digits(shift) && (1..=9).contains(s))?)
        }
        None => (lower.as_str(), 0),
    };
    let (whole, part) = decimal.split_once('.').map_or((decimal, None), |(whole, part)| (whole, Some(part)));
    let part = part.filter(|part| digits(part)).or(part.is_none().then_some(""))?;
    if !digits(whole) || whole.len() > 1 {
        return None;
    }
    let part = if shift == 0 { part.to_owned() } else { format!("{}{whole}{part}", "0".repeat(shift - 1)) };
    let whole = if shift == 0 { whole } else { "0" };
    let nine: String = part.chars().chain("000000000".chars()).take(9).collect();
    let parts: i128 = format!("{whole}{nine}").parse().ok()?;
    (parts <= BILLION).then_some((parts, u32::try_from(part.len()).ok()?))
}

const BILLION: i128 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use super::super::READER;
    use super::*;
    use crate::evidence::facts::Fact;
    use crate::evidence::readers::Input;

    const REPORT: &str = "<?xml version=\"1.0\" ?>\n\
        <!DOCTYPE coverage SYSTEM \"http://cobertura.sourceforge.net/xml/coverage-04.dtd\">\n\
        <coverage version=\"7.6.1\" timestamp=\"1759536000\" lines-valid=\"3\" lines-covered=\"2\" line-rate=\"0.6667\" \
        branches-valid=\"4\" branches-covered=\"3\" branch-rate=\"0.75\" complexity=\"0\">\n\
        <sources><source>/app</source></sources><packages><package name=\"app\" line-rate=\"0.6667\"><classes>\n\
        <class name=\"a.py\" filename=\"a.py\" line-rate=\"0.6667\">\n\
        <methods><method name=\"f\" signature=\"()\"><lines><line number=\"1\" hits=\"9\"/></lines></method></methods>\n\
        <lines><line number=\"1\" hits=\"2\"/>\n<line number=\"2\" hits=\"1\" branch=\"true\" condition-coverage=\"75% (3/4)\" missing-branches=\"3\"/>\n\
        <line number=\"3\" hits=\"0\" branch=\"False\"/></lines></class></classes></package></packages></coverage>\n";
    const EXPECTED: &str = "{branch=75 % branch_covered=3 branch_total=4 line=66.66 % line_covered=2 line_total=3}";

    fn shown(text: &str) -> String {
        let facts = (READER.read)(&Input::plain("coverage.xml", text.as_bytes()));
        facts.map_or_else(|error| error.to_string(), |facts| Fact::Group(facts).to_string())
    }

    fn refused(text: &str, why: &str) {
        assert!(shown(text).contains(why), "{}", shown(text));
    }

    #[test]
    fn lines_and_branches_are_counted() {
        assert!((READER.looks_like)(&Input::plain("a", REPORT.as_bytes())));
        assert_eq!([shown(REPORT), shown(&REPORT.replace('\n', "\r\n"))], [EXPECTED, EXPECTED]);
        let bare = "<coverage><class><lines><line hits=\"0\"/><line hits=\"010\"/></lines></class></coverage>";
        assert_eq!(shown(bare), "{line=50 % line_covered=1 line_total=2}");
        let many = format!(
            "<coverage><class><lines>{}<line hits=\"0\"/></lines></class></coverage>",
            "<line hits=\"1\"/>".repeat(99_999)
        );
        assert_eq!(shown(&many), "{line=99.99 % line_covered=99999 line_total=100000}");
    }

    #[test]
    fn claims_must_fit_what_is_shown() {
        for fitting in ["0.6666", "0.6666666666666666", "0.67", "0.667", "0.66"] {
            assert_eq!(shown(&REPORT.replacen("0.6667", fitting, 1)), EXPECTED, "{fitting}");
        }
        for other in ["0.7", "1", "0.8", "0.6669", "0.65", "0", "6.6E-2"] {
            refused(&REPORT.replacen("0.6667", other, 1), "where 2 of 3 are covered");
        }
        for bad in ["NaN", "", "-0.6667", "1.5", "0,6667", "66.67", "0.6667 ", "1e5", "1e-10", ".6", "1."] {
            refused(&REPORT.replacen("0.6667", bad, 1), "which is no rate");
        }
        refused(
            &REPORT.replace("lines-covered=\"2\"", "lines-covered=\"3\""),
            "says that 3 of 3 lines are covered and shows 2 of 3",
        );
        refused(
            &REPORT.replace("<line number=\"3\" hits=\"0\" branch=\"False\"/>", ""),
            "shows 2 of 2: bring the report uncut",
        );
        refused(&REPORT.replace("lines-covered=\"2\"", "lines-covered=\"4\""), "more than");
        refused(&REPORT.replace("branches-covered=\"3\"", "branches-covered=\"2\""), "where 2 of 4");
        let fewer = REPORT.replace("branches-covered=\"3\"", "branches-covered=\"2\"").replace("0.75", "0.5");
        refused(&fewer, "says that 2 of 4 branches are covered and shows 3 of 4");
        refused(&REPORT.replace("(3/4)", "(4/4)"), "says that 3 of 4 branches");
    }

    #[test]
    fn branches_that_no_line_shows_did_not_run() {
        let more = REPORT
            .replace("branches-valid=\"4\" branches-covered=\"3\"", "branches-valid=\"8\" branches-covered=\"6\"");
        assert_eq!(shown(&more), EXPECTED.replace("75 %", "37.5 %").replace("branch_total=4", "branch_total=8"));
    }

    #[test]
    fn small_rates_are_read() {
        for (rate, parts, places) in [("9.0E-4", 900_000, 5), ("5e-05", 50_000, 5), ("1.0", BILLION, 1), ("0", 0, 0)] {
            assert_eq!(billionths(rate), Some((parts, places)), "{rate}");
        }
    }

    #[test]
    fn what_is_no_whole_report_is_refused() {
        for (end, _) in REPORT.match_indices('>').filter(|(end, _)| end + 2 < REPORT.len()) {
            assert!(shown(&REPORT[..=end]).contains("is no well-formed XML"), "{}", &REPORT[..=end]);
        }
        refused("<coverage line-rate=\"0\" lines-valid=\"0\" lines-covered=\"0\"/>", "holds no line");
        refused(
            "<coverage generated=\"1\"><project><file><line num=\"1\" count=\"1\"/></file></project></coverage>",
            "holds no line",
        );
        for hits in ["-1", "", "x", "1.5"] {
            refused(&REPORT.replace("hits=\"2\"", &format!("hits=\"{hits}\"")), "line 7: says hits=");
        }
        for share in ["75%", "", "75% (5/4)", "75% (3/x)"] {
            refused(&REPORT.replace("75% (3/4)", share), "line 8: has a branch");
        }
        refused("<html/>", "begins with <html>");
        refused("<coverage/><coverage/>", "more than one root");
        refused("<coverage/>x", "outside the root");
        refused("", "no element");
    }
}

//! JaCoCo: `<line>` elements in source files, and `<counter>` elements in everything above them, which must
//! be the sums of what stands inside.
//!
//! Source: `report.dtd` 1.1, and how `PackageCoverageImpl` and `SourceNodeImpl` of JaCoCo 0.8 add up.

use super::{Attributes, Counts};

#[derive(Default)]
pub struct Jacoco {
    open: Vec<Node>,
    line: Counts,
    branch: Counts,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Kind {
    Report,
    Package,
    /// A class, and whether it names its source file.
    Class(bool),
    Method,
    Source,
    #[default]
    Other,
}

#[derive(Default)]
struct Node {
    kind: Kind,
    line: Sums,
    branch: Sums,
}

/// One kind of counter of one element.
#[derive(Default, Clone, Copy)]
struct Sums {
    own: Option<Counts>,
    /// From its `<line>` elements, or from the elements inside that everything belongs to.
    inside: Counts,
    /// Of a package: its classes, all of them and those without a source file.
    classes: Counts,
    unsourced: Counts,
}

impl Jacoco {
    pub fn start(&mut self, name: &str, attributes: &Attributes) -> Result<(), String> {
        let above = self.open.last_mut();
        let kind = match (name, &above) {
            ("report" | "group", _) => Kind::Report,
            ("package", _) => Kind::Package,
            ("class", _) => Kind::Class(attributes.get("sourcefilename").is_some()),
            ("method", _) => Kind::Method,
            ("sourcefile", _) => Kind::Source,
            ("line", Some(Node { kind: Kind::Source, .. })) => {
                let count = |name: &str| attributes.count(name).map(Option::unwrap_or_default);
                let (covered, missed) = (count("ci")?, count("mi")?);
                let branches = (count("cb")?, count("mb")?);
                if let Some(source) = above {
                    // A line counts as covered where any of its instructions ran.
                    let line = Counts { covered: usize::from(covered > 0), total: usize::from(covered + missed > 0) };
                    source.line.inside += line;
                    source.branch.inside += Counts { covered: branches.0, total: branches.0 + branches.1 };
                }
                Kind::Other
            }
            ("counter", Some(_)) => {
                let count =
                    |name: &str| attributes.count(name)?.ok_or_else(|| format!("has a counter without {name:?}"));
                let (covered, missed) = (count("covered")?, count("missed")?);
                let sums = above.and_then(|node| match attributes.get("type") {
                    Some("LINE") => Some(&mut node.line),
                    Some("BRANCH") => Some(&mut node.branch),
                    _ => None,
                });
                if sums.is_some_and(|sums| sums.own.replace(Counts { covered, total: covered + missed }).is_some()) {
                    return Err("gives one element two counters of a type".to_owned());
                }
                Kind::Other
            }
            _ => Kind::Other,
        };
        self.open.push(Node { kind, ..Node::default() });
        Ok(())
    }

    pub fn end(&mut self) -> Result<(), String> {
        let Some(node) = self.open.pop() else { return Ok(()) };
        if node.kind == Kind::Other {
            return Ok(());
        }
        let line = node.line.settled(node.kind, true).map_err(|message| format!("{message} lines"))?;
        let branch = node.branch.settled(node.kind, false).map_err(|message| format!("{message} branches"))?;
        match self.open.last_mut() {
            Some(above) => {
                above.line.add(node.kind, line);
                above.branch.add(node.kind, branch);
            }
            None => (self.line, self.branch) = (line, branch),
        }
        Ok(())
    }

    /// Lines and branches of the whole report.
    pub fn totals(self) -> (Counts, Counts) {
        (self.line, self.branch)
    }
}

impl Sums {
    fn add(&mut self, kind: Kind, counts: Counts) {
        match kind {
            Kind::Class(named) => {
                self.classes += counts;
                if !named {
                    self.unsourced += counts;
                }
            }
            _ => self.inside += counts,
        }
    }

    /// What the element counts, once it is whole. Its own counter must agree with what it shows, and stands
    /// alone where it shows nothing. `of_lines`: branches may belong to no line, lines may not.
    fn settled(self, kind: Kind, of_lines: bool) -> Result<Counts, String> {
        let mut with_unsourced = self.inside;
        with_unsourced += self.unsourced;
        let shown = match kind {
            // Lines of a class may belong to several of its methods.
            Kind::Class(_) | Kind::Method => return Ok(self.own.unwrap_or(self.inside)),
            // Classes with a source file are counted in it (since 0.8.4 they name it).
            Kind::Package if self.inside.total == 0 => self.classes,
            Kind::Package if self.own == Some(with_unsourced) => with_unsourced,
            _ => self.inside,
        };
        match self.own {
            None => Ok(shown),
            Some(own) if shown.total == 0 || own == shown => Ok(own),
            Some(own) if kind == Kind::Source && !of_lines && holds(own, shown) => Ok(own),
            Some(own) => {
                let Counts { covered, total } = own;
                Err(format!("counts {covered} of {total} where it shows {} of {}", shown.covered, shown.total))
            }
        }
    }
}

/// Whether neither the covered nor the missed are fewer.
fn holds(all: Counts, part: Counts) -> bool {
    all.covered >= part.covered && all.total - all.covered >= part.total - part.covered
}

#[cfg(test)]
mod tests {
    use super::super::READER;
    use crate::evidence::facts::Fact;
    use crate::evidence::readers::Input;

    const REPORT: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\
        <!DOCTYPE report PUBLIC \"-//JACOCO//DTD Report 1.1//EN\" \"report.dtd\">\n\
        <report name=\"app\"><sessioninfo id=\"ci-1\" start=\"1\" dump=\"2\"/>\n\
        <package name=\"com/acme\">\n\
        <class name=\"com/acme/A\" sourcefilename=\"A.java\"><method name=\"&lt;init&gt;\" desc=\"()V\" line=\"3\">\
        <counter type=\"INSTRUCTION\" missed=\"0\" covered=\"3\"/><counter type=\"LINE\" missed=\"0\" covered=\"1\"/></method>\
        <counter type=\"LINE\" missed=\"1\" covered=\"2\"/><counter type=\"BRANCH\" missed=\"1\" covered=\"1\"/></class>\n\
        <sourcefile name=\"A.java\"><line nr=\"3\" mi=\"0\" ci=\"3\" mb=\"0\" cb=\"0\"/><line nr=\"5\" mi=\"2\" ci=\"1\" mb=\"1\" cb=\"1\"/>\
        <line nr=\"9\" mi=\"4\" ci=\"0\" mb=\"0\" cb=\"0\"/><counter type=\"INSTRUCTION\" missed=\"6\" covered=\"4\"/>\
        <counter type=\"LINE\" missed=\"1\" covered=\"2\"/><counter type=\"BRANCH\" missed=\"1\" covered=\"1\"/></sourcefile>\n\
        <counter type=\"LINE\" missed=\"1\" covered=\"2\"/><counter type=\"BRANCH\" missed=\"1\" covered=\"1\"/></package>\n\
        <counter type=\"INSTRUCTION\" missed=\"6\" covered=\"4\"/><counter type=\"BRANCH\" missed=\"1\" covered=\"1\"/>\
        <counter type=\"LINE\" missed=\"1\" covered=\"2\"/></report>";
    const EXPECTED: &str = "{branch=50 % branch_covered=1 branch_total=2 line=66.66 % line_covered=2 line_total=3}";

    fn shown(text: &str) -> String {
        let facts = (READER.read)(&Input::plain("jacoco.xml", text.as_bytes()));
        facts.map_or_else(|error| error.to_string(), |facts| Fact::Group(facts).to_string())
    }

    fn refused(text: &str, why: &str) {
        assert!(shown(text).contains(why), "{}", shown(text));
    }

    /// The same without counters of a type.
    fn without(counter: &str) -> String {
        let parts = REPORT.split("<counter ").enumerate().map(|(index, part)| match part.split_once("/>") {
            Some((head, rest)) if index > 0 && head.contains(counter) => rest.to_owned(),
            _ if index > 0 => format!("<counter {part}"),
            _ => part.to_owned(),
        });
        parts.collect()
    }

    #[test]
    fn lines_and_branches_are_counted() {
        assert!((READER.looks_like)(&Input::plain("a", REPORT.as_bytes())));
        assert_eq!([shown(REPORT), shown(&without("type"))], [EXPECTED, EXPECTED]);
        let grouped =
            REPORT.replace("<package ", "<group name=\"g\"><package ").replace("</package>", "</package></group>");
        assert_eq!(shown(&grouped), EXPECTED);
        // Before 0.8.4 no class names its source file.
        assert_eq!(shown(&REPORT.replace(" sourcefilename=\"A.java\"", "")), EXPECTED);
        let tops = "<report name=\"a\"><counter type=\"LINE\" missed=\"0\" covered=\"7\"/></report>";
        assert_eq!(shown(tops), "{line=100 % line_covered=7 line_total=7}");
        // A class whose source is not known is in the sums, and in no source file.
        let sum = |text: &str| {
            text.replace(
                "missed=\"1\" covered=\"2\"/><counter type=\"BRANCH\" missed=\"1\" covered=\"1\"/></package>",
                "missed=\"5\" covered=\"2\"/></package>",
            )
        };
        let hidden = "<class name=\"B\"><counter type=\"LINE\" missed=\"4\" covered=\"0\"/></class><sourcefile";
        let hidden = sum(REPORT)
            .replace("<sourcefile", hidden)
            .replace("missed=\"1\" covered=\"2\"/></report>", "missed=\"5\" covered=\"2\"/></report>");
        assert_eq!(shown(&hidden), EXPECTED.replace("66.66 %", "28.57 %").replace("line_total=3", "line_total=7"));
    }

    #[test]
    fn a_counter_must_fit_what_it_counts() {
        refused(
            &REPORT.replace("nr=\"9\" mi=\"4\" ci=\"0\"", "nr=\"9\" mi=\"0\" ci=\"4\""),
            "line 5: counts 2 of 3 where it shows 3 of 3 lines",
        );
        refused(
            &REPORT.replace("<line nr=\"9\" mi=\"4\" ci=\"0\" mb=\"0\" cb=\"0\"/>", ""),
            "counts 2 of 3 where it shows 2 of 2 lines",
        );
        refused(
            &REPORT.replace("mb=\"1\" cb=\"1\"", "mb=\"0\" cb=\"2\""),
            "counts 1 of 2 where it shows 2 of 2 branches",
        );
        refused(
            &REPORT.replace("missed=\"1\" covered=\"2\"/></report>", "missed=\"0\" covered=\"3\"/></report>"),
            "line 7: counts 3 of 3 where it shows 2 of 3 lines",
        );
        // Branches of no line are only in the counters.
        let more = REPORT.replace("BRANCH\" missed=\"1\"", "BRANCH\" missed=\"3\"");
        assert_eq!(shown(&more), EXPECTED.replace("50 %", "25 %").replace("branch_total=2", "branch_total=4"));
    }

    #[test]
    fn what_is_no_whole_report_is_refused() {
        for (end, _) in REPORT.match_indices('>').filter(|(end, _)| end + 1 < REPORT.len()) {
            assert!(shown(&REPORT[..=end]).contains("is no well-formed XML"), "{}", &REPORT[..=end]);
        }
        refused("<report name=\"a\"/>", "holds no line");
        refused("<report name=\"a\"><counter type=\"LINE\" missed=\"0\" covered=\"0\"/></report>", "holds no line");
        refused(&REPORT.replace("missed=\"6\" ", ""), "without \"missed\"");
        refused(&REPORT.replace("ci=\"3\"", "ci=\"-3\""), "line 5: says ci=\"-3\", which is no count");
        refused(&REPORT.replace("ci=\"3\"", "ci=\"4294967296\""), "no count");
        let twice = "<counter type=\"LINE\" missed=\"0\" covered=\"1\"/>";
        refused(&REPORT.replace(twice, &twice.repeat(2)), "two counters");
        refused(&REPORT.replace("\"report.dtd\"", "\"report.dtd\" [<!ENTITY a \"b\">]"), "definition of its own");
        refused(&REPORT.replace("\"app\"", "\"&a;\""), "well-formed");
        refused(&format!("{}{}", "<report>".repeat(65), "</report>".repeat(65)), "deeper");
    }
}

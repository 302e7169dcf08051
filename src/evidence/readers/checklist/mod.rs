//! Markdown checklists: task list items as CommonMark sees them, by heading.
//!
//! Source: GitHub Flavored Markdown, "Task list items (extension)". A box inside code is no item.
//! `docs/checklists.md` tells people what is counted, and as what.

mod claims;
pub mod diff;
mod effort;
mod form;
mod item;
mod marks;
mod not_applicable;
mod outline;
mod parents;
mod reading;
mod row;

use pulldown_cmark::Parser;

pub use self::effort::Effort;
use self::form::Form;
pub use self::item::{Ballot, Item, ItemId, State, is_below, same_words};
use self::outline::Outline;
use self::reading::{Reading, Template};
pub use self::reading::{Remark, RemarkKind};
use super::markdown::{self, MAX_BYTES};
use super::{Input, ReadError, Reader, bounds};
use crate::evidence::facts::Facts;

pub(super) const READER: Reader = Reader {
    format: "checklist",
    about: "a Markdown document with task boxes: - [ ] open, - [x] done",
    facts: &[
        "open",
        "done",
        "total",
        "undecided",
        "blanks",
        "sections",
        "not_applicable",
        "verifications",
        "heading_ticks",
        "claims",
        "false_claims",
        "malformed",
        "parents",
        "parents_done",
        // Where there are any, and not too many to list.
        "by_parent",
        "effort_minutes",
        // Only beside a template.
        "pre_ticked",
        "removed",
        "added",
    ],
    looks_like,
    read,
};

/// A checklist item by item, which would be too much for facts: every entry is one statement.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Checklist {
    /// In the order of the document; an item stands before those nested in it.
    pub items: Vec<Item>,
    /// Ballot glyphs outside code (☐ ☑ ☒), in the order of the document.
    pub ballots: Vec<Ballot>,
    /// Items of the template that the document has not.
    pub removed: Vec<Item>,
    /// What to look at, by line; of a very long list the beginning.
    pub remarks: Vec<Remark>,
}

/// The items of a checklist with their ids and states, held against the template that is wanted, if any.
pub fn details(input: &Input<'_>) -> Result<Checklist, ReadError> {
    let template = template(input)?;
    let mut reading = Reading::new(template.as_ref(), true);
    let form = walk(input.bytes, &mut reading)?;
    let text = markdown::decode(input.bytes, "a checklist")?;
    let (mut line, mut counted) = (1, 0);
    for at in form.places {
        line += text.get(counted..at).unwrap_or_default().matches('\n').count();
        counted = at.max(counted);
        let begin = text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |end| end + 1);
        reading.remark(
            RemarkKind::Undecided,
            line,
            text.get(begin..).and_then(|rest| rest.lines().next()).unwrap_or_default(),
        );
    }
    reading.into_checklist()
}

fn looks_like(input: &Input<'_>) -> bool {
    let name = input.name.to_ascii_lowercase();
    (name.ends_with(".md") || name.ends_with(".markdown"))
        && bounds::decode_local(input.bytes, MAX_BYTES, "a checklist").is_ok_and(|text| text.lines().any(is_task_line))
}

fn is_task_line(line: &str) -> bool {
    let item = line.trim_start_matches([' ', '\t', '>']);
    let number = item.trim_start_matches(|c: char| c.is_ascii_digit());
    let marker: &[char] = if number.len() < item.len() { &['.', ')'] } else { &['-', '*', '+'] };
    let Some(rest) = number.strip_prefix(marker).map(str::trim_start) else { return false };
    ["[ ]", "[x]", "[X]", "☐", "☑", "☒"].iter().any(|marker| rest.starts_with(marker))
}

fn read(input: &Input<'_>) -> Result<Facts, ReadError> {
    let template = template(input)?;
    let mut reading = Reading::new(template.as_ref(), false);
    let form = walk(input.bytes, &mut reading)?;
    reading.into_facts(&form)
}

fn template(input: &Input<'_>) -> Result<Option<Template>, ReadError> {
    let Some(bytes) = input.wanted.template else { return Ok(None) };
    let mut reading = Reading::new(None, true);
    let in_template = |error: ReadError| ReadError::whole(format!("its template: {error}"));
    walk(bytes, &mut reading).map_err(in_template)?;
    let checklist = reading.into_checklist().map_err(in_template)?;
    // One without boxes would protect none.
    if checklist.items.is_empty() {
        return Err(ReadError::whole("its template holds no box"));
    }
    Ok(Some(Template::of(checklist)))
}

fn walk(bytes: &[u8], reading: &mut Reading<'_>) -> Result<Form, ReadError> {
    let text = markdown::decode(bytes, "a checklist")?;
    let mut outline = Outline::new(&text);
    let mut form = Form::default();
    for (event, range) in Parser::new_ext(&text, markdown::OPTIONS).into_offset_iter() {
        form.take(&event, text.get(range.clone()).unwrap_or_default(), range.start);
        outline.take(&event, range, reading)?;
    }
    form.end_line();
    outline.finish(reading);
    Ok(form)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::facts::Fact;
    use crate::evidence::readers::Wanted;

    fn input(text: &str) -> Input<'_> {
        Input::plain("qa.md", text.as_bytes())
    }

    fn beside<'a>(text: &'a str, template: &'a str) -> Input<'a> {
        Input { wanted: Wanted { template: Some(template.as_bytes()), ..Wanted::default() }, ..input(text) }
    }

    fn number(facts: &Facts, name: &str) -> i64 {
        match facts[name] {
            Fact::Int(count) => count,
            _ => panic!("{name} is no count"),
        }
    }

    fn counts(text: &str) -> [i64; 5] {
        let facts = read(&input(text)).unwrap();
        ["open", "done", "total", "undecided", "blanks"].map(|name| number(&facts, name))
    }

    fn fact(text: &str, name: &str) -> i64 {
        number(&read(&input(text)).unwrap(), name)
    }

    fn sections(text: &str) -> Vec<(String, String)> {
        let facts = read(&input(text)).unwrap();
        let Fact::Group(sections) = &facts["sections"] else { panic!("no sections") };
        sections.iter().map(|(path, boxes)| (path.clone(), boxes.to_string())).collect()
    }

    /// Every item as `line parent text state`.
    fn items(text: &str) -> Vec<String> {
        let checklist = details(&input(text)).unwrap();
        let parent =
            |item: &Item| item.parent.map_or("-".to_owned(), |parent| checklist.items[parent].line.to_string());
        checklist
            .items
            .iter()
            .map(|item| format!("{} {} {} {:?}", item.line, parent(item), item.text, item.state))
            .collect()
    }

    fn remarks(text: &str, kind: RemarkKind) -> Vec<usize> {
        let remarks = details(&input(text)).unwrap().remarks;
        remarks.iter().filter(|remark| remark.kind == kind).map(|remark| remark.line).collect()
    }

    #[test]
    fn boxes_count_where_markdown_sees_them() {
        assert_eq!(counts("- [ ] a\n- [x] b\n  1. [X] c\n* [ ] d\n"), [2, 2, 4, 0, 0]);
        let none =
            "```\n- [ ] a\n```\n\n    - [ ] b\n\n- [y] c\n- `[ ]` d\n-[ ] e\n\n[ ] f\n\n<pre>\n- [ ] g\n</pre>\n";
        assert_eq!(counts(none), [0; 5]);
        assert_eq!(counts("- [ ] a\n\n  ```sh\n  - [ ] no\n  ```\n- [ ] b\n"), [2, 0, 2, 0, 0]);
        assert_eq!(counts(""), [0; 5]);
        assert!(read(&Input::plain("a.md", b"- [ ] \xC0")).is_err());
    }

    #[test]
    fn sections_are_heading_paths() {
        let text =
            "- [ ] t\n# Week 1\n## Days `1`-2\n- [x] a\n### x › y\n- [ ] b\n# Week 1\n## Days  1-2\n- [ ] c\n# None\n";
        let expected = [("(top)", 1, 0), ("Week 1 › Days 1-2", 1, 1), ("Week 1 › Days 1-2 › x > y", 1, 0)];
        let expected = expected.map(|(path, open, done)| (path.to_owned(), format!("{{done={done} open={open}}}")));
        assert_eq!(sections(text), expected);
        let long = sections(&format!("# {}\n- [ ] a\n", "가".repeat(121)));
        assert_eq!(long[0].0, "가".repeat(120) + "…");
        assert_eq!(sections("# e\u{301}\n- [ ] a\n")[0].0, "é");
    }

    #[test]
    fn the_number_of_sections_is_bounded() {
        let document = |count: usize| (0..count).map(|n| format!("# {n}\n- [ ] a\n")).collect::<String>();
        assert!(read(&input(&document(300))).is_ok());
        assert!(read(&input(&document(301))).is_err());
        assert!(read(&beside("# a\n- [ ] a\n", &document(300))).is_err());
    }

    #[test]
    fn parents_roll_up_their_boxes_and_their_effort() {
        let text = "# A\n1. **Set up** (4h)\n   - [x] a\n     - [ ] b (1h)\n2. **Go** (2-3h)\n\n   - [x] c\n3. **No boxes** (9h)\n\n- [x] d (30m)\n- [ ] e\n  - [x] f (1d)\n";
        let facts = read(&input(text)).unwrap();
        assert_eq!(["parents", "parents_done"].map(|name| number(&facts, name)), [4, 1]);
        let expected = "{Go={done=1 least=120 most=180 open=0} Set up={done=1 least=240 most=240 open=1} a={done=0 open=1} e={done=1 open=0}}";
        assert_eq!(facts["by_parent"].to_string(), expected);
        // What stands below an effort is a part of it, and what has no box is nobody's task.
        let expected = "{done_least=630 done_most=690 open_least=240 open_most=240}";
        assert_eq!(facts["effort_minutes"].to_string(), expected);
        let counted = items(text);
        assert_eq!(counted[..3], ["2 - Set up (4h) Group", "3 2 a Done", "4 3 b (1h) Open"]);
        assert_eq!(details(&input(text)).unwrap().items[0].effort, Some(Effort { least: 240, most: 240 }));
    }

    #[test]
    fn parents_of_one_name_and_too_many_are_told_apart() {
        let parents = |count: usize| "1. **x**\n   - [ ] a\n".repeat(count);
        let facts = read(&input(&parents(3))).unwrap();
        let Fact::Group(listed) = &facts["by_parent"] else { panic!("no list") };
        assert_eq!(listed.keys().collect::<Vec<_>>(), ["x", "x~2", "x~3"]);
        let facts = read(&input(&parents(61))).unwrap();
        assert_eq!((number(&facts, "parents"), facts.contains_key("by_parent")), (61, false));
        let none = read(&input("- [ ] a\n")).unwrap();
        assert!(
            number(&none, "parents") == 0 && !none.contains_key("by_parent") && !none.contains_key("effort_minutes")
        );
    }

    #[test]
    fn a_box_before_a_table_is_not_lost() {
        assert_eq!(counts("- [ ] a | b\n  -|-\n- [x] c | d\n  -|-\n  e | f\n"), [1, 1, 2, 0, 0]);
        assert_eq!(items("- [ ] a | b\n  -|-\n"), ["1 - a | b Open"]);
        assert_eq!(counts("- a | b\n  -|-\n- x [ ] | b\n  -|-\n"), [0; 5]);
    }

    #[test]
    fn a_box_before_an_underlined_text_counts_above_it() {
        let text = "# A\n- [x] b\n  ===\n- [ ] c\n- [ ]\n  # d\n- # e\n  - [ ] f\n";
        assert_eq!(items(text), ["2 - b Done", "4 - c Open", "5 - d Open", "7 - e Group", "8 7 f Open"]);
        let of = |name: &str, open: u8, done: u8| (name.to_owned(), format!("{{done={done} open={open}}}"));
        assert_eq!(sections(text), [of("A", 0, 1), of("b", 2, 0), of("e", 1, 0)]);
    }

    #[test]
    fn items_stand_in_their_places() {
        let text = "# R\n\n1. **Set up** (4h)\n   - [ ] a `b` [c](d)\n     more\n\n     ```\n     - [ ] no\n     ```\n     - [x] *e*\n2. none\n   - plain\n\n**Done when** ✅:\n- [ ] f\n\n**Owner**: g\n- [ ] h\n";
        assert_eq!(
            items(text),
            ["3 - Set up (4h) Group", "4 3 a b c more Open", "10 4 e Done", "15 - f Open", "18 - h Open"]
        );
        let checklist = details(&input(text)).unwrap();
        let labels: Vec<_> = checklist.items.iter().map(|item| item.label.as_deref()).collect();
        assert_eq!(labels, [None, None, None, Some("Done when ✅"), None]);
        assert!(checklist.items.iter().all(|item| &*item.section == "R"));
    }

    #[test]
    fn marks_and_ballots_are_found_where_they_stand() {
        let text = "# R\r\n> - [ ] a\n  1. [X] 나 \\* ☑ b\n- [\t] c\n- [x] d | e\n  -|-\n\n☐ Yes **f** ☒ No\n\n| ☐ g | ☑ |\n|---|---|\n\n```\n- [ ] ☐\n```\n- `☐`\n- &amp; ☐ h\n";
        let checklist = details(&input(text)).unwrap();
        let at = |mark: usize| (text[..mark].matches('\n').count() + 1, text[mark..].chars().next().unwrap());
        let marks: Vec<_> = checklist.items.iter().map(|item| at(item.mark.unwrap())).collect();
        assert_eq!(marks, [(2, ' '), (3, 'X'), (4, '\t'), (5, 'x')]);
        assert!(checklist.items.iter().zip(&marks).all(|(item, (line, _))| item.line == *line));
        let ballots = checklist.ballots.iter();
        let ballots: Vec<_> = ballots.map(|b| (at(b.mark), b.line, b.ticked, b.text.as_str())).collect();
        let expected = [
            ((3, '☑'), 3, true, "b"),
            ((8, '☐'), 8, false, "Yes f"),
            ((8, '☒'), 8, true, "No"),
            ((10, '☐'), 10, false, "g"),
            ((10, '☑'), 10, true, ""),
            ((17, '☐'), 17, false, "h"),
        ];
        assert_eq!(ballots, expected);
        assert!(checklist.ballots.iter().all(|ballot| &*ballot.section == "R"));
    }

    #[test]
    fn labels_last_to_the_next_bold_line_rule_or_heading() {
        let labelled = |text: &str| details(&input(&format!("{text}- [ ] a\n"))).unwrap().items[0].label.is_some();
        for yes in ["**A**:\n", "**A:**\n\nSome words.\n\n", "b\n**A**:\n\n", "**B**:\n**A** ✅:\n", "> **A**:\n\n"] {
            assert!(labelled(yes), "{yes}");
        }
        for no in [
            "**A**:\n\n**B**: c\n\n",
            "**A**:\n\n---\n\n",
            "**A**:\n\n# B\n",
            "- **A**:\n\n",
            "| **A**: |\n|---|\n\n",
            "**A**\n\n",
        ] {
            assert!(!labelled(no), "{no}");
        }
    }

    #[test]
    fn an_item_that_does_not_apply_is_ticked_and_says_why() {
        let text = "- [x] ~~a~~ (n/a: no backend)\n- [ ] ~~b~~ (n/a: no backend)\n- [x] ~~c~~ (n/a)\n- [x] d\n";
        assert_eq!(counts(text), [2, 2, 4, 0, 0]);
        assert_eq!(fact(text, "not_applicable"), 1);
        assert_eq!(remarks(text, RemarkKind::NoReason), [3]);
        assert_eq!(items(text), ["1 - a NotApplicable(\"no backend\")", "2 - b Open", "3 - c Open", "4 - d Done"]);
    }

    #[test]
    fn a_ballot_glyph_alone_on_its_line_is_a_box_and_several_are_a_choice() {
        let text = "# A\n\n- ☐ one\n- ☑ two\n- ☒ three\n\n☐ four\nfive ☐\n\n| six | ☐ |\n|---|---|\n| seven | ☑ |\n\n\
                    Go: ☐ Yes ☑ No\nStop: ☐ Yes ☐ No\nwrite ☐ like this\n\n`☐ code`\n";
        let input = Input::plain("a.md", text.as_bytes());
        let facts = read(&input).unwrap();
        let counts = ["open", "done", "total", "undecided"].map(|name| facts[name].to_string());
        assert_eq!(counts, ["4", "3", "7", "6"]);
        assert_eq!(facts["sections"].to_string(), "{A={done=3 open=4}}");
        let items = details(&input).unwrap().items;
        assert!(items.iter().all(|item| item.is_ballot && item.mark.is_none()));
        let named: Vec<(usize, &str, bool)> = items.iter().map(|item| (item.line, &*item.text, item.ticked)).collect();
        assert_eq!(
            named[..5],
            [(3, "one", false), (4, "two", true), (5, "three", true), (7, "four", false), (8, "five", false)]
        );
        assert_eq!(remarks(text, RemarkKind::Undecided), [3, 7, 8, 10, 15, 16]);
        // What a template ticks, and what is gone, is open here as well.
        let gone = text.replace("- ☐ one\n", "");
        let wanted = super::super::Wanted { template: Some(text.as_bytes()), ..Default::default() };
        let facts = read(&Input { name: "a.md", bytes: gone.as_bytes(), wanted }).unwrap();
        let counts = ["open", "done", "pre_ticked", "removed"].map(|name| facts[name].to_string());
        assert_eq!(counts, ["7", "0", "3", "1"]);
    }

    #[test]
    fn printed_verifications_are_no_results() {
        let text = "**Verification**: ✅ a\n\n- **Verification:** ‚úÖ b\n\n| **Verification**: ✅ c |\n|---|\n\n**Verification**: d\n\nVerification: ✅ e\n\n    **Verification**: ✅ f\n";
        assert_eq!(fact(text, "verifications"), 3);
        assert_eq!(remarks(text, RemarkKind::Verification), [1, 3, 5]);
        assert_eq!(counts(text), [0; 5]);
    }

    #[test]
    fn a_ticked_heading_ticks_nothing_below_it() {
        let ticks = |text: &str| remarks(text, RemarkKind::HeadingTick);
        assert_eq!(ticks("# A ✅\n- [x] a\n## B\n- [ ] b\n# C ✅\n- [x] c\n"), [1]);
        assert_eq!(ticks("# A\n\n**B** ‚úÖ:\n- [ ] b\n\n**C** ✅:\n- [x] c\n\n**D** \u{F8FF}üìã:\n- [ ] d\n"), [3]);
        assert_eq!(ticks("# A ✅\n- [x] ~~a~~ (n/a)\n"), [1]);
        assert_eq!(ticks("# A ☑\n# B\n- [ ] b\n# C ⚠️\n- [ ] c\n"), [0; 0]);
        assert_eq!(fact("# A ✅\n## B ✅\n- [ ] b\n", "heading_ticks"), 2);
    }

    #[test]
    fn claims_are_held_against_arithmetic_and_their_box() {
        let text = "### 96% Complete (25/26 tasks)\n\n- [x] All (25/26 = 96%)\n- [ ] Half (1/2)\n- [x] 56/56 tests\n\nTests 5/5\n(100%) `6/7 tests`\n\n| (3/2) |\n|---|\n\n```\n(9/8)\n```\n";
        assert_eq!([fact(text, "claims"), fact(text, "false_claims")], [7, 2]);
        assert_eq!(remarks(text, RemarkKind::FalseClaim), [3, 10]);
    }

    #[test]
    fn boxes_markdown_does_not_see_are_counted_apart() {
        let text = "- [] a\n- [ ] b\n  [ ] c\n- [x]d\n-[ ] e\n\n[ ] f\n\n- [ ] [ ] g\n\n| [ ] h |\n|---|\n\n- \\[ ] i\n- `[ ]` j\n- [x](k)\n- [1] l\n\n# [ ] m\n\nn\n2) [ ] o\n";
        assert_eq!(remarks(text, RemarkKind::Malformed), [1, 3, 4, 5, 7, 11, 14, 19, 22]);
        assert_eq!(counts(text)[..2], [2, 0]);
        assert_eq!(fact(text, "malformed"), 9);
        let without_text = "-    [x]\na\n\n      - [ ] b\n- [ ] \n  c\n- [ ]";
        assert_eq!(remarks(without_text, RemarkKind::Malformed), [1, 5, 7]);
        assert_eq!(counts(without_text)[..2], [1, 1]);
    }

    #[test]
    fn a_template_takes_away_what_was_ticked_before() {
        let template = "# A\n- [x] a\n- [ ] b\n- [x] c\n- [ ] d\n# B\n- [ ] e\n";
        let filled = "# A ✅\n- [x] A\n- [x] b\n- [ ] c\n- [x] ~~d~~ (n/a: not here)\n- [x] f\n# B\n";
        let facts = read(&beside(filled, template)).unwrap();
        let names = ["open", "done", "total", "not_applicable", "pre_ticked", "removed", "added", "heading_ticks"];
        // Open are a, which nobody ticked since; c; and e, which is gone.
        assert_eq!(names.map(|name| number(&facts, name)), [3, 3, 6, 1, 1, 1, 1, 1]);
        assert_eq!(facts["sections"].to_string(), "{A ✅={done=3 open=2} B={done=0 open=1}}");
        let checklist = details(&beside(filled, template)).unwrap();
        assert_eq!(checklist.items[0].state, State::PreTicked);
        assert_eq!(checklist.removed[0].text, "e");
    }

    #[test]
    fn without_a_template_nothing_is_said_of_it() {
        let facts = read(&input("- [x] a\n")).unwrap();
        assert!(["pre_ticked", "removed", "added"].iter().all(|name| !facts.contains_key(*name)));
        assert!(READER.facts.iter().filter(|name| facts.contains_key(**name)).count() == facts.len());
        for (template, why) in [
            ("", "its template holds no box"),
            ("# A\n", "its template holds no box"),
            (&*"> ".repeat(500), "its template: line 1: lists or quotes nest beyond column 400"),
        ] {
            assert_eq!(read(&beside("- [x] a\n", template)).unwrap_err().to_string(), why);
        }
    }

    #[test]
    fn a_template_matches_by_name_and_not_by_place() {
        let facts = |text, template| {
            let facts = read(&beside(text, template)).unwrap();
            ["open", "done", "pre_ticked", "removed", "added"].map(|name| number(&facts, name))
        };
        assert_eq!(facts("- [x] b\n- [x] a\n", "- [ ] a\n- [ ] b\n"), [0, 2, 0, 0, 0]);
        assert_eq!(facts("- [x] a\n- [x] a\n", "- [x] a\n- [ ] a\n"), [1, 1, 1, 0, 0]);
        assert_eq!(facts("# A\n- [x] a\n", "# B\n- [ ] a\n"), [1, 1, 0, 1, 1]);
        assert_eq!(facts("- [x] a < 1\n", "- [ ] a > 1\n"), [1, 1, 0, 1, 1]);
        let same = "- [x] a\n- [ ] b\n";
        assert_eq!(facts(same, same), [2, 0, 1, 0, 0]);
    }

    #[test]
    fn hostile_nesting_is_read_or_refused_quickly() {
        for unit in
            ["[", "![", "*_", "`", "<", "<!--", "a\n> ", "**", "# \n", "**a**:\n", "- [ ] (n/a\n", "[]\n", "1/1"]
        {
            assert!(read(&input(&unit.repeat(1_000_000 / unit.len()))).is_ok(), "{unit}");
        }
        for unit in ["> ", "- ", "1. ", "\t- "] {
            assert!(read(&input(&unit.repeat(50))).is_ok(), "{unit}");
            assert!(read(&input(&unit.repeat(500_000))).is_err(), "{unit}");
            assert!(read(&input(&format!("\r{}", unit.repeat(500)))).is_err(), "{unit}");
        }
        assert!(read(&input(&" ".repeat(MAX_BYTES + 1))).is_err());
    }

    #[test]
    fn counting_has_no_bound_and_listing_has() {
        let many = "- [ ] a\n".repeat(50_001);
        assert_eq!(fact(&many, "open"), 50_001);
        assert_eq!(details(&input(&many)).unwrap_err().to_string(), "line 50001: is item 50001: split the document");
        assert!(read(&beside("- [ ] a\n", &many)).is_err());
        assert_eq!(details(&input(&"[]\n".repeat(1_001))).unwrap().remarks.len(), 1_000);
    }

    #[test]
    fn looks_like_needs_the_name_and_a_box() {
        let looks = |name, text: &str| looks_like(&Input::plain(name, text.as_bytes()));
        assert!(looks("QA.MD", "# a\n  1. [x] b\n"));
        assert!(looks("qa.markdown", "- [ ] b"));
        assert!(!looks("qa.md", "[ ] b\n- b [ ]"));
        assert!(!looks("qa.txt", "- [ ] b"));
    }
}

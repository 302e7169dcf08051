//! Text output of ApacheBench: what was asked, how fast, how much of it failed.
//!
//! Source: `output_results` in `support/ab.c` of Apache httpd 2.4 and trunk. An interrupted run prints its
//! results too, so a run counts only where nothing says that it broke off.

use super::bounds::{self, short};
use super::{Input, ReadError, Reader};
use crate::evidence::facts::{Fact, Facts, INTEGER_LIMIT};
use crate::evidence::quantity::Quantity;

pub(super) const READER: Reader = Reader {
    format: "apache-bench",
    about: "the text output of ab, with its table of percentiles",
    facts: &[
        "requests_complete",
        "requests_failed",
        "non_2xx",
        "requests_per_second_mean",
        "time_per_request_mean",
        "latency_p50",
        "latency_p66",
        "latency_p75",
        "latency_p80",
        "latency_p90",
        "latency_p95",
        "latency_p98",
        "latency_p99",
        "latency_p100",
        "concurrency",
        "host",
        "document_path",
    ],
    looks_like,
    read,
};

fn looks_like(input: &Input<'_>) -> bool {
    let head = bounds::head(input.bytes);
    head.lines().any(|line| line.starts_with("This is ApacheBench, Version "))
        || (head.lines().any(|line| line.starts_with("Document Path: "))
            && head.lines().any(|line| line.starts_with("Complete requests: ")))
}

fn read(input: &Input<'_>) -> Result<Facts, ReadError> {
    let text = bounds::decode_local(input.bytes, bounds::MAX_BYTES, "the output of ab")?;
    let mut run = Run::default();
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.is_empty()) {
        run.take(line.trim_end()).map_err(|message| ReadError::at(number, message))?;
    }
    run.into_facts().map_err(ReadError::whole)
}

/// What the labelled lines say, in their own digits.
#[derive(Default)]
struct Run<'t> {
    host: Option<&'t str>,
    path: Option<&'t str>,
    concurrency: Option<i64>,
    /// In milliseconds.
    taken: Option<i64>,
    complete: Option<i64>,
    failed: Option<i64>,
    /// The sum of the causes ab lists below failed requests.
    causes: Option<i64>,
    non_2xx: Option<i64>,
    /// In hundredths of a request.
    per_second: Option<i64>,
    /// In microseconds, the first of the two lines: what one client waits.
    per_request: Option<i64>,
    across: Option<i64>,
    percentiles: Vec<i64>,
    /// It told of its progress, and that it had come to its end.
    began: bool,
    finished: Option<i64>,
}

impl<'t> Run<'t> {
    fn take(&mut self, line: &'t str) -> Result<(), String> {
        if is_broken_off(line) {
            return Err("the run broke off here: bring the output of a whole one".to_owned());
        }
        if let Some(finished) = line.strip_prefix("Finished ").and_then(|rest| rest.strip_suffix(" requests")) {
            return once(&mut self.finished, fixed(finished, 0), "Finished");
        }
        self.began |= line.starts_with("Completed ") && line.ends_with(" requests");
        if let Some((percent, time)) = line.trim_start().split_once('%').filter(|_| line.starts_with(' ')) {
            return self.percentile(percent, time);
        }
        let Some((label, value)) = line.split_once(':').map(|(label, value)| (label, value.trim())) else {
            return Ok(());
        };
        match label {
            "Server Hostname" => once(&mut self.host, Some(value), label),
            "Document Path" => once(&mut self.path, Some(value), label),
            "Concurrency Level" => once(&mut self.concurrency, fixed(value, 0), label),
            "Time taken for tests" => once(&mut self.taken, fixed_before(value, " seconds", 3), label),
            "Complete requests" => once(&mut self.complete, fixed(value, 0), label),
            "Failed requests" => once(&mut self.failed, fixed(value, 0), label),
            "Non-2xx responses" => once(&mut self.non_2xx, fixed(value, 0), label),
            "   (Connect" => once(&mut self.causes, causes(value), "(Connect"),
            "Requests per second" => once(&mut self.per_second, fixed_before(value, " [#/sec] (mean)", 2), label),
            "Time per request" if value.ends_with(ACROSS) => {
                once(&mut self.across, fixed_before(value, ACROSS, 3), label)
            }
            "Time per request" => once(&mut self.per_request, fixed_before(value, " [ms] (mean)", 3), label),
            _ => Ok(()),
        }
    }

    /// `  50%     17` and, at last, ` 100%    120 (longest request)`.
    fn percentile(&mut self, percent: &str, time: &str) -> Result<(), String> {
        let expected = PERCENTILES.get(self.percentiles.len()).copied().unwrap_or_default();
        if percent != expected {
            return Err(format!("has {}% where ab's table has {expected}%", short(percent)));
        }
        let time = time.trim();
        let time = time.strip_suffix(" (longest request)").unwrap_or(time);
        let time = fixed(time, 0).ok_or_else(|| format!("{:?} is no time in milliseconds", short(time)))?;
        if self.percentiles.last().is_some_and(|last| *last > time) {
            return Err(format!("says that {percent}% took less time than fewer did"));
        }
        self.percentiles.push(time);
        Ok(())
    }

    fn into_facts(self) -> Result<Facts, String> {
        let missing = |label: &str| format!("has no line {label:?}: bring the whole output of ab");
        let complete = self.complete.ok_or_else(|| missing("Complete requests"))?;
        if complete == 0 {
            return Err("completed no request: a run of nothing proves nothing".to_owned());
        }
        if self.finished.map_or(self.began, |finished| finished != complete) {
            return Err(format!("tells of its progress, and not that all {complete} requests were finished"));
        }
        let failed = self.failed.ok_or_else(|| missing("Failed requests"))?;
        let concurrency = self.concurrency.ok_or_else(|| missing("Concurrency Level"))?;
        let taken = self.taken.ok_or_else(|| missing("Time taken for tests"))?;
        let per_second = self.per_second.ok_or_else(|| missing("Requests per second"))?;
        let per_request = self.per_request.ok_or_else(|| missing("Time per request"))?;
        let across = self.across.ok_or_else(|| missing("Time per request, across all concurrent requests"))?;
        if self.percentiles.len() < PERCENTILES.len() {
            return Err("has no whole table of percentiles: bring all of ab's output, without -d".to_owned());
        }
        if failed == 0 && self.causes.is_some_and(|causes| causes > 0) {
            return Err("says that no request failed, and lists the causes of failures".to_owned());
        }
        let agree = is_product(per_second, taken, complete, 100 * 1000)
            && is_quotient(per_request, taken, concurrency, complete)
            && is_quotient(across, taken, 1, complete);
        if !agree {
            let message = "has means that do not follow from its requests, its concurrency and the time taken";
            return Err(message.to_owned());
        }
        let counts = [
            ("requests_complete", complete),
            ("requests_failed", failed),
            ("non_2xx", self.non_2xx.unwrap_or_default()),
            ("concurrency", concurrency),
        ];
        let mut facts: Facts = counts.map(|(name, count)| (name.to_owned(), Fact::Int(count))).into();
        let means =
            [("requests_per_second_mean", per_second, 2, "1/s"), ("time_per_request_mean", per_request, 3, "ms")];
        for (name, digits, places, unit) in means {
            facts.insert(name.to_owned(), measured(digits, places, unit)?);
        }
        for (percent, time) in PERCENTILES.iter().zip(self.percentiles) {
            facts.insert(format!("latency_p{percent}"), measured(time, 0, "ms")?);
        }
        for (name, label, text) in
            [("host", "Server Hostname", self.host), ("document_path", "Document Path", self.path)]
        {
            let text = text.ok_or_else(|| missing(label))?;
            facts.insert(name.to_owned(), bounds::fact(label, text)?);
        }
        Ok(facts)
    }
}

/// `Total of 12 requests completed` stands where the results of a whole run would, and APR's own errors
/// (`apr_socket_recv: Connection reset by peer (104)`) above it. After Ctrl-C trunk says so; 2.4 only leaves
/// out that it is done, and not even that on standard output alone. Fewer requests than asked for are the only
/// trace then, so a rule names how many it wants.
fn is_broken_off(line: &str) -> bool {
    line.starts_with("Total of ")
        || line.starts_with("apr_")
        || (line.starts_with("Finished ") && line.ends_with(" (interrupted)"))
        || (line.starts_with("Benchmarking ") && line.contains(" (be patient)...") && !line.ends_with("..done"))
}

/// A label stands once; twice means two runs, whose numbers must not be mixed.
fn once<T>(slot: &mut Option<T>, value: Option<T>, label: &str) -> Result<(), String> {
    let value = value.ok_or_else(|| format!("has no value that ab would write behind {label:?}"))?;
    match slot.replace(value) {
        Some(_) => Err(format!("says {label:?} a second time: bring every run as a file of its own")),
        None => Ok(()),
    }
}

/// The digits of a decimal with exactly so many places, without its point.
fn fixed(text: &str, places: usize) -> Option<i64> {
    let (whole, part) = if places == 0 { (text, "") } else { text.split_once('.')? };
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || part.len() != places || !digits(whole) || !digits(part) {
        return None;
    }
    format!("{whole}{part}").parse().ok().filter(|number| *number <= INTEGER_LIMIT)
}

fn fixed_before(text: &str, unit: &str, places: usize) -> Option<i64> {
    fixed(text.strip_suffix(unit)?, places)
}

/// `0, Receive: 0, Length: 5, Exceptions: 0)`, added up.
fn causes(list: &str) -> Option<i64> {
    let counts =
        list.strip_suffix(')')?.split(", ").map(|part| fixed(part.rsplit_once(' ').map_or(part, |(_, n)| n), 0));
    counts.sum()
}

/// Whether two rounded decimals make the whole number, each allowed half of its last place.
fn is_product(one: i64, other: i64, whole: i64, scale: i128) -> bool {
    let (one, other, whole) = (2 * i128::from(one), 2 * i128::from(other), 4 * scale * i128::from(whole));
    (one - 1) * (other - 1) <= whole && whole <= (one + 1) * (other + 1)
}

/// Whether a rounded mean is `share` times the time taken, divided by the requests. The mean is in
/// microseconds, the time in milliseconds.
fn is_quotient(mean: i64, taken: i64, share: i64, requests: i64) -> bool {
    let (mean, taken) = (2 * i128::from(mean), 2 * i128::from(taken));
    let (share, requests) = (1000 * i128::from(share), i128::from(requests));
    (mean - 1) * requests <= (taken + 1) * share && (taken - 1) * share <= (mean + 1) * requests
}

fn measured(digits: i64, places: usize, unit: &str) -> Result<Fact, String> {
    let text = format!("{digits:0>width$}", width = places + 1);
    let (whole, part) = text.split_at_checked(text.len() - places).unwrap_or((&text, ""));
    let decimal = if part.is_empty() { whole.to_owned() } else { format!("{whole}.{part}") };
    let quantity = Quantity::of(&decimal, unit).ok_or_else(|| format!("{decimal} has too many digits"))?;
    Ok(Fact::from(&quantity))
}

const ACROSS: &str = " [ms] (mean, across all concurrent requests)";
const PERCENTILES: [&str; 9] = ["50", "66", "75", "80", "90", "95", "98", "99", "100"];

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: &str = "This is ApacheBench, Version 2.3 <$Revision: 1903618 $>\n\
        Copyright 1996 Adam Twiss, Zeus Technology Ltd, http://www.zeustech.net/\n\
        \n\
        Benchmarking stage.acme.example (be patient)\nCompleted 100 requests\nFinished 1000 requests\n\n\n\
        Server Software:        nginx/1.24.0\n\
        Server Hostname:        stage.acme.example\n\
        Server Port:            443\n\
        SSL/TLS Protocol:       TLSv1.3,TLS_AES_256_GCM_SHA384,256,256\n\n\
        Document Path:          /api/health?a=b:c\n\
        Document Length:        15 bytes\n\n\
        Concurrency Level:      10\n\
        Time taken for tests:   2.013 seconds\n\
        Complete requests:      1000\n\
        Failed requests:        0\n\
        Total transferred:      205000 bytes\n\
        HTML transferred:       15000 bytes\n\
        Requests per second:    496.77 [#/sec] (mean)\n\
        Time per request:       20.130 [ms] (mean)\n\
        Time per request:       2.013 [ms] (mean, across all concurrent requests)\n\
        Transfer rate:          99.45 [Kbytes/sec] received\n\n\
        Connection Times (ms)\n              min  mean[+/-sd] median   max\n\
        Connect:        2    4   1.1      4      11\n\
        Processing:     5   16   9.7     13     109\n\
        Waiting:        5   15   9.6     12     108\n\
        Total:          8   20   9.9     17     120\n\n\
        Percentage of the requests served within a certain time (ms)\n  \
          50%     17\n  66%     20\n  75%     22\n  80%     24\n  90%     31\n  95%     39\n  98%     52\n  99%     61\n \
         100%    120 (longest request)\n";

    fn run(text: &str) -> Result<Facts, ReadError> {
        read(&Input::plain("ab.txt", text.as_bytes()))
    }

    fn refused(text: &str, why: &str) {
        let error = run(text).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }

    #[test]
    fn a_whole_run_gives_exact_facts() {
        let expected = "{concurrency=10 document_path=/api/health?a=b:c host=stage.acme.example latency_p100=120 ms \
            latency_p50=17 ms latency_p66=20 ms latency_p75=22 ms latency_p80=24 ms latency_p90=31 ms latency_p95=39 ms \
            latency_p98=52 ms latency_p99=61 ms non_2xx=0 requests_complete=1000 requests_failed=0 \
            requests_per_second_mean=496.77 1/s time_per_request_mean=20.13 ms}";
        assert_eq!(Fact::Group(run(RUN).unwrap()).to_string(), expected);
        assert_eq!(run(&RUN.replace('\n', "\r\n")), run(RUN));
        let facts = run(RUN).unwrap();
        assert!(READER.facts.iter().all(|name| facts.contains_key(*name)) && facts.len() == READER.facts.len());
    }

    #[test]
    fn failures_are_counted_and_must_not_contradict() {
        let causes = "Failed requests:        7\n   (Connect: 0, Receive: 2, Length: 5, Exceptions: 0)\nWrite errors:           1\n\
            Non-2xx responses:      4\n";
        let facts = run(&RUN.replace("Failed requests:        0\n", causes)).unwrap();
        assert_eq!((&facts["requests_failed"], &facts["non_2xx"]), (&Fact::Int(7), &Fact::Int(4)));
        refused(&RUN.replace("Failed requests:        0\n", &causes.replace("   7\n", "   0\n")), "lists the causes");
        refused(&RUN.replace("tests:   2.013", "tests:   2.213"), "do not follow");
        refused(&RUN.replace("20.130", "10.130"), "do not follow");
        refused(&RUN.replace(" 2.013 [ms]", " 2.214 [ms]"), "do not follow");
        refused(&RUN.replace("1000", "2000"), "do not follow");
    }

    #[test]
    fn a_run_that_broke_off_is_refused() {
        let (start, _) = RUN.split_once("\n\n\nServer").unwrap();
        let reset = "\napr_socket_recv: Connection reset by peer (104)\nTotal of 2 requests completed\n";
        refused(&format!("{start}{reset}"), "line 7: the run broke off");
        refused(&format!("{start}\nTotal of 2 requests completed\n"), "line 7: the run broke off");
        let quiet = RUN.replace("\nCompleted 100 requests\nFinished 1000 requests", ".....done");
        assert_eq!(run(&quiet), run(RUN));
        for end in [".....interrupted", "...^C"] {
            refused(&quiet.replace(".....done", end), "line 4: the run broke off");
        }
        refused(&RUN.replace("1000 requests", "1000 requests (interrupted)"), "line 6: the run broke off");
        refused(&RUN.replace("Finished 1000", "Finished 900"), "tells of its progress");
        refused(&RUN.replace("Finished 1000 requests\n", ""), "tells of its progress");
        assert_eq!(run(&RUN.replace("Completed 100 requests\nFinished 1000 requests\n", "")), run(RUN));
        // Cut anywhere, it is no longer a run.
        for (end, _) in RUN.match_indices('\n').filter(|(end, _)| end + 1 < RUN.len()) {
            assert!(run(&RUN[..end]).is_err(), "{}", &RUN[..end]);
        }
        refused(&RUN.replace("1000\n", "0\n"), "completed no request");
        refused(start, "no line \"Complete requests\"");
    }

    #[test]
    fn what_ab_would_not_write_is_refused() {
        refused(&format!("{RUN}{RUN}"), "line 50: says \"Finished\" a second time");
        refused(&RUN.replace("  66%     20\n", ""), "has 75% where ab's table has 66%");
        refused(&RUN.replace("66%     20", "66%     10"), "took less time");
        refused(&RUN.replace("66%     20", "66%     2x"), "no time in milliseconds");
        refused(
            &RUN.replace(" (longest request)\n", " (longest request)\n 100%    121 (longest request)\n"),
            "where ab's",
        );
        for (good, bad) in
            [("10\nTime", "ten\nTime"), ("2.013 seconds", "2.013"), ("496.77", "4.9e2"), ("496.77", "-496.77")]
        {
            refused(&RUN.replace(good, bad), "no value that ab would write");
        }
        refused(&RUN.replace("/api/health", &"/a".repeat(1000)), "1 to 1000 are read");
        let huge = RUN.replace("1000\n", "9007199254740993\n");
        refused(&huge, "no value that ab would write");
        assert!(run(&RUN.replace("1000\n", "9007199254740992\n")).is_err());
        refused("<table ><tr ><th colspan=2>Complete requests:</th></table>", "no line");
        assert!(run("").is_err());
    }

    #[test]
    fn looks_like_needs_the_banner_or_the_results() {
        let looks = |text: &str| looks_like(&Input::plain("a.txt", text.as_bytes()));
        assert!(looks(RUN) && looks(RUN.split_once("\n\n\n").unwrap().1));
        assert!(!looks("see ab, This is ApacheBench, Version 2") && !looks("Complete requests: 1"));
    }
}

//! The report as a person reads it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::report::Report;

/// So many problems are shown; the report in JSON lists more.
const SHOWN: usize = 20;

const COLUMNS: [&str; 7] = ["read", "taken", "already there", "changed", "refused", "not understood", "not reached"];

/// The whole report as text.
pub fn table(report: &Report) -> String {
    let mut text = String::new();
    let name_width = report.resources.keys().map(String::len).max().unwrap_or_default().max("resource".len());
    line(&mut text, name_width, "resource", &COLUMNS.map(str::to_owned));
    for (name, counts) in &report.resources {
        let counts =
            [counts.read, counts.taken, counts.already_there, counts.changed, counts.refused, counts.not_understood, counts.not_reached].map(|n| n.to_string());
        line(&mut text, name_width, name, &counts);
    }
    let files = report.files.len();
    let _ = writeln!(text, "\n{} lines or entries in {files} file{}; every one is counted here once.", report.items, if files == 1 { "" } else { "s" });
    let _ = writeln!(text, "{:.1} seconds, {:.0} resources a second.", report.seconds, report.a_second());
    let changed: u64 = report.resources.values().map(|counts| counts.changed).sum();
    if changed > 0 {
        let _ = writeln!(text, "{changed} differ from what was imported of them before, and were not amended: what was imported before still holds.");
    }
    if report.registered_unidentified > 0 {
        let _ = writeln!(text, "{} patients are known by reference only and were registered as unidentified.", report.registered_unidentified);
    }
    if report.blank > 0 {
        let _ = writeln!(text, "  {:>8}  blank", report.blank);
    }
    list(&mut text, "Not a FHIR R4 resource", &report.no_resource);
    list(&mut text, "No place for these resources yet", &report.not_yet);
    list(&mut text, "Taken, but not in all", &report.in_part);
    list(&mut text, "Taken and flagged", &report.flagged);
    list(&mut text, "Left out, for a rule that they break", &report.left_out);
    list(&mut text, "No place for these fields yet", &report.not_kept);
    problems(&mut text, report);
    if report.other_files > 0 {
        let _ = writeln!(text, "\n{} other files or folders are no NDJSON or JSON and were not read.", report.other_files);
    }
    if report.not_surveyed > 0 {
        let _ = writeln!(text, "\n{} more came into the input while it was read and were not taken: run the same import again.", report.not_surveyed);
    }
    if report.interrupted {
        text.push_str("\nInterrupted: run the same import again to go on; nothing is taken twice.\n");
    }
    text
}

fn line(text: &mut String, name_width: usize, name: &str, values: &[String; COLUMNS.len()]) {
    let _ = write!(text, "{name:<name_width$}");
    for (value, column) in values.iter().zip(COLUMNS) {
        let _ = write!(text, "  {value:>width$}", width = column.len());
    }
    text.push('\n');
}

fn list(text: &mut String, title: &str, counts: &BTreeMap<String, u64>) {
    if counts.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n{title}:");
    for (name, count) in counts {
        let _ = writeln!(text, "  {count:>8}  {name}");
    }
}

fn problems(text: &mut String, report: &Report) {
    let grave: Vec<_> = report.problems.values().filter(|problem| !matches!(problem.kind, "flagged")).collect();
    if grave.is_empty() {
        return;
    }
    text.push_str("\nTo look at:\n");
    for problem in grave.iter().take(SHOWN) {
        let said = [
            problem.resource.as_deref(),
            problem.command.as_deref(),
            Some(problem.kind),
            problem.code.as_deref(),
            problem.path.as_deref(),
            problem.rule.as_deref(),
        ];
        let said: Vec<&str> = said.into_iter().flatten().collect();
        let _ = writeln!(text, "  {} {}: {}", problem.file, problem.item, said.join(" "));
    }
    let more = u64::try_from(grave.len().saturating_sub(SHOWN)).unwrap_or_default() + report.problems_not_listed;
    if more > 0 {
        let _ = writeln!(text, "  and {more} more; --report FILE lists them.");
    }
}

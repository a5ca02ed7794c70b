//! What happened to a clinical fact.

use domain::records::{Change, Content, What};
use domain::{Label, Phi};

use super::Entry;
use super::words::{Detail, code, detail, phi, reason};

/// The patient's entry.
pub(super) fn entry(change: &Change) -> Entry {
    let kind = change.kind.name().replace('-', " ");
    let (summary, details) = match &change.what {
        What::Recorded { content, security, screening } => {
            let flagged =
                screening.as_ref().map(|screening| detail("Screening", phi(screening, |screening| words(screening.checked, screening.conflicts.len()))));
            let acknowledged = screening.as_ref().and_then(Phi::known).and_then(|screening| screening.acknowledged.as_ref());
            let acknowledged = acknowledged.map(|reason| detail("Acknowledged", reason.as_str()));
            (format!("Recorded: the {kind} {}", title(content)), [said(content), labels(security), flagged, acknowledged])
        }
        What::Amended { content, security, reason: why, .. } => {
            (format!("Amended: the {kind} {}", title(content)), [said(content), labels(security), reason("Reason", Some(why)), None])
        }
        What::EnteredInError { reason: why } => (format!("Entered in error: the {kind}"), [reason("Reason", Some(why)), None, None, None]),
    };
    let fact = detail("Fact", format!("{}/{}", change.kind.resource_type(), change.fact));
    Entry { patient: change.patient, summary, details: std::iter::once(fact).chain(details.into_iter().flatten()).collect() }
}

fn title(content: &Phi<Content>) -> String {
    phi(content, |content| content.title().unwrap_or("without a name").to_owned())
}

/// Who says so.
fn said(content: &Phi<Content>) -> Option<Detail> {
    let asserter = content.known()?.asserter()?;
    let words = asserter.display.as_ref().map(|display| display.as_str().to_owned()).or_else(|| Some(asserter.reference.as_ref()?.as_str().to_owned()));
    words.map(|words| detail("Asserted by", words))
}

fn labels(security: &[Label]) -> Option<Detail> {
    (!security.is_empty()).then(|| detail("Security labels", security.iter().map(code).collect::<Vec<_>>().join(", ")))
}

fn words(checked: bool, conflicts: usize) -> String {
    let found = match conflicts {
        0 => "no conflict found".to_owned(),
        1 => "one conflict found".to_owned(),
        more => format!("{more} conflicts found"),
    };
    if checked { found } else { format!("{found}; not all could be checked") }
}

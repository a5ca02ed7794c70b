//! An access record as `AuditEvent`, as IHE's Basic Audit Log Patterns have it (<https://profiles.ihe.net/ITI/BALP/>): a read or a query, of one patient or of
//! none or several. What was refused follows FHIR's own advice and no pattern: the patterns are of what succeeded. Neither does what asked for nothing.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, SecondsFormat, Utc};
use domain::PatientId;
use domain::access::{AccessAnswered, AccessOutcome, AccessRecorded, Origin, PurposeOfUse};
use serde_json::{Value, json};
use uuid::Uuid;

const BALP: &str = "https://profiles.ihe.net/ITI/BALP";
const DCM: &str = "http://dicom.nema.org/resources/ontology/DCM";
/// Says of an answer that it never went out (`no`), or is not known to have (`unknown`); of any other nothing.
const ANSWERED: &str = "urn:carelog:answered";
const TERMINOLOGY: &str = "http://terminology.hl7.org/CodeSystem";

/// An access record, with what the log says of it.
pub struct AuditRow<'record> {
    /// Its id.
    pub id: Uuid,
    /// Where it is in the access log.
    pub position: i64,
    /// When it was recorded.
    pub recorded: DateTime<Utc>,
    /// What the one who looked was to the tenant, separated by commas.
    pub role: &'record str,
    /// What they saw.
    pub access: &'record AccessRecorded,
    /// Whether the answer went out.
    pub answered: Option<AccessAnswered>,
}

/// What begins the operations that ask for nothing: a command, an import, a token that was made.
const ASK_NOTHING: [&str; 3] = ["command ", "import ", "token "];

/// What sort of interaction it was.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pattern<'record> {
    /// One resource of this type, by its id.
    Read(&'record str),
    /// Any other question.
    Query,
    /// No question.
    Neither,
}

impl AuditRow<'_> {
    /// The resource.
    pub fn resource(&self) -> Value {
        let access = self.access;
        let pattern = self.pattern();
        let recorded = self.recorded.to_rfc3339_opts(SecondsFormat::Micros, true);
        let mut meta = json!({ "versionId": self.position.to_string(), "lastUpdated": recorded });
        let mut audit = json!({
            "resourceType": "AuditEvent",
            "id": self.id,
            "type": coding(&format!("{TERMINOLOGY}/audit-event-type"), "rest", "Restful Operation"),
            "subtype": self.interactions(pattern).map(|code| coding("http://hl7.org/fhir/restful-interaction", code, code)).collect::<Vec<_>>(),
            "action": if matches!(pattern, Pattern::Read(_)) { "R" } else { "E" },
            "recorded": recorded,
            "outcome": if access.outcome == AccessOutcome::Refused { "4" } else { "0" },
            "outcomeDesc": access.in_words(self.role),
            "purposeOfEvent": [purpose(access.purpose)],
            "agent": self.agents(pattern),
            "source": {
                "observer": { "display": "Carelog" },
                "type": [coding(&format!("{TERMINOLOGY}/security-source-type"), "4", "Application Server")],
            },
            "entity": self.entities(pattern),
        });
        if let Some(profile) = self.profile(pattern) {
            meta["profile"] = json!([profile]);
        }
        if let Some(answered) = self.answered.filter(|answered| *answered != AccessAnswered::Yes) {
            audit["extension"] = json!([{ "url": ANSWERED, "valueCode": answered.code() }]);
        }
        audit["meta"] = meta;
        audit
    }

    fn pattern(&self) -> Pattern<'_> {
        let operation = self.access.operation.as_str();
        if ASK_NOTHING.iter().any(|beginning| operation.starts_with(beginning)) {
            return Pattern::Neither;
        }
        let read = match operation {
            "download document" | "download document by link" => Some("DocumentReference"),
            _ => operation.strip_prefix("fhir read "),
        };
        // A read that found nothing, or was not answered, has no resource.
        read.filter(|_| self.access.outcome == AccessOutcome::Shown).map_or(Pattern::Query, Pattern::Read)
    }

    fn profile(&self, pattern: Pattern<'_>) -> Option<String> {
        let of_one = self.access.patients.len() == 1;
        let name = match (pattern, of_one) {
            _ if self.access.outcome == AccessOutcome::Refused => return None,
            (Pattern::Neither, _) => return None,
            (Pattern::Read(_), true) => "PatientRead",
            (Pattern::Read(_), false) => "Read",
            (Pattern::Query, true) => "PatientQuery",
            (Pattern::Query, false) => "Query",
        };
        Some(format!("{BALP}/StructureDefinition/IHE.BasicAudit.{name}"))
    }

    /// The codes of the interaction: a read has one of IHE's for reads, a query one of those for searches, whatever else it is.
    fn interactions(&self, pattern: Pattern<'_>) -> impl Iterator<Item = &'static str> {
        let codes: &[&str] = match pattern {
            Pattern::Read(_) => &["read"],
            Pattern::Query if self.access.operation.starts_with("fhir search ") => &["search-type"],
            Pattern::Query => &["search", "operation"],
            Pattern::Neither => &["operation"],
        };
        codes.iter().copied()
    }

    /// In a read the data flow from the server to the client; in a query the question flows from the client to the server.
    fn agents(&self, pattern: Pattern<'_>) -> Value {
        let [from, to] = [concept(DCM, "110153", "Source Role ID"), concept(DCM, "110152", "Destination Role ID")];
        let (client, server) = if matches!(pattern, Pattern::Read(_)) { (to, from) } else { (from, to) };
        let unknown = Origin::default();
        let origin = self.access.origin.known().unwrap_or(&unknown);
        let network = origin.address.as_ref().map_or_else(not_known, |address| json!({ "address": address, "type": "2" }));
        // A client may say that it is nothing; FHIR has no empty texts.
        let agent = origin.agent.as_deref().map(str::trim).filter(|agent| !agent.is_empty());
        let who = agent.map_or_else(unknown_client, |agent| json!({ "display": agent }));
        json!([
            { "type": client, "who": who, "requestor": false, "network": network },
            { "type": server, "who": { "display": "Carelog" }, "requestor": false, "network": not_known() },
            self.user(),
        ])
    }

    fn user(&self) -> Value {
        let access = self.access;
        let mut who = json!({ "identifier": { "system": "urn:ietf:rfc:3986", "value": format!("urn:uuid:{}", access.user) } });
        let themself = access.practitioner.map(|id| format!("Practitioner/{id}")).or_else(|| access.own_patient.map(|id| format!("Patient/{id}")));
        if let Some(reference) = themself {
            who["reference"] = reference.into();
        }
        let roles: Vec<Value> = self.role.split(',').filter(|role| !role.is_empty()).map(|role| json!({ "text": role })).collect();
        let mut user = json!({
            "type": concept(&format!("{TERMINOLOGY}/v3-ParticipationType"), "IRCP", "information recipient"),
            "who": who,
            "requestor": true,
            "policy": [format!("urn:carelog:policy:{}", access.policy)],
            "purposeOfUse": [purpose(access.purpose)],
        });
        if !roles.is_empty() {
            user["role"] = roles.into();
        }
        user
    }

    fn entities(&self, pattern: Pattern<'_>) -> Vec<Value> {
        let object = coding(&format!("{TERMINOLOGY}/audit-entity-type"), "2", "System Object");
        let subject = match pattern {
            Pattern::Read(name) => json!({
                "type": object, "role": coding(&format!("{TERMINOLOGY}/object-role"), "4", "Domain Resource"), "what": self.what_was_read(name),
            }),
            Pattern::Query | Pattern::Neither => json!({
                "type": object, "role": coding(&format!("{TERMINOLOGY}/object-role"), "24", "Query"),
                "description": self.access.operation, "query": STANDARD.encode(self.question()),
            }),
        };
        let request = json!({
            "type": coding(&format!("{BALP}/CodeSystem/BasicAuditEntityType"), "XrequestId", "X-Request-Id"),
            "what": { "identifier": { "value": self.access.request } },
        });
        self.access.patients.iter().copied().map(patient).chain([subject, request]).collect()
    }

    /// Which resource was read; its type alone, where the caller is not told what was looked for.
    fn what_was_read(&self, name: &str) -> Value {
        let criteria = self.access.criteria.as_ref().and_then(|criteria| criteria.known()).and_then(|criteria| serde_json::from_str::<Value>(criteria).ok());
        let id = criteria.as_ref().and_then(|criteria| criteria["id"].as_str().or_else(|| criteria["document"].as_str()));
        match id {
            Some(id) => json!({ "reference": format!("{name}/{id}"), "type": name }),
            None => json!({ "type": name, "display": name }),
        }
    }

    /// What was looked for; the operation alone, where the caller is not told.
    fn question(&self) -> &str {
        self.access.criteria.as_ref().and_then(|criteria| criteria.known()).filter(|criteria| !criteria.is_empty()).unwrap_or(&self.access.operation)
    }
}

fn patient(patient: PatientId) -> Value {
    json!({
        "what": { "reference": format!("Patient/{patient}"), "type": "Patient" },
        "type": coding(&format!("{TERMINOLOGY}/audit-entity-type"), "1", "Person"),
        "role": coding(&format!("{TERMINOLOGY}/object-role"), "1", "Patient"),
    })
}

fn coding(system: &str, code: &str, display: &str) -> Value {
    json!({ "system": system, "code": code, "display": display })
}

fn concept(system: &str, code: &str, display: &str) -> Value {
    json!({ "coding": [coding(system, code, display)] })
}

fn purpose(purpose: PurposeOfUse) -> Value {
    json!({ "coding": [{ "system": format!("{TERMINOLOGY}/v3-ActReason"), "code": purpose.code() }] })
}

/// What must be there, and is not known.
fn not_known() -> Value {
    json!({ "extension": [{ "url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown" }] })
}

/// A reference that names nobody wants words at least.
fn unknown_client() -> Value {
    let mut client = not_known();
    client["display"] = "unknown".into();
    client
}

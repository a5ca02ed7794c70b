//! An access record as `AuditEvent`, as IHE's Basic Audit Log Patterns have it (<https://profiles.ihe.net/ITI/BALP/>): a read or a query, of one patient or of
//! none or several. What was refused follows FHIR's own advice and no pattern: the patterns are of what succeeded.

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

/// What sort of interaction it was.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pattern {
    /// One resource by its id.
    Read,
    /// Anything else.
    Query,
}

impl AuditRow<'_> {
    /// The resource.
    pub fn resource(&self) -> Value {
        let access = self.access;
        let pattern = if self.read_of().is_some() { Pattern::Read } else { Pattern::Query };
        let recorded = self.recorded.to_rfc3339_opts(SecondsFormat::Micros, true);
        let mut meta = json!({ "versionId": self.position.to_string(), "lastUpdated": recorded });
        let mut audit = json!({
            "resourceType": "AuditEvent",
            "id": self.id,
            "type": coding(&format!("{TERMINOLOGY}/audit-event-type"), "rest", "Restful Operation"),
            "subtype": [self.interaction(pattern)],
            "action": if pattern == Pattern::Read { "R" } else { "E" },
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
        if access.outcome != AccessOutcome::Refused {
            meta["profile"] = json!([self.profile(pattern)]);
        }
        if let Some(answered) = self.answered.filter(|answered| *answered != AccessAnswered::Yes) {
            audit["extension"] = json!([{ "url": ANSWERED, "valueCode": answered.code() }]);
        }
        audit["meta"] = meta;
        audit
    }

    /// The type that was read, of `fhir read <Type>`.
    fn read_of(&self) -> Option<&str> {
        // A read that found nothing, or was not answered, has no resource.
        (self.access.outcome == AccessOutcome::Shown).then(|| self.access.operation.strip_prefix("fhir read ")).flatten()
    }

    fn profile(&self, pattern: Pattern) -> String {
        let of_one = self.access.patients.len() == 1;
        let name = match (pattern, of_one) {
            (Pattern::Read, true) => "PatientRead",
            (Pattern::Read, false) => "Read",
            (Pattern::Query, true) => "PatientQuery",
            (Pattern::Query, false) => "Query",
        };
        format!("{BALP}/StructureDefinition/IHE.BasicAudit.{name}")
    }

    fn interaction(&self, pattern: Pattern) -> Value {
        let code = match pattern {
            Pattern::Read => "read",
            Pattern::Query if self.access.operation.starts_with("fhir search ") => "search-type",
            Pattern::Query => "operation",
        };
        coding("http://hl7.org/fhir/restful-interaction", code, code)
    }

    /// In a read the data flow from the server to the client; in a query the question flows from the client to the server.
    fn agents(&self, pattern: Pattern) -> Value {
        let [from, to] = [concept(DCM, "110153", "Source Role ID"), concept(DCM, "110152", "Destination Role ID")];
        let (client, server) = if pattern == Pattern::Read { (to, from) } else { (from, to) };
        let unknown = Origin::default();
        let origin = self.access.origin.known().unwrap_or(&unknown);
        let network = origin.address.as_ref().map_or_else(not_known, |address| json!({ "address": address, "type": "2" }));
        let who = origin.agent.as_ref().map_or_else(not_known, |agent| json!({ "display": agent }));
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

    fn entities(&self, pattern: Pattern) -> Vec<Value> {
        let object = coding(&format!("{TERMINOLOGY}/audit-entity-type"), "2", "System Object");
        let subject = match (pattern, self.read_of()) {
            (Pattern::Read, Some(name)) => json!({
                "type": object, "role": coding(&format!("{TERMINOLOGY}/object-role"), "4", "Domain Resource"), "what": self.what_was_read(name),
            }),
            _ => json!({
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
        match criteria.as_ref().and_then(|criteria| criteria["id"].as_str()) {
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

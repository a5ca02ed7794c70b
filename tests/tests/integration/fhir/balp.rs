//! What IHE's Basic Audit Log Patterns ask of an `AuditEvent` beyond FHIR: the cardinalities, fixed codes and slices of the profiles `IHE.BasicAudit.Read`,
//! `PatientRead`, `Query` and `PatientQuery`, as published (<https://profiles.ihe.net/ITI/BALP/1.1.4/artifacts.html>). Every slicing in them is open.
//! HL7's validator (`validator.rs`) says the same, and takes longer.

use serde_json::{Value, json};

pub const PROFILE: &str = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.";
const DCM: &str = "http://dicom.nema.org/resources/ontology/DCM";
const PARTICIPATION: &str = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType";
const ENTITY_TYPE: &str = "http://terminology.hl7.org/CodeSystem/audit-entity-type";
const OBJECT_ROLE: &str = "http://terminology.hl7.org/CodeSystem/object-role";
const INTERACTION: &str = "http://hl7.org/fhir/restful-interaction";
const REQUEST_ID: (&str, &str) = ("https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType", "XrequestId");

/// What differs between the profiles.
struct Profile {
    name: &'static str,
    action: &'static str,
    /// One of these is a subtype; others may stand beside it.
    interactions: &'static [&'static str],
    client: &'static str,
    server: &'static str,
    /// The roles that the one system object may have.
    roles: &'static [&'static str],
    /// What the system object must, and must not, have.
    must: &'static [&'static str],
    must_not: &'static [&'static str],
    /// The fewest entities.
    entities: usize,
    /// Whether there is exactly one patient.
    patient: bool,
}

const READ: Profile = Profile {
    name: "Read",
    action: "R",
    interactions: &["read", "vread"],
    client: "110152",
    server: "110153",
    roles: &["4", "3", "20"],
    must: &["what"],
    must_not: &[],
    entities: 1,
    patient: false,
};

const QUERY: Profile = Profile {
    name: "Query",
    action: "E",
    interactions: &["search", "search-type", "search-system"],
    client: "110153",
    server: "110152",
    roles: &["24"],
    must: &["query"],
    must_not: &["what", "lifecycle", "detail"],
    entities: 1,
    patient: false,
};

const PROFILES: [Profile; 4] =
    [READ, Profile { name: "PatientRead", entities: 2, patient: true, ..READ }, QUERY, Profile { name: "PatientQuery", patient: true, ..QUERY }];

fn list<'value>(of: &'value Value, field: &str) -> &'value [Value] {
    of[field].as_array().map_or(&[], Vec::as_slice)
}

fn is(coding: &Value, system: &str, code: &str) -> bool {
    coding["system"] == system && coding["code"] == code
}

fn of_type<'value>(agents: &'value [Value], system: &str, code: &str) -> Vec<&'value Value> {
    agents.iter().filter(|agent| list(&agent["type"], "coding").iter().any(|coding| is(coding, system, code))).collect()
}

/// What breaks the profile that the resource claims; of one that claims none, nothing.
pub fn violations(audit: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for claimed in list(&audit["meta"], "profile") {
        let name = claimed.as_str().and_then(|claimed| claimed.strip_prefix(PROFILE)).unwrap_or_default();
        match PROFILES.iter().find(|profile| profile.name == name) {
            Some(profile) => profile.check(audit, &mut found),
            None => found.push(format!("{claimed} is no profile of those")),
        }
    }
    found
}

impl Profile {
    fn check(&self, audit: &Value, found: &mut Vec<String>) {
        let mut must = |holds: bool, rule: &str| found.extend((!holds).then(|| format!("{}: {rule}", self.name)));
        must(is(&audit["type"], "http://terminology.hl7.org/CodeSystem/audit-event-type", "rest"), "type is rest");
        let subtypes = list(audit, "subtype");
        must(!subtypes.is_empty(), "subtype 1..");
        let interactions = subtypes.iter().filter(|subtype| self.interactions.iter().any(|interaction| is(subtype, INTERACTION, interaction)));
        must(interactions.count() == 1, "one interaction of those 1..1");
        must(audit["action"] == self.action, "action is fixed");
        must(audit["recorded"].is_string(), "recorded 1..1");
        must(audit["outcome"] == "0", "outcome is success");

        let agents = list(audit, "agent");
        must(agents.len() >= 2, "agent 2..");
        for (slice, code) in [("client", self.client), ("server", self.server)] {
            let slices = of_type(agents, DCM, code);
            let whole = |agent: &&Value| agent["who"].is_object() && agent["network"].is_object() && agent.get("media").is_none();
            must(slices.len() == 1 && slices.iter().all(whole), &format!("agent[{slice}] 1..1, with who and network, without media"));
        }
        let users = of_type(agents, PARTICIPATION, "IRCP");
        let whole = |agent: &&Value| agent["who"].is_object() && agent["requestor"] == true && agent.get("media").is_none() && agent.get("network").is_none();
        must(users.len() <= 1 && users.iter().all(whole), "agent[user] 0..1, with who, requestor, without media and network");

        let entities = list(audit, "entity");
        must(entities.len() >= self.entities, "entity");
        let requests: Vec<&Value> = entities.iter().filter(|entity| is(&entity["type"], REQUEST_ID.0, REQUEST_ID.1)).collect();
        must(
            requests.len() <= 1 && requests.iter().all(|entity| entity["what"]["identifier"]["value"].is_string()),
            "entity[transaction] 0..1, with its identifier",
        );
        let objects: Vec<&Value> = entities.iter().filter(|entity| is(&entity["type"], ENTITY_TYPE, "2")).collect();
        let whole = |entity: &&Value| {
            self.roles.iter().any(|role| is(&entity["role"], OBJECT_ROLE, role))
                && self.must.iter().all(|field| entity.get(*field).is_some())
                && self.must_not.iter().all(|field| entity.get(*field).is_none())
        };
        must(objects.len() == 1 && objects.iter().all(whole), "entity[data] or entity[query] 1..1, with its role and fields");
        if self.patient {
            let patients: Vec<&Value> = entities.iter().filter(|entity| is(&entity["type"], ENTITY_TYPE, "1")).collect();
            let whole = |entity: &&Value| {
                let reference = entity["what"]["reference"].as_str().unwrap_or_default();
                is(&entity["role"], OBJECT_ROLE, "1") && reference.starts_with("Patient/")
            };
            must(patients.len() == 1 && patients.iter().all(whole), "entity[patient] 1..1, of that role, with a reference to a Patient");
        }
    }
}

/// FHIR's own rules that its JSON schema does not say.
pub fn breaks_fhir(audit: &Value) -> Vec<&'static str> {
    let rules = [
        (list(audit, "agent").iter().all(|agent| agent["requestor"].is_boolean()), "agent.requestor 1..1"),
        (audit["source"]["observer"].is_object(), "source.observer 1..1"),
        (list(audit, "entity").iter().all(|entity| entity.get("name").is_none() || entity.get("query").is_none()), "sev-1: a name or a query, not both"),
    ];
    rules.into_iter().filter_map(|(holds, rule)| (!holds).then_some(rule)).collect()
}

/// Everything that can be taken away from, or added to, a valid resource so that it is not valid any more.
pub fn broken(audit: &Value) -> Vec<Value> {
    let mut broken = Vec::new();
    for (path, value) in [
        ("/type/code", json!("object")),
        ("/subtype", json!([])),
        ("/subtype/0/code", json!("operation")),
        ("/action", json!("C")),
        ("/recorded", Value::Null),
        ("/outcome", json!("4")),
        ("/agent/0/network", Value::Null),
        ("/agent/1/who", Value::Null),
        ("/agent/0/type/coding/0/code", json!("110150")),
        ("/agent/2/requestor", json!(false)),
        ("/entity", json!([])),
    ] {
        let mut changed = audit.clone();
        *changed.pointer_mut(path).unwrap_or_else(|| panic!("there is no {path}")) = value;
        broken.push(changed);
    }
    for index in 0..list(audit, "entity").len() {
        let mut twice = audit.clone();
        let again = twice["entity"][index].clone();
        twice["entity"].as_array_mut().unwrap().push(again);
        broken.push(twice);
    }
    broken
}

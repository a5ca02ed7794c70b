//! The policies as they are written, and the engine that decides by them.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, LazyLock};

use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityId, EntityTypeName, EntityUid, PolicyId, PolicySet, Request, RestrictedExpression, Schema,
};
use dashmap::DashMap;
use domain::access::PurposeOfUse;
use domain::{Label, Permission, Role};

use super::facts::Facts;
use super::fields::{PROTECTED_FIELDS, ProtectedField};
use crate::decisions::Policy;

/// What the policies speak of.
pub(super) const SCHEMA: &str = include_str!("../../policies/carelog.cedarschema");
/// The policies, by their files.
pub(super) const POLICIES: [&str; 4] = [
    include_str!("../../policies/roles.cedar"),
    include_str!("../../policies/sensitive.cedar"),
    include_str!("../../policies/wishes.cedar"),
    include_str!("../../policies/fields.cedar"),
];

/// How many rulings are kept; beyond, they are made anew.
const RULINGS_AT_MOST: usize = 1 << 16;

/// What is asked of the policies.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Action {
    /// To use a permission.
    Use(Permission),
    /// To see what bears a sensitive label.
    Open(Label),
    /// To know that something is there.
    KnowOf,
    /// To ask for a purpose.
    Ask,
    /// To see a field of those that not everybody sees, by its name in GraphQL.
    SeeField(&'static str),
}

impl Action {
    /// As the policies name it.
    pub(crate) fn name(self) -> String {
        match self {
            Self::Use(permission) => permission.name().to_owned(),
            Self::Open(_) => "open".to_owned(),
            Self::KnowOf => "know-of".to_owned(),
            Self::Ask => "ask".to_owned(),
            Self::SeeField(_) => "see-field".to_owned(),
        }
    }
}

/// One question to the policies.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Question {
    /// In which roles the caller asks.
    pub(crate) roles: BTreeSet<Role>,
    /// Why they ask.
    pub(crate) purpose: PurposeOfUse,
    /// What for.
    pub(crate) action: Action,
    /// What they are to what they ask for.
    pub(crate) facts: Facts,
}

/// What the policies say.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Ruling {
    /// Whether it is allowed.
    pub(crate) allowed: bool,
    /// The policies that made it so; none where nothing permits it.
    pub(crate) policies: Vec<String>,
}

struct Engine {
    schema: Schema,
    policies: PolicySet,
    fields: Vec<Entity>,
    authorizer: Authorizer,
    /// Of every question there is one answer, so it is asked once.
    rulings: DashMap<Question, Arc<Ruling>>,
}

/// The engine. A test holds that what it is made of reads and is valid, so no caller meets the panic.
static ENGINE: LazyLock<Engine> = LazyLock::new(|| Engine::new().expect("the policies read"));

impl Engine {
    fn new() -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let (schema, _) = Schema::from_cedarschema_str(SCHEMA)?;
        Ok(Self { policies: policies()?, fields: fields()?, schema, authorizer: Authorizer::new(), rulings: DashMap::new() })
    }

    fn rule(&self, question: &Question) -> Result<Ruling, Box<dyn std::error::Error>> {
        let caller = uid("User", "caller")?;
        let roles = question.roles.iter().map(|role| uid("Role", role.name())).collect::<Result<HashSet<_>, _>>()?;
        let mut entities: Vec<Entity> = roles.iter().map(|role| Entity::new_no_attrs(role.clone(), HashSet::new())).collect();
        entities.push(Entity::new_no_attrs(caller.clone(), roles));
        let resource = if let Action::SeeField(field) = question.action {
            entities.extend(self.fields.iter().cloned());
            uid("Field", field)?
        } else {
            let record = uid("Record", "record")?;
            let attributes = question.facts.named().map(|(name, holds)| (name.to_owned(), RestrictedExpression::new_bool(holds)));
            entities.push(Entity::new(record.clone(), HashMap::from(attributes), HashSet::new())?);
            record
        };
        let mut context = vec![("purpose".to_owned(), RestrictedExpression::new_string(question.purpose.code().to_owned()))];
        if let Action::Open(label) = question.action {
            context.push(("label".to_owned(), RestrictedExpression::new_string(label.code().to_owned())));
        }
        let action = uid("Action", &question.action.name())?;
        let request = Request::new(caller, action, resource, Context::from_pairs(context)?, Some(&self.schema))?;
        let entities = Entities::from_entities(entities, Some(&self.schema))?;
        let response = self.authorizer.is_authorized(&request, &self.policies, &entities);
        let mut policies: Vec<String> = response.diagnostics().reason().map(ToString::to_string).collect();
        policies.sort();
        Ok(Ruling { allowed: response.decision() == Decision::Allow, policies })
    }
}

fn uid(of: &str, id: &str) -> Result<EntityUid, cedar_policy::ParseErrors> {
    Ok(EntityUid::from_type_name_and_id(of.parse::<EntityTypeName>()?, EntityId::new(id)))
}

/// The fields that not everybody sees, each in its group, and the groups.
fn fields() -> Result<Vec<Entity>, cedar_policy::ParseErrors> {
    let groups: BTreeSet<&str> = PROTECTED_FIELDS.iter().map(|field| field.group).collect();
    let field = |field: &ProtectedField| Ok(Entity::new_no_attrs(uid("Field", field.graphql)?, HashSet::from([uid("FieldGroup", field.group)?])));
    let groups = groups.into_iter().map(|group| Ok(Entity::new_no_attrs(uid("FieldGroup", group)?, HashSet::new())));
    PROTECTED_FIELDS.iter().map(field).chain(groups).collect()
}

/// Every policy, known by its annotation `id`.
fn policies() -> Result<PolicySet, Box<dyn std::error::Error + Send + Sync>> {
    let mut all = PolicySet::new();
    for written in POLICIES {
        for policy in written.parse::<PolicySet>()?.policies() {
            let id = policy.annotation("id").ok_or("a policy has no id")?;
            all.add(policy.new_id(PolicyId::new(id)))?;
        }
    }
    Ok(all)
}

/// What the policies say to a question. A question that cannot be put is refused.
pub(crate) fn ask(question: Question) -> Arc<Ruling> {
    if let Some(known) = ENGINE.rulings.get(&question) {
        return Arc::clone(&known);
    }
    let ruling = ENGINE.rule(&question).unwrap_or_else(|error| {
        tracing::error!(action = question.action.name(), %error, "the policies cannot be asked");
        Ruling { allowed: false, policies: Vec::new() }
    });
    let ruling = Arc::new(ruling);
    if ENGINE.rulings.len() >= RULINGS_AT_MOST {
        ENGINE.rulings.clear();
    }
    ENGINE.rulings.insert(question, Arc::clone(&ruling));
    ruling
}

/// What policies say, by their ids; of a text that does not read, nothing.
pub(crate) fn read(text: &str) -> BTreeMap<String, Policy> {
    let Ok(policies) = text.parse::<PolicySet>() else { return BTreeMap::new() };
    let said = |policy: &cedar_policy::Policy| {
        let annotated = |key| policy.annotation(key).unwrap_or_default().to_owned();
        let id = annotated("id");
        (id.clone(), Policy { id, description: annotated("description"), text: policy.to_string() })
    };
    policies.policies().map(said).collect()
}

/// Whether what patients say of others can close a permission: whether it is in the group `see`.
#[cfg(test)]
pub(super) fn wishes_can_close(permission: Permission) -> bool {
    let actions = ENGINE.schema.action_entities().unwrap();
    actions.is_ancestor_of(&uid("Action", "see").unwrap(), &uid("Action", permission.name()).unwrap())
}

#[cfg(test)]
mod tests {
    use cedar_policy::{ValidationMode, Validator};

    use super::*;

    #[test]
    fn the_policies_read_and_are_valid_by_their_schema() {
        let (schema, warnings) = Schema::from_cedarschema_str(SCHEMA).unwrap();
        assert_eq!(warnings.count(), 0);
        let result = Validator::new(schema).validate(&policies().unwrap(), ValidationMode::Strict);
        assert!(result.validation_passed_without_warnings(), "{result}");
    }

    #[test]
    fn every_group_of_fields_is_one_that_a_policy_names() {
        for field in &PROTECTED_FIELDS {
            assert!(POLICIES[3].contains(&format!("FieldGroup::\"{}\"", field.group)), "{}", field.group);
        }
    }

    #[test]
    fn every_policy_says_what_it_is_for() {
        for policy in policies().unwrap().policies() {
            assert!(policy.annotation("description").is_some_and(|text| text.ends_with('.')), "{}", policy.id());
        }
    }

    #[test]
    fn every_permission_is_an_action_and_every_question_can_be_put() {
        let actions = Permission::ALL.into_iter().map(Action::Use).chain(Label::ALL.into_iter().chain([Label::Unknown]).map(Action::Open));
        let fields = PROTECTED_FIELDS.iter().map(|field| Action::SeeField(field.graphql));
        for action in actions.chain(fields).chain([Action::KnowOf, Action::Ask]) {
            let question = Question { roles: Role::ALL.into(), purpose: PurposeOfUse::Treatment, action, facts: Facts::default() };
            ENGINE.rule(&question).unwrap_or_else(|error| panic!("{action:?}: {error}"));
        }
    }
}

//! Which logs and which witnesses are believed, and how many of these are enough: a file as C2SP `tlog-policy` has it.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use crate::checkpoint::{is_log_key, is_witness_key};

/// A trust policy. The empty one knows no log and asks for no witness.
#[derive(Clone, Default, Debug)]
pub struct TrustPolicy {
    /// The keys of logs.
    pub logs: Vec<String>,
    /// The witnesses by name.
    witnesses: BTreeMap<String, Witness>,
    groups: BTreeMap<String, Group>,
    quorum: Option<String>,
}

/// A witness.
#[derive(Clone, Debug)]
pub(crate) struct Witness {
    /// Its key.
    pub(crate) key: String,
    /// Where it takes checkpoints; a policy that only verifies needs none.
    pub(crate) url: Option<String>,
}

#[derive(Clone, Debug)]
struct Group {
    enough: usize,
    members: Vec<String>,
}

/// A line of a policy does not read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PolicyError {
    /// What is wrong on which line, from 1.
    #[error("line {line}: {problem}")]
    Line {
        /// The line.
        line: usize,
        /// What is wrong.
        problem: &'static str,
    },
    /// There is not exactly one line that says how many witnesses are enough.
    #[error("a policy has one line `quorum <name>` or `quorum none`")]
    Quorum,
}

impl TrustPolicy {
    /// One that believes the log of a key, and asks for no witness.
    pub fn of_log(key: String) -> Self {
        Self { logs: vec![key], ..Self::default() }
    }

    /// Whether the witnesses of these keys are enough.
    pub fn is_satisfied_by(&self, keys: &[String]) -> bool {
        self.quorum.as_ref().is_none_or(|quorum| self.witnessed(quorum, keys))
    }

    /// The keys of all witnesses.
    pub fn witness_keys(&self) -> Vec<String> {
        self.witnesses.values().map(|witness| witness.key.clone()).collect()
    }

    pub(crate) fn witnesses(&self) -> impl Iterator<Item = &Witness> {
        self.witnesses.values()
    }

    fn witnessed(&self, name: &str, keys: &[String]) -> bool {
        match (self.witnesses.get(name), self.groups.get(name)) {
            (Some(witness), _) => keys.contains(&witness.key),
            (None, Some(group)) => group.members.iter().filter(|member| self.witnessed(member, keys)).count() >= group.enough,
            (None, None) => false,
        }
    }

    fn is_defined(&self, name: &str) -> bool {
        self.witnesses.contains_key(name) || self.groups.contains_key(name)
    }
}

impl FromStr for TrustPolicy {
    type Err = PolicyError;

    fn from_str(text: &str) -> Result<Self, PolicyError> {
        let mut policy = Self::default();
        let (mut quorums, mut members_of_any) = (0, BTreeSet::new());
        for (line, words) in (1..).zip(text.lines()) {
            let words: Vec<&str> = words.split([' ', '\t']).filter(|word| !word.is_empty()).collect();
            let problem = |problem| PolicyError::Line { line, problem };
            match words.as_slice() {
                [] => {}
                [first, ..] if first.starts_with('#') => {}
                ["log", key] | ["log", key, _] => {
                    if !is_log_key(key) {
                        return Err(problem("the log's key does not read"));
                    }
                    policy.logs.push((*key).to_owned());
                }
                ["witness", name, key, url @ ..] if url.len() <= 1 => {
                    if !is_witness_key(key) {
                        return Err(problem("the witness's key does not read, or is not one for cosignatures"));
                    }
                    if policy.is_defined(name) || *name == "none" || policy.witnesses.values().any(|witness| witness.key == *key) {
                        return Err(problem("the name or the key is there already"));
                    }
                    policy.witnesses.insert((*name).to_owned(), Witness { key: (*key).to_owned(), url: url.first().map(|url| (*url).to_owned()) });
                }
                ["group", name, enough, members @ ..] => {
                    let enough = match *enough {
                        "all" => members.len(),
                        "any" => 1,
                        number => number.parse().map_err(|_| problem("how many are enough is all, any or a number"))?,
                    };
                    if enough == 0 || enough > members.len() {
                        return Err(problem("a group has as many members as are enough"));
                    }
                    if policy.is_defined(name) || *name == "none" {
                        return Err(problem("the name is there already"));
                    }
                    if !members.iter().all(|member| policy.is_defined(member) && members_of_any.insert((*member).to_owned())) {
                        return Err(problem("a member is a witness or a group of a line before, and a member once"));
                    }
                    policy.groups.insert((*name).to_owned(), Group { enough, members: members.iter().map(|member| (*member).to_owned()).collect() });
                }
                ["quorum", name] => {
                    quorums += 1;
                    if *name != "none" {
                        if !policy.is_defined(name) {
                            return Err(problem("the quorum is a witness or a group of a line before, or none"));
                        }
                        policy.quorum = Some((*name).to_owned());
                    }
                }
                _ => return Err(problem("a line is log, witness, group or quorum")),
            }
        }
        if quorums == 1 { Ok(policy) } else { Err(PolicyError::Quorum) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::cosigner_key;

    fn witness(seed: u8) -> String {
        cosigner_key(&format!("w{seed}.example"), &ed25519_dalek::SigningKey::from_bytes(&[seed; 32]).verifying_key())
    }

    #[test]
    fn enough_is_what_the_groups_say() {
        let [a, b, c, d] = [1, 2, 3, 4].map(witness);
        let text = format!("witness a {a}\nwitness b {b}\nwitness c {c} https://c.example/\nwitness d {d}\ngroup x 2 a b c\ngroup all all x d\nquorum all\n");
        let policy: TrustPolicy = text.parse().unwrap();
        assert!(policy.is_satisfied_by(&[a.clone(), c.clone(), d.clone()]));
        assert!(!policy.is_satisfied_by(&[a.clone(), d.clone()]));
        assert!(!policy.is_satisfied_by(&[a, b, c]));
        assert!("quorum none".parse::<TrustPolicy>().unwrap().is_satisfied_by(&[]));
    }

    #[test]
    fn a_witness_counts_in_one_place() {
        let [a, b] = [1, 2].map(witness);
        let text = format!("witness a {a}\nwitness b {b}\ngroup x any a b\ngroup y any a\nquorum x");
        assert!(matches!(text.parse::<TrustPolicy>(), Err(PolicyError::Line { line: 4, .. })));
        let text = format!("witness a {a}\nwitness b {a}\nquorum a");
        assert!(matches!(text.parse::<TrustPolicy>(), Err(PolicyError::Line { line: 2, .. })));
    }

    #[test]
    fn a_line_that_does_not_read_is_named() {
        for (text, line) in [("log x\nquorum none", 1), ("\n# x\nwitness a b", 3), ("quorum x", 1), ("group g 2 a", 1), ("other", 1)] {
            let Err(PolicyError::Line { line: found, .. }) = text.parse::<TrustPolicy>() else { panic!("{text}") };
            assert_eq!(found, line, "{text}");
        }
        assert_eq!("".parse::<TrustPolicy>().unwrap_err(), PolicyError::Quorum);
        assert_eq!("quorum none\nquorum none".parse::<TrustPolicy>().unwrap_err(), PolicyError::Quorum);
    }
}

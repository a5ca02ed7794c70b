//! What code systems know of each other, as far as decisions need it. Injected: the domain holds no code system.

use std::collections::{BTreeSet, HashMap};

/// Relations between codes.
#[derive(Clone, Default)]
pub struct Terminology {
    ingredients: HashMap<(String, String), BTreeSet<String>>,
}

impl Terminology {
    /// Knows that a medication's or a substance's code has these ingredients.
    #[must_use]
    pub fn with_ingredients(mut self, system: &str, code: &str, ingredients: &[&str]) -> Self {
        let ingredients = ingredients.iter().map(|ingredient| (*ingredient).to_owned());
        self.ingredients.entry((system.to_owned(), code.to_owned())).or_default().extend(ingredients);
        self
    }

    /// The ingredients of a medication or a substance; `None` where they are not known.
    pub fn ingredients(&self, system: &str, code: &str) -> Option<&BTreeSet<String>> {
        self.ingredients.get(&(system.to_owned(), code.to_owned()))
    }
}

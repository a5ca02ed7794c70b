//! What a literal reference says, before it is looked up (FHIR R4, section 2.3.0.1).

/// A literal reference, taken apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Literal<'reference> {
    /// An entry of a bundle, by its URN.
    Urn(&'reference str),
    /// A conditional reference by identifier: `Patient?identifier=<system>|<value>`.
    Identified { name: &'reference str, system: &'reference str, value: &'reference str },
    /// A resource by its type and id, and of a server where it names one: `[<base>/]Patient/7[/_history/3]`.
    Resource { base: Option<&'reference str>, name: &'reference str, id: &'reference str },
}

impl<'reference> Literal<'reference> {
    /// Takes it apart; `None` where it is nothing of that, such as `#contained`.
    pub(crate) fn of(reference: &'reference str) -> Option<Self> {
        if reference.starts_with("urn:") {
            return Some(Self::Urn(reference));
        }
        if let Some((name, query)) = reference.split_once('?') {
            let (system, value) = query.strip_prefix("identifier=")?.split_once('|')?;
            return Some(Self::Identified { name, system, value });
        }
        let path = reference.split_once("/_history/").map_or(reference, |(path, _)| path);
        let (rest, id) = path.rsplit_once('/')?;
        let (base, name) = rest.rsplit_once('/').map_or((None, rest), |(base, name)| (Some(base), name));
        (!id.is_empty() && base.is_none_or(|base| base.contains("://"))).then_some(Self::Resource { base, name, id })
    }

    /// The type that it names.
    pub(crate) fn name(self) -> Option<&'reference str> {
        match self {
            Self::Urn(_) => None,
            Self::Identified { name, .. } | Self::Resource { name, .. } => Some(name),
        }
    }
}

/// The base of the server where a full URL says that a resource of this type and id is.
pub(crate) fn base_of<'url>(full_url: &'url str, resource_type: &str, id: &str) -> Option<&'url str> {
    match Literal::of(full_url)? {
        Literal::Resource { base, name, id: of_url } if name == resource_type && of_url == id => base,
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_reference_is_taken_apart() {
        let resource = |base| Some(Literal::Resource { base, name: "Patient", id: "7" });
        assert_eq!(Literal::of("Patient/7"), resource(None));
        assert_eq!(Literal::of("Patient/7/_history/3"), resource(None));
        assert_eq!(Literal::of("https://example.org/fhir/Patient/7/_history/3"), resource(Some("https://example.org/fhir")));
        assert_eq!(Literal::of("urn:uuid:7"), Some(Literal::Urn("urn:uuid:7")));
        assert_eq!(Literal::of("Patient?identifier=urn:s|7"), Some(Literal::Identified { name: "Patient", system: "urn:s", value: "7" }));
        assert!(["#contained", "7", "Patient/", "Patient?name=a", "else/Patient/7"].iter().all(|other| Literal::of(other).is_none()));
    }

    #[test]
    fn a_full_url_says_the_server_where_it_ends_as_the_resource_is_called() {
        assert_eq!(base_of("https://example.org/fhir/Patient/7", "Patient", "7"), Some("https://example.org/fhir"));
        assert!(
            ["https://example.org/Patient/8", "https://example.org/Group/7", "urn:uuid:7", "Patient/7"]
                .iter()
                .all(|url| base_of(url, "Patient", "7").is_none())
        );
    }
}

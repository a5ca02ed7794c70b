//! What a decision is made by, beside who asks and why: what the caller is to the record that they ask for.

/// What the caller is to something of a patient, in the terms of the policies' schema.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, and the policies combine them")]
pub(crate) struct Facts {
    /// The caller is the patient.
    pub(crate) own: bool,
    /// The patient let the caller act for them.
    pub(crate) proxy: bool,
    /// What the patient let them have is of this kind.
    pub(crate) covered: bool,
    /// The caller treats the patient.
    pub(crate) treats: bool,
    /// The caller wrote it.
    pub(crate) authored: bool,
    /// A consent opens it.
    pub(crate) consented: bool,
    /// A dissent closes it.
    pub(crate) dissented: bool,
    /// A restriction closes it.
    pub(crate) restricted: bool,
    /// The caller broke the glass.
    pub(crate) glass_broken: bool,
}

impl Facts {
    /// Each by the name that the policies have for it.
    pub(crate) fn named(self) -> [(&'static str, bool); 9] {
        [
            ("own", self.own),
            ("proxy", self.proxy),
            ("covered", self.covered),
            ("treats", self.treats),
            ("authored", self.authored),
            ("consented", self.consented),
            ("dissented", self.dissented),
            ("restricted", self.restricted),
            ("glassBroken", self.glass_broken),
        ]
    }
}

//! Why something is looked at.

named! {
    /// Why protected data is used (HL7 v3 `PurposeOfUse`, <http://terminology.hl7.org/CodeSystem/v3-ActReason>).
    PurposeOfUse code from_code {
        /// To treat the patient.
        Treatment "TREAT",
        /// To treat in an emergency.
        EmergencyTreatment "ETREAT",
        /// To coordinate care.
        CareManagement "CAREMGT",
        /// To be paid for care.
        Payment "HPAYMT",
        /// To run the organization.
        Operations "HOPERAT",
        /// To keep records in order.
        RecordManagement "RECORDMGT",
        /// To see that rules are kept.
        Compliance "HCOMPL",
        /// To operate the system.
        SystemAdministration "HSYSADMIN",
        /// The patient asks, for themself.
        PatientRequest "PATRQT",
        /// Someone of the family asks, for the patient.
        FamilyRequest "FAMRQT",
        /// To protect the public's health.
        PublicHealth "PUBHLTH",
        /// To learn in general.
        Research "HRESCH",
        /// To answer a court or another legal duty.
        Legal "HLEGAL",
        /// To break the glass: access that the usual rules refuse, in an emergency.
        BreakTheGlass "BTG",
    }
}

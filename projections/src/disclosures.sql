-- What was disclosed to somebody outside, as it was recorded; also what was retracted. A person's disclosures are those of every record of theirs.

create table disclosure (
    tenant uuid not null,
    disclosure_id uuid not null,
    patient_id uuid not null, -- the record that it was entered in
    made_at timestamptz, -- this and all that is said of it is null once erased
    recipient_name text,
    recipient_address jsonb, -- FHIR Address
    what text,
    kinds text[] not null, -- of data
    basis text, -- treatment, required-by-law …
    accountable boolean, -- follows from the basis
    purpose text,
    purpose_of_use text, -- HL7 v3 PurposeOfUse
    suspended_until timestamptz, -- kept from the patient until then
    source text not null, -- by-hand, system
    recorded_at timestamptz not null,
    recorded_by uuid not null, -- a user
    retracted boolean not null,
    retraction_reason text,
    position bigint not null, -- of the event that changed it last
    primary key (tenant, disclosure_id)
);
create index on disclosure (tenant, patient_id, made_at);

-- What patients consent to and what was restricted: how each stands, and what of it holds. A person's are those of every record of theirs.

-- What the consents and restrictions in force say; of what was erased, nothing.
create table provision (
    tenant uuid not null,
    provision_id uuid not null, -- the consent's or the restriction's
    patient_id uuid not null,
    source text not null, -- consent, restriction
    decision text not null, -- permit, deny (FHIR consent-provision-type)
    recipient_kind text not null, -- anyone, user, role, facility
    recipient text, -- a user's or a facility's id, or a role's name; null for anyone
    purposes text[] not null, -- HL7 codes; empty: any
    kinds text[] not null, -- kinds of data; empty: any
    labels text[] not null, -- HL7 codes; what a permit opens beside the rest, what a denial is bounded to
    starts_at timestamptz,
    ends_at timestamptz,
    position bigint not null, -- of the event since which it holds
    primary key (tenant, provision_id)
);
create index on provision (tenant, patient_id);

create table consent (
    tenant uuid not null,
    consent_id uuid not null,
    patient_id uuid not null,
    status text not null, -- active, inactive (FHIR consent-state-codes)
    decision text not null,
    provision jsonb, -- null when erased
    signed uuid, -- a document
    note text,
    granted jsonb not null, -- the event that granted it
    revoked jsonb, -- the event that revoked it
    revocation_reason text,
    position bigint not null, -- of the event that changed it last
    primary key (tenant, consent_id)
);
create index on consent (tenant, patient_id);

create table restriction (
    tenant uuid not null,
    restriction_id uuid not null,
    patient_id uuid not null,
    status text not null, -- requested, agreed, declined, ended
    provision jsonb, -- null when erased
    request_reason text,
    paid_in_full boolean, -- must be agreed to (45 CFR 164.522(a)(1)(vi)); null when erased
    requested jsonb not null, -- the event that asked for it
    answered jsonb, -- the event that agreed to it or declined it
    decline_reason text,
    ended jsonb, -- the event that ended it
    ended_by text, -- patient-wish, notice
    end_reason text,
    position bigint not null, -- of the event that changed it last
    primary key (tenant, restriction_id)
);
create index on restriction (tenant, patient_id);
create index on restriction (tenant, status, restriction_id);

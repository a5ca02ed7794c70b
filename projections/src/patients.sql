-- Patients, how they are found, which records are of one person, and who may read them.

create table patient (
    tenant uuid not null,
    patient_id uuid not null,
    active boolean not null, -- neither deactivated nor merged into another record
    deactivated boolean not null,
    merged_into uuid, -- the record to use instead
    erased boolean not null, -- the protected values are gone; the columns that held them are empty
    name jsonb not null, -- FHIR HumanName[], the official one first
    display_name text, -- the first name as a person reads it; null when unidentified
    name_key text collate "C" not null, -- family and given names folded, for a stable order; '' when unidentified
    gender text, -- FHIR administrative-gender
    birth_date text, -- FHIR date: 1950, 1950-02 or 1950-02-09
    birth_earliest date, -- the first and the last day that it can mean
    birth_latest date,
    marital_status text,
    language jsonb not null, -- BCP 47 codes, the preferred one first
    telecom jsonb not null, -- FHIR ContactPoint[]
    address jsonb not null, -- FHIR Address[]
    identifiers jsonb not null, -- FHIR Identifier[]
    deceased boolean not null,
    deceased_date_time text, -- FHIR dateTime, perhaps partial; null when it is not known when
    registered_at timestamptz not null, -- recorded
    changed_at timestamptz not null, -- recorded
    position bigint not null,
    primary key (tenant, patient_id)
);
create index on patient (tenant, name_key, patient_id);
create index on patient (tenant, birth_earliest);
create index on patient (tenant, position);

-- One row a word of any of the patient's names, folded. A prefix is a range, word >= 'ada' and word < 'ada~' (see names.rs): unlike LIKE it may
-- use the index before the policies of row-level security.
create table patient_name (
    tenant uuid not null,
    patient_id uuid not null,
    word text collate "C" not null,
    primary key (tenant, patient_id, word)
);
create index on patient_name (tenant, word, patient_id);

create table patient_identifier (
    tenant uuid not null,
    patient_id uuid not null,
    system text not null,
    value text not null,
    type text, -- HL7 v2-0203: MR, SS, DL …
    primary key (tenant, patient_id, system, value)
);
create index on patient_identifier (tenant, system, value);

-- The merges in force: merged_id was merged into patient_id.
create table patient_merge (
    tenant uuid not null,
    patient_id uuid not null,
    merged_id uuid not null,
    position bigint not null,
    primary key (tenant, patient_id, merged_id)
);
create index on patient_merge (tenant, merged_id);

-- Every pair of records that are of one person, each record with itself included.
create table patient_link (
    tenant uuid not null,
    patient_id uuid not null,
    record_id uuid not null,
    position bigint not null,
    primary key (tenant, patient_id, record_id)
);

-- Pairs that a merge had brought together and its undoing has parted.
create table patient_link_left (
    tenant uuid not null,
    patient_id uuid not null,
    record_id uuid not null,
    position bigint not null, -- of the undoing
    primary key (tenant, patient_id, record_id)
);

-- The grants that were not revoked. One that has an end, or ends with the patient's majority, holds only before: see `AccessTerm` in `domain`.
create table patient_grant (
    tenant uuid not null,
    patient_id uuid not null,
    grantee uuid not null, -- a user
    grantee_name jsonb, -- FHIR HumanName; null where it was not said or is erased
    relationship text not null, -- HL7 v3 RoleCode, or other
    kinds text[] not null, -- kinds of data; empty: all that is passed on
    labels text[] not null, -- HL7 codes of the sensitive data that is opened
    ends_at timestamptz,
    until_majority boolean not null,
    granted_at timestamptz not null, -- recorded
    position bigint not null,
    primary key (tenant, patient_id, grantee)
);
create index on patient_grant (tenant, grantee);

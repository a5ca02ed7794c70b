-- Practitioners, what they are qualified for, where they work, and the events that their calendars are folded from.

create table practitioner (
    tenant uuid not null,
    practitioner_id uuid not null,
    retired_from date, -- local date from which they take no more appointments
    erased boolean not null, -- the protected values are gone; the columns that held them are empty
    name jsonb not null, -- FHIR HumanName[], the official one first
    display_name text,
    name_key text collate "C" not null,
    gender text, -- FHIR administrative-gender
    identifiers jsonb not null, -- FHIR Identifier[]
    telecom jsonb not null, -- FHIR ContactPoint[]
    address jsonb not null, -- FHIR Address[]
    position bigint not null, -- moved by every event of the practitioner, those of the calendar included
    primary key (tenant, practitioner_id)
);
create index on practitioner (tenant, name_key, practitioner_id);
create index on practitioner (tenant, position);

create table practitioner_qualification (
    tenant uuid not null,
    practitioner_id uuid not null,
    position bigint not null,
    code jsonb not null, -- FHIR Coding
    issuer text,
    valid_from date,
    valid_until date, -- the last day
    primary key (tenant, practitioner_id, position)
);

create table practitioner_role (
    tenant uuid not null,
    role_id uuid not null,
    practitioner_id uuid not null,
    organization_id uuid not null,
    facilities uuid[] not null,
    code jsonb not null, -- FHIR Coding[]
    specialty jsonb not null, -- FHIR Coding[]
    telecom jsonb not null, -- FHIR ContactPoint[]
    position bigint not null,
    primary key (tenant, role_id)
);
create index on practitioner_role (tenant, practitioner_id, role_id);
create index on practitioner_role (tenant, organization_id);

-- Where a practitioner works: named by a role or by availability.
create table practitioner_facility (
    tenant uuid not null,
    practitioner_id uuid not null,
    facility_id uuid not null,
    position bigint not null,
    primary key (tenant, practitioner_id, facility_id)
);
create index on practitioner_facility (tenant, facility_id);

-- What domain::providers::Calendar is folded from, in the order of positions. calendar.rs turns rows into events again.
create table calendar_event (
    tenant uuid not null,
    practitioner_id uuid not null,
    position bigint not null,
    event_type text not null, -- providers.AvailabilitySet …
    version smallint not null,
    payload jsonb not null, -- the event's clear JSON; a protected reason is only in its own column
    reason text,
    first_day date, -- the UTC days that it can touch; null: any
    last_day date,
    primary key (tenant, practitioner_id, position)
);

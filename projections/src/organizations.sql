-- Organizations, facilities and rooms. Lists and values are in FHIR's JSON shape.
-- name_key: the folded name (see names.rs), for a stable order that ignores case and diacritics.

create table organization (
    tenant uuid not null,
    organization_id uuid not null,
    name text not null,
    name_key text collate "C" not null,
    part_of uuid,
    type jsonb not null,
    identifiers jsonb not null,
    telecom jsonb not null,
    address jsonb not null,
    position bigint not null,
    primary key (tenant, organization_id)
);
create index on organization (tenant, name_key, organization_id);
create index on organization (tenant, part_of);

create table facility (
    tenant uuid not null,
    facility_id uuid not null,
    organization_id uuid,
    name text not null,
    name_key text collate "C" not null,
    time_zone text not null, -- IANA name
    identifiers jsonb not null,
    telecom jsonb not null,
    address jsonb,
    position bigint not null,
    primary key (tenant, facility_id)
);
create index on facility (tenant, name_key, facility_id);
create index on facility (tenant, organization_id);

create table room (
    tenant uuid not null,
    room_id uuid not null,
    facility_id uuid not null,
    name text not null,
    name_key text collate "C" not null,
    position bigint not null,
    primary key (tenant, room_id)
);
create index on room (tenant, facility_id, name_key, room_id);

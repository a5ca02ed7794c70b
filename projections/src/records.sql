-- Clinical facts as they stand, also those that were entered in error. A chart is the facts of every record of a person.

create table chart_fact (
    tenant uuid not null,
    fact_id uuid not null,
    patient_id uuid not null, -- the record that it was recorded in
    kind text not null, -- the FHIR resource type
    title text, -- what it is about, as a person reads it
    occurred_at timestamptz, -- when it was so
    sort_at timestamptz not null, -- the same, or when it was recorded where it does not say
    encounter_id uuid, -- the encounter during which it was stated
    content jsonb, -- the FHIR R4 resource without id and subject; null when erased
    security text[] not null, -- HL7 codes, beyond N
    screening jsonb, -- what it may not go together with, where that was looked at
    entered_in_error boolean not null,
    error_reason text,
    amendments integer not null,
    recorded jsonb not null, -- the event that recorded it
    changed jsonb not null, -- the event that changed it last
    position bigint not null, -- of that event
    primary key (tenant, fact_id)
);
create index on chart_fact (tenant, patient_id, kind, sort_at);
create index on chart_fact (tenant, encounter_id) where encounter_id is not null;
create index on chart_fact (tenant, position);

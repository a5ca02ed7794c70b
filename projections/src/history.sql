-- A patient's events as a person reads them: one row an event and a patient that it concerns.

create table history_entry (
    tenant uuid not null,
    patient_id uuid not null,
    position bigint not null,
    event_id uuid not null,
    event_type text not null, -- scheduling.AppointmentBooked …
    occurred timestamptz, -- null once erased
    recorded timestamptz not null,
    actor_user uuid not null,
    actor_role text not null,
    summary text not null, -- one sentence
    details jsonb not null, -- [{"label": …, "value": …}]
    about uuid, -- the fact or the document
    place uuid, -- the facility, of what takes place at one
    security text[] not null, -- HL7 codes, beyond N, that the event bears
    primary key (tenant, patient_id, position)
);

-- What practitioners, facilities and rooms are called, for the summaries.
create table history_name (
    tenant uuid not null,
    id uuid not null,
    name text not null,
    primary key (tenant, id)
);

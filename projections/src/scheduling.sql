-- Appointments. What was agreed on is local_start in zone; start_at and end_at are what that comes to under the zone rules of this build.

create table appointment (
    tenant uuid not null,
    appointment_id uuid not null,
    patient_id uuid not null,
    practitioner_id uuid not null,
    facility_id uuid not null,
    room_id uuid,
    status text not null, -- FHIR appointmentstatus: booked, checked-in, fulfilled, cancelled, noshow
    earlier_statuses text[] not null, -- oldest first
    previous_status text, -- the last of those: what undoing a mis-click goes back to
    erased boolean not null, -- the time and the texts are gone
    start_at timestamptz,
    end_at timestamptz, -- the first moment after
    local_start timestamp,
    zone text, -- IANA name
    repeated text, -- earlier or later, where the clocks show local_start twice
    minutes integer,
    reason text, -- what for
    exception text, -- overbooked or back-entered
    exception_reason text,
    status_reason text, -- why it was cancelled, moved or reverted, by the last event that said
    booked_at timestamptz not null, -- recorded
    changed_at timestamptz not null, -- recorded
    position bigint not null,
    primary key (tenant, appointment_id)
);
create index on appointment (tenant, practitioner_id, start_at);
create index on appointment (tenant, patient_id, start_at);
create index on appointment (tenant, facility_id, start_at);
create index on appointment (tenant, room_id, start_at) where room_id is not null;
create index on appointment (tenant, start_at);
create index on appointment (tenant, position);

-- Where an appointment was until it was moved elsewhere, so that whoever follows that calendar learns that it left.
create table appointment_left (
    tenant uuid not null,
    patient_id uuid not null,
    appointment_id uuid not null,
    position bigint not null, -- of the move
    practitioner_id uuid not null,
    facility_id uuid not null,
    primary key (tenant, appointment_id, position)
);
create index on appointment_left (tenant, practitioner_id, position);
create index on appointment_left (tenant, facility_id, position);

-- The time that appointments take up of their practitioners, and not a word of whose they are: a patient who looks for a free slot sees these rows and
-- none of other patients' appointments.
create table taken_time (
    tenant uuid not null,
    appointment_id uuid not null,
    practitioner_id uuid not null,
    start_at timestamptz, -- null when it takes up no time: cancelled, missed, erased
    end_at timestamptz,
    primary key (tenant, appointment_id)
);
create index on taken_time (tenant, practitioner_id, start_at);

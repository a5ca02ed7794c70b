-- Broken glass as it stands: for whom, by whom, until when, and how far its review has come.

create table break_glass (
    tenant uuid not null,
    break_glass_id uuid not null,
    patient_id uuid not null,
    user_id uuid not null, -- who broke it, and for whom alone it is broken
    reason text, -- null once erased
    starts_at timestamptz not null,
    ends_at timestamptz not null,
    review_due_at timestamptz not null,
    status text not null, -- awaiting-review, escalated, reviewed
    finding text, -- justified, not-justified
    reviewed_by uuid, -- a user
    reviewed_at timestamptz, -- recorded
    review_note text,
    position bigint not null, -- of the event that changed it last
    primary key (tenant, break_glass_id)
);
create index on break_glass (tenant, user_id, patient_id);
create index on break_glass (tenant, patient_id);
create index on break_glass (tenant, starts_at, break_glass_id);
create index on break_glass (tenant, position);

-- Whose sessions were ended: tokens issued at or before the moment are void.

create table ended_sessions (
    tenant uuid not null,
    user_id uuid not null,
    before timestamptz not null,
    position bigint not null,
    primary key (tenant, user_id)
);

-- The registry of the read models. Each version of a projection has a schema of its own for its rows; which one is read, and how far it has come, is here.

-- Who reads: owns nothing, cannot log in, and is what the gate turns into for a snapshot. Roles belong to the cluster, so another database may be making it right now.
do $$
begin
    if not exists (select from pg_roles where rolname = 'carelog_query') then
        create role carelog_query nologin;
    end if;
exception
    when duplicate_object or unique_violation then null;
end
$$;

create table projection.version (
    schema_name text primary key,
    name text not null,
    version integer not null,
    fingerprint text not null, -- of everything but the code that decides its rows: tables, event types, time zone rules
    epoch bigint, -- of the log that it is folded from, once it has begun: positions are unique within one
    active boolean not null, -- the one that is read
    retired_at timestamptz -- replaced; dropped once nobody can still be reading it
);
create unique index one_active_version on projection.version (name) where active;

create table projection.cursor (
    schema_name text not null references projection.version on delete cascade,
    partition smallint not null,
    position bigint not null, -- every event of the partition up to here is applied
    primary key (schema_name, partition)
);

-- Subjects of whom an event could not be applied: the event and all that follow of them are left out.
create table projection.parked (
    schema_name text not null references projection.version on delete cascade,
    tenant uuid not null,
    subject text not null, -- patient/0190…
    position bigint not null,
    event_type text not null,
    reason text not null, -- without any value of the event
    parked_at timestamptz not null,
    reported_at timestamptz, -- handed to the dead letters
    primary key (schema_name, tenant, subject)
);

grant usage on schema projection to carelog_query;
grant select on projection.version, projection.cursor, projection.parked to carelog_query;

-- The log: facts in the order in which they were committed, what they are found by, and what callers were told.
-- Nothing here names its schema, so that a second log is the same tables in another one.

set local search_path = clinical;

-- What the store's connections act as: they add and read, and nothing else. Roles belong to the whole server, where several
-- databases may be set up at once.
do $$
begin
    create role carelog_log nologin;
exception when duplicate_object or unique_violation then null;
end $$;
do $$
begin
    if not (select rolsuper from pg_roles where rolname = current_user) then
        execute format('grant carelog_log to %I', current_user);
    end if;
exception when unique_violation then null;
end $$;

-- Dense from 1; the order of positions is the order of commits, and along it `recorded_at` never goes backwards. The one index
-- is the primary key: a read by time searches it, and `event_tag` leads to it. `event_id` needs none: it is never looked up, and
-- the command's key keeps an append from being applied twice.
create table event (
    position bigint primary key,
    event_id uuid not null,
    tenant uuid not null,
    type text not null,
    version smallint not null,
    subject text not null,
    tags text[] not null,
    labels text[] not null,
    actor_user uuid not null,
    actor_role text not null,
    correlation uuid not null,
    causation uuid,
    command_id uuid not null,
    recorded_at timestamptz not null,
    payload json not null, -- not jsonb, which would rewrite the text
    sealed bytea not null
);
-- Ciphertext does not compress.
alter table event alter column sealed set storage external;

-- Where to find an event: a hash of tenant, tag and type. Hashes may collide, so whoever finds an event here compares in full.
create table event_tag (
    hash bigint,
    position bigint,
    primary key (hash, position)
);

-- What a caller's command led to, for when it comes again.
create table command (
    tenant uuid,
    actor uuid,
    command_id uuid,
    name text not null,
    digest bytea not null,
    first_position bigint, -- null where it led to no event
    last_position bigint not null,
    event_ids uuid[] not null,
    answer json not null,
    recorded_at timestamptz not null,
    primary key (tenant, actor, command_id)
);

-- Raised by whoever restores the log from a backup: positions may then be given a second time.
create table epoch (
    only_one boolean primary key default true check (only_one),
    epoch bigint not null
);
insert into epoch (epoch) values (1);

-- History is not changed, by its owner neither.
create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'the log is append-only: % on % is refused', tg_op, tg_table_name using errcode = 'insufficient_privilege';
end $$;
create trigger append_only before update or delete or truncate on event for each statement execute function refuse_change();
create trigger append_only before update or delete or truncate on event_tag for each statement execute function refuse_change();
create trigger append_only before update or delete or truncate on command for each statement execute function refuse_change();

grant usage on schema clinical to carelog_log;
grant select, insert on event, event_tag, command to carelog_log;
grant select on epoch to carelog_log;

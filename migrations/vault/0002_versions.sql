-- Keys have versions, so that each level can be rotated: what is wrapped says by which version of which key, and several are known at once while a
-- rotation is under way.

-- What the vault's connections act as. No other role of Carelog's may read here, nor this one anywhere else. Roles belong to the whole server, where
-- several databases may be set up at once.
do $$
begin
    create role carelog_keys nologin;
exception when duplicate_object or unique_violation then null;
end $$;
do $$
begin
    if not (select rolsuper from pg_roles where rolname = current_user) then
        execute format('grant carelog_keys to %I', current_user);
    end if;
exception when unique_violation then null;
end $$;

-- The root keys that ever wrapped a key here, by name. One of them wraps what is new; who adds a key locks its row, so that no key is wrapped by a root
-- key that was replaced meanwhile.
alter table vault.root_key
    add column id text,
    add column wraps boolean not null default true,
    add column first_used_at timestamptz not null default now(),
    add column retired_at timestamptz; -- nothing is wrapped by it any more
update vault.root_key set id = 'file:' || encode(check_value, 'hex');
alter table vault.root_key
    drop column only_one,
    drop column check_value,
    alter column id set not null,
    add primary key (id),
    add check (not (wraps and retired_at is not null));
create unique index one_root_key_wraps on vault.root_key (wraps) where wraps;

-- A row a version. One of them wraps the tenant's new data keys, under the same lock. An earlier one is emptied when nothing is wrapped by it any more.
alter table vault.tenant_key
    add column version integer not null default 1,
    add column root text references vault.root_key,
    add column wraps boolean not null default true,
    add column retired_at timestamptz;
update vault.tenant_key set root = (select id from vault.root_key);
alter table vault.tenant_key
    alter column version drop default,
    alter column root set not null,
    alter column wrapped drop not null,
    drop constraint tenant_key_pkey,
    add primary key (tenant, version),
    add check ((wrapped is null) = (retired_at is not null)),
    add check (not (wraps and retired_at is not null));
create unique index one_tenant_key_wraps on vault.tenant_key (tenant) where wraps;

-- What makes tags opaque is never rotated: the tags in the log would not be found any more. Where a tenant has no row yet, it is derived from the
-- first version of the tenant's key, as it always was, and stored on the way.
create table vault.tagging_key (
    tenant uuid primary key,
    root text not null references vault.root_key,
    wrapped bytea not null,
    made_at timestamptz not null default now()
);

-- A row a version, too. The newest seals; the others open what they sealed, until all of them are destroyed together.
alter table vault.data_key
    add column version integer not null default 1,
    add column tenant_version integer default 1, -- null where the subject was destroyed before it had a key
    add column fingerprint bytea; -- the commitment that stands beside everything sealed with it
alter table vault.data_key
    alter column version drop default,
    alter column tenant_version drop default,
    drop constraint data_key_tenant_subject_key,
    add unique (tenant, subject, version),
    add foreign key (tenant, tenant_version) references vault.tenant_key (tenant, version);
create index data_key_to_rewrap on vault.data_key (tenant, tenant_version, id) where wrapped is not null;

-- Every process hears of a key that was destroyed or replaced, whoever did it, and forgets what it has in memory.
create function vault.tell_change() returns trigger language plpgsql as $$
begin
    perform pg_notify('carelog_keys', new.tenant || ' ' || new.subject);
    return null;
end $$;
create trigger destroyed after update on vault.data_key for each row
    when (new.destroyed_at is distinct from old.destroyed_at) execute function vault.tell_change();
create trigger added after insert on vault.data_key for each row
    when (new.version > 1 or new.destroyed_at is not null) execute function vault.tell_change();

grant usage on schema vault to carelog_keys;
grant select, insert, update on vault.root_key, vault.tenant_key, vault.tagging_key, vault.data_key to carelog_keys;
grant select, insert on vault.claim to carelog_keys;
-- A backup says which schema it is of.
grant select on vault.migration to carelog_keys;

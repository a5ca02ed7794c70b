-- Which keys were destroyed, kept with the log and not with the keys: a backup of the keys that is older than a destruction is restored without them.

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

create table key_register.destroyed_key (
    key_id uuid primary key,
    tenant uuid not null,
    subject text not null,
    version integer not null,
    fingerprint bytea, -- the commitment that stands beside everything sealed with it; null where it never sealed anything
    destroyed_at timestamptz not null
);

create function key_register.refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'the register of destroyed keys is append-only: % is refused', tg_op using errcode = 'insufficient_privilege';
end $$;
create trigger append_only before update or delete or truncate on key_register.destroyed_key for each statement execute function key_register.refuse_change();

grant usage on schema key_register to carelog_keys;
grant select, insert on key_register.destroyed_key to carelog_keys;

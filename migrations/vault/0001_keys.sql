-- The keys of everything sealed, and what must be forgotten together with them. They live in a database of their own:
-- a backup of the log is no backup of its keys. Every key is wrapped by the one above: root, tenant, subject.

-- Tells a wrong root key before anything is wrapped with it.
create table vault.root_key (
    only_one boolean primary key default true check (only_one),
    check_value bytea not null
);

create table vault.tenant_key (
    tenant uuid primary key,
    wrapped bytea not null,
    made_at timestamptz not null default now()
);

-- One row a person, organization or facility. Destroying a key empties `wrapped`; the row stays, so that what it sealed is
-- known to be erased rather than damaged.
create table vault.data_key (
    id uuid primary key,
    tenant uuid not null,
    subject text not null,
    wrapped bytea,
    made_at timestamptz not null default now(),
    destroyed_at timestamptz,
    unique (tenant, subject),
    check ((wrapped is null) = (destroyed_at is not null))
);

-- The random surrogate that stands for a business identifier among the log's tags. It can be forgotten, which a hash in the
-- log could not.
create table vault.claim (
    tenant uuid not null,
    identifier_mac bytea not null,
    surrogate uuid not null,
    primary key (tenant, identifier_mac)
);

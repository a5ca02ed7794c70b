-- Links that open one document once. Who holds the table cannot use them: a token is kept as its hash only.

create table documents.link (
    token_hash bytea primary key, -- SHA-256
    tenant uuid not null,
    document uuid not null,
    caller jsonb not null, -- for whom it was made: ids and roles
    expires_at timestamptz not null
);
create index on documents.link (expires_at);

-- What it takes to prove that nothing was changed: which epoch a position belongs to, and every answer where it became final.

set local search_path = clinical;

-- An epoch begins where a restore from a backup left off. What was given in an epoch is never said to be of another.
alter table epoch drop column only_one;
alter table epoch add column first_position bigint not null default 1, add column began_at timestamptz not null default now(), add primary key (epoch);
alter table epoch alter column first_position drop default;
create trigger append_only before update or delete or truncate on epoch for each statement execute function refuse_change();

-- What was answered to commands that led to no event becomes final with the next one.
create index command_without_events on command (last_position) where first_position is null;

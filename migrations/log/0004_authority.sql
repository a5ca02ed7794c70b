-- By what authority each event was appended: which policies permitted it, and what that rested on. Clear JSON of names and ids; none of what was appended before.

set local search_path = clinical;

alter table event add column authority json;

-- What a request carried out is found by it. Access records are found by a tag of their request, so that where they are this index is empty.
create index event_correlation on event (correlation, position) where type not like 'access.%';

drop function append;

-- Outcomes, one a request: 0 appended; 1 the command was seen before, and nothing was looked at or appended; 2 the boundary has grown.
--
-- Requests, events, items and so on are parallel arrays, and refer to each other by 1-based place. The events of a request are
-- next to each other, in the order of requests. Lists of tags, labels and types are joined by spaces.
create function append(
    clock timestamptz,
    -- requests
    tenants uuid[], actors uuid[], commands uuid[], names text[], digests bytea[], answers text[], read_at bigint[], first_events int[], event_counts int[],
    -- conditions: an item is (any of these types) and (all of these tags) for a request; each of its probes is a hash under which such an event would be found
    type_lists text[], item_requests int[], item_type_lists int[], item_tags text[], probe_items int[], probe_hashes bigint[],
    -- where requests of this batch depend on each other: in order, a request reads a key (k) or, if it is appended, has written it (-k)
    step_requests int[], step_keys int[],
    -- events
    event_requests int[], event_ids uuid[], event_tenants uuid[], types text[], versions smallint[], subjects text[], tags text[], labels text[],
    event_actors uuid[], event_roles text[], authorities text[], correlations uuid[], causations uuid[], event_commands uuid[], payloads text[], sealed_segments bytea[],
    -- hashes under which events are found
    tag_events int[], tag_hashes bigint[],
    out head bigint, out outcomes smallint[]
) language plpgsql volatile as $$
declare
    appended constant smallint := 0;
    seen constant smallint := 1;
    grown constant smallint := 2;
    last bigint;
    recorded timestamptz;
    request int;
    key int;
    written boolean[] := '{}';
    positions bigint[] := '{}'; -- of each event; 0 where its request is refused
begin
    -- First and alone: under read committed each statement after it sees all that was committed by the lock's last holder, and
    -- the lock is held until this transaction is committed and visible. So the order of positions is the order of commits.
    perform pg_advisory_xact_lock('event'::regclass::oid::bigint);
    if current_setting('transaction_isolation') <> 'read committed' then
        raise exception 'the log is appended to under read committed alone' using errcode = 'feature_not_supported';
    end if;

    select e.position, e.recorded_at into head, recorded from event e order by e.position desc limit 1;
    head := coalesce(head, 0);
    recorded := greatest(recorded, clock);

    outcomes := array_fill(appended, array[cardinality(tenants)]);
    -- A boundary that was read beyond the head was read in another future of this log, before a restore.
    if head < any (append.read_at) then
        for request in 1 .. cardinality(tenants) loop
            if append.read_at[request] > head then
                outcomes[request] := grown;
            end if;
        end loop;
    end if;

    -- The limit makes the lateral join one descent of the index for each probe, whatever the planner thinks.
    if cardinality(probe_items) > 0 and head > any (append.read_at) then
        for request in
            select i.request
            from unnest(probe_items, probe_hashes) as p (item, hash)
            cross join lateral (select item_requests[p.item] as request, append.read_at[item_requests[p.item]] as read_at) i
            cross join lateral (
                select from event_tag t join event e on e.position = t.position
                where t.hash = p.hash and t.position > i.read_at
                    and e.tenant = tenants[i.request]
                    and e.type = any (string_to_array(type_lists[item_type_lists[p.item]], ' '))
                    and e.tags @> string_to_array(item_tags[p.item], ' ')
                limit 1
            ) newer
            where i.read_at < head
        loop
            outcomes[request] := grown;
        end loop;
    end if;

    for request in
        select k.place from unnest(tenants, actors, commands) with ordinality as k (tenant, actor, command_id, place)
        cross join lateral (select from command c where c.tenant = k.tenant and c.actor = k.actor and c.command_id = k.command_id limit 1) known
    loop
        outcomes[request] := seen;
    end loop;

    for step in 1 .. cardinality(step_requests) loop
        request := step_requests[step];
        key := step_keys[step];
        if outcomes[request] = appended then
            if key < 0 then
                written[-key] := true;
            elsif written[key] then
                outcomes[request] := grown;
            end if;
        end if;
    end loop;

    last := head;
    foreach request in array event_requests loop
        if outcomes[request] = appended then
            last := last + 1;
            positions := positions || last;
        else
            positions := positions || 0::bigint;
        end if;
    end loop;

    insert into event (position, event_id, tenant, type, version, subject, tags, labels, actor_user, actor_role, authority, correlation, causation, command_id, recorded_at, payload, sealed)
    select positions[n.place], n.event_id, n.tenant, n.type, n.version, n.subject, string_to_array(n.tags, ' '), string_to_array(n.labels, ' '),
        n.actor, n.role, n.authority::json, n.correlation, n.causation, n.command_id, recorded, n.payload::json, n.sealed
    from unnest(event_ids, event_tenants, types, versions, subjects, append.tags, append.labels, event_actors, event_roles, authorities, correlations, causations, event_commands, payloads, sealed_segments)
        with ordinality as n (event_id, tenant, type, version, subject, tags, labels, actor, role, authority, correlation, causation, command_id, payload, sealed, place)
    where positions[n.place] > 0;

    insert into event_tag (hash, position)
    select n.hash, positions[n.event] from unnest(tag_events, tag_hashes) as n (event, hash) where positions[n.event] > 0;

    insert into command (tenant, actor, command_id, name, digest, first_position, last_position, event_ids, answer, recorded_at)
    select n.tenant, n.actor, n.command_id, n.name, n.digest,
        case when n.events > 0 then positions[n.first] end, case when n.events > 0 then positions[n.first + n.events - 1] else append.head end,
        append.event_ids[n.first : n.first + n.events - 1], n.answer::json, recorded
    from unnest(tenants, actors, commands, names, digests, answers, first_events, event_counts)
        with ordinality as n (tenant, actor, command_id, name, digest, answer, first, events, place)
    where outcomes[n.place] = appended;

    if last > head then
        head := last;
        perform pg_notify('carelog_log_' || current_schema(), head::text);
    end if;
end $$;

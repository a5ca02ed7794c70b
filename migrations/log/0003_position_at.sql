-- The last position recorded at or before a moment. Recorded time never goes backwards, so the primary key is an index of it.

set local search_path = clinical;

create function position_at(moment timestamptz) returns bigint language plpgsql stable as $$
declare
    low bigint := coalesce((select position from event order by position limit 1), 1) - 1;
    high bigint := coalesce((select position from event order by position desc limit 1), 0);
    middle bigint;
begin
    while low < high loop
        middle := (low + high + 1) / 2;
        if (select recorded_at from event where position = middle) <= moment then
            low := middle;
        else
            high := middle - 1;
        end if;
    end loop;
    return low;
end $$;

-- What the relay knows of its own work, in the log's database: a backup holds both or neither.
create table relay.published (
    topic text primary key,
    position bigint not null check (position >= 0), -- every event up to here is on Kafka
    last_of_partition bigint[] not null -- for each partition the position of its last event up to there; 0 where it has none
);

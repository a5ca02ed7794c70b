-- Documents as they stand, also those that were superseded or removed. A person's documents are those of every record of theirs.

create table document (
    tenant uuid not null,
    document_id uuid not null,
    patient_id uuid not null, -- the record that it was uploaded to
    address text not null, -- of its sealed bytes
    size bigint not null, -- of its clear bytes
    content_type text, -- the media type that the bytes were found to be; null when erased
    title text, -- as a person reads it
    status text not null, -- current, superseded, entered-in-error (FHIR document-reference-status)
    occurred_at timestamptz, -- when it was made
    content jsonb, -- what is said of it, in the shape of FHIR's DocumentReference; null when erased
    security text[] not null, -- HL7 codes, beyond N
    superseded_by uuid,
    removal_reason text,
    recorded jsonb not null, -- the event that uploaded it
    changed jsonb not null, -- the event that changed it last
    position bigint not null, -- of that event
    primary key (tenant, document_id)
);
create index on document (tenant, patient_id, occurred_at);
create index on document (tenant, position);

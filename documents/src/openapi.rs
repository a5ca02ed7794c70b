//! The routes of documents in the `OpenAPI` description of the commands.

use domain::documents::{DocumentMetadata, UploadDocumentRejection};
use schemars::SchemaGenerator;
use serde_json::{Map, Value, json};

/// The paths that are no plain commands, with definitions left to the generator of the whole description.
pub fn describe(generator: &mut SchemaGenerator) -> Map<String, Value> {
    let metadata = generator.subschema_for::<DocumentMetadata>().to_value();
    let rejection = generator.subschema_for::<UploadDocumentRejection>().to_value();
    paths(&metadata, &rejection)
}

fn problem(description: &str) -> Value {
    json!({ "description": description, "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } } })
}

fn paths(metadata: &Value, rejection: &Value) -> Map<String, Value> {
    let document = json!({ "name": "document", "in": "path", "required": true, "schema": { "type": "string", "format": "uuid" } });
    let token = json!({ "name": "token", "in": "path", "required": true, "schema": { "type": "string" } });
    let link = json!({ "type": "object", "required": ["path", "expires"], "properties": { "path": { "type": "string" }, "expires": { "type": "string", "format": "date-time" } } });
    let made = json!({
        "operationId": "documents.link", "tags": ["documents"], "summary": "link", "x-permission": "read-documents", "parameters": [document],
        "description": "Makes a link that opens the document once, within five minutes, for this caller.",
        "responses": {
            "200": { "description": "The link.", "content": { "application/json": { "schema": link } } },
            "401": problem("No valid bearer token."), "403": problem("The caller may not read documents."),
            "404": problem("`document-unknown`: there is none within the caller's reach."), "410": problem("`document-removed`."),
        },
    });
    [
        ("/v1/documents/upload", json!({ "post": upload(metadata, rejection) })),
        ("/v1/documents/{document}", json!({ "get": download("documents.download", &document) })),
        ("/v1/documents/{document}/link", json!({ "post": made })),
        ("/v1/documents/links/{token}", json!({ "get": download("documents.follow-link", &token) })),
    ]
    .map(|(path, operation)| (path.to_owned(), operation))
    .into_iter()
    .collect()
}

fn upload(metadata: &Value, rejection: &Value) -> Value {
    json!({
        "operationId": "documents.upload", "tags": ["documents"], "summary": "upload", "x-permission": "upload-documents",
        "description": "Uploads a document as a stream: first the part `metadata`, then the part `content`.",
        "parameters": [{ "name": "Idempotency-Key", "in": "header", "required": false, "schema": { "type": "string", "format": "uuid" },
                         "description": "Names the upload; a retry with the same key, metadata and bytes gets the first answer." }],
        "requestBody": { "required": true, "content": { "multipart/form-data": {
            "schema": { "type": "object", "required": ["metadata", "content"], "properties": { "metadata": metadata, "content": { "type": "string", "contentMediaType": "application/octet-stream" } } },
            "encoding": { "metadata": { "contentType": "application/json" } },
        } } },
        "responses": {
            "200": { "description": "It is in the record from now on.", "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Accepted" } } } },
            "400": problem("The metadata, a header or the order of the parts breaks a rule, or the body broke off."),
            "401": problem("No valid bearer token."),
            "403": problem("The caller may not upload documents."),
            "413": problem("`document-too-large`; `limit` says how many bytes one may have."),
            "415": problem("The body is not multipart/form-data."),
            "422": { "description": "`content-type-not-allowed`, `content-type-mismatch`, one of these reasons, or the idempotency key was used with another body.",
                     "content": { "application/problem+json": { "schema": { "allOf": [{ "$ref": "#/components/schemas/Problem" }, rejection] } } } },
            "503": problem("Not available, or `too-many-uploads` at once; a retry with the same Idempotency-Key is safe."),
            "507": problem("`storage-full`."),
        },
    })
}

fn download(operation: &str, parameter: &Value) -> Value {
    let file = json!({ "schema": { "type": "string", "contentMediaType": "application/octet-stream" } });
    json!({
        "operationId": operation, "tags": ["documents"], "summary": "download", "x-permission": "read-documents",
        "description": "The document, or the part that `Range` asks for.",
        "parameters": [parameter, { "name": "Range", "in": "header", "required": false, "schema": { "type": "string" } }],
        "responses": {
            "200": { "description": "All of it.", "content": { "*/*": file } },
            "206": { "description": "The part.", "content": { "*/*": file } },
            "401": problem("No valid bearer token."),
            "403": problem("The caller may not read documents."),
            "404": problem("There is none within the caller's reach, or the link is not known or was used."),
            "410": problem("`document-removed` or `document-erased`."),
            "416": problem("The document has no such part."),
            "503": problem("Not available; try again."),
        },
    })
}

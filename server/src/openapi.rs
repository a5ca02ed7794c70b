//! The description of every path under `/v1`.

use serde_json::Value;

/// `OpenAPI` 3.1: the commands, and the paths that are no plain commands.
pub fn openapi() -> Value {
    command_api::openapi(&command_api::endpoints(), |generator| {
        let mut paths = documents::describe(generator);
        paths.extend(accounting::describe());
        paths
    })
}

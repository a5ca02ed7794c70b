//! Connections to the read database that leave no value in the server's own log: its rows are clear, and so is what a statement is refused for.

use sqlx::postgres::PgPoolOptions;

/// Has the server log no refused statement of these connections, neither its text nor what was wrong with a value in it. Where the role may not
/// decide that, the server's settings do; the runbook for production names them.
#[must_use]
pub fn quiet(options: PgPoolOptions) -> PgPoolOptions {
    options.after_connect(|connection, _| {
        Box::pin(async move {
            let statement = "select set_config(name, value, false) from (values ('log_min_messages', 'log'), ('log_min_error_statement', 'panic'), \
                 ('log_parameter_max_length_on_error', '0')) as setting (name, value) where has_parameter_privilege(name, 'set')";
            sqlx::query(statement).execute(connection).await.map(drop)
        })
    })
}

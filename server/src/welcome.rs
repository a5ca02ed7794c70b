//! What a newcomer is told once everything runs.

use crate::config::{Config, Switch};
use crate::{demo, token};

/// Prints where everything is, and a token for each role.
#[expect(clippy::print_stdout, reason = "the text is the output")]
pub async fn run(config: &Config) -> anyhow::Result<()> {
    let at = format!("http://{}", config.http);
    let kafka = if config.kafka == Switch::On { config.kafka_brokers.as_str() } else { "off" };
    println!("\nCarelog runs.\n");
    println!("  GraphiQL           {at}/graphiql");
    println!("  GraphQL            {at}/graphql   (subscriptions at /graphql/ws)");
    println!("  API documentation  {at}/docs      (OpenAPI at /v1/openapi.json)");
    println!("  Health             {at}/health    (metrics at /metrics)");
    println!("  Kafka              {kafka}   (topic carelog.log.v1)");
    println!("  Tenant             {}  (the demo clinic)\n", demo::TENANT);
    println!("A token for each role, for twelve hours (`scripts/carelog token --role ROLE` prints one more):\n");
    for (role, token) in token::for_demo(config).await? {
        println!("  {}\n    {token}", role.name());
    }
    println!();
    Ok(())
}

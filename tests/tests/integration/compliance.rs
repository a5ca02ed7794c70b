//! `docs/compliance.md` as an officer reads it: its commands, one after the other in one shell, against a demo clinic of this test's own.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use domain::{TenantId, UserId};
use gate::Role;
use sqlx::PgPool;
use uuid::Uuid;

use crate::app::{App, binary};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/compliance.md");
/// Where the page has Carelog listen.
const LISTENS: &str = "127.0.0.1:8080";
/// The demo clinic's.
const TENANT: TenantId = TenantId(Uuid::from_u128(0xde30_0000_0000_4000_8000_0000_0000_0001));
/// What stands between what the blocks print.
const END: &str = "@@ end of the block @@";

/// A block of commands, and the lines that it must print.
struct Block {
    commands: String,
    prints: Vec<String>,
}

fn blocks() -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let page = std::fs::read_to_string(PAGE).unwrap();
    let mut fences = page.split("```");
    fences.next();
    while let (Some(fence), Some(_)) = (fences.next(), fences.next()) {
        let (language, text) = fence.split_once('\n').expect("a fence has lines");
        match language {
            "sh" => blocks.push(Block { commands: text.to_owned(), prints: Vec::new() }),
            "text" => blocks.last_mut().expect("what is printed stands under its commands").prints.extend(text.lines().map(str::to_owned)),
            other => panic!("the page has a fence of {other}, which nothing runs"),
        }
    }
    blocks
}

/// Whether a line is as the page has it: `…` stands for anything.
fn is_as(line: &str, pattern: &str) -> bool {
    let pieces: Vec<&str> = pattern.split('…').collect();
    let [first, middle @ .., last] = pieces.as_slice() else { return line == pattern };
    let Some(mut rest) = line.strip_prefix(first) else { return false };
    for piece in middle {
        let Some((_, after)) = rest.split_once(piece) else { return false };
        rest = after;
    }
    rest.ends_with(last)
}

#[test]
fn what_differs_is_any_text_between_what_does_not() {
    assert!(is_as("abc", "abc") && is_as("a, then b and c", "a… b…c") && is_as("abc", "…") && is_as("abc", "…b…"));
    assert!(!is_as("abcd", "abc") && !is_as("abc", "b…") && !is_as("abc", "…b") && !is_as("a c b", "a…b…c"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_does_what_it_says() {
    let app = App::serve().await;
    let loaded = app.command(&["demo"]).output().unwrap();
    assert!(loaded.status.success(), "{}", String::from_utf8_lossy(&loaded.stderr));
    let pool = PgPool::connect(&app.url(0)).await.unwrap();
    let head: i64 = sqlx::query_scalar("select max(position) from clinical.event").fetch_one(&pool).await.unwrap();
    app.graphql(&app.token_for(TENANT, Role::Analyst, UserId(event_store::fresh_id()), None), "{ viewer { user } }", Some(head)).await;

    // The folders as `make run` has them, for `scripts/carelog`.
    let data = std::env::temp_dir().join(format!("carelog-page-{}", event_store::fresh_id().simple()));
    std::fs::create_dir_all(&data).unwrap();
    symlink(&app.keys, data.join("keys")).unwrap();
    symlink(&app.documents, data.join("documents")).unwrap();
    symlink(app.keys.join("tiles"), data.join("tiles")).unwrap();
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    symlink(checkout.join("scripts"), data.join("scripts")).unwrap();

    let blocks = blocks();
    assert!(blocks.len() > 15, "the page was read");
    let listens = app.at(0, "").replace("http://", "");
    let script: Vec<String> = blocks.iter().map(|block| format!("{}\necho; echo '{END}'\n", block.commands.replace(LISTENS, &listens))).collect();
    let mut shell = app.command(&[]);
    let settings: Vec<(String, String)> = shell.get_envs().filter_map(|(name, value)| Some((name.to_str()?.to_owned(), value?.to_str()?.to_owned()))).collect();
    shell = Command::new("bash");
    shell.args(["-euo", "pipefail", "-c", &script.concat()]).current_dir(&data).envs(settings);
    let output = shell.env("CARELOG_BINARY", binary()).env("CARELOG_DATA", &data).output().unwrap();
    let (printed, said) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8_lossy(&output.stderr).into_owned());
    std::fs::remove_dir_all(&data).unwrap();

    let printed: Vec<&str> = printed.split(END).collect();
    let ran = printed.len() - 1;
    assert!(output.status.success(), "this block fails:\n{}\n{}\n{said}", blocks[ran.min(blocks.len() - 1)].commands, printed[ran]);
    assert_eq!(ran, blocks.len());
    for (block, printed) in blocks.iter().zip(printed) {
        for expected in &block.prints {
            assert!(printed.lines().any(|line| is_as(line, expected)), "{}\ndoes not print\n{expected}\nbut\n{printed}", block.commands);
        }
        assert!(!printed.contains("\"errors\""), "{}\n{printed}", block.commands);
    }
}

//! What the tree must look like: which crate may know which, where each context's files are, how long a file may get.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use domain::records::FactKind;

/// A crate, and all of the workspace's crates that it may stand on.
const ARROWS: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("vault", &["domain"]),
    ("event-store", &["domain", "event-schemas", "vault"]),
    ("transparency", &["event-schemas", "event-store"]),
    ("event-schemas", &["domain"]),
    ("fhir", &["domain"]),
    ("gate", &["domain", "vault", "event-store"]),
    ("projections", &["domain", "vault", "event-store"]),
    ("kafka", &["domain", "event-schemas", "event-store", "projections", "vault"]),
    ("command-api", &["domain", "event-store", "gate"]),
    ("documents", &["command-api", "domain", "event-store", "gate", "vault"]),
    ("accounting", &["command-api", "domain", "event-store", "gate"]),
    ("query-api", &["domain", "event-store", "gate", "projections"]),
    ("fhir-api", &["domain", "event-store", "fhir", "gate"]),
    (
        "server",
        &[
            "accounting",
            "command-api",
            "documents",
            "domain",
            "event-schemas",
            "event-store",
            "fhir",
            "fhir-api",
            "gate",
            "kafka",
            "projections",
            "query-api",
            "transparency",
            "vault",
        ],
    ),
    ("bench", &["domain", "event-store", "gate", "kafka", "projections", "query-api", "vault"]),
    // What tests use stands under `dev-dependencies`.
    ("tests", &[]),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests lie in the workspace").to_owned()
}

/// The contexts: the folders of the domain that have events.
fn contexts() -> Vec<String> {
    let folders = fs::read_dir(root().join("domain/src")).expect("the domain has sources").flatten();
    let contexts: Vec<String> =
        folders.filter(|entry| entry.path().join("events.rs").exists()).map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    assert!(contexts.len() >= 4, "the contexts are not found");
    contexts
}

fn sources(folder: &Path, extensions: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
            if path.is_dir() && !["target", "data", "node_modules", ".git"].contains(&name.as_str()) {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extensions.iter().any(|wanted| extension == *wanted)) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn text(path: impl AsRef<Path>) -> String {
    fs::read_to_string(path.as_ref()).unwrap_or_else(|error| panic!("{}: {error}", path.as_ref().display()))
}

/// The names under `[dependencies]` of a crate.
fn dependencies(name: &str) -> BTreeSet<String> {
    let manifest = text(root().join(name).join("Cargo.toml"));
    let section = manifest.split("\n[").find(|section| section.starts_with("dependencies]")).unwrap_or_default();
    section.lines().skip(1).filter_map(|line| line.split(['.', ' ', '=']).next()).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// The folders of the workspace's crates.
fn members() -> BTreeSet<String> {
    let manifest = text(root().join("Cargo.toml"));
    let list = manifest.split_once("members = [").and_then(|(_, rest)| rest.split_once(']')).expect("the workspace names its members").0;
    list.split(',').map(|name| name.trim().trim_matches('"').to_owned()).filter(|name| !name.is_empty()).collect()
}

#[test]
fn dependencies_run_one_way() {
    let (members, listed) = (members(), ARROWS.iter().map(|(name, _)| (*name).to_owned()).collect::<BTreeSet<_>>());
    assert_eq!(listed, members, "each crate has its line");
    for (name, allowed) in ARROWS {
        let wrong: Vec<String> = dependencies(name).into_iter().filter(|other| members.contains(other) && !allowed.contains(&other.as_str())).collect();
        assert!(wrong.is_empty(), "{name} must not stand on {wrong:?}");
    }
}

#[test]
fn domain_does_no_io_and_draws_nothing() {
    let pure = ["chrono", "chrono-tz", "octofhir-ucum", "schemars", "serde", "serde_json", "thiserror", "uuid"];
    let impure: Vec<String> = dependencies("domain").into_iter().filter(|name| !pure.contains(&name.as_str())).collect();
    assert!(impure.is_empty(), "domain depends on {impure:?}");
    for path in sources(&root().join("domain/src"), &["rs"]) {
        for forbidden in ["std::fs", "std::net", "std::env", "std::process", "SystemTime", "Utc::now", "Local::now", "new_v4", "now_v7"] {
            assert!(!text(&path).contains(forbidden), "{} names {forbidden}", path.display());
        }
    }
}

#[test]
fn only_the_event_store_names_the_tables_of_the_log() {
    for folder in
        ["vault", "gate", "kafka", "projections", "command-api", "documents", "accounting", "query-api", "fhir", "fhir-api", "server", "event-schemas"]
    {
        for path in sources(&root().join(folder), &["rs", "sql"]) {
            for table in ["clinical.", "event_tag", "from event ", "into event "] {
                let named =
                    text(&path).lines().any(|line| line.contains(table) && !line.trim_start().starts_with("//") && !line.trim_start().starts_with("--"));
                assert!(!named, "{} names {table}", path.display());
            }
        }
    }
}

#[test]
fn resolvers_reach_the_database_only_through_a_snapshot() {
    for path in ["query-api/src", "fhir-api/src", "accounting/src"].iter().flat_map(|folder| sources(&root().join(folder), &["rs"])) {
        for handle in ["PgPool", "PgListener", "connect_with", "pool."] {
            assert!(!text(&path).contains(handle), "{} names {handle}", path.display());
        }
    }
}

/// What the read models' database says of an error may repeat values of its rows, which are clear. Whoever reads them holds its errors as `gate::Unvalued` alone, which
/// says none: so whatever is logged of them, and of what they led to, says none either.
#[test]
fn an_error_of_the_read_models_is_logged_without_values() {
    let mut found = 0;
    for folder in ["accounting/src", "command-api/src", "documents/src", "fhir-api/src", "query-api/src"] {
        for path in sources(&root().join(folder), &["rs"]) {
            let content = text(&path);
            for (number, line) in content.lines().enumerate().filter(|(_, line)| line.contains("sqlx::Error")) {
                let turned = content.contains("Unvalued::from(error).into()");
                let allowed = line.starts_with("impl From<sqlx::Error> for ") || line.trim() == "fn from(error: sqlx::Error) -> Self {";
                assert!(turned && allowed, "{}:{} holds an error of the database as it is", path.display(), number + 1);
                found += 1;
            }
        }
    }
    assert!(found >= 8, "the errors are not found");
}

#[test]
fn no_read_goes_unrecorded_but_a_benchmarks() {
    let folders = ["accounting/src", "command-api/src", "documents/src", "fhir-api/src", "query-api/src", "server/src", "tests/tests"];
    for path in folders.iter().flat_map(|folder| sources(&root().join(folder), &["rs"])).filter(|path| !path.ends_with("tidy.rs")) {
        assert!(!text(&path).contains("without_access_records"), "{} reads without access records", path.display());
    }
}

#[test]
fn every_context_has_its_files_in_every_crate() {
    let paths = [
        "domain/src/{}/mod.rs",
        "event-schemas/src/examples/{}.rs",
        "command-api/src/{}.rs",
        "projections/src/{}.rs",
        "projections/src/{}.sql",
        "query-api/src/{}.rs",
    ];
    // Access is recorded by the gate, in a log that is read as it is: it has no commands and no read model.
    // Whose sessions were ended is read by the gate alone.
    let apart = |context: &str, path: &str| match context {
        "access" => path.starts_with("command-api") || path.starts_with("projections"),
        "identity" => path.starts_with("query-api"),
        _ => false,
    };
    for context in contexts() {
        for path in paths.into_iter().filter(|path| !apart(&context, path)) {
            let path = root().join(path.replace("{}", &context));
            let folder = path.with_extension("").join("mod.rs");
            assert!(path.exists() || folder.exists(), "{} is missing", path.display());
        }
    }
}

#[test]
fn every_mask_names_every_field() {
    let mut masks = 0;
    for path in sources(&root(), &["rs"]).into_iter().filter(|path| !path.ends_with("tidy.rs")) {
        for mask in text(&path).split("fn mask(self").skip(1).filter_map(|rest| rest.split("\n    }\n").next().map(str::to_owned)) {
            assert!(!mask.contains(".."), "{}: what a mask does not name, it shows", path.display());
            masks += 1;
        }
    }
    assert!(masks > 12, "the masks are not found");
}

/// The names of the commands that `impl Command for` blocks of a file say, which of a generic one are those of every kind of fact.
fn commands_in(file: &str) -> Vec<String> {
    let blocks = file.split("\nimpl").skip(1).filter(|block| block.lines().next().is_some_and(|line| line.contains(" Command for ")));
    let each = |name: fn(&str) -> String| FactKind::ALL.iter().map(|kind| name(kind.name())).collect();
    let names = blocks.flat_map(|block| {
        let name = block.split_once("const NAME: &'static str = ").and_then(|(_, rest)| rest.split_once(';')).expect("a command has a name").0;
        match name {
            "F::RECORD" => each(|kind| format!("record-{kind}")),
            "F::AMEND" => each(|kind| format!("amend-{kind}")),
            "F::ENTER_IN_ERROR" => each(|kind| format!("enter-{kind}-in-error")),
            plain => vec![plain.strip_prefix('"').and_then(|name| name.strip_suffix('"')).expect("a command's name is written out").to_owned()],
        }
    });
    names.collect()
}

#[test]
fn every_command_has_a_route() {
    let of_context = |context: &String| -> Vec<(String, String)> {
        let files = sources(&root().join("domain/src").join(context), &["rs"]);
        files.iter().flat_map(|path| commands_in(&text(path))).map(|command| (context.clone(), command)).collect()
    };
    let mut commands: BTreeSet<(String, String)> = contexts().iter().flat_map(of_context).collect();
    // An upload is a stream, and comes by a route of its own.
    assert!(text(root().join("documents/src/lib.rs")).contains("upload::upload"));
    assert!(commands.remove(&("documents".to_owned(), "upload".to_owned())));
    let routes: BTreeSet<(String, String)> = command_api::endpoints().iter().map(|endpoint| (endpoint.context.to_owned(), endpoint.name.to_owned())).collect();
    assert_eq!(routes, commands);
}

#[test]
fn only_the_relay_writes_the_topic_of_the_log() {
    for path in sources(&root(), &["rs"]) {
        let (content, name) = (text(&path), path.to_string_lossy().into_owned());
        let produces = content.contains(concat!("Future", "Producer"))
            || content.contains(concat!("Base", "Producer"))
            || content.contains(concat!("Threaded", "Producer"));
        let may = name.ends_with("kafka/src/producer.rs") || name.ends_with("kafka/src/dead_letter.rs") || name.contains("/tests/");
        assert!(!produces || may, "{name} makes a producer");
    }
}

#[test]
fn no_two_read_models_have_a_table_of_one_name() {
    let mut tables: BTreeMap<String, PathBuf> = BTreeMap::new();
    for path in sources(&root().join("projections/src"), &["sql"]) {
        for name in text(&path).lines().filter_map(|line| line.strip_prefix("create table ")?.split([' ', '(']).next().map(str::to_owned)) {
            let before = tables.insert(name.clone(), path.clone());
            assert!(before.is_none(), "{name} is in {} and in {}: one search path finds both", path.display(), before.unwrap_or_default().display());
        }
    }
    assert!(tables.len() > 10, "the tables are not found");
}

#[test]
fn no_file_is_over_its_budget() {
    let long: BTreeMap<PathBuf, usize> = sources(&root(), &["rs", "sql", "js", "sh"])
        .into_iter()
        .map(|path| (path.clone(), text(&path).lines().count()))
        .filter(|(_, lines)| *lines > 600)
        .collect();
    assert!(long.is_empty(), "over 600 lines: {long:?}");
}

#[test]
fn nothing_is_left_unfinished() {
    for path in sources(&root(), &["rs", "sql", "js"]) {
        for mark in [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("todo", "!("), concat!("unimplemented", "!("), concat!("#[", "ignore")] {
            assert!(!text(&path).contains(mark), "{} holds {mark}", path.display());
        }
    }
}

#[test]
fn links_in_the_documents_resolve() {
    for path in sources(&root(), &["md"]) {
        let folder = path.parent().expect("a file lies in a folder").to_owned();
        let content = text(&path);
        for link in content.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let target = link.split('#').next().unwrap_or_default();
            if target.is_empty() || target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            assert!(folder.join(target).exists(), "{}: {link} leads nowhere", path.display());
        }
    }
}

#[test]
fn the_threat_model_names_tests_and_files_that_there_are() {
    let tests = root().join("tests/tests/integration");
    let files = ["tests/tests/integration", "gate/src"].iter().flat_map(|folder| sources(&root().join(folder), &["rs"]));
    let all: String = files.map(|path| text(&path)).collect();
    let page = text(root().join("docs/threat-model.md"));
    let mut shown = 0;
    for name in page.split('`').skip(1).step_by(2) {
        if name.ends_with(".rs") {
            assert!(tests.join(name).exists() || root().join(name).exists(), "there is no {name}");
        } else if name.matches('_').count() > 2 && !name.contains(|letter: char| letter.is_uppercase() || letter == '.') {
            assert!(all.contains(&format!("fn {name}(")), "there is no test {name}");
            shown += 1;
        }
    }
    assert!(shown > 15, "the page was read");
}

//! HL7's validator of FHIR with IHE's audit patterns (`tests/fhir-validator`), which `scripts/install validator` fetches.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use event_store::fresh_id;
use serde_json::Value;

/// The validator, where it is installed.
pub struct Validator {
    installed: PathBuf,
    profiles: PathBuf,
}

impl Validator {
    /// `None` where it is not installed, which `CI=true` does not put up with.
    pub fn installed() -> Option<Self> {
        let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
        let validator = Self { installed: tests.join("../data/fhir-validator"), profiles: tests.join("fhir-validator/profiles") };
        if !validator.installed.is_dir() {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "{} is missing", validator.installed.display());
            eprintln!("SKIPPED: {} is not there; `scripts/install validator` installs it", validator.installed.display());
            return None;
        }
        Some(validator)
    }

    /// What it finds wrong with each of the resources. Several seconds go before the first of them.
    pub fn errors(&self, resources: &[Value]) -> Vec<Vec<String>> {
        let folder = std::env::temp_dir().join(format!("carelog-fhir-validator-{}", fresh_id().simple()));
        fs::create_dir(&folder).unwrap();
        for (number, resource) in resources.iter().enumerate() {
            fs::write(folder.join(format!("{number:05}.json")), resource.to_string()).unwrap();
        }
        let classes = format!("{0}/classes:{0}/libs/*", self.installed.display());
        // It lives for seconds, which the better of Java's compilers would take for itself.
        let mut command = Command::new("java");
        command.args(["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", &classes, "Validate"]).args([&self.profiles, &folder]);
        let output = command.output().expect("java runs");
        fs::remove_dir_all(&folder).unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

        let (mut errors, mut validated) = (vec![Vec::new(); resources.len()], 0);
        for line in String::from_utf8(output.stdout).unwrap().lines() {
            match line.split('\t').collect::<Vec<_>>()[..] {
                [_, "validated"] => validated += 1,
                [file, "error" | "fatal", place, what] => errors[file.trim_end_matches(".json").parse::<usize>().unwrap()].push(format!("{place}: {what}")),
                [_, "warning" | "information", _, _] => {}
                _ => panic!("{line}"),
            }
        }
        assert_eq!(validated, resources.len());
        errors
    }
}

//! `carelog disclosures accounting`: the same accounting at the console.

use std::os::unix::fs::PermissionsExt as _;

use gate::Role;
use serde_json::{Value, json};

use crate::app::App;

#[tokio::test]
async fn the_operator_writes_an_accounting_into_a_file_that_is_theirs_alone_and_on_record() {
    let app = App::serve().await;
    let ada = event_store::fresh_id();
    let name = json!({ "name": [{ "given": ["Ada"], "family": "Lovelace" }] });
    app.accepted("/v1/patients/register-patient", Role::FrontDesk, json!({ "patient": ada, "demographics": name })).await;
    let yesterday = (event_store::Clock::system().now() - chrono::TimeDelta::days(1)).to_rfc3339();
    let body = json!({ "disclosure": event_store::fresh_id(), "patient": ada, "madeAt": yesterday, "recipient": { "name": "County Health" },
        "what": "A positive test", "basis": "public-health" });
    app.accepted("/v1/disclosures/record-disclosure", Role::FrontDesk, body).await;
    let (tenant, patient) = (app.tenant.to_string(), ada.to_string());
    let write = |format: &str, more: &[&str]| {
        let out = app.keys.join(format!("accounting.{format}"));
        let path = out.to_str().unwrap().to_owned();
        let arguments = ["disclosures", "accounting", "--tenant", &tenant, "--patient", &patient, "--format", format, "--out", &path];
        (app.command(&[&arguments[..], more].concat()).output().unwrap(), out)
    };
    for format in ["json", "csv", "pdf"] {
        let (run, out) = write(format, &[]);
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        assert!(String::from_utf8_lossy(&run.stdout).starts_with("1 disclosures"));
        let bytes = std::fs::read(&out).unwrap();
        assert_eq!(std::fs::metadata(&out).unwrap().permissions().mode() & 0o777, 0o600);
        let text = if format == "pdf" { pdf_extract::extract_text_from_mem(&bytes).unwrap() } else { String::from_utf8(bytes).unwrap() };
        assert!(text.contains("County Health") && text.contains("A positive test"), "{format}: {text}");
        assert!(!write(format, &[]).0.status.success(), "what is there is not written over");
    }
    let refused = write("other", &["--from", "1999-01-01"]).0;
    assert!(!refused.status.success());
    std::fs::remove_file(app.keys.join("accounting.json")).unwrap();
    let refused = write("json", &["--from", "1999-01-01"]).0;
    assert!(String::from_utf8_lossy(&refused.stderr).contains("six years"), "{}", String::from_utf8_lossy(&refused.stderr));
    let looked = app.command(&["access", "--tenant", &tenant, "--patient", &patient, "--kind", "disclosures", "--format", "json"]).output().unwrap();
    let records: Vec<Value> = String::from_utf8(looked.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of_accountings = records.iter().filter(|record| record["operation"] == "accounting of disclosures" && record["outcome"] == "shown").count();
    assert!(of_accountings >= 3, "{records:?}");
}

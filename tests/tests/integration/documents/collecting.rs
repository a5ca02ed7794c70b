//! What is collected, and what is not.

use super::desk::{Desk, pdf};

#[tokio::test]
async fn what_no_event_names_is_collected_once_it_is_a_day_old() {
    let desk = Desk::open(&[]).await;
    let kept = desk.accepted(event_store::fresh_id(), &pdf(100_000)).await;
    let path = desk.file(kept);
    let orphan = path.with_file_name(format!("{}.{}", event_store::fresh_id(), path.extension().unwrap().to_str().unwrap()));
    std::fs::copy(&path, &orphan).unwrap();
    // Another sealing of the same document that no event names.
    let mut address: Vec<char> = path.extension().unwrap().to_str().unwrap().chars().collect();
    address[63] = if address[63] == '0' { '1' } else { '0' };
    let resealed = path.with_file_name(format!("{kept}.{}", address.into_iter().collect::<String>()));
    std::fs::copy(&path, &resealed).unwrap();
    let stage = desk.app.documents.join("stage").join(format!("{}#1", event_store::fresh_id()));
    std::fs::write(&stage, "half").unwrap();
    std::fs::write(desk.app.documents.join("README"), "not ours").unwrap();
    let collect = || {
        let output = desk.app.command(&["collect-documents"]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    assert_eq!(collect().trim(), "4 documents kept; deleted: 0 uploads that were cut off, 0 documents that no event names");
    desk.grow_old();
    assert_eq!(collect().trim(), "1 documents kept; deleted: 1 uploads that were cut off, 2 documents that no event names");
    assert!(path.exists() && !orphan.exists() && !resealed.exists() && !stage.exists());
    assert!(desk.app.documents.join("README").exists(), "what is not ours is left alone");
    assert_eq!(desk.download(kept).await.len(), 100_000);
}

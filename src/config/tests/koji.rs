//! What is said about Koji.

use super::*;

#[test]
fn a_hub_and_its_files_go_together() {
    let hub = "koji_server = \"https://koji.example.com/kojihub\"\n";
    let refused = |text: &str| Case::new(text).load().unwrap_err();
    let problem = format!("{:?}", refused(hub));
    assert!(problem.contains("koji_topdir or koji_topurl"), "{problem}");
    let problem = format!("{:?}", refused("koji_topdir = \"/mnt/koji\""));
    assert!(problem.contains("koji_server, or koji_profile"), "{problem}");
    for more in [
        "koji_topdir = \"/mnt/koji\"",
        "koji_topurl = \"http://koji.example.com/files\"",
    ] {
        Case::new(&format!("{hub}{more}")).load().unwrap();
    }
    Case::new("koji_profile = \"koji\"").load().unwrap();
    Case::new("koji_profile = \"koji\"\nkoji_topdir = \"/mnt/koji\"")
        .load()
        .unwrap();
    for wrong in [
        "koji_server = \"koji.example.com\"",
        "koji_server = \"https://me:secret@koji.example.com/kojihub\"",
        "koji_server = \"https://koji.example.com/kojihub?x\"",
        "koji_profile = \"../koji\"",
        "koji_profile = \"\"",
    ] {
        refused(wrong);
    }
}

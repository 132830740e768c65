//! A private certificate authority, made by the openssl command for one test.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

/// Its folder, gone with it.
pub(crate) struct Authority {
    folder: tempfile::TempDir,
}

/// A certificate and its key, in PEM files.
pub(crate) struct Issued {
    pub(crate) cert: PathBuf,
    pub(crate) key: PathBuf,
}

const KEY: [&str; 5] = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

impl Authority {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // Servers of tests may run as other users.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let authority = Self { folder };
        let mut made = authority.openssl("req");
        let name = format!("/CN=a private CA {}", fastrand::u64(..));
        made.args(["-x509", "-days", "2", "-subj", &name, "-out", "ca.pem", "-keyout", "ca.key"])
            .args(KEY)
            .args(["-addext", "keyUsage=critical,keyCertSign,cRLSign"]);
        done(made);
        authority
    }

    fn openssl(&self, command: &str) -> Command {
        let mut openssl = Command::new("openssl");
        openssl.arg(command).current_dir(self.folder.path());
        openssl
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The authority's own certificate.
    pub(crate) fn ca(&self) -> PathBuf {
        self.path("ca.pem")
    }

    /// A certificate under a file name; `names` as in `DNS:localhost,IP:127.0.0.1`.
    pub(crate) fn issue(&self, file: &str, names: &str) -> Issued {
        let [cert, key, csr, extensions] = ["pem", "key", "csr", "ext"].map(|end| format!("{file}.{end}"));
        let mut asked = self.openssl("req");
        asked.args(KEY).args(["-subj", &format!("/CN={file}"), "-keyout", &key, "-out", &csr]);
        done(asked);
        fs::write(self.path(&extensions), format!("subjectAltName={names}\n")).unwrap();
        let mut signed = self.openssl("x509");
        signed.args(["-req", "-days", "2", "-in", &csr, "-out", &cert, "-extfile", &extensions]).args([
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
            "-CAcreateserial",
        ]);
        done(signed);
        fs::set_permissions(self.path(&key), fs::Permissions::from_mode(0o644)).unwrap();
        Issued { cert: self.path(&cert), key: self.path(&key) }
    }
}

fn done(mut command: Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A path as text, for settings.
pub(crate) fn shown(path: &Path) -> String {
    path.display().to_string()
}

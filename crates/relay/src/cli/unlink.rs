//! `roomed-relay unlink`: who a Microsoft account is in the EHR is forgotten.

use anyhow::Context;
use clap::Args;
use roomed_relay::store::Recipient;

use super::{ConfigFile, database};

#[derive(Args)]
pub(super) struct Unlink {
    #[command(flatten)]
    file: ConfigFile,
    /// The organization's key.
    #[arg(long)]
    organization: String,
    /// The account's Entra object id.
    #[arg(long)]
    oid: String,
}

impl Unlink {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let Self { file, organization, oid } = self;
        let config = file.load()?;
        let known = config.organization(&organization).context("this relay serves no organization of that key")?;
        let recipient = Recipient { tid: known.tid.clone(), oid: oid.to_ascii_lowercase(), organization };
        let store = database::open(&config).await?;
        let gone = store.forget_links(&recipient).await.context("the links could not be removed")?;
        store.close().await;
        println!("{gone} links removed.");
        Ok(())
    }
}

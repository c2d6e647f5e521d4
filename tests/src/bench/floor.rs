//! What no design can go below on this machine at this moment: 64 bytes to another thread and back over TCP, then 4 KiB
//! appended to a file on the database's file system and forced to the disk, one after the other.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::time::Duration;

use crate::clock::Stopwatch;

const ECHO: [u8; 64] = [b'e'; 64];
const APPEND: [u8; 4096] = [b'f'; 4096];

/// The two ends of a line, and a file.
pub(super) struct Floor {
    line: TcpStream,
    file: File,
}

impl Floor {
    /// The file is made in `directory`.
    pub(super) fn new(directory: &Path) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let line = TcpStream::connect(listener.local_addr()?)?;
        let (mut other, _) = listener.accept()?;
        for end in [&line, &other] {
            end.set_nodelay(true)?;
        }
        line.set_read_timeout(Some(crate::wait::PATIENCE))?;
        // Ends when the line is closed.
        std::thread::spawn(move || -> std::io::Result<()> {
            let mut bytes = [0; ECHO.len()];
            loop {
                other.read_exact(&mut bytes)?;
                other.write_all(&bytes)?;
            }
        });
        let file = OpenOptions::new().create(true).append(true).open(directory.join("floor"))?;
        Ok(Self { line, file })
    }

    /// One echo and one append, as one operation.
    fn once(&mut self) -> std::io::Result<Duration> {
        let began = Stopwatch::start();
        self.line.write_all(&ECHO)?;
        self.line.read_exact(&mut [0; ECHO.len()])?;
        self.file.write_all(&APPEND)?;
        // fdatasync
        self.file.sync_data()?;
        Ok(began.elapsed())
    }

    /// The same away from the threads that serve sockets.
    pub(super) async fn measure(mut self) -> anyhow::Result<(Self, Duration)> {
        tokio::task::spawn_blocking(move || {
            let took = self.once()?;
            Ok((self, took))
        })
        .await?
    }
}

//! Servers that are there to be left alone.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};

use super::Server;

/// A server that nobody may reach, on 127.0.0.1 and, where there is IPv6, on the same port of ::1.
#[derive(Debug)]
pub struct Canary {
    servers: Vec<Server>,
}

impl Default for Canary {
    fn default() -> Self {
        Self::new()
    }
}

impl Canary {
    /// On any port.
    pub fn new() -> Self {
        let server = Server::empty();
        let port = server.address().port();
        let mut servers = vec![server];
        let v6 = SocketAddr::from((Ipv6Addr::LOCALHOST, port));
        if TcpListener::bind(v6).is_ok() {
            servers.push(Server::empty_at(v6));
        }
        for server in &servers {
            server.put("/pub/x", "what nobody may see");
        }
        Self { servers }
    }

    /// On one port of several addresses of IPv4: 127.0.0.1 is the canary's.
    pub fn beside(other: Ipv4Addr) -> (Server, Self) {
        loop {
            let server = Server::empty_at((other, 0).into());
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, server.address().port()));
            if TcpListener::bind(address).is_ok() {
                let servers = vec![Server::empty_at(address)];
                return (server, Self { servers });
            }
        }
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.servers.first().map_or(0, |server| server.address().port())
    }

    /// How often it was reached.
    pub fn connections(&self) -> usize {
        self.servers.iter().map(Server::connections).sum()
    }
}

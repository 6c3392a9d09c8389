//! Exec, attach and port-forward: CRI gives a URL, and the streams go over a WebSocket (RFC 6455).
//!
//! The protocol in it is Kubernetes' `v4.channel.k8s.io`: the first byte of each message is the
//! channel.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use crate::command::{Verdict, failed};

/// The channels of exec and attach. Those of a port-forward are 0 for data and 1 for errors.
pub const STDIN: u8 = 0;
pub const STDOUT: u8 = 1;
pub const STDERR: u8 = 2;
/// At the end one status, as JSON.
pub const STATUS: u8 = 3;
/// Takes the size of the terminal, as JSON.
pub const RESIZE: u8 = 4;

/// RFC 6455, 5.2: the final bit of the first byte, the mask bit of the second, and opcodes.
const FINAL: u8 = 0x80;
const MASKED: u8 = 0x80;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;

/// A stream of messages, each on a channel.
pub struct WebSocket {
    stream: BufReader<TcpStream>,
    /// What has come, by channel.
    heard: Vec<Vec<u8>>,
}

impl WebSocket {
    /// Connects to a URL that CRI gave, `query` added to it.
    pub fn open(url: &str, query: &str, deadline: Duration) -> Verdict<Self> {
        let rest = url.strip_prefix("http://").ok_or_else(|| failed(format!("not an http URL: {url}")))?;
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let mut stream = TcpStream::connect(host)?;
        stream.set_read_timeout(Some(deadline))?;
        let query = if query.is_empty() { String::new() } else { format!("?{query}") };
        // The key only has to be 16 bytes in base64; nothing between here and there caches.
        write!(
            stream,
            "GET /{path}{query} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: b25nZ2kgaXMgdGVzdGVkIQ==\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Protocol: v4.channel.k8s.io\r\n\r\n"
        )?;
        let mut stream = BufReader::new(stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if stream.read_line(&mut head)? == 0 {
                break;
            }
        }
        if !head.starts_with("HTTP/1.1 101") {
            return Err(failed(format!("{url} is no WebSocket: {head}")));
        }
        Ok(Self { stream, heard: vec![Vec::new(); 5] })
    }

    /// Sends on a channel. A message here is short: less than 125 bytes.
    pub fn send(&mut self, channel: u8, text: &str) -> Verdict {
        let length = u8::try_from(text.len() + 1).ok().filter(|length| *length <= 125);
        let length = length.ok_or_else(|| failed(format!("too long for one frame: {text:?}")))?;
        // Clients must mask; a mask of zeros changes nothing.
        let mut frame = vec![FINAL | BINARY, MASKED | length, 0, 0, 0, 0, channel];
        frame.extend(text.as_bytes());
        Ok(self.stream.get_mut().write_all(&frame)?)
    }

    /// Waits until a channel has had this in it.
    pub fn expect(&mut self, channel: u8, text: &str) -> Verdict {
        while !self.text(channel).contains(text) {
            if !self.receive()? {
                return Err(failed(format!("the end, but expected on channel {channel}: {text:?}\n{}", self.all())));
            }
        }
        Ok(())
    }

    /// Waits for the other side's end.
    pub fn finish(&mut self) -> Verdict {
        while self.receive()? {}
        Ok(())
    }

    /// No more is sent.
    pub fn close(&mut self) -> Verdict {
        Ok(self.stream.get_mut().shutdown(Shutdown::Both)?)
    }

    /// All that has come on a channel.
    pub fn text(&self, channel: u8) -> String {
        self.heard
            .get(usize::from(channel))
            .map(|bytes| String::from_utf8_lossy(bytes).into_owned())
            .unwrap_or_default()
    }

    /// All that has come.
    pub fn all(&self) -> String {
        (0..5).map(|channel| format!("{channel}: {:?}", self.text(channel))).collect::<Vec<_>>().join("\n")
    }

    /// One frame; false at the end.
    fn receive(&mut self) -> Verdict<bool> {
        let mut head = [0; 2];
        if let Err(error) = self.stream.read_exact(&mut head) {
            return match error.kind() {
                std::io::ErrorKind::UnexpectedEof | std::io::ErrorKind::ConnectionReset => Ok(false),
                _ => Err(failed(format!("nothing more came: {error}\n{}", self.all()))),
            };
        }
        let length = match head[1] {
            126 => u64::from(u16::from_be_bytes(self.bytes()?)),
            127 => u64::from_be_bytes(self.bytes()?),
            short => u64::from(short),
        };
        let mut body = Vec::new();
        self.stream.by_ref().take(length).read_to_end(&mut body)?;
        if head[0] & 0xf == CLOSE {
            return Ok(false);
        }
        if let Some((channel, data)) = body.split_first() {
            let heard = self.heard.get_mut(usize::from(*channel));
            heard.ok_or_else(|| failed(format!("there is no channel {channel}")))?.extend(data);
        }
        Ok(true)
    }

    fn bytes<const N: usize>(&mut self) -> Verdict<[u8; N]> {
        let mut bytes = [0; N];
        self.stream.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}

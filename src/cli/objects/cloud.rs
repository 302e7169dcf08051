//! S3, GCS, Azure and HTTP through `object_store`: the one door to the network.
//!
//! Credentials come from the environment of the command, key by key, and are never told: what a server says
//! is cut down to its status and code. Whatever is asked ends: every silence, every retry and the whole have
//! a bound.

#![expect(clippy::disallowed_types, reason = "this is the door itself")]

use std::future::Future;
use std::io::{Read, Write};
use std::str::FromStr;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::client::{HttpClient, HttpConnector};
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::http::HttpBuilder;
use object_store::path::Path;
use object_store::{
    BackoffConfig, ClientConfigKey, ClientOptions, Error, ObjectStore, ObjectStoreExt as _, RetryConfig, WriteMultipart,
};
use tokio::runtime::Runtime;

use super::{Checked, Put, Reach, Trouble, unreached};
use crate::evidence::location::{Location, Scheme};

/// Larger files go in parts of this size, so that memory stays bounded whatever the file.
const PART: u64 = 8 << 20;
/// S3 allows 10 000 parts; a very large file gets larger ones.
const PARTS: u64 = 9_000;
/// Parts on their way at once.
const AT_ONCE: usize = 3;
/// Plain HTTP knows no parts, so a file is sent from memory.
const HTTP_MOST: u64 = 64 << 20;
/// Slower than this on the whole, and the store is given up.
const LEAST_RATE: u64 = 64 << 10;

pub fn put(reach: &Reach<'_>, place: &Location, from: &mut dyn Read, source: &mut Checked<'_>) -> Result<Put, Trouble> {
    let size = source.content.size;
    if place.scheme() == Scheme::Http && size > HTTP_MOST {
        return Err(Trouble::Unreached(format!("an HTTP store takes files of at most {} MiB", HTTP_MOST >> 20)));
    }
    let session = Session::open(reach, place)?;
    session.within(size, async {
        match session.store.head(&session.path).await {
            Ok(there) if there.size == size => return Ok(Put::Known),
            Ok(there) => return Err(other_size(there.size, size)),
            // A server that does not tell may still take it.
            Err(Error::NotFound { .. }) => {}
            Err(_) if place.scheme() == Scheme::Http => {}
            Err(error) => return Err(trouble(&error)),
        }
        if place.scheme() == Scheme::Http || size <= PART {
            let mut all = Vec::new();
            while let piece = source.next(from, super::PIECE)?
                && !piece.is_empty()
            {
                all.extend(piece);
            }
            session.store.put(&session.path, Bytes::from(all).into()).await.map_err(|error| refused(&error))?;
        } else {
            session.put_parts(from, source).await?;
        }
        match session.store.head(&session.path).await.map_err(|error| trouble(&error))?.size {
            there if there == size => Ok(Put::New),
            there => Err(other_size(there, size)),
        }
    })
}

pub fn get(reach: &Reach<'_>, place: &Location, to: &mut dyn Write, sink: &mut Checked<'_>) -> Result<(), Trouble> {
    let session = Session::open(reach, place)?;
    let size = sink.content.size;
    session.within(size, async {
        let answer = session.store.get(&session.path).await.map_err(|error| trouble(&error))?;
        if answer.meta.size != size {
            return Err(other_size(answer.meta.size, size));
        }
        let mut body = answer.into_stream();
        while let Some(piece) = body.next().await {
            let piece = piece.map_err(|error| trouble(&error))?;
            sink.take(&piece)?;
            to.write_all(&piece).map_err(|error| unreached(&error))?;
        }
        sink.finish()
    })
}

/// One address being asked.
struct Session {
    /// Let go without waiting: a name that is still being looked up keeps nobody.
    runtime: Option<Runtime>,
    store: Box<dyn ObjectStore>,
    path: Path,
    timeout: Duration,
}

impl Session {
    fn open(reach: &Reach<'_>, place: &Location) -> Result<Self, Trouble> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| unreached(&error))?;
        let path = Path::from_url_path(place.url().path()).map_err(|error| Trouble::Unreached(error.to_string()))?;
        let store = open_store(reach, place).map_err(|error| trouble(&error))?;
        Ok(Self { runtime: Some(runtime), store, path, timeout: reach.timeout })
    }

    /// Runs to its end, or until a store this slow would be no use.
    fn within<T>(&self, size: u64, work: impl Future<Output = Result<T, Trouble>>) -> Result<T, Trouble> {
        let all = self.timeout.saturating_mul(2).saturating_add(Duration::from_secs(size / LEAST_RATE));
        let Some(runtime) = &self.runtime else { return Err(Trouble::Unreached("it is closed".to_owned())) };
        let done = runtime.block_on(async { tokio::time::timeout(all, work).await });
        done.unwrap_or_else(|_| Err(Trouble::Unreached(format!("it took longer than {} s", all.as_secs()))))
    }

    /// Nothing is there under the file's name before the last part is.
    async fn put_parts(&self, from: &mut dyn Read, source: &mut Checked<'_>) -> Result<(), Trouble> {
        let part = usize::try_from(PART.max(source.content.size.div_ceil(PARTS))).unwrap_or(usize::MAX);
        let upload = self.store.put_multipart(&self.path).await.map_err(|error| refused(&error))?;
        let mut parts = WriteMultipart::new_with_chunk_size(upload, part);
        let sent = loop {
            if let Err(error) = parts.wait_for_capacity(AT_ONCE).await {
                break Err(refused(&error));
            }
            match source.next(from, super::PIECE) {
                Ok(piece) if piece.is_empty() => break Ok(()),
                Ok(piece) => parts.put(Bytes::from(piece)),
                Err(trouble) => break Err(trouble),
            }
        };
        match sent {
            Ok(()) => parts.finish().await.map(drop).map_err(|error| refused(&error)),
            Err(trouble) => {
                // What cannot be taken back either is no file of that name.
                drop(parts.abort().await);
                Err(trouble)
            }
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn open_store(reach: &Reach<'_>, place: &Location) -> object_store::Result<Box<dyn ObjectStore>> {
    let (retry, connector) = (retry(reach), Connector::of(reach));
    let url = place.url().as_str();
    Ok(match place.scheme() {
        Scheme::S3 => {
            let builder = configured(reach, "AWS_", AmazonS3Builder::new(), AmazonS3Builder::with_config);
            Box::new(builder.with_url(url).with_retry(retry).with_http_connector(connector).build()?)
        }
        Scheme::Google => {
            let builder =
                configured(reach, "GOOGLE_", GoogleCloudStorageBuilder::new(), GoogleCloudStorageBuilder::with_config);
            Box::new(builder.with_url(url).with_retry(retry).with_http_connector(connector).build()?)
        }
        Scheme::Azure => {
            let builder = configured(reach, "AZURE_", MicrosoftAzureBuilder::new(), MicrosoftAzureBuilder::with_config);
            Box::new(builder.with_url(url).with_retry(retry).with_http_connector(connector).build()?)
        }
        Scheme::Directory | Scheme::Http => {
            let host = url::Position::BeforePath;
            let builder = HttpBuilder::new().with_url(&place.url()[..host]);
            let builder = builder.with_config(ClientConfigKey::AllowHttp, "true");
            Box::new(builder.with_retry(retry).with_http_connector(connector).build()?)
        }
    })
}

/// Every variable that is a setting of the store, by its name there.
fn configured<B, K: FromStr>(reach: &Reach<'_>, prefix: &str, builder: B, set: impl Fn(B, K, String) -> B) -> B {
    let own = reach.env.iter().filter(|(name, _)| name.starts_with(prefix));
    own.fold(builder, |builder, (name, value)| match name.to_ascii_lowercase().parse() {
        Ok(key) => set(builder, key, value.clone()),
        Err(_) => builder,
    })
}

fn retry(reach: &Reach<'_>) -> RetryConfig {
    let (init_backoff, max_backoff) = (Duration::from_millis(100), Duration::from_secs(2));
    let backoff = BackoffConfig { init_backoff, max_backoff, base: 2.0 };
    RetryConfig { backoff, max_retries: 3, retry_timeout: reach.timeout }
}

/// Makes the HTTP client, for `object_store` would take bounds and proxies from elsewhere.
#[derive(Debug)]
struct Connector {
    timeout: Duration,
    https_proxy: Option<String>,
    http_proxy: Option<String>,
    no_proxy: String,
}

impl Connector {
    fn of(reach: &Reach<'_>) -> Self {
        let variable = |name: &str| {
            let found = reach.env.get(name).or_else(|| reach.env.get(&name.to_ascii_lowercase()));
            found.cloned()
        };
        let all = variable("ALL_PROXY");
        Self {
            timeout: reach.timeout,
            https_proxy: variable("HTTPS_PROXY").or_else(|| all.clone()),
            // The upper-case name can be set by whoever sends a request to a CGI program.
            http_proxy: reach.env.get("http_proxy").cloned().or(all),
            no_proxy: variable("NO_PROXY").unwrap_or_default(),
        }
    }

    fn client(&self) -> reqwest::Result<reqwest::Client> {
        // The second caller finds it made.
        drop(rustls::crypto::ring::default_provider().install_default());
        let except = || reqwest::NoProxy::from_string(&self.no_proxy);
        let mut builder = reqwest::Client::builder()
            .no_proxy()
            .user_agent(concat!("ledger/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(self.timeout)
            .read_timeout(self.timeout);
        if let Some(proxy) = &self.https_proxy {
            builder = builder.proxy(reqwest::Proxy::https(proxy)?.no_proxy(except()));
        }
        if let Some(proxy) = &self.http_proxy {
            builder = builder.proxy(reqwest::Proxy::http(proxy)?.no_proxy(except()));
        }
        builder.build()
    }
}

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        let client = self.client().map_err(|error| Error::Generic { store: "HTTP", source: Box::new(error) })?;
        Ok(HttpClient::new(client))
    }
}

fn other_size(there: u64, size: u64) -> Trouble {
    Trouble::Differs(format!("there are {there} bytes, not {size}"))
}

/// What went wrong while something was put: a place that is not there is no missing file.
fn refused(error: &Error) -> Trouble {
    match trouble(error) {
        Trouble::Missing => Trouble::Unreached(said(error)),
        other => other,
    }
}

fn trouble(error: &Error) -> Trouble {
    match error {
        Error::NotFound { .. } if !is_about_the_store(error) => Trouble::Missing,
        _ => Trouble::Unreached(said(error)),
    }
}

/// A bucket or container that is not there says nothing about a file.
fn is_about_the_store(error: &Error) -> bool {
    let text = error.to_string();
    ["NoSuchBucket", "ContainerNotFound", "The specified bucket does not exist"].iter().any(|word| text.contains(word))
}

/// The status and the code a server gave, or what kept it from being asked. Never the address, where Azure has
/// its signatures, nor the text of an answer, where S3 repeats what was signed.
fn said(error: &Error) -> String {
    let text = error.to_string();
    let between = |begin: &str, end: &str| {
        let (_, rest) = text.split_once(begin)?;
        Some(rest.split_once(end).map_or(rest, |(found, _)| found).trim().to_owned())
    };
    if let Some(status) = between("non-2xx status code: ", ": ") {
        let code = between("<Code>", "</Code>").map(|code| format!(" ({code})")).unwrap_or_default();
        return format!("it answers {status}{code}");
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    let text = cause.to_string();
    let plain: Vec<&str> =
        text.split_whitespace().filter(|word| !word.contains("://") && !word.contains('?')).collect();
    plain.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn not_found(text: &str) -> Error {
        Error::NotFound { path: "sha256/ab/x".to_owned(), source: text.into() }
    }

    #[test]
    fn a_missing_file_is_told_from_a_missing_bucket() {
        let answer = |code| format!("Server returned non-2xx status code: 404 Not Found: <Code>{code}</Code>");
        assert_eq!(trouble(&not_found(&answer("NoSuchKey"))), Trouble::Missing);
        let no_bucket = Trouble::Unreached("it answers 404 Not Found (NoSuchBucket)".to_owned());
        assert_eq!(trouble(&not_found(&answer("NoSuchBucket"))), no_bucket);
        // A file that was put is not missing where the server has no such place.
        assert!(matches!(refused(&not_found(&answer("NoSuchKey"))), Trouble::Unreached(_)));
    }

    #[test]
    fn what_a_server_repeats_is_not_told() {
        let body = "non-2xx status code: 403 Forbidden: <Error><Code>SignatureDoesNotMatch</Code><StringToSign>AWS4</StringToSign>";
        let error = Error::PermissionDenied { path: String::new(), source: body.into() };
        assert_eq!(said(&error), "it answers 403 Forbidden (SignatureDoesNotMatch)");
        let source = "cannot send to https://account.blob.core.windows.net/c/x?sv=1&sig=abc now".into();
        assert_eq!(said(&Error::Generic { store: "MicrosoftAzure", source }), "cannot send to now");
    }
}

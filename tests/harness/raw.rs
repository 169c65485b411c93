//! The server's stubs without the client's care: for requests that no client of ours would send. Tries nothing
//! twice and checks nothing.

use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Request, Status};
use tributary_protocol::v1;
use tributary_protocol::v1::account_client::AccountClient;
use tributary_protocol::v1::clips_client::ClipsClient;
use tributary_protocol::v1::jobs_client::JobsClient;
use tributary_protocol::v1::stems_client::StemsClient;
use tributary_protocol::vocab::{ClipHeader, JobId};

/// Puts a key on every call.
#[derive(Clone)]
pub struct Bearer(MetadataValue<Ascii>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("authorization", self.0.clone());
        Ok(request)
    }
}

type Keyed = InterceptedService<Channel, Bearer>;

/// One connection with one key.
#[derive(Clone)]
pub struct Raw {
    channel: Channel,
    bearer: Bearer,
}

impl Raw {
    /// Connects to a server on this machine.
    ///
    /// # Errors
    /// Where there is none, or the key cannot be written into a header.
    pub async fn connect(address: &str, key: &str) -> anyhow::Result<Self> {
        let channel = Channel::from_shared(address.to_owned())?.connect().await?;
        Ok(Self { channel, bearer: Bearer(format!("Bearer {key}").parse()?) })
    }

    /// The connection, for services that need no key.
    #[must_use]
    pub fn channel(&self) -> Channel {
        self.channel.clone()
    }

    /// Jobs.
    #[must_use]
    pub fn jobs(&self) -> JobsClient<Keyed> {
        JobsClient::with_interceptor(self.channel.clone(), self.bearer.clone())
    }

    /// Clips.
    #[must_use]
    pub fn clips(&self) -> ClipsClient<Keyed> {
        ClipsClient::with_interceptor(self.channel.clone(), self.bearer.clone())
    }

    /// Stems.
    #[must_use]
    pub fn stems(&self) -> StemsClient<Keyed> {
        StemsClient::with_interceptor(self.channel.clone(), self.bearer.clone())
    }

    /// Account.
    #[must_use]
    pub fn account(&self) -> AccountClient<Keyed> {
        AccountClient::with_interceptor(self.channel.clone(), self.bearer.clone())
    }

    /// One stream of packets for one clip.
    ///
    /// # Errors
    /// The server's status.
    pub async fn write(&self, packets: Vec<v1::WriteClipRequest>) -> Result<v1::WriteClipResponse, Status> {
        Ok(self.clips().write(tokio_stream::iter(packets)).await?.into_inner())
    }
}

/// A request that is taken as it is.
#[must_use]
pub fn create(clip: ClipHeader) -> v1::CreateJobRequest {
    v1::CreateJobRequest {
        job_id: JobId::generate().as_bytes().to_vec().into(),
        model: "mini".to_owned(),
        stems: vec![],
        clip: Some(v1::ClipHeader {
            sha256: clip.sha256.0.to_vec().into(),
            frames: clip.frames,
            channels: clip.channels.into(),
            rate_hz: clip.rate_hz,
        }),
        title: "a take".to_owned(),
        ..v1::CreateJobRequest::default()
    }
}

/// A stream's first request, its samples as they are.
#[must_use]
pub fn packet(clip: &ClipHeader, offset: u64, canonical: &[u8]) -> v1::WriteClipRequest {
    v1::WriteClipRequest {
        sha256: clip.sha256.0.to_vec().into(),
        packet: Some(v1::Packet {
            offset,
            encoding: v1::Encoding::F32Raw.into(),
            canonical_bytes: u32::try_from(canonical.len()).unwrap_or(u32::MAX),
            payload: canonical.to_vec().into(),
        }),
    }
}

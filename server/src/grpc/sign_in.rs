//! SignIn: a device asks to be let in. Nobody is known yet.

use super::{Answer, Edge, convert, status};
use crate::sign_in::{Answer as Said, POLL, SignInError};
use std::sync::Arc;
use tonic::{Request, Response, Status};
use tributary_protocol::v1;

pub(super) struct SignIns(pub(super) Arc<Edge>);

#[tonic::async_trait]
impl v1::sign_in_server::SignIn for SignIns {
    async fn begin(&self, request: Request<v1::BeginSignInRequest>) -> Answer<v1::BeginSignInResponse> {
        let waiting =
            self.0.sign_in.begin(&request.get_ref().device).await.map_err(|error| refused(&error))?;
        Ok(Response::new(v1::BeginSignInResponse {
            device_secret: waiting.secret.reveal().to_owned(),
            page_with_code: format!("{}?code={}", waiting.page, waiting.code),
            page: waiting.page,
            code: waiting.code,
            interval_seconds: u32::try_from(POLL.as_secs()).unwrap_or(u32::MAX),
            until_us: waiting.login.until.0,
        }))
    }

    async fn poll(&self, request: Request<v1::PollSignInRequest>) -> Answer<v1::PollSignInResponse> {
        let said = convert::store(self.0.sign_in.poll(&request.get_ref().device_secret).await)?;
        let (state, key) = match said {
            Said::Waiting => (v1::SignInState::Waiting, String::new()),
            Said::Denied => (v1::SignInState::Denied, String::new()),
            Said::Gone => (v1::SignInState::Gone, String::new()),
            Said::Key(key) => (v1::SignInState::LetIn, key.reveal()),
        };
        Ok(Response::new(v1::PollSignInResponse { state: state.into(), key }))
    }
}

fn refused(error: &SignInError) -> Status {
    match error {
        SignInError::NoPages => Status::failed_precondition(error.to_string()),
        SignInError::Name => Status::invalid_argument(error.to_string()),
        SignInError::Store(error) => status::of_store(error),
    }
}

//! openidconnect over our own reqwest: it would bring an older one (`dependencies.md` T5). Addresses pass the policy,
//! answers are bounded, redirects are off.

use std::future::Future;
use std::pin::Pin;

use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};
use roomed_smart::UrlPolicy;

const LIMIT: usize = 1024 * 1024;

/// Why a request to the identity provider came to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum HttpError {
    #[error("the address is not allowed")]
    Address,
    #[error("no answer")]
    Unreachable,
    #[error("the answer is too large")]
    TooLarge,
}

#[derive(Clone)]
pub(super) struct Http {
    pub(super) client: reqwest::Client,
    pub(super) policy: UrlPolicy,
}

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = HttpError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move {
            let request = reqwest::Request::try_from(request).map_err(|_| HttpError::Address)?;
            self.policy.check(request.url()).map_err(|_| HttpError::Address)?;
            let mut response = self.client.execute(request).await.map_err(|_| HttpError::Unreachable)?;
            let mut answer = HttpResponse::new(Vec::new());
            *answer.status_mut() = response.status();
            *answer.headers_mut() = response.headers().clone();
            while let Some(chunk) = response.chunk().await.map_err(|_| HttpError::Unreachable)? {
                if answer.body().len() + chunk.len() > LIMIT {
                    return Err(HttpError::TooLarge);
                }
                answer.body_mut().extend_from_slice(&chunk);
            }
            Ok(answer)
        })
    }
}

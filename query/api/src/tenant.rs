//! Whose data a request is about: the header `X-Scope-OrgID`.

use axum::extract::FromRequestParts;
use axum::http::HeaderName;
use axum::http::request::Parts;
use tracewell_model::TenantId;

use crate::error::{ApiError, excerpt};

/// The header that names the tenant.
pub static TENANT_HEADER: HeaderName = HeaderName::from_static("x-scope-orgid");

/// The tenant of a request; `default` when the header is absent.
#[derive(Clone, Debug)]
pub struct Tenant(pub TenantId);

impl<S: Sync> FromRequestParts<S> for Tenant {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Tenant, ApiError> {
        let mut given = parts.headers.get_all(&TENANT_HEADER).iter();
        let Some(header) = given.next() else { return Ok(Tenant(TenantId::default_tenant())) };
        if given.next().is_some() {
            return Err(ApiError::InvalidTenant("given more than once: give it once".to_owned()));
        }
        let text = String::from_utf8_lossy(header.as_bytes());
        let tenant = TenantId::new(&text).map_err(|error| ApiError::InvalidTenant(excerpt_of(&error)))?;
        Ok(Tenant(tenant))
    }
}

fn excerpt_of(error: &tracewell_model::InvalidTenant) -> String {
    let text = error.to_string();
    if text.len() > 400 { excerpt(&text) } else { text }
}

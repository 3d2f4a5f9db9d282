//! Tenants: whose data it is.

use std::fmt;
use std::sync::Arc;

/// The name of a tenant, as in the `X-Scope-OrgID` header. Safe as a path segment.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
pub struct TenantId(Arc<str>);

/// Why a text is no tenant name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a tenant: expected 1 to 150 of the characters A-Z a-z 0-9 ! - _ . * ' ( ), not starting with a dot"
)]
pub struct InvalidTenant(String);

impl TenantId {
    /// The tenant of requests that name none: `default`.
    pub fn default_tenant() -> TenantId {
        TenantId(Arc::from("default"))
    }

    /// Checks `name`.
    pub fn new(name: &str) -> Result<TenantId, InvalidTenant> {
        let legal = |c: char| c.is_ascii_alphanumeric() || "!-_.*'()".contains(c);
        if name.is_empty() || name.len() > 150 || name.starts_with('.') || !name.chars().all(legal) {
            return Err(InvalidTenant(name.chars().take(160).collect()));
        }
        Ok(TenantId(Arc::from(name)))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_could_leave_a_directory_are_refused() {
        for name in ["", ".", "..", "a/b", "a\\b", "a|b", "ü", &"x".repeat(151)] {
            assert!(TenantId::new(name).is_err(), "{name:?}");
        }
        assert_eq!(TenantId::new("team-a_1").expect("legal").as_str(), "team-a_1");
    }
}

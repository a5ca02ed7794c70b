//! Media types of GraphQL over HTTP.

use async_graphql::Response;
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};

use crate::errors::Code;

/// How an answer is encoded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Media {
    /// `application/graphql-response+json`: the status tells whether the operation was executed.
    GraphqlResponse,
    /// `application/json`: a well-formed request is answered with 200, whatever is wrong with its document.
    Json,
}

impl Media {
    /// The one that the client likes best; `application/json` when it does not say. `None` when it accepts neither.
    pub fn accepted(headers: &HeaderMap) -> Option<Self> {
        let mut ranges = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).peekable();
        if ranges.peek().is_none() {
            return Some(Self::Json);
        }
        let mut best: Option<(f32, Self)> = None;
        for range in ranges {
            let mut parts = range.split(';').map(str::trim);
            let media = match parts.next().unwrap_or_default().to_ascii_lowercase().as_str() {
                "application/graphql-response+json" => Self::GraphqlResponse,
                "application/json" | "application/*" | "*/*" => Self::Json,
                _ => continue,
            };
            let parameters: Vec<&str> = parts.collect();
            let named = |name: &str| parameters.iter().filter_map(|parameter| parameter.split_once('=')).find(|(key, _)| key.trim().eq_ignore_ascii_case(name));
            let encodable = named("charset").is_none_or(|(_, charset)| charset.trim_matches('"').eq_ignore_ascii_case("utf-8"));
            let quality = named("q").map_or(Some(1.0), |(_, quality)| quality.trim().parse().ok()).unwrap_or(0.0_f32);
            // Of two that are liked as much, the first named.
            if encodable && quality > 0.0 && best.is_none_or(|(known, _)| quality > known) {
                best = Some((quality, media));
            }
        }
        best.map(|(_, media)| media)
    }

    /// The header of an answer.
    pub fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
            Self::Json => "application/json; charset=utf-8",
        })
    }

    /// The status of an answer to an operation that was not executed.
    pub fn status(self, refused: &Response) -> StatusCode {
        let code = refused.errors.first().and_then(|error| error.extensions.as_ref()).and_then(|extensions| extensions.get("code")).cloned();
        let code = Code::ALL.iter().copied().find(|known| code == Some(known.as_str().into())).unwrap_or(Code::Internal);
        let of_the_document = matches!(code, Code::ParseFailed | Code::ValidationFailed | Code::TooComplex);
        if self == Self::Json && of_the_document { StatusCode::OK } else { code.status() }
    }
}

/// Whether a body is declared as JSON, in UTF-8 where it says.
pub fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()) else { return false };
    let mut parts = value.split(';').map(str::trim);
    let json = parts.next().is_some_and(|media| media.eq_ignore_ascii_case("application/json"));
    let charset = parts.filter_map(|parameter| parameter.split_once('=')).find(|(key, _)| key.trim().eq_ignore_ascii_case("charset"));
    json && charset.is_none_or(|(_, charset)| charset.trim().trim_matches('"').eq_ignore_ascii_case("utf-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(accept: &str) -> Option<Media> {
        Media::accepted(&HeaderMap::from_iter([(ACCEPT, accept.parse().unwrap())]))
    }

    #[test]
    fn the_client_chooses() {
        assert_eq!(Media::accepted(&HeaderMap::new()), Some(Media::Json));
        assert_eq!(accepted("*/*"), Some(Media::Json));
        assert_eq!(accepted("application/graphql-response+json, application/json;q=0.9"), Some(Media::GraphqlResponse));
        assert_eq!(accepted("application/json;q=0.5, application/graphql-response+json;q=0.9"), Some(Media::GraphqlResponse));
        assert_eq!(accepted("application/json, application/graphql-response+json"), Some(Media::Json));
        assert_eq!(accepted("application/json; charset=utf-8"), Some(Media::Json));
        assert_eq!(accepted("text/html"), None);
        assert_eq!(accepted("application/json;q=0"), None);
    }

    #[test]
    fn a_body_is_json_in_utf_8() {
        let declared = |value: &str| is_json(&HeaderMap::from_iter([(CONTENT_TYPE, value.parse().unwrap())]));
        assert!(declared("application/json") && declared("application/json; charset=UTF-8"));
        assert!(!declared("text/plain") && !declared("application/json; charset=iso-8859-1") && !declared("application/x-www-form-urlencoded"));
        assert!(!is_json(&HeaderMap::new()));
    }
}

//! Which language a page of ours begins in: the first of the browser's that we speak (RFC 9110, 12.5.4), else English. The
//! page itself holds the words of all of them, so picking another one asks nobody anything.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};

use super::patient_words::{Words, ar, en, es};

/// A language we speak to patients and guests. One more is one more line in each of the three places here, and a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Language {
    #[default]
    English,
    Spanish,
    Arabic,
}

/// More than any browser sends; what comes after is not read.
const MOST: usize = 20;

impl Language {
    /// As the picker lists them.
    pub(super) const ALL: [Self; 3] = [Self::English, Self::Spanish, Self::Arabic];

    /// BCP 47.
    pub(super) fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Spanish => "es",
            Self::Arabic => "ar",
        }
    }

    /// What is said in it.
    pub(super) fn words(self) -> &'static Words {
        match self {
            Self::English => &en::WORDS,
            Self::Spanish => &es::WORDS,
            Self::Arabic => &ar::WORDS,
        }
    }

    /// By what the browser prefers.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let preferred = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        Self::preferred(preferred)
    }

    fn preferred(list: &str) -> Self {
        let mut best = (0.0, Self::default());
        for part in list.split(',').take(MOST) {
            let mut parts = part.split(';').map(str::trim);
            let primary = parts.next().unwrap_or_default().split('-').next().unwrap_or_default();
            let spoken = Self::ALL.into_iter().find(|language| language.tag().eq_ignore_ascii_case(primary));
            let weight = parts.find_map(|it| it.strip_prefix("q="));
            let weight: f32 = weight.map_or(Some(1.0), |it| it.trim().parse().ok()).unwrap_or_default();
            // Of two that are preferred alike the first one counts.
            if let Some(language) = spoken
                && weight > best.0
            {
                best = (weight, language);
            }
        }
        best.1
    }
}

impl<S: Sync> FromRequestParts<S> for Language {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.headers))
    }
}

#[cfg(test)]
mod tests {
    use super::Language;

    #[test]
    fn the_first_that_we_speak_and_is_wanted_most() {
        for (list, tag) in [
            ("", "en"),
            ("es-MX,es;q=0.9,en;q=0.8", "es"),
            ("fr-FR, ar;q=0.4, en;q=0.3", "ar"),
            ("en;q=0.2, es ; q=0.7", "es"),
            ("AR-eg", "ar"),
            ("es;q=0, en;q=0.1", "en"),
            ("es;q=x", "en"),
            ("de, *", "en"),
            ("español, ;;;,,", "en"),
        ] {
            assert_eq!(Language::preferred(list).tag(), tag, "{list}");
        }
    }
}

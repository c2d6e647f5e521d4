//! What a page says to a patient or a guest, where `problem.rs` speaks to clinicians: they have no chart to go back to and
//! nobody from IT beside them. Same status, same code; the words are what they can do, and whom the clinic can ask. Which
//! sentence belongs to which refusal stands here, how it reads in a language in that language's file.

pub(super) mod ar;
pub(super) mod en;
pub(super) mod es;

use roomed_protocol::{ProblemCode, WhoCanFix};

use super::problem::Refusal;
use crate::context_link::Fault;

/// Every word of one language.
#[cfg_attr(test, derive(serde::Serialize))]
pub(super) struct Words {
    /// The language's own name.
    pub(super) name: &'static str,
    /// `ltr` or `rtl`, as HTML has it.
    pub(super) direction: &'static str,
    /// Of the browser's tab.
    pub(super) title: &'static str,
    pub(super) invited: &'static str,
    pub(super) invited_how: &'static str,
    pub(super) open: &'static str,
    pub(super) opened_before: &'static str,
    pub(super) resume: &'static str,
    pub(super) code: &'static str,
    link_broken: &'static str,
    used_or_old: &'static str,
    too_long: &'static str,
    not_let_in: &'static str,
    not_found: &'static str,
    not_connected: &'static str,
    not_virtual: &'static str,
    cancelled: &'static str,
    missed: &'static str,
    mistaken: &'static str,
    over: &'static str,
    guest_link: &'static str,
    not_theirs: &'static str,
    too_often: &'static str,
    broken: &'static str,
    no_links: &'static str,
    incomplete: &'static str,
    early: &'static str,
    expired: &'static str,
    do_again: &'static str,
    do_call: &'static str,
    do_later: &'static str,
    do_ask: &'static str,
    do_new_link: &'static str,
    do_sign_in: &'static str,
    do_wait: &'static str,
    do_not_copy: &'static str,
    do_shortly_before: &'static str,
    do_again_or_call: &'static str,
    by_yourself: &'static str,
    by_microsoft: &'static str,
    by_ehr: &'static str,
    by_it: &'static str,
}

/// A sentence of a language.
pub(super) type Sentence = fn(&Words) -> &'static str;

/// What happened, what to do, who can do the rest.
pub(super) struct Said {
    pub(super) what: Sentence,
    pub(super) todo: Sentence,
    pub(super) who: Sentence,
}

/// Of a refusal.
pub(super) fn of(refusal: Refusal) -> Said {
    let (what, todo) = sentences(refusal.0);
    let who: Sentence = match refusal.0.who() {
        WhoCanFix::Clinician => |it| it.by_yourself,
        WhoCanFix::Microsoft365Admin => |it| it.by_microsoft,
        WhoCanFix::EhrAnalyst => |it| it.by_ehr,
        WhoCanFix::It => |it| it.by_it,
    };
    Said { what, todo, who }
}

/// Of an encrypted link that opens nothing.
pub(super) fn of_link(fault: Fault) -> Said {
    let (what, todo, who): (Sentence, Sentence, Sentence) = match fault {
        Fault::NotConfigured => (|it| it.no_links, |it| it.do_call, |it| it.by_ehr),
        Fault::Altered => (|it| it.link_broken, |it| it.do_not_copy, |it| it.by_ehr),
        Fault::Incomplete => (|it| it.incomplete, |it| it.do_call, |it| it.by_ehr),
        Fault::Early => (|it| it.early, |it| it.do_shortly_before, |it| it.by_yourself),
        Fault::Expired => (|it| it.expired, |it| it.do_again_or_call, |it| it.by_yourself),
    };
    Said { what, todo, who }
}

fn sentences(code: ProblemCode) -> (Sentence, Sentence) {
    use ProblemCode as P;
    match code {
        P::LinkRefused | P::BadRequest => (|it| it.link_broken, |it| it.do_again),
        P::HandleUnknown => (|it| it.used_or_old, |it| it.do_again),
        P::NonceRefused => (|it| it.too_long, |it| it.do_again),
        P::LaunchRefused | P::IdTokenRefused | P::NotSignedIn | P::TokenRefused => {
            (|it| it.not_let_in, |it| it.do_again)
        }
        P::LaunchWithoutAppointment | P::AppointmentNotFound | P::VisitNotFound => (|it| it.not_found, |it| it.do_call),
        P::UnknownIss | P::OtherRegion | P::WrongTenant | P::EhrRefused | P::NotAPractitioner => {
            (|it| it.not_connected, |it| it.do_call)
        }
        P::NotVirtual => (|it| it.not_virtual, |it| it.do_ask),
        P::AppointmentCancelled => (|it| it.cancelled, |it| it.do_ask),
        P::AppointmentNoshow => (|it| it.missed, |it| it.do_ask),
        P::AppointmentEnteredInError => (|it| it.mistaken, |it| it.do_ask),
        P::AppointmentFulfilled | P::VisitClosed | P::UndoTooLate | P::OfferOver => (|it| it.over, |it| it.do_ask),
        P::GuestUnknown => (|it| it.guest_link, |it| it.do_new_link),
        P::WrongPatient | P::WrongPerson | P::FirstLink | P::CoveringNeeded | P::CoveringForbidden => {
            (|it| it.not_theirs, |it| it.do_sign_in)
        }
        P::TooManyRequests => (|it| it.too_often, |it| it.do_wait),
        P::EhrUnreachable
        | P::AddressRefused
        | P::SendingNotConfigured
        | P::WriteBackUnknown
        | P::WriteBackChanged
        | P::RoleMissing
        | P::MeetingRefused
        | P::MeetingUnreachable
        | P::RelayUnreachable
        | P::NotWhileOffline
        | P::KeychainLocked
        | P::KeychainMissing
        | P::Internal => (|it| it.broken, |it| it.do_later),
    }
}

#[cfg(test)]
mod tests {
    use super::super::language::Language;
    use super::*;

    /// Words of another trade. A patient has a portal and a telephone.
    const NOT_THEIRS: [&str; 9] =
        ["chart", "launch", "schedule", "appointment", "Roomed", "token", "Microsoft account", "EHR", "IT "];

    #[test]
    fn a_patient_is_not_sent_to_a_chart() {
        for code in codes() {
            let (what, todo) = sentences(code);
            let (what, todo) = (what(&en::WORDS), todo(&en::WORDS));
            for word in NOT_THEIRS {
                assert!(!what.contains(word) && !todo.contains(word), "{code:?}: {what} {todo}");
            }
            assert!(todo.starts_with("Please") || todo.starts_with("If"), "{code:?}: what is to be done?");
            assert_ne!(todo, Refusal(code).problem().detail, "{code:?}");
        }
    }

    #[test]
    fn every_sentence_is_in_every_language() {
        let of = |language: Language| serde_json::to_value(language.words()).expect("words are plain");
        let english = of(Language::English);
        let english = english.as_object().expect("named");
        for language in [Language::Spanish, Language::Arabic] {
            let own = of(language);
            for (name, said) in english.iter().filter(|(name, _)| *name != "direction") {
                let own = own[name].as_str().unwrap_or_default();
                assert!(!own.trim().is_empty() && own != said, "{}: {name}", language.tag());
                let ends = said.as_str().unwrap_or_default().ends_with('.');
                assert!(!ends || own.ends_with('.'), "{}: {name} is no sentence", language.tag());
            }
        }
        assert_eq!((en::WORDS.direction, es::WORDS.direction, ar::WORDS.direction), ("ltr", "ltr", "rtl"));
    }

    /// All of them, as they stand on the wire.
    fn codes() -> Vec<ProblemCode> {
        let words = include_str!("../../../protocol/tests/golden/problem-codes.txt");
        words.split_whitespace().map(|it| serde_json::from_value(it.into()).expect("a code")).collect()
    }
}

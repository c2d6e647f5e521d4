//! The relay against a whole stand-in hospital: bad input at every door, and adapters that go on when the other side
//! fails. Real binaries over real HTTP; every test ends with a look for what must not have been written anywhere.

mod appointments;
mod browser_launch;
mod chart;
mod covering;
mod cursor;
mod ehr_witness;
mod encrypted_link;
mod epic_message;
mod generic_r4;
mod ground;
mod identifier;
mod issuer;
mod launch_page;
mod limits;
mod meeting;
mod microsoft_token;
mod mychart_link;
mod one_time;
mod openid;
mod oracle_health;
mod oracle_visit;
mod patient_first;
mod patient_launch;
mod r4_visit;
mod restored;
mod room;
mod signed;
mod statement;
mod visitor;
mod watch;
mod web_browser;
mod web_sign_in;
mod webhook;
mod write_back;
mod write_back_gap;

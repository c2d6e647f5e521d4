-- An EHR user is one Microsoft account's, and an account is one EHR user's at each EHR: of two first launches at once, one counts.
CREATE UNIQUE INDEX link_account ON link (organization, iss, tid, oid);

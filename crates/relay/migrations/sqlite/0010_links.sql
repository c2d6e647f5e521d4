-- An EHR user is one Microsoft account's, and an account is one EHR user's at each EHR: of two first launches at once, one
-- counts. Where two counted so far nobody knows which was meant: both go, and their clinician is asked once more.
DELETE FROM link WHERE EXISTS (
    SELECT 1 FROM link AS other
    WHERE other.organization = link.organization AND other.iss = link.iss AND other.tid = link.tid
      AND other.oid = link.oid AND other.fhir_user <> link.fhir_user
);
CREATE UNIQUE INDEX link_account ON link (organization, iss, tid, oid);

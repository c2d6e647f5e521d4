-- For the reports: how long patients waited before they were seen, and who went away unseen.

ALTER TABLE visit_summary ADD COLUMN waited_seconds INTEGER;
ALTER TABLE visit_summary ADD COLUMN left_unseen INTEGER;

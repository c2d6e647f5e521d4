-- A place for what people need in the store; nothing so far.

SELECT 1;

-- Nodes are of PostgreSQL only: this file is one process's own.

SELECT 1;

"""The same index on a Milvus server, for more than one machine: ``milvus://host:19530/name``.

A generation is written from an index folder and read by any number of processes, none of which
needs the folder. ``docs/milvus.md`` has the tables, and what is different.
"""

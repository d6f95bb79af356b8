"""The doors for programs, and what keeps a served index safe: one server for all."""

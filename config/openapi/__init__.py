"""The API described for machines (OpenAPI 3.1) and shown to people."""

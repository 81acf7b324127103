"""The made-up month (`backend/simulate/month`) as books and as facts in memory, and how findings are scored."""

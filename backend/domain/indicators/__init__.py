"""The city's indicators: one file a formula, each a plain fraction whose both numbers can be listed."""

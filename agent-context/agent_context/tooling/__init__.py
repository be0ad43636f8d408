"""The registry of servers, skills and settings that every machine is brought to, once a person there trusts them."""

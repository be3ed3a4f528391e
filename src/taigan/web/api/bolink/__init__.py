"""The line to BoLink: accounts, messages, what is owed to it, what it told."""

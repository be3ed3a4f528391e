"""The desk of the entry: a scan, the situation it meets, the rules, two commits."""

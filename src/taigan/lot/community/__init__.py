"""A residential area around a lot: its people, the devices at its gates, who passed them; reported to a platform."""

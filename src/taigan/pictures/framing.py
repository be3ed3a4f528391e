"""How pictures go to the process that makes them small and come back: each after its length."""

from __future__ import annotations

import struct

LENGTH = struct.Struct(">I")

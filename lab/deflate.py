"""The fastest deflate that there is: Intel's ISA-L where it is installed, or else zlib.

Both write the same format, so nobody who reads it has to know.
"""

try:
    from isal import isal_zlib as fast
except ImportError:  # the extra `tuned` is not installed
    import zlib as fast  # type: ignore[no-redef]

__all__ = ["fast"]

"""The fastest installed deflate: Intel's ISA-L, or else zlib; both write the same format."""

try:
    from isal import isal_zlib as fast
except ImportError:  # the extra `tuned` is not installed
    import zlib as fast  # type: ignore[no-redef]

__all__ = ["fast"]
